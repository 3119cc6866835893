import type { UsageInterval } from '@/lib/contract/usage'
import type { Range } from '../events/counts/range'
import { instantOfWall, offsetOf, wallOf } from './local-time'

const QUARTER_MS = 900_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/**
 * Where the intervals of a range begin, and after them its end: `since`, every beginning of an hour, day, week (Monday) or
 * month by the clocks of the time zone, `until`. Days on which clocks are set have 23 or 25 hours; a day that a zone leaves
 * out, as when it crosses the date line, is not there.
 *
 * @returns undefined when there would be more than `most` intervals
 */
export function boundsOf(
  range: Range,
  interval: UsageInterval,
  timeZone: string,
  most: number,
): [number, ...number[]] | undefined {
  const { sinceMs, untilMs } = range
  if ((untilMs - sinceMs) / LENGTH_MS[interval] > most) return undefined
  const inner = new Set<number>()
  for (const ms of beginningsOf(range, interval, timeZone)) if (ms > sinceMs && ms < untilMs) inner.add(ms)
  const bounds: [number, ...number[]] = [sinceMs, ...[...inner].sort((a, b) => a - b), untilMs]
  return bounds.length - 1 > most ? undefined : bounds
}

/** The longest there is of each: not more intervals than that can be expected. */
const LENGTH_MS: Record<UsageInterval, number> = {
  hour: HOUR_MS,
  day: 25 * HOUR_MS,
  week: 7 * DAY_MS + HOUR_MS,
  month: 31 * DAY_MS + HOUR_MS,
  all: Number.POSITIVE_INFINITY,
}

function* beginningsOf(range: Range, interval: UsageInterval, timeZone: string): Generator<number> {
  if (interval === 'all') return
  if (interval === 'hour') return yield* hoursOf(range, timeZone)
  const last = wallOf(range.untilMs, timeZone) + DAY_MS
  for (let wall = floorOf(wallOf(range.sinceMs, timeZone), interval); wall <= last; wall = nextOf(wall, interval)) {
    yield instantOfWall(wall, timeZone)
  }
}

/** 1970 began on a Thursday. */
const MONDAY_MS = 4 * DAY_MS

function floorOf(wall: number, interval: 'day' | 'week' | 'month'): number {
  if (interval === 'day') return Math.floor(wall / DAY_MS) * DAY_MS
  if (interval === 'week') return Math.floor((wall - MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + MONDAY_MS
  const date = new Date(wall)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}

function nextOf(wall: number, interval: 'day' | 'week' | 'month'): number {
  if (interval !== 'month') return wall + (interval === 'day' ? 1 : 7) * DAY_MS
  const date = new Date(wall)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** Clocks are set on few days: on all others, hours follow each other by sixty minutes. */
function* hoursOf({ sinceMs, untilMs }: Range, timeZone: string): Generator<number> {
  let offset = offsetOf(sinceMs - DAY_MS, timeZone)
  for (let day = Math.floor(sinceMs / DAY_MS) * DAY_MS; day < untilMs; day += DAY_MS) {
    const next = offsetOf(day + DAY_MS, timeZone)
    if (next === offset) {
      for (let ms = Math.ceil((day + offset) / HOUR_MS) * HOUR_MS - offset; ms < day + DAY_MS; ms += HOUR_MS) yield ms
    } else yield* hoursOfChange(day, timeZone)
    offset = next
  }
}

/** Time zones change their offset at quarters of an hour. */
function* hoursOfChange(dayMs: number, timeZone: string): Generator<number> {
  let before = hourAt(dayMs - QUARTER_MS, timeZone)
  for (let ms = dayMs; ms < dayMs + DAY_MS; ms += QUARTER_MS) {
    const now = hourAt(ms, timeZone)
    if (now !== before) yield ms
    before = now
  }
}

/** Names an hour by the clock: one that comes twice has two names. */
function hourAt(ms: number, timeZone: string): string {
  const offset = offsetOf(ms, timeZone)
  return `${Math.floor((ms + offset) / HOUR_MS)} ${offset}`
}
