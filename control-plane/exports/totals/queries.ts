import { and, asc, eq, gte, lt, lte, type SQL, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { events, usageDaily, usageHourly } from '@/drizzle/schema/events'
import { EVENT_FACET_FIELDS, EVENT_FILTER_FIELDS, type EventFacetField } from '@/lib/contract/events'
import type { FilterFieldKind } from '@/lib/contract/fields'
import { type FilterTerm, parseFilter, printFilter } from '@/lib/filter'
import type { Transaction } from '../../database'
import { filterSql } from '../../events/filter-sql'
import { activityOf, eventsOf, type Selection } from '../rows/queries'

/** What the rows of a selection come to. */
export type RowTotals = { rows: number; costNanoUsd: bigint; unpriced: number }

type Rollup = typeof usageHourly | typeof usageDaily

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Counting rows one by one gives up after this long. */
const COUNT_WITHIN_MS = 3_000

/**
 * Counts what an export made now would hold. Whole days and hours come from the sums that are kept when events are recorded,
 * if the filter is on what they are kept by; the rest is counted in the events themselves.
 *
 * @returns `exact: false` when there are too many rows to compare one by one: no more than that
 */
export async function countRows(tx: Transaction, selection: Selection): Promise<RowTotals & { exact: boolean }> {
  if (selection.type === 'activity') return { ...(await countActivity(tx, selection)), exact: true }
  const { kept, others } = termsOf(selection)
  if (others.length === 0) return { ...(await sumKept(tx, selection, kept)), exact: true }
  const counted = await countWithin(tx, selection)
  return counted ? { ...counted, exact: true } : { ...(await sumKept(tx, selection, kept)), exact: false }
}

/** How many events there are in each hour of a selection, at most: by the part of its filter that is kept count of. */
export async function hoursOf(tx: Transaction, selection: Selection): Promise<{ at: string; rows: number }[]> {
  const { since, until } = selection
  if (selection.type === 'activity') {
    const hour = sql<string>`date_trunc('hour', ${activity.at})`.mapWith(activity.at)
    return tx
      .select({ at: hour, rows: sql<number>`count(*)`.mapWith(Number) })
      .from(activity)
      .where(and(activityOf(selection), gte(activity.at, since), lt(activity.at, until)))
      .groupBy(sql`1`)
      .orderBy(sql`1`)
  }
  const first = new Date(Math.floor(Date.parse(since) / HOUR_MS) * HOUR_MS).toISOString()
  return tx
    .select({ at: usageHourly.at, rows: sql<number>`sum(${usageHourly.events})`.mapWith(Number) })
    .from(usageHourly)
    .where(and(keptOf(usageHourly, selection, termsOf(selection).kept), between(usageHourly, first, until)))
    .groupBy(usageHourly.at)
    .orderBy(asc(usageHourly.at))
}

/** Recent lines of a selection, to see how large they are. */
export async function sampleLines(tx: Transaction, selection: Selection, limit: number): Promise<string[]> {
  const { since, until } = selection
  // By time alone, which an index has: a filter that lets little through would have much to read.
  const rows =
    selection.type === 'activity'
      ? await tx
          .select({ line: activity.line })
          .from(activity)
          .where(and(eq(activity.orgId, selection.orgId), gte(activity.at, since), lt(activity.at, until)))
          .orderBy(sql`${activity.at} desc`)
          .limit(limit)
      : await tx
          .select({ line: events.line })
          .from(events)
          .where(and(eq(events.orgId, selection.orgId), gte(events.occurredAt, since), lt(events.occurredAt, until)))
          .orderBy(sql`${events.occurredAt} desc, ${events.seq} desc`)
          .limit(limit)
  return rows.map(({ line }) => line)
}

type KeptTerm = FilterTerm<EventFacetField>

/** A filter's terms, apart by whether sums are kept by their fields. */
function termsOf({ filter }: Selection): { kept: KeptTerm[]; others: FilterTerm[] } {
  const terms = parseFilter(filter)
  const isKept = (term: FilterTerm): term is KeptTerm => (EVENT_FACET_FIELDS as readonly string[]).includes(term.field)
  return { kept: terms.filter(isKept), others: terms.filter((term) => !isKept(term)) }
}

/** Days in the middle, hours around them, single events at both ends: none of them twice. */
async function sumKept(tx: Transaction, selection: Selection, kept: KeptTerm[]): Promise<RowTotals> {
  const total: RowTotals = { rows: 0, costNanoUsd: 0n, unpriced: 0 }
  for (const { source, from, to } of stretchesOf(Date.parse(selection.since), Date.parse(selection.until))) {
    const since = new Date(from).toISOString()
    const until = new Date(to).toISOString()
    const part =
      source === 'events'
        ? await countEvents(tx, { ...selection, filter: printFilter(kept), since, until })
        : await sumRollup(tx, source === 'days' ? usageDaily : usageHourly, { ...selection, since, until }, kept)
    total.rows += part.rows
    total.costNanoUsd += part.costNanoUsd
    total.unpriced += part.unpriced
  }
  return total
}

type Stretch = { source: 'events' | 'hours' | 'days'; from: number; to: number }

function stretchesOf(since: number, until: number): Stretch[] {
  const hours = alignedWithin(since, until, HOUR_MS)
  if (!hours) return [{ source: 'events', from: since, to: until }]
  const days = alignedWithin(hours.from, hours.to, DAY_MS)
  const inner: Stretch[] = days
    ? [
        { source: 'hours', from: hours.from, to: days.from },
        { source: 'days', ...days },
        { source: 'hours', from: days.to, to: hours.to },
      ]
    : [{ source: 'hours', ...hours }]
  const all: Stretch[] = [
    { source: 'events', from: since, to: hours.from },
    ...inner,
    { source: 'events', from: hours.to, to: until },
  ]
  return all.filter(({ from, to }) => from < to)
}

/** The longest stretch of whole units in a range; undefined when there is none. */
function alignedWithin(from: number, to: number, unitMs: number): { from: number; to: number } | undefined {
  const aligned = { from: Math.ceil(from / unitMs) * unitMs, to: Math.floor(to / unitMs) * unitMs }
  return aligned.from < aligned.to ? aligned : undefined
}

async function sumRollup(tx: Transaction, table: Rollup, selection: Selection, kept: KeptTerm[]): Promise<RowTotals> {
  const { events: count, costNanoUsd, unpriced } = table
  const [sum] = await tx
    .select({
      rows: sql`coalesce(sum(${count}), 0)`.mapWith(Number),
      costNanoUsd: sql`coalesce(sum(${costNanoUsd}), 0)`.mapWith(BigInt),
      unpriced: sql`coalesce(sum(${unpriced}), 0)`.mapWith(Number),
    })
    .from(table)
    .where(and(keptOf(table, selection, kept), between(table, selection.since, selection.until)))
  return sum ?? { rows: 0, costNanoUsd: 0n, unpriced: 0 }
}

async function countEvents(tx: Transaction, selection: Selection): Promise<RowTotals> {
  const [sum] = await tx
    .select({
      rows: sql`count(*)`.mapWith(Number),
      costNanoUsd: sql`coalesce(sum(${events.costNanoUsd}), 0)`.mapWith(BigInt),
      unpriced:
        sql`count(*) filter (where ${events.tokensTotal} is not null and ${events.costNanoUsd} is null)`.mapWith(
          Number,
        ),
    })
    .from(events)
    .where(
      and(
        eventsOf(selection),
        gte(events.occurredAt, selection.since),
        lt(events.occurredAt, selection.until),
        lte(events.seq, selection.throughSeq),
      ),
    )
  return sum ?? { rows: 0, costNanoUsd: 0n, unpriced: 0 }
}

async function countActivity(tx: Transaction, selection: Selection): Promise<RowTotals> {
  const [sum] = await tx
    .select({ rows: sql`count(*)`.mapWith(Number) })
    .from(activity)
    .where(
      and(
        activityOf(selection),
        gte(activity.at, selection.since),
        lt(activity.at, selection.until),
        lte(activity.seq, selection.throughSeq),
      ),
    )
  return { rows: sum?.rows ?? 0, costNanoUsd: 0n, unpriced: 0 }
}

const keptOf = (table: Rollup, { orgId, teamId, type }: Selection, kept: KeptTerm[]): SQL | undefined =>
  and(
    eq(table.orgId, orgId),
    teamId === null ? undefined : eq(table.teamId, teamId),
    type === 'escalations' ? eq(table.verdict, 'escalate') : undefined,
    filterSql(kept, KEPT_FIELDS, {
      verdict: table.verdict,
      reason_code: table.reasonCode,
      token_id: table.tokenId,
      token_name: table.tokenName,
      team_id: table.teamId,
      user_id: table.userId,
      agent_id: table.agentId,
      provider: table.provider,
      model: table.model,
    }),
  )

const KEPT_FIELDS: Record<EventFacetField, FilterFieldKind> = EVENT_FILTER_FIELDS

const between = (table: Rollup, since: string, until: string): SQL | undefined =>
  and(gte(table.at, since), lt(table.at, until))

/** Undefined when it would take too long; the transaction goes on as if it had not been tried. */
async function countWithin(tx: Transaction, selection: Selection): Promise<RowTotals | undefined> {
  const before = await tx.execute<{ value: string }>(sql`select current_setting('statement_timeout') as value`)
  try {
    return await tx.transaction(async (inner) => {
      await inner.execute(sql`select set_config('statement_timeout', ${String(COUNT_WITHIN_MS)}, true)`)
      return countEvents(inner, selection)
    })
  } catch (thrown) {
    if (!isStatementTimeout(thrown)) throw thrown
    return undefined
  } finally {
    const value = before.rows[0]?.value ?? '0'
    await tx.execute(sql`select set_config('statement_timeout', ${value}, true)`)
  }
}

/** SQLSTATE 57014, query_canceled (PostgreSQL, appendix A). */
const isStatementTimeout = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (('code' in thrown && thrown.code === '57014') || (thrown.cause !== undefined && isStatementTimeout(thrown.cause)))
