import { sql } from 'drizzle-orm'
import type { events as contract, Verdict } from '@/lib/contract/events'
import type { Context } from '../../context'
import type { Input } from '../../routes'
import { conditionOf, EVENT_COLUMNS, type Rollup, rollupColumn } from '../queries'
import { countsOfEvents, countsOfRollups, countsOfTotals, hasAtMost, hourOfEvent, momentOfEvent } from './queries'
import { bucketWidth, DAY_MS, floorTo, HOUR_MS, rangeOf } from './range'

/** Up to so many events in a range, its buckets may be narrower than an hour. */
const NARROW_MAX = 20_000
/** The same of a range that hours divide well enough: each event has to be read. */
const NARROW_LONG_MAX = 2_000
const LONG_MS = 12 * HOUR_MS
/** Over longer ranges, buckets are days. */
const HOURLY_MAX_MS = 8 * DAY_MS

/** Counts by verdict in buckets of equal, round width, which begin at multiples of it. Empty buckets are there too. */
export async function countEvents({ tx, actor, request }: Context, input: Input<typeof contract.histogram>) {
  const range = rangeOf(input, request.now, DAY_MS)
  const condition = conditionOf(actor, input.filter)
  const counting = { tx, orgId: actor.orgId, condition, range }
  const finestMs = bucketWidth(range, input.buckets, 0)
  const narrowMax = range.untilMs - range.sinceMs < LONG_MS ? NARROW_MAX : NARROW_LONG_MAX
  const isFew = finestMs < HOUR_MS && (await hasAtMost(counting, narrowMax))
  const isSingle = !condition.isExact || isFew
  const coarsestMs = range.untilMs - range.sinceMs > HOURLY_MAX_MS ? DAY_MS : HOUR_MS
  const widthMs = isSingle ? finestMs : bucketWidth(range, input.buckets, coarsestMs)
  const dimensions = [
    {
      ofEvents: isSingle ? momentOfEvent(widthMs) : hourOfEvent,
      ofRollup: (u: Rollup) => sql`${u.at}`,
    },
    {
      ofEvents: sql`${EVENT_COLUMNS.verdict}`,
      ofRollup: (u: Rollup) => sql`${rollupColumn(u, 'verdict')}`,
    },
  ]
  const { source, complete, countedSinceMs } = isSingle
    ? await countsOfEvents(counting, dimensions, isFew)
    : (countsOfTotals(counting) ?? countsOfRollups(counting, dimensions, widthMs % DAY_MS === 0))
  const { rows } = await tx.execute<{ ms: string; verdict: Verdict; count: string }>(sql`
    select (extract(epoch from d0) * 1000)::bigint as ms, d1 as verdict, count from (${source}) as counted`)

  const firstMs = floorTo(range.sinceMs, widthMs)
  const items = Array.from({ length: Math.ceil((range.untilMs - firstMs) / widthMs) }, (_, index) => ({
    at: new Date(Math.max(firstMs + index * widthMs, range.sinceMs)).toISOString(),
    ...noEvents(),
  }))
  const totals = noEvents()
  for (const { ms, verdict, count } of rows) {
    const item = items[Math.floor((Number(ms) - firstMs) / widthMs)]
    if (item) item[verdict] += Number(count)
    totals[verdict] += Number(count)
  }
  return {
    since: new Date(range.sinceMs).toISOString(),
    until: new Date(range.untilMs).toISOString(),
    bucket_seconds: widthMs / 1_000,
    items,
    totals,
    complete,
    counted_since: new Date(countedSinceMs).toISOString(),
  }
}

const noEvents = (): Record<Verdict, number> => ({ allow: 0, redact: 0, block: 0, escalate: 0 })
