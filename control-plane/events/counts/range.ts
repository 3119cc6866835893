import { AppError } from '@/lib/errors'
import { type EventRange, instantOf } from '../queries'

export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
const RANGE_DAYS_MAX = 400

/** Milliseconds since 1970; `since` is included, `until` is not. */
export type Range = { sinceMs: number; untilMs: number }

/** @throws AppError `invalid_request` for a range that is empty or too long */
export function rangeOf(input: EventRange, now: Date, otherwiseMs: number): Range {
  const untilMs = (input.until === undefined ? now : instantOf(input.until, now)).getTime()
  const sinceMs = input.since === undefined ? untilMs - otherwiseMs : instantOf(input.since, now).getTime()
  if (untilMs <= sinceMs) throw new AppError('invalid_request', 'since must be before until.')
  if (untilMs - sinceMs > RANGE_DAYS_MAX * DAY_MS) {
    throw new AppError('invalid_request', `The range may span ${RANGE_DAYS_MAX} days.`)
  }
  return { sinceMs, untilMs }
}

/**
 * A range in parts that are each counted where it costs least: whole days from one rollup, whole hours from the other,
 * and what is left of the hours at both ends from single events. Of such an hour the shorter side is read: what is
 * outside is taken from the count of the whole hour.
 */
export type Parts = {
  days: Range | null
  hours: Range[]
  /** `sign` is -1 for events that are counted in an hour and lie outside of the range. */
  edges: (Range & { sign: 1 | -1 })[]
}

export function partsOf({ sinceMs, untilMs }: Range, withDays: boolean): Parts {
  const edges: Parts['edges'] = []
  let [fromMs, toMs] = [ceilTo(sinceMs, HOUR_MS), floorTo(untilMs, HOUR_MS)]
  if (fromMs > toMs) return { days: null, hours: [], edges: [{ sinceMs, untilMs, sign: 1 }] }
  if (sinceMs < fromMs) {
    const hourMs = fromMs - HOUR_MS
    if (fromMs - sinceMs > HOUR_MS / 2) {
      edges.push({ sinceMs: hourMs, untilMs: sinceMs, sign: -1 })
      fromMs = hourMs
    } else {
      edges.push({ sinceMs, untilMs: fromMs, sign: 1 })
    }
  }
  if (untilMs > toMs) {
    if (untilMs - toMs > HOUR_MS / 2) {
      edges.push({ sinceMs: untilMs, untilMs: toMs + HOUR_MS, sign: -1 })
      toMs += HOUR_MS
    } else {
      edges.push({ sinceMs: toMs, untilMs, sign: 1 })
    }
  }
  const days = { sinceMs: ceilTo(fromMs, DAY_MS), untilMs: floorTo(toMs, DAY_MS) }
  if (!withDays || days.sinceMs >= days.untilMs) {
    return { days: null, hours: fromMs < toMs ? [{ sinceMs: fromMs, untilMs: toMs }] : [], edges }
  }
  const hours = [
    { sinceMs: fromMs, untilMs: days.sinceMs },
    { sinceMs: days.untilMs, untilMs: toMs },
  ].filter((part) => part.sinceMs < part.untilMs)
  return { days, hours, edges }
}

/** Widths of buckets that people read at a glance, in seconds; from a day on, any number of days. */
const WIDTHS = [1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200]

/** The smallest round width that makes at most so many buckets, and is not below `leastMs`. */
export function bucketWidth({ sinceMs, untilMs }: Range, buckets: number, leastMs: number): number {
  const least = Math.max((untilMs - sinceMs) / buckets, leastMs)
  const round = WIDTHS.map((seconds) => seconds * 1_000).find((ms) => ms >= least)
  return round ?? Math.ceil(least / DAY_MS) * DAY_MS
}

export const floorTo = (ms: number, widthMs: number) => Math.floor(ms / widthMs) * widthMs
export const ceilTo = (ms: number, widthMs: number) => Math.ceil(ms / widthMs) * widthMs
