import { and, asc, eq, gt } from 'drizzle-orm'
import { z } from 'zod'
import { users } from '@/drizzle/schema/members'
import type { Member, members } from '@/lib/contract/members'
import { toPage } from '@/lib/contract/page'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Input } from '../routes'

export type UserRow = typeof users.$inferSelect

const Position = z.tuple([z.string().max(64)])

/** Oldest first. */
export async function listMembers(ctx: Context, input: Input<typeof members.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'members.list', input)
  const [after] = cursors.decode(Position) ?? []
  const rows = await tx
    .select()
    .from(users)
    .where(and(eq(users.orgId, actor.orgId), after === undefined ? undefined : gt(users.id, after)))
    .orderBy(asc(users.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toMember), input.limit, ({ id }) => cursors.encode([id]))
}

export const toMember = (row: UserRow): Member => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role_id: row.roleId,
  team_id: row.teamId,
  disabled: row.disabledAt !== null,
  created_at: row.createdAt,
  last_sign_in_at: row.lastSignInAt,
})
