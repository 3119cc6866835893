import { and, asc, eq, gt, or } from 'drizzle-orm'
import { z } from 'zod'
import { users } from '@/drizzle/schema/members'
import { savedViews } from '@/drizzle/schema/views'
import { toPage } from '@/lib/contract/page'
import type { views as contract, SavedView } from '@/lib/contract/views'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Input } from '../routes'

export type ViewRow = typeof savedViews.$inferSelect

const Position = z.tuple([z.string().max(200), z.string().max(64)])

/** One's own and what others share, by name. */
export async function listViews(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'views.list', input)
  const after = cursors.decode(Position)
  const isMine = actor.memberId === null ? undefined : eq(savedViews.userId, actor.memberId)
  const rows = await tx
    .select({ view: savedViews, owner: users.name })
    .from(savedViews)
    .innerJoin(users, and(eq(users.orgId, savedViews.orgId), eq(users.id, savedViews.userId)))
    .where(
      and(
        eq(savedViews.orgId, actor.orgId),
        or(isMine, savedViews.shared),
        input.page && eq(savedViews.page, input.page),
        after && or(gt(savedViews.name, after[0]), and(eq(savedViews.name, after[0]), gt(savedViews.id, after[1]))),
      ),
    )
    .orderBy(asc(savedViews.name), asc(savedViews.id))
    .limit(input.limit + 1)
  return toPage(
    rows.map(({ view, owner }) => toView(view, owner, actor.memberId)),
    input.limit,
    ({ id, name }) => cursors.encode([name, id]),
  )
}

export const toView = (row: ViewRow, ownerName: string, memberId: string | null): SavedView => ({
  id: row.id,
  page: row.page,
  name: row.name,
  query: row.query,
  shared: row.shared,
  owner: { id: row.userId, name: ownerName },
  mine: row.userId === memberId,
  updated_at: row.updatedAt,
})
