import { and, type Column, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { activity } from '@/drizzle/schema/activity'
import { ACTIVITY_FILTER_FIELDS, type ActivityFilterField, type activity as contract } from '@/lib/contract/activity'
import { resolveWhen } from '@/lib/contract/fields'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import { parseActivityFilter } from '@/lib/filter'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import { filterSql } from '../events/filter-sql'
import type { Input } from '../routes'

export const ACTIVITY_COLUMNS = {
  id: activity.id,
  action: activity.action,
  actor_id: activity.actorId,
  actor_name: activity.actorName,
  actor_type: activity.actorType,
  target_type: activity.targetType,
  target_id: activity.targetId,
  target_name: activity.targetName,
  source: activity.source,
  ip: activity.ip,
  outcome: activity.outcome,
  request_id: activity.requestId,
} satisfies Record<ActivityFilterField, Column>

const Position = z.tuple([z.iso.datetime({ precision: 6 }), z.int().min(0)])

/** Newest first, by time and then by `seq`: entries never change place. */
export async function listActivity(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor, request } = ctx
  assertMaySeeActivity(actor)
  const { since, until, action, actor_id, target_id, filter, limit } = input
  const cursors = cursorsOf(ctx, 'activity.list', input)
  const before = cursors.decode(Position)
  const at = (when: string) => resolveWhen(when, request.now).toISOString()
  const rows = await tx
    .select()
    .from(activity)
    .where(
      and(
        activityOf(actor, filter),
        since === undefined ? undefined : gte(activity.at, at(since)),
        until === undefined ? undefined : lt(activity.at, at(until)),
        action === undefined ? undefined : eq(activity.action, action),
        actor_id === undefined ? undefined : eq(activity.actorId, actor_id),
        target_id === undefined ? undefined : eq(activity.targetId, target_id),
        before && sql`(${activity.at}, ${activity.seq}) < (${before[0]}::timestamptz, ${before[1]}::bigint)`,
      ),
    )
    .orderBy(desc(activity.at), desc(activity.seq))
    .limit(limit + 1)
  return toPage(rows.map(toActivity), limit, (entry) => cursors.encode([entry.at, entry.seq]))
}

/** @throws AppError `forbidden` for keys of a team: whatever anybody changed is among it */
export function assertMaySeeActivity({ scope }: Pick<Actor, 'scope'>): void {
  if (scope === 'team') throw new AppError('forbidden', 'Activity belongs to the organisation, not to a team.')
}

/** The entries that a filter lets through, of an actor's organisation. */
export const activityOf = (actor: Pick<Actor, 'orgId'>, filter: string | undefined): SQL | undefined =>
  and(
    eq(activity.orgId, actor.orgId),
    filter ? filterSql(parseActivityFilter(filter), ACTIVITY_FILTER_FIELDS, ACTIVITY_COLUMNS) : undefined,
  )

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
