import { and, asc, eq, gt, or } from 'drizzle-orm'
import { z } from 'zod'
import { teams } from '@/drizzle/schema/members'
import { toPage } from '@/lib/contract/page'
import type { teams as contract, Team } from '@/lib/contract/teams'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Input } from '../routes'

export type TeamRow = typeof teams.$inferSelect

const Position = z.tuple([z.string().max(200), z.string().max(64)])

/** By name. */
export async function listTeams(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'teams.list', input)
  const after = cursors.decode(Position)
  const rows = await tx
    .select()
    .from(teams)
    .where(
      and(
        eq(teams.orgId, actor.orgId),
        after && or(gt(teams.name, after[0]), and(eq(teams.name, after[0]), gt(teams.id, after[1]))),
      ),
    )
    .orderBy(asc(teams.name), asc(teams.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toTeam), input.limit, ({ id, name }) => cursors.encode([name, id]))
}

export const toTeam = ({ id, name, createdAt }: TeamRow): Team => ({ id, name, created_at: createdAt })
