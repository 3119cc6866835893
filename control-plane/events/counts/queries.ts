import { and, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { events, usageDaily, usageHourly, usageTotals } from '@/drizzle/schema/events'
import { usageDailyByDimension, usageHourlyByDimension } from '@/drizzle/schema/usage'
import type { EventFacetField } from '@/lib/contract/events'
import type { Transaction } from '../../database'
import { EVENT_COLUMNS, type EventCondition, type Rollup } from '../queries'
import { type Parts, partsOf, type Range } from './range'

/** Events that are read one by one for what no rollup holds: the newest of the range. */
const READ_MAX = 100_000

export type Counting = { tx: Transaction; orgId: string; condition: EventCondition; range: Range }

/** Something that is counted by, as it is found in events and in rollups. */
export type Dimension = { ofEvents: SQL; ofRollup: (u: Rollup) => SQL }

/** Rows of `d0`, `d1`, ... and `count`, which may name the same values more than once. */
export type Counts = { source: SQL; complete: boolean; countedSinceMs: number }

/** Counts of what the rollups hold; exact, because the ends of the range are counted from single events. */
export function countsOfRollups(counting: Counting, dimensions: Dimension[], withDays: boolean): Counts {
  const { condition, range } = counting
  const { days, hours, edges } = partsOf(range, withDays)
  const ofRollup = (u: Rollup, part: Range) => sql`
    select ${columns(dimensions.map((dimension) => dimension.ofRollup(u)))}, sum(${u.events})::bigint as count
    from ${u} where ${and(condition.onRollup(u), gte(u.at, timeOf(part.sinceMs)), lt(u.at, timeOf(part.untilMs)))}
    group by ${positions(dimensions)}`
  const parts = [
    ...(days ? [ofRollup(usageDaily, days)] : []),
    ...hours.map((part) => ofRollup(usageHourly, part)),
    ...edges.map((edge) =>
      edgeCounts(
        condition,
        dimensions.map(({ ofEvents }) => ofEvents),
        edge,
      ),
    ),
  ]
  return { source: sql.join(parts, sql` union all `), complete: true, countedSinceMs: range.sinceMs }
}

/** Counts by hour and verdict, of which there are few, where nothing else is asked. */
export function countsOfTotals({ condition, range }: Counting): Counts | null {
  if (condition.onTotals === null) return null
  const { hours, edges } = partsOf(range, false)
  const parts = [
    ...hours.map(
      (part) => sql`
        select ${usageTotals.at} as d0, ${usageTotals.verdict} as d1, ${usageTotals.events} as count from ${usageTotals}
        where ${and(condition.onTotals ?? undefined, gte(usageTotals.at, timeOf(part.sinceMs)), lt(usageTotals.at, timeOf(part.untilMs)))}`,
    ),
    ...edges.map((edge) => edgeCounts(condition, [hourOfEvent, sql`${events.verdict}`], edge)),
  ]
  return { source: sql.join(parts, sql` union all `), complete: true, countedSinceMs: range.sinceMs }
}

/** Counts by each of some fields, as rows of `field`, `value` and `count`. */
export function countsByField(fields: EventFacetField[], counts: SQL): SQL {
  const pairs = fields.map((field, index) => sql`(${field}::text, counted.${sql.identifier(`d${index}`)})`)
  return sql`
    select f.field, f.value, counted.count from (${counts}) as counted
    cross join lateral (values ${sql.join(pairs, sql`, `)}) as f(field, value)`
}

type ByDimension = typeof usageDailyByDimension | typeof usageHourlyByDimension

/** The same of all events of an organisation, from the sums that are kept by one field alone; null when not all of the fields have them. */
export function countsOfFields({ orgId, condition, range }: Counting, fields: EventFacetField[]): SQL | null {
  const kept: readonly string[] = usageDailyByDimension.dimension.enumValues
  if (!condition.isEverything || !fields.every((field) => kept.includes(field))) return null
  const { days, hours, edges } = partsOf(range, true)
  const wanted = sql.param(fields)
  const ofDimensions = (u: ByDimension, part: Range) => sql`
    select ${u.dimension} as field, ${u.value} as value, sum(${u.events})::bigint as count from ${u}
    where ${and(eq(u.orgId, orgId), sql`${u.dimension} = any(${wanted}::text[])`, gte(u.at, timeOf(part.sinceMs)), lt(u.at, timeOf(part.untilMs)))}
    group by 1, 2`
  const ofEvents = fields.map((field) => sql`coalesce(${EVENT_COLUMNS[field]}, '')`)
  const parts = [
    ...(days ? [ofDimensions(usageDailyByDimension, days)] : []),
    ...hours.map((part) => ofDimensions(usageHourlyByDimension, part)),
    ...edges.map((edge) => countsByField(fields, edgeCounts(condition, ofEvents, edge))),
  ]
  return sql.join(parts, sql` union all `)
}

/**
 * Counts of single events, of which the newest READ_MAX of the range are compared with the condition.
 *
 * @param isFew that there are no more is known
 */
export async function countsOfEvents(counting: Counting, dimensions: Dimension[], isFew = false): Promise<Counts> {
  const { condition, range } = counting
  const firstTooMany = isFew ? null : await firstBeyondReadMax(counting)
  // The moment of the first one too many is left out as a whole, because it may be cut in two.
  const countedSinceMs = firstTooMany === null ? range.sinceMs : firstTooMany + 1
  const source = sql`
    select ${columns(dimensions.map(({ ofEvents }) => ofEvents))}, count(*) as count
    from ${events} where ${and(condition.onEvents, within({ ...range, sinceMs: countedSinceMs }))}
    group by ${positions(dimensions)}`
  return { source, complete: firstTooMany === null, countedSinceMs }
}

async function firstBeyondReadMax({ tx, orgId, range }: Counting): Promise<number | null> {
  const { rows } = await tx.execute<{ ms: string }>(sql`
    select (extract(epoch from occurred_at) * 1000)::bigint as ms from ${events}
    where ${and(eq(events.orgId, orgId), within(range))}
    order by occurred_at desc, seq desc offset ${READ_MAX} limit 1`)
  return rows[0] ? Number(rows[0].ms) : null
}

/** Whether at most `few` events of the organisation lie in the hours of a range. */
export async function hasAtMost({ tx, orgId, range }: Counting, few: number): Promise<boolean> {
  const { rows } = await tx.execute<{ total: string | null }>(sql`
    select sum(${usageTotals.events}) as total from ${usageTotals}
    where ${and(eq(usageTotals.orgId, orgId), sql`${usageTotals.at} > ${timeOf(range.sinceMs - 3_600_000)}`, lt(usageTotals.at, timeOf(range.untilMs)))}`)
  return Number(rows[0]?.total ?? 0) <= few
}

const edgeCounts = (
  condition: EventCondition,
  dimensions: SQL[],
  { sign, ...edge }: Parts['edges'][number],
): SQL => sql`
    select ${columns(dimensions)}, (${sign}::int * count(*))::bigint as count
    from ${events} where ${and(condition.onEvents, within(edge))}
    group by ${positions(dimensions)}`

export const hourOfEvent: SQL = sql`date_trunc('hour', ${events.occurredAt}, 'UTC')`
export const momentOfEvent = (widthMs: number): SQL =>
  sql`date_bin(make_interval(secs => ${widthMs}::float8 / 1000), ${events.occurredAt}, to_timestamp(0))`

const columns = (expressions: SQL[]): SQL =>
  sql.join(
    expressions.map((expression, index) => sql`${expression} as ${sql.identifier(`d${index}`)}`),
    sql`, `,
  )
const positions = (dimensions: unknown[]): SQL => sql.raw(dimensions.map((_, index) => index + 1).join(', '))

const within = ({ sinceMs, untilMs }: Range): SQL | undefined =>
  and(gte(events.occurredAt, timeOf(sinceMs)), lt(events.occurredAt, timeOf(untilMs)))

/** As drizzle/functions.sql makes the time of an event id. */
const timeOf = (ms: number): SQL => sql`to_timestamp(${ms}::bigint / 1000.0)`
