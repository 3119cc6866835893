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
import { DAY_MS, HOUR_MS } from '../events/counts/range'
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

type Metric = (typeof METRICS)[number]
type Row = Record<Metric, string> & {
  kind: 'total' | 'group' | 'rest' | 'points'
  d0: string
  d1: string
  groups: string
}
/** Of all points, each as one array: a row for each would take longer to carry than to count. Null when there are none. */
type PointArrays = Record<`p_${Metric | 'interval' | 'place'}`, string | null>

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
  const { rows } = await tx.execute<Row & PointArrays>(sql`
    with counted as materialized (${counted}), summed as materialized (
      select d0, d1, ${summed(sql`counted`)} from counted group by d0, d1
    ), grouped as materialized (
      select *, row_number() over (order by cost desc, requests desc, d0 collate "C", d1 collate "C") as place
      from summed where requests <> 0 or cost <> 0
    ), points as (
      select counted."interval", ${listed(sql`counted`)}, grouped.place
      from counted join grouped using (d0, d1)
      where grouped.place <= ${limit} and (counted.requests <> 0 or counted.cost <> 0)
      order by 1, grouped.place limit ${pointsMax + 1}
    )
    select 'total' as kind, '' as d0, '' as d1, ${summed(sql`summed`)}, 0 as groups, 0 as place, ${list(POINT_ARRAYS.map((name) => sql`null as ${sql.identifier(`p_${name}`)}`))} from summed
    union all
    select 'group', d0, d1, ${listed(sql`grouped`)}, 1, place, ${list(POINT_ARRAYS.map(() => sql`null`))} from grouped where place <= ${limit}
    union all
    select 'rest', '', '', ${summed(sql`grouped`)}, count(*), 0, ${list(POINT_ARRAYS.map(() => sql`null`))} from grouped where place > ${limit}
    union all
    select 'points', '', '', ${list(METRICS.map(() => sql`0`))}, 0, 0, ${list(POINT_ARRAYS.map((name) => sql`array_agg(${sql.identifier(name)})::text`))} from points
    order by kind, place`)
  const of = (kind: Row['kind']) => rows.filter((row) => row.kind === kind)
  const [total] = of('total')
  const [rest] = of('rest')
  const groups = of('group').map((row) => ({
    values: [row.d0, row.d1].slice(0, question.dimensions.length),
    sums: sumsOf(row),
  }))
  const [arrays] = of('points')
  const points = arrays ? pointsOf(arrays, groups) : []
  return {
    total: sumsOf(total),
    groups,
    rest: rest && Number(rest.groups) > 0 ? { groups: Number(rest.groups), sums: sumsOf(rest) } : null,
    points: points.slice(0, pointsMax),
    hasMore: points.length > pointsMax,
  }
}

function pointsOf(arrays: PointArrays, groups: readonly Group[]): Point[] {
  const places = itemsOf(arrays.p_place)
  const sums = Object.fromEntries(METRICS.map((name) => [name, itemsOf(arrays[`p_${name}`])])) as Record<
    Metric,
    string[]
  >
  return itemsOf(arrays.p_interval).map((interval, at) => ({
    interval: Number(interval),
    values: groups[Number(places[at]) - 1]?.values ?? [],
    sums: sumsBy((name) => sums[name][at]),
  }))
}

/** Of an array of numbers as PostgreSQL prints it. */
const itemsOf = (text: string | null): string[] => text?.slice(1, -1).split(',') ?? []

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

const POINT_ARRAYS = ['interval', 'place', ...METRICS] as const

const summed = (from: SQL): SQL =>
  list(METRICS.map((name) => sql`sum(${from}.${sql.identifier(name)}) as ${sql.identifier(name)}`))
const listed = (from: SQL): SQL => list(METRICS.map((name) => sql`${from}.${sql.identifier(name)}`))
const list = (parts: SQL[]): SQL => sql.join(parts, sql`, `)

/** No sum is of use that is no longer exact; nor may it keep the others from being told. */
const countOf = (text: string | undefined): number => Math.min(Number(text ?? 0), Number.MAX_SAFE_INTEGER)

const sumsOf = (row: Row | undefined): UsageSums => sumsBy((name) => row?.[name])

const sumsBy = (metric: (name: Metric) => string | undefined): UsageSums => ({
  requests: countOf(metric('requests')),
  errors: countOf(metric('errors')),
  cache_hits: countOf(metric('cache_hits')),
  tokens_input: countOf(metric('tokens_input')),
  tokens_output: countOf(metric('tokens_output')),
  tokens_total: countOf(metric('tokens_total')),
  cost_usd: usdOfNano(BigInt(metric('cost') ?? 0)),
  unpriced: countOf(metric('unpriced')),
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
    ...(pieces.days.length > 0 ? [fromRollup(pieces.days, ofDays, DAY_MS)] : []),
    ...(pieces.hours.length > 0 ? [fromRollup(pieces.hours, ofHours, HOUR_MS)] : []),
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

type RollupSums = {
  u: Rollup | ByDimension
  columns: Column[]
  where: SQL | undefined
  /** Whether its rows are told apart by nothing but these columns and the time. */
  isApart: boolean
}

/** Without a gap between the pieces all of them are read in one pass. */
function fromRollup(pieces: Piece[], { u, columns, where, isApart }: RollupSums, unitMs: number): SQL {
  const isGrouped = !isApart || pieces.some(({ sinceMs, untilMs }) => untilMs - sinceMs > unitMs)
  const [first, last] = [pieces[0], pieces.at(-1)]
  const isOnePass = pieces.every(({ sinceMs }, at) => at === 0 || pieces[at - 1]?.untilMs === sinceMs)
  if (!isOnePass || !first || !last) {
    const inPiece = and(where, sql`${u.at} >= piece.since`, sql`${u.at} < piece.until`)
    return fromPieces(
      pieces,
      sql`select ${columnsOf(u, columns, isGrouped)} from ${u} where ${inPiece} ${isGrouped ? sql`group by 1, 2` : sql``}`,
    )
  }
  const since = sql.param(pieces.map(({ sinceMs }) => new Date(sinceMs).toISOString()))
  const [plus, minus] = [pieces.map((piece) => piece.plus), pieces.map((piece) => piece.minus)].map((c) => sql.param(c))
  const inRange = and(where, sql`${u.at} >= ${timeOf(first.sinceMs)}`, sql`${u.at} < ${timeOf(last.untilMs)}`)
  return sql`
    select (${plus}::int[])[found.piece] as plus, (${minus}::int[])[found.piece] as minus, d0, d1, ${listed(sql`found`)}
    from (
      select ${columnsOf(u, columns, isGrouped)}, width_bucket(${u.at}, ${since}::timestamptz[]) as piece
      from ${u} where ${inRange} ${isGrouped ? sql`group by d0, d1, piece` : sql``}
    ) as found`
}

const timeOf = (ms: number): SQL => sql`to_timestamp(${ms}::bigint / 1000.0)`

const ofRollup = (u: Rollup, { condition, dimensions }: Question): RollupSums => ({
  u,
  columns: dimensions.map((field) => rollupColumn(u, field)),
  where: condition.onRollup(u),
  isApart: false,
})

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

function ofDimension(u: ByDimension, { actor, condition, dimensions }: Question, dimension: OwnDimension): RollupSums {
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
      verdict: u.value,
      reason_code: u.value,
    }),
  )
  return { u, columns: dimensions.map(() => u.value), where, isApart: dimensions.length > 0 }
}

const columnsOf = (u: Rollup | ByDimension, columns: Column[], isGrouped: boolean): SQL => {
  const sums = {
    requests: u.events,
    errors: u.errors,
    cache_hits: u.cacheHits,
    tokens_input: u.tokensInput,
    tokens_output: u.tokensOutput,
    tokens_total: u.tokensTotal,
    cost: u.costNanoUsd,
    unpriced: u.unpriced,
  } satisfies Record<(typeof METRICS)[number], Column>
  const listedSums = METRICS.map(
    (name) => sql`${isGrouped ? capped(sums[name]) : sql`${sums[name]}`} as ${sql.identifier(name)}`,
  )
  return sql`${values(columns.map((column) => sql`${column}`))}, ${list(listedSums)}`
}

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
