/** Above so many candidates, or combinations of them, a stretch is rather read in order of time. */
const CANDIDATES_MAX = 4_000
const COMBOS_MAX = 300

/** What a rollup has counted in one hour or day. */
export type Period = { startMs: number; events: number; combos: string[] }

/** A stretch of time from `startMs` on, and the combinations in which something may be found in it. */
export type Stretch = {
  startMs: number
  combos: Set<string>
  /** Its one period has too much to be fetched by combination. */
  isCrowded: boolean
  /** Nothing was counted before it. */
  isLast: boolean
}

type Counted = { ms: string; combo: string; events: string }
/** Newest first. `oldestMs` is the start of the oldest one that was read, also when it is not among them. */
export type Periods = { periods: Period[]; oldestMs: number; isAll: boolean }

/**
 * Rows of a rollup, newest first, by period.
 *
 * @param limit as many rows as were asked for: with so many, the oldest period may have more
 * @param retired first days of months, `YYYY-MM-01`, whose events are no more
 */
export function periodsOf(rows: readonly Counted[], limit: number, retired: ReadonlySet<string>): Periods {
  const periods: Period[] = []
  for (const { ms, combo, events } of rows) {
    const startMs = Number(ms)
    let period = periods.at(-1)
    if (period?.startMs !== startMs) {
      period = { startMs, events: 0, combos: [] }
      periods.push(period)
    }
    period.events += Number(events)
    period.combos.push(combo)
  }
  const isAll = rows.length < limit
  // A single period that is cut off stays: as much as was read of it makes it crowded.
  if (!isAll && periods.length > 1) periods.pop()
  const isThere = ({ startMs }: Period) => !retired.has(`${new Date(startMs).toISOString().slice(0, 7)}-01`)
  return { periods: periods.filter(isThere), oldestMs: periods.at(-1)?.startMs ?? 0, isAll }
}

/** The newest stretch in which `wanted` candidates were counted, as far as they are few enough; null for none at all. */
export function stretchOf({ periods, oldestMs, isAll }: Periods, wanted: number): Stretch | null {
  const [newest] = periods
  if (!newest) return isAll ? null : { startMs: oldestMs, combos: new Set(), isCrowded: false, isLast: false }
  const combos = new Set<string>()
  let [events, taken] = [0, 0]
  for (const period of periods) {
    const added = period.combos.filter((combo) => !combos.has(combo))
    const isTooMuch = events + period.events > CANDIDATES_MAX || combos.size + added.length > COMBOS_MAX
    if (isTooMuch && taken === 0) return { startMs: period.startMs, combos, isCrowded: true, isLast: false }
    if (isTooMuch || events >= wanted) break
    for (const combo of added) combos.add(combo)
    events += period.events
    taken += 1
  }
  const startMs = periods[taken - 1]?.startMs ?? newest.startMs
  return { startMs, combos, isCrowded: false, isLast: isAll && taken === periods.length }
}
