import { and, type Column, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { events, retirements, usageDaily, usageHourly, usageTotals } from '@/drizzle/schema/events'
import { teams } from '@/drizzle/schema/members'
import { tokens } from '@/drizzle/schema/tokens'
import { usageDailyByDimension, usageHourlyByDimension } from '@/drizzle/schema/usage'
import { EVENT_FILTER_FIELDS } from '@/lib/contract/events'
import type { UsageDimension, UsageSums } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import type { FilterTerm } from '@/lib/filter'
import { usdOfNano } from '@/lib/money'
import type { Transaction } from '../database'
import { filterSql } from '../events/filter-sql'
import { EVENT_COLUMNS, type Rollup, rollupColumn } from '../events/queries'
import { type Piece, type Pieces, piecesOf } from './pieces'
import type { Question } from './question'

/** Events that one question may read one by one, which it does at the edges of hours alone. */
export const EVENTS_READ_MAX = 500_000

/** Sums of one group, by the values of the dimensions in their order; '' where a request has none. */
export type Group = { values: string[]; sums: UsageSums }
/** `interval` counts from 0. */
export type Point = Group & { interval: number }
export type Usage = {
  total: UsageSums
  /** The dearest first. */
  groups: Group[]
  rest: { groups: number; sums: UsageSums } | null
  /** In order of time, then of `groups`. */
  points: Point[]
  /** Whether there are more points than were asked for. */
  hasMore: boolean
}

type Row = Record<(typeof METRICS)[number], string> & {
  kind: 'total' | 'group' | 'rest' | 'point'
  interval: number
  d0: string
  d1: string
  groups: string
}

/**
 * What was used, in intervals and by dimensions: the `limit` dearest groups, and what the others come to. Whole days and
 * hours of UTC come from the sums that are kept as events are recorded; what is cut by a bound from the events themselves
 * and what their costs were adjusted by.
 *
 * @throws AppError `unprocessable` when too many events would have to be read, or some of them are no longer there
 */
export async function sumUsage(
  tx: Transaction,
  question: Question,
  { limit, pointsMax }: { limit: number; pointsMax: number },
): Promise<Usage> {
  const counted = await countedBy(tx, question)
  const { rows } = await tx.execute<Row>(sql`
    with counted as materialized (${counted}), grouped as (
      select d0, d1, ${summed(sql`counted`)},
        row_number() over (order by sum(cost) desc, sum(requests) desc, d0 collate "C", d1 collate "C") as place
      from counted group by d0, d1 having sum(requests) <> 0 or sum(cost) <> 0
    ), points as (
      select counted."interval", d0, d1, ${listed(sql`counted`)}, grouped.place
      from counted join grouped using (d0, d1)
      where grouped.place <= ${limit} and (counted.requests <> 0 or counted.cost <> 0)
      order by 1, grouped.place limit ${pointsMax + 1}
    )
    select 'total' as kind, 0 as "interval", '' as d0, '' as d1, ${summed(sql`counted`)}, 0 as groups, 0 as place from counted
    union all
    select 'group', 0, d0, d1, ${listed(sql`grouped`)}, 1, place from grouped where place <= ${limit}
    union all
    select 'rest', 0, '', '', ${summed(sql`grouped`)}, count(*), 0 from grouped where place > ${limit}
    union all
    select 'point', "interval", d0, d1, ${listed(sql`points`)}, 1, place from points
    order by kind, "interval", place`)
  const of = (kind: Row['kind']) => rows.filter((row) => row.kind === kind)
  const groupOf = (row: Row): Group => ({
    values: [row.d0, row.d1].slice(0, question.dimensions.length),
    sums: sumsOf(row),
  })
  const [total] = of('total')
  const [rest] = of('rest')
  const points = of('point')
  return {
    total: sumsOf(total),
    groups: of('group').map(groupOf),
    rest: rest && Number(rest.groups) > 0 ? { groups: Number(rest.groups), sums: sumsOf(rest) } : null,
    points: points.slice(0, pointsMax).map((row) => ({ ...groupOf(row), interval: row.interval })),
    hasMore: points.length > pointsMax,
  }
}

/** Sums over all of the time of a question: of everything, and of some of its groups in their order. */
export async function sumGroups(
  tx: Transaction,
  question: Question,
  groups: readonly Group[],
): Promise<{ total: UsageSums; groups: UsageSums[] }> {
  const counted = await countedBy(tx, question)
  const [first, second] = [0, 1].map((at) => sql.param(groups.map(({ values }) => values[at] ?? '')))
  const { rows } = await tx.execute<Row>(sql`
    with counted as materialized (${counted})
    select 'total' as kind, 0 as place, ${summed(sql`counted`)} from counted
    union all
    select 'group', wanted.place, ${summed(sql`counted`)}
    from unnest(${first}::text[], ${second}::text[]) with ordinality as wanted (d0, d1, place)
    left join counted using (d0, d1) group by wanted.place
    order by kind desc, place`)
  const [total, ...others] = rows
  return { total: sumsOf(total), groups: others.map(sumsOf) }
}

/** As keys and teams are called now, by dimension and id. */
export async function namesOf(
  tx: Transaction,
  { actor: { orgId }, dimensions }: Question,
  groups: readonly Group[],
): Promise<Map<UsageDimension, Map<string, string>>> {
  const names = new Map<UsageDimension, Map<string, string>>()
  for (const [at, dimension] of dimensions.entries()) {
    const ids = groups.flatMap(({ values }) => values[at] ?? [])
    if (dimension === 'token_id') names.set(dimension, await namesIn(tx, tokens, orgId, ids))
    if (dimension === 'team_id') names.set(dimension, await teamNames(tx, orgId, ids))
  }
  return names
}

export const teamNames = (tx: Transaction, orgId: string, ids: readonly string[]): Promise<Map<string, string>> =>
  namesIn(tx, teams, orgId, ids)

async function namesIn(tx: Transaction, table: typeof tokens | typeof teams, orgId: string, ids: readonly string[]) {
  const wanted = sql.param([...new Set(ids)])
  const rows = await tx
    .select({ id: table.id, name: table.name })
    .from(table)
    .where(and(eq(table.orgId, orgId), sql`${table.id} = any(${wanted}::text[])`))
  return new Map(rows.map(({ id, name }) => [id, name]))
}

const METRICS = [
  'requests',
  'errors',
  'cache_hits',
  'tokens_input',
  'tokens_output',
  'tokens_total',
  'cost',
  'unpriced',
] as const

const summed = (from: SQL): SQL =>
  list(METRICS.map((name) => sql`sum(${from}.${sql.identifier(name)}) as ${sql.identifier(name)}`))
const listed = (from: SQL): SQL => list(METRICS.map((name) => sql`${from}.${sql.identifier(name)}`))
const list = (parts: SQL[]): SQL => sql.join(parts, sql`, `)

/** No sum is of use that is no longer exact; nor may it keep the others from being told. */
const countOf = (text: string | null | undefined): number => Math.min(Number(text ?? 0), Number.MAX_SAFE_INTEGER)

const sumsOf = (row: Row | undefined): UsageSums => ({
  requests: countOf(row?.requests),
  errors: countOf(row?.errors),
  cache_hits: countOf(row?.cache_hits),
  tokens_input: countOf(row?.tokens_input),
  tokens_output: countOf(row?.tokens_output),
  tokens_total: countOf(row?.tokens_total),
  cost_usd: usdOfNano(BigInt(row?.cost ?? 0)),
  unpriced: countOf(row?.unpriced),
})

/** Rows of `interval`, `d0`, `d1` and the metrics, one for each that names something. */
async function countedBy(tx: Transaction, question: Question): Promise<SQL> {
  const pieces = piecesOf(question.bounds)
  await checkEvents(tx, question, pieces.events)
  const alone = dimensionAlone(question)
  const [ofDays, ofHours] = alone
    ? [ofDimension(usageDailyByDimension, question, alone), ofDimension(usageHourlyByDimension, question, alone)]
    : [ofRollup(usageDaily, question), ofRollup(usageHourly, question)]
  const sources = [
    ...(pieces.days.length > 0 ? [fromPieces(pieces.days, ofDays)] : []),
    ...(pieces.hours.length > 0 ? [fromPieces(pieces.hours, ofHours)] : []),
    ...(pieces.events.length > 0
      ? [fromPieces(pieces.events, ofEvents(question)), fromPieces(pieces.events, ofAdjustments(question))]
      : []),
  ]
  const [first, ...others] = sources
  if (first === undefined) return NOTHING
  const all = [...pieces.days, ...pieces.hours, ...pieces.events]
  const intervals = new Set(all.map(({ plus }) => plus))
  if (others.length === 0 && all.every(({ minus }) => minus === null) && intervals.size === all.length) {
    return sql`select read.plus as "interval", d0, d1, ${listed(sql`read`)} from (${first}) as read`
  }
  return sql`
    select moved.place as "interval", d0, d1, ${list(METRICS.map((name) => sql`capped(sum(moved.sign * read.${sql.identifier(name)})) as ${sql.identifier(name)}`))}
    from (${sql.join(sources, sql` union all `)}) as read
    cross join lateral (values (read.plus, 1), (read.minus, -1)) as moved (place, sign)
    where moved.place is not null
    group by 1, 2, 3`
}

/** There is no time before the beginning of it. */
const NOTHING: SQL = sql`
    select 0 as "interval", '' as d0, '' as d1, ${list(METRICS.map((name) => sql`0::bigint as ${sql.identifier(name)}`))} where false`

/** One look per piece, so that nothing is read between them. */
function fromPieces(pieces: Piece[], sums: SQL): SQL {
  const [since, until, plus, minus] = [
    pieces.map(({ sinceMs }) => sinceMs),
    pieces.map(({ untilMs }) => untilMs),
    pieces.map((piece) => piece.plus),
    pieces.map((piece) => piece.minus),
  ].map((column) => sql.param(column))
  return sql`
    select piece.plus, piece.minus, found.*
    from (
      select to_timestamp(since / 1000.0) as since, to_timestamp(until / 1000.0) as until, plus, minus
      from unnest(${since}::bigint[], ${until}::bigint[], ${plus}::int[], ${minus}::int[]) as given (since, until, plus, minus)
    ) as piece cross join lateral (${sums}) as found`
}

function ofRollup(u: Rollup, { condition, dimensions }: Question): SQL {
  const columns = dimensions.map((field) => rollupColumn(u, field))
  return sumsOfRollup(u, columns, condition.onRollup(u))
}

type ByDimension = typeof usageHourlyByDimension | typeof usageDailyByDimension
type OwnDimension = ByDimension['$inferSelect']['dimension']

/** The one dimension that a question is about, if it has sums of its own. All of them together count every event. */
function dimensionAlone({ actor, condition, dimensions }: Question): OwnDimension | null {
  const asked = new Set<string>([...dimensions, ...condition.terms.map(({ field }) => field)])
  if (actor.scope !== 'org') asked.add('team_id')
  if (asked.size === 0) return 'provider'
  const own = usageDailyByDimension.dimension.enumValues.find((dimension) => asked.has(dimension))
  return asked.size === 1 ? (own ?? null) : null
}

function ofDimension(u: ByDimension, { actor, condition, dimensions }: Question, dimension: OwnDimension): SQL {
  const isOwn = (term: FilterTerm): term is FilterTerm<OwnDimension> => term.field === dimension
  const ofTeam = actor.teamId === null ? sql`false` : eq(u.value, actor.teamId)
  const where = and(
    eq(u.orgId, actor.orgId),
    eq(u.dimension, dimension),
    actor.scope === 'org' ? undefined : ofTeam,
    filterSql(condition.terms.filter(isOwn), EVENT_FILTER_FIELDS, {
      team_id: u.value,
      provider: u.value,
      model: u.value,
    }),
  )
  return sumsOfRollup(
    u,
    dimensions.map(() => u.value),
    where,
  )
}

const sumsOfRollup = (u: Rollup | ByDimension, columns: Column[], where: SQL | undefined): SQL => sql`
    select ${values(columns.map((column) => sql`${column}`))}, ${capped(u.events)} as requests,
      ${capped(u.errors)} as errors, ${capped(u.cacheHits)} as cache_hits, ${capped(u.tokensInput)} as tokens_input,
      ${capped(u.tokensOutput)} as tokens_output, ${capped(u.tokensTotal)} as tokens_total, ${capped(u.costNanoUsd)} as cost,
      ${capped(u.unpriced)} as unpriced
    from ${u} where ${and(where, sql`${u.at} >= piece.since`, sql`${u.at} < piece.until`)}
    group by 1, 2`

/** Sums of sums in eight bytes are far quicker than in any number of digits. */
const capped = (column: Column): SQL => sql`capped(coalesce(sum(${column}), 0))`

const valuesOfEvent = (dimensions: UsageDimension[]): SQL =>
  values(dimensions.map((field) => sql`coalesce(${EVENT_COLUMNS[field]}, '')`))
const isUnpriced = sql`${events.tokensTotal} is not null and ${events.costNanoUsd} is null`

/** As control-plane/events/rollups.ts counts them. */
function ofEvents({ condition, dimensions }: Question): SQL {
  return sql`
    select ${valuesOfEvent(dimensions)}, count(*) as requests,
      count(*) filter (where ${events.statusCode} >= 400) as errors,
      count(*) filter (where ${events.cacheHit}) as cache_hits, ${capped(events.tokensInput)} as tokens_input,
      ${capped(events.tokensOutput)} as tokens_output, ${capped(events.tokensTotal)} as tokens_total,
      ${capped(events.costNanoUsd)} as cost, count(*) filter (where ${isUnpriced}) as unpriced
    from ${events}
    where ${and(condition.onEvents, sql`${events.occurredAt} >= piece.since`, sql`${events.occurredAt} < piece.until`)}
    group by 1, 2`
}

/** Events keep what they were recorded with: what was found later that they cost is in the ledger, and in the rollups. */
function ofAdjustments({ actor: { orgId }, condition, dimensions }: Question): SQL {
  return sql`
    select ${valuesOfEvent(dimensions)}, 0, 0, 0, 0, 0, 0, capped(sum(adjusted.amount)), -count(*) filter (where ${isUnpriced})
    from (
      select t.event_id, sum(e.amount_nano_usd) as amount
      from ledger_transactions t
      join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
      where t.org_id = ${orgId} and t.kind = 'adjust'
        and t.event_id >= first_event_id(piece.since) and t.event_id < first_event_id(piece.until)
      group by 1
    ) as adjusted
    join ${events} on ${events.orgId} = ${orgId} and ${events.eventId} = adjusted.event_id
      and ${events.occurredAt} = event_time(adjusted.event_id)
    where ${condition.onEvents}
    group by 1, 2`
}

const values = ([first, second]: SQL[]): SQL => sql`${first ?? sql`''`} as d0, ${second ?? sql`''`} as d1`

/** @throws AppError `unprocessable` */
async function checkEvents(
  tx: Transaction,
  { actor: { orgId }, timeZone }: Question,
  pieces: Pieces['events'],
): Promise<void> {
  if (pieces.length === 0) return
  const hours = [...new Set(pieces.map(({ sinceMs }) => Math.floor(sinceMs / 3_600_000) * 3_600_000))]
  const months = [...new Set(hours.map((ms) => new Date(ms).toISOString().slice(0, 7)))]
  const [gone] = await tx
    .select({ month: retirements.month })
    .from(retirements)
    .where(
      and(
        eq(retirements.orgId, orgId),
        inArray(
          retirements.month,
          months.map((month) => `${month}-01`),
        ),
      ),
    )
    .orderBy(retirements.month)
    .limit(1)
  if (gone) {
    throw new AppError(
      'unprocessable',
      `The events of ${gone.month.slice(0, 7)} were dropped by retention, so its hours can no longer be divided: ask for whole hours of UTC, in a time zone whose days begin with one.`,
    )
  }
  // Around both ends of a range there are few, whatever the traffic.
  if (pieces.length <= 4) return
  const at = sql.param(hours)
  const { rows } = await tx.execute<{ total: string | null }>(sql`
    select sum(${usageTotals.events}) as total
    from unnest(${at}::bigint[]) as hour (ms)
    join ${usageTotals} on ${usageTotals.orgId} = ${orgId} and ${usageTotals.at} = to_timestamp(hour.ms / 1000.0)`)
  const total = Number(rows[0]?.total ?? 0)
  if (total > EVENTS_READ_MAX) {
    throw new AppError(
      'unprocessable',
      `Hours of ${timeZone} begin within hours of UTC, so some ${total} events would have to be read. Ask for less time, for a longer interval, or in a time zone whose hours begin with those of UTC.`,
    )
  }
}
