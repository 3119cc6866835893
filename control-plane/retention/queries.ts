import { eq, sql } from 'drizzle-orm'
import { retirements, usageDaily } from '@/drizzle/schema/events'
import { trailDigests, trailState } from '@/drizzle/schema/trail'
import type { MONTH_STATES, retention } from '@/lib/contract/retention'
import type { Transaction } from '../database'
import { standingHolds } from '../holds/queries'
import { payloadTotals } from '../payloads/queries'
import type { Operation } from '../routes'
import { securityOf } from '../settings/queries'

const DAY_MS = 86_400_000
const MONTHS_MAX = 240
type MonthState = (typeof MONTH_STATES)[number]

/** What is kept, and what the daily run will do about it. */
export const readRetention: Operation<typeof retention.get> = async ({ tx, actor, request }) => {
  const { orgId } = actor
  const { events_retention_days, payloads_retention_days } = await securityOf(tx, orgId)
  const nowMs = request.now.getTime()
  const dueBefore =
    payloads_retention_days === null ? null : new Date(nowMs - payloads_retention_days * DAY_MS).toISOString()
  const payloads = await payloadTotals(tx, orgId, dueBefore)
  return {
    events_retention_days,
    payloads_retention_days,
    months: await monthsOf(tx, orgId, events_retention_days, nowMs),
    payloads: {
      kept: payloads.kept,
      bytes: payloads.bytes,
      oldest_at: payloads.oldestAt && new Date(payloads.oldestAt).toISOString(),
      due: payloads.due,
      leaving: payloads.leaving,
    },
  }
}

async function monthsOf(tx: Transaction, orgId: string, retentionDays: number | null, nowMs: number) {
  const holds = await standingHolds(tx, orgId)
  const signed = await signedThrough(tx, orgId)
  const retired = await retiredMonths(tx, orgId)
  const months = []
  for (const { month, counted } of await countedMonths(tx, orgId)) {
    const gone = retired.get(month)
    const [startMs, endMs] = boundsOf(month)
    const droppableMs = retentionDays === null ? null : endMs + retentionDays * DAY_MS
    const covering = holds.filter(
      ({ since, until }) =>
        (since === null || Date.parse(since) < endMs) && (until === null || Date.parse(until) > startMs),
    )
    const isGone = gone !== undefined && gone.events >= counted
    const isOld = droppableMs !== null && droppableMs <= nowMs
    const isSigned = !isGone && isOld && signed >= (await newestOf(tx, orgId, month))
    const state: MonthState = isGone
      ? 'retired'
      : !isOld
        ? 'kept'
        : covering.length > 0
          ? 'held'
          : isSigned
            ? 'due'
            : 'unsigned'
    months.push({
      month,
      events: isGone ? gone.events : counted - (gone?.events ?? 0),
      droppable_from: droppableMs === null ? null : new Date(droppableMs).toISOString(),
      state,
      holds: covering.map(({ name }) => name),
      retired_at: gone === undefined ? null : new Date(gone.at).toISOString(),
    })
  }
  return months
}

/** Months with events by the rollups, which stay when events are dropped; newest first. */
const countedMonths = (tx: Transaction, orgId: string) => {
  const month = sql<string>`to_char(${usageDaily.at} at time zone 'UTC', 'YYYY-MM')`
  return tx
    .select({ month, counted: sql<number>`sum(${usageDaily.events})::float8` })
    .from(usageDaily)
    .where(eq(usageDaily.orgId, orgId))
    .groupBy(sql`1`)
    .orderBy(sql`1 desc`)
    .limit(MONTHS_MAX)
}

async function retiredMonths(tx: Transaction, orgId: string) {
  const rows = await tx
    .select({
      month: retirements.month,
      events: sql<number>`sum(${retirements.events})::float8`,
      at: sql<string>`max(${retirements.retiredAt})`,
    })
    .from(retirements)
    .where(eq(retirements.orgId, orgId))
    .groupBy(retirements.month)
  return new Map(rows.map(({ month, ...rest }) => [month.slice(0, 7), rest]))
}

/** The last place in the record that a signed digest covers and whose hash is in the trail's tiles; 0 under an alarm. */
async function signedThrough(tx: Transaction, orgId: string): Promise<number> {
  const [digest] = await tx
    .select({ last: sql<number>`coalesce(max(${trailDigests.seqEnd}), 0)::float8` })
    .from(trailDigests)
    .where(eq(trailDigests.orgId, orgId))
  const [state] = await tx.select().from(trailState).where(eq(trailState.orgId, orgId))
  return state === undefined || state.alarm !== null ? 0 : Math.min(digest?.last ?? 0, state.integratedSize)
}

async function newestOf(tx: Transaction, orgId: string, month: string): Promise<number> {
  const { rows } = await tx.execute<{ newest: number }>(sql`
    select coalesce(max(seq), 0)::float8 as newest from events
    where org_id = ${orgId} and occurred_at >= ${`${month}-01`}::timestamptz
      and occurred_at < ${`${month}-01`}::timestamptz + interval '1 month'`)
  return rows[0]?.newest ?? 0
}

function boundsOf(month: string): [number, number] {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return [Date.UTC(year, number - 1), Date.UTC(year, number)]
}

/** Months that are over, as partitions, oldest first: `2026-04`. */
export async function pastMonths(tx: Transaction): Promise<string[]> {
  const { rows } = await tx.execute<{ month: string }>(sql`
    select replace(substr(c.relname, 8), '_', '-') as month
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.events'::regclass and c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
      and c.relname < 'events_' || to_char(now() at time zone 'UTC', 'YYYY_MM')
    order by 1`)
  return rows.map(({ month }) => month)
}

/** What stands against dropping a month, whatever organisation it is of; null when nothing does. */
export async function monthObstacle(tx: Transaction, month: string): Promise<string | null> {
  const { rows } = await tx.execute<{ obstacle: string | null }>(sql`select event_month_obstacle(${month}) as obstacle`)
  return rows[0]?.obstacle ?? null
}
