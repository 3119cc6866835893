import { and, desc, eq, gte, lt } from 'drizzle-orm'
import { z } from 'zod'
import { activity } from '@/drizzle/schema/activity'
import type { activity as contract } from '@/lib/contract/activity'
import { resolveWhen } from '@/lib/contract/fields'
import { toPage } from '@/lib/contract/page'
import type { Context } from '../context'
import { decodeCursor, encodeCursor } from '../cursor'
import type { Input } from '../routes'

const Position = z.tuple([z.number().int().nonnegative()])

/** Newest first, by position: entries never change place. */
export async function listActivity({ tx, actor, request }: Context, input: Input<typeof contract.list>) {
  const { since, until, action, actor_id, target_id, limit } = input
  const [before] = decodeCursor(Position, input.cursor) ?? []
  const at = (when: string) => resolveWhen(when, request.now).toISOString()
  const rows = await tx
    .select()
    .from(activity)
    .where(
      and(
        eq(activity.orgId, actor.orgId),
        since === undefined ? undefined : gte(activity.at, at(since)),
        until === undefined ? undefined : lt(activity.at, at(until)),
        action === undefined ? undefined : eq(activity.action, action),
        actor_id === undefined ? undefined : eq(activity.actorId, actor_id),
        target_id === undefined ? undefined : eq(activity.targetId, target_id),
        before === undefined ? undefined : lt(activity.seq, before),
      ),
    )
    .orderBy(desc(activity.seq))
    .limit(limit + 1)
  return toPage(rows.map(toActivity), limit, ({ seq }) => encodeCursor([seq]))
}

const toActivity = (row: typeof activity.$inferSelect) => ({
  id: row.id,
  seq: row.seq,
  at: row.at,
  actor: { type: row.actorType, id: row.actorId, name: row.actorName },
  action: row.action,
  target: { type: row.targetType, id: row.targetId, name: row.targetName },
  before: row.before,
  after: row.after,
  source: row.source,
  ip: row.ip,
  request_id: row.requestId,
  outcome: row.outcome,
})
