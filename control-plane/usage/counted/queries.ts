import { and, type Column, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { events, retirements, usageDaily, usageHourly, usageTotals } from '@/drizzle/schema/events'
import { usageDailyByDimension, usageHourlyByDimension } from '@/drizzle/schema/usage'
import { EVENT_FILTER_FIELDS } from '@/lib/contract/events'
import type { UsageDimension } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import type { FilterTerm } from '@/lib/filter'
import type { Transaction } from '../../database'
import { DAY_MS, HOUR_MS } from '../../events/counts/range'
import { filterSql } from '../../events/filter-sql'
import { EVENT_COLUMNS, type Rollup, rollupColumn } from '../../events/queries'
import { METRICS, type Metric } from '../metrics'
import { type Piece, type Pieces, piecesOf } from '../pieces'
import type { Question } from '../question'

/** Events that one question may read one by one, which it does at the edges of hours alone. */
const EVENTS_READ_MAX = 500_000

/**
 * Rows of `interval`, `d0`, `d1` and the metrics, one for each interval and combination of values that has any.
 *
 * @returns `isPlain` when they are read as they are kept, by a statement that has few forms and needs no plan of its own
 * @throws AppError `unprocessable` when too many events would have to be read, or some of them are no longer there
 */
export async function countedBy(tx: Transaction, question: Question): Promise<{ counted: SQL; isPlain: boolean }> {
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
  if (first === undefined) return { counted: NOTHING, isPlain: false }
  const all = [...pieces.days, ...pieces.hours, ...pieces.events]
  const intervals = new Set(all.map(({ plus }) => plus))
  if (others.length === 0 && all.every(({ minus }) => minus === null) && intervals.size === all.length) {
    const counted = sql`select read.plus as "interval", d0, d1, ${OF.read} from (${first}) as read`
    return { counted, isPlain: alone !== null && question.condition.terms.length === 0 }
  }
  const counted = sql`
    select moved.place as "interval", d0, d1, ${MOVED}
    from (${sql.join(sources, sql` union all `)}) as read
    cross join lateral (values (read.plus, 1), (read.minus, -1)) as moved (place, sign)
    where moved.place is not null
    group by 1, 2, 3`
  return { counted, isPlain: false }
}

/** Made once: to write a statement takes as long as some statements take to be answered. */
const listOf = (each: (name: Metric) => string): SQL => sql.raw(METRICS.map(each).join(', '))
const OF = {
  read: listOf((name) => `read.${name}`),
  found: listOf((name) => `found.${name}`),
}
const MOVED = listOf((name) => `sum(moved.sign * read.${name}) as ${name}`)
const ZEROS = listOf((name) => `0::bigint as ${name}`)

/** There is no time before the beginning of it. */
const NOTHING: SQL = sql`
    select 0 as "interval", '' as d0, '' as d1, ${ZEROS} where false`

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
      sql`select ${columnsOf(columns, isGrouped)} from ${u} where ${inPiece} ${isGrouped ? sql`group by 1, 2` : sql``}`,
    )
  }
  const since = sql.param(pieces.map(({ sinceMs }) => new Date(sinceMs).toISOString()))
  const [plus, minus] = [pieces.map((piece) => piece.plus), pieces.map((piece) => piece.minus)].map((c) => sql.param(c))
  const inRange = and(where, sql`${u.at} >= ${timeOf(first.sinceMs)}`, sql`${u.at} < ${timeOf(last.untilMs)}`)
  return sql`
    select (${plus}::int[])[found.piece] as plus, (${minus}::int[])[found.piece] as minus, d0, d1, ${OF.found}
    from (
      select ${columnsOf(columns, isGrouped)}, width_bucket(${u.at}, ${since}::timestamptz[]) as piece
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

const columnsOf = (columns: Column[], isGrouped: boolean): SQL =>
  sql`${values(columns.map((column) => sql`${column}`))}, ${isGrouped ? GROUPED : PLAIN}`

/** What metrics are called in rollups. */
const ROLLUP_NAMES = {
  requests: 'events',
  errors: 'errors',
  cache_hits: 'cache_hits',
  tokens_input: 'tokens_input',
  tokens_output: 'tokens_output',
  tokens_total: 'tokens_total',
  cost: 'cost_nano_usd',
  unpriced: 'unpriced',
} satisfies Record<Metric, string>
const PLAIN = listOf((name) => `${ROLLUP_NAMES[name]} as ${name}`)
/** Sums of sums in eight bytes are far quicker than in any number of digits. */
const GROUPED = listOf((name) => `capped(coalesce(sum(${ROLLUP_NAMES[name]}), 0)) as ${name}`)

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
