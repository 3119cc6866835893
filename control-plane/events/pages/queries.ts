import { and, eq, gte, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { events, retirements, usageDaily, usageHourly } from '@/drizzle/schema/events'
import type { events as contract } from '@/lib/contract/events'
import type { FilterTerm } from '@/lib/filter'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import { executePrepared, type Transaction } from '../../database'
import type { Input } from '../../routes'
import { Written } from '../../written'
import { eventJson } from '../event-json'
import { conditionOf, type EventCondition, instantOf, type Rollup } from '../queries'
import { type Periods, periodsOf, type Stretch, stretchOf } from './stretch'

/** Rows that are read in order before anything cleverer is tried: what is common is found among them. */
const FIRST_LOOK = 300
/** Rows read per further look, and how long a page may look for. */
const LOOK = 4_000
const LOOKING_MAX_MS = 150
/** Rows of a rollup that are read to find out where to look. */
const ROLLUP_ROWS = 2_000
/** Events compared by a look for what the rollups narrow down but do not hold. */
const CANDIDATES = 2_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Where a search stands: everything at or after it has been looked at. With `seq` 0, all of that moment and later. */
type Place = { ms: number; seq: number }
type Found = Place & { line: string }
/** Matches, newest first, and where the next look begins: null when there is nothing further back. */
type Look = { found: Found[]; next: Place | null }
type Search = {
  tx: Transaction
  orgId: string
  condition: EventCondition
  sinceMs: number
  /** First days of months whose events were dropped, once that was asked: rollups outlive them. */
  retired: Set<string> | null
}

const Position = z.tuple([z.int().min(0), z.int().min(0)])

/**
 * Newest first by the time of their ids, then by `seq`; the cursor names both.
 *
 * The newest rows are read in order first, and that is all where matches are common. Where they are rare, the rollups
 * say on which days, in which hours and in which combinations there are any, and those are fetched. What rollups do not
 * hold is compared row by row, for a bounded time.
 */
export async function listEvents(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor, request } = ctx
  const cursors = cursorsOf(ctx, 'events.list', input)
  const position = cursors.decode(Position)
  const condition = conditionOf(actor, input.filter, ofAgent(input.agent_id))
  const sinceMs = input.since === undefined ? 0 : instantOf(input.since, request.now).getTime()
  const until = input.until === undefined ? null : { ms: instantOf(input.until, request.now).getTime(), seq: 0 }
  const from = position ? { ms: position[0], seq: position[1] } : until

  const search = { tx, orgId: actor.orgId, condition, sinceMs, retired: null }
  const { found, next } = await findPage(search, from, input.limit + 1)
  const shown = found.slice(0, input.limit)
  const isFull = found.length > input.limit
  const place = (isFull && shown.at(-1)) || next
  const items = `[${shown.map(({ line }) => eventJson(line)).join(',')}]`
  const rest = {
    next_cursor: place && cursors.encode([place.ms, place.seq]),
    complete: isFull || next === null,
    scanned_until: place && new Date(place.ms).toISOString(),
  } satisfies Omit<z.output<typeof contract.list.output>, 'items' | 'events'>
  return new Written(`{"items":${items},"events":${items},${JSON.stringify(rest).slice(1)}`)
}

const ofAgent = (agentId: string | undefined): FilterTerm[] =>
  agentId === undefined ? [] : [{ field: 'agent_id', operator: '=', values: [agentId], start: 0, end: 0 }]

/** `need` matches, or fewer together with the place at which the time was over. */
async function findPage(search: Search, from: Place | null, need: number): Promise<Look> {
  const startedAt = performance.now()
  const first = await readInOrder(search, from, need, Math.max(FIRST_LOOK, need))
  const { found } = first
  let { next } = first
  const isNarrowed = search.condition.isNarrowed && !isById(search.condition)
  // What every so many rows have is found soonest by reading on.
  const isDense = found.length * LOOK >= need * FIRST_LOOK
  if (next !== null && found.length < need && isDense) {
    const look = await readInOrder(search, next, need - found.length, LOOK)
    found.push(...look.found)
    next = look.next
  }
  while (next !== null && found.length < need && performance.now() - startedAt < LOOKING_MAX_MS) {
    const look: Look = isNarrowed
      ? await readWhereCounted(search, next, need - found.length)
      : await readInOrder(search, next, need - found.length, LOOK)
    found.push(...look.found)
    next = look.next
  }
  return { found, next }
}

/** Ids are in indexes of their own, in order of time: few rows are read, whatever else is compared. */
const isById = ({ terms }: EventCondition): boolean =>
  terms.some(
    ({ field, operator, values }) =>
      operator === '=' && !values.includes('') && ['event_id', 'request_id', 'conversation_id'].includes(field),
  )

/** Reads at most `rows` rows in order of time and keeps what matches. */
async function readInOrder(search: Search, from: Place | null, need: number, rows: number): Promise<Look> {
  const { tx, orgId, condition } = search
  const matches = condition.onEvents ?? sql`true`
  const byId = isById(condition)
  const line = byId ? sql`line` : sql`case when ${matches} then line end`
  // Numbers of rows stand in the text, where a plan that is kept is made for them.
  const [limit, last] = [sql.raw(String(need)), sql.raw(String(rows))]
  const query = sql`
    select ${MS}, h.seq, h.line, h.place
    from (
      select s.*, row_number() over (order by s.occurred_at desc, s.seq desc) as place
      from (
        select occurred_at, seq, ${line} as line from ${events}
        where ${and(eq(events.orgId, orgId), within(search.sinceMs, from), byId ? matches : undefined)}
        order by occurred_at desc, seq desc limit ${last}
      ) as s
    ) as h
    where h.line is not null or h.place = ${last}
    order by h.occurred_at desc, h.seq desc limit ${limit}`
  type Row = { ms: string; seq: string; line: string | null; place: string }
  const answers = byId ? (await tx.execute<Row>(query)).rows : await executePrepared<Row>(tx, query)
  const found = answers.filter(isFound).map(foundOf)
  const end = answers.at(-1)
  const isMore = end !== undefined && (found.length === need || Number(end.place) === rows)
  return { found, next: isMore ? { ms: Number(end.ms), seq: Number(end.seq) } : null }
}

/** Looks where the rollups have counted something that may match, in one stretch of time. */
async function readWhereCounted(search: Search, from: Place, need: number): Promise<Look> {
  const wanted = search.condition.isExact ? need : CANDIDATES
  const days = await countedPeriods(search, usageDaily, from, DAY_MS)
  const stretch = stretchOf(days, wanted)
  if (stretch === null) return { found: [], next: null }
  if (!stretch.isCrowded) return readCombos(search, stretch, from, need)
  const hours = await countedPeriods(search, usageHourly, from, HOUR_MS, stretch.startMs)
  const inDay = stretchOf(hours, wanted)
  if (inDay === null) return { found: [], next: placeBefore(search, stretch.startMs) }
  if (!inDay.isCrowded) return readCombos(search, { ...inDay, isLast: false }, from, need)
  const crowded = await readInOrder({ ...search, sinceMs: Math.max(inDay.startMs, search.sinceMs) }, from, need, LOOK)
  return crowded.next === null ? { ...crowded, next: placeBefore(search, inDay.startMs) } : crowded
}

/** What a rollup has counted that may match, before a place and not before a day, newest first. */
async function countedPeriods(
  { tx, condition, sinceMs, retired }: Search,
  rollup: Rollup,
  from: Place,
  widthMs: number,
  notBeforeMs = 0,
): Promise<Periods> {
  const earliestMs = Math.max(notBeforeMs, Math.floor(sinceMs / widthMs) * widthMs)
  const before = from.seq === 0 ? sql`${rollup.at} < ${timeOf(from.ms)}` : sql`${rollup.at} <= ${timeOf(from.ms)}`
  const { rows } = await tx.execute<{ ms: string; combo: string; events: string }>(sql`
    select (extract(epoch from ${rollup.at}) * 1000)::bigint as ms, ${rollup.combo}, ${rollup.events}
    from ${rollup}
    where ${and(condition.onRollup(rollup), before, sql`${rollup.at} >= ${timeOf(earliestMs)}`)}
    order by ${rollup.at} desc limit ${ROLLUP_ROWS}`)
  return periodsOf(rows, ROLLUP_ROWS, retired ?? new Set())
}

/** Fetches the matches of a stretch, combination by combination. */
async function readCombos(search: Search, stretch: Stretch, from: Place, need: number): Promise<Look> {
  const { tx, orgId, condition, sinceMs } = search
  const inRange = within(Math.max(stretch.startMs, sinceMs), from)
  const { rows } = await tx.execute<{ ms: string; seq: string; line: string }>(sql`
    select ${MS}, h.seq, h.line
    from unnest(${sql.param([...stretch.combos])}::bigint[]) as k(wanted) cross join lateral (
      select occurred_at, seq, line from ${events}
      where ${and(eq(events.orgId, orgId), sql`${events.combo} = k.wanted`, inRange, condition.onEvents)}
      order by occurred_at desc, seq desc limit ${need}
    ) as h
    order by h.occurred_at desc, h.seq desc limit ${need}`)
  // Counts without events: perhaps these were dropped, and then so were those of the whole month.
  if (rows.length === 0 && condition.isExact) search.retired ??= await retiredMonths(search)
  return { found: rows.map(foundOf), next: stretch.isLast ? null : placeBefore(search, stretch.startMs) }
}

async function retiredMonths({ tx, orgId }: Search): Promise<Set<string>> {
  const rows = await tx.select({ month: retirements.month }).from(retirements).where(eq(retirements.orgId, orgId))
  return new Set(rows.map(({ month }) => month))
}

const placeBefore = ({ sinceMs }: Search, ms: number): Place | null => (ms <= sinceMs ? null : { ms, seq: 0 })

/** The bound on time stands beside the one on the place, because partitions are chosen by it. */
const within = (sinceMs: number, from: Place | null): SQL | undefined =>
  and(
    sinceMs > 0 ? gte(events.occurredAt, timeOf(sinceMs)) : undefined,
    from ? sql`${events.occurredAt} <= ${timeOf(from.ms)}` : undefined,
    from ? sql`(${events.occurredAt}, ${events.seq}) < (${timeOf(from.ms)}, ${from.seq}::bigint)` : undefined,
  )

/** As drizzle/functions.sql makes the time of an event id, so that equal milliseconds are equal times. */
const timeOf = (ms: number): SQL => sql`to_timestamp(${ms}::bigint / 1000.0)`
const MS = sql`(extract(epoch from h.occurred_at) * 1000)::bigint as ms`

const isFound = <T extends { line: string | null }>(row: T): row is T & { line: string } => row.line !== null
const foundOf = ({ ms, seq, line }: { ms: string; seq: string; line: string }): Found => ({
  ms: Number(ms),
  seq: Number(seq),
  line,
})
