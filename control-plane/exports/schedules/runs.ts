import type { EXPORT_EVERY } from '@/lib/contract/export-shapes'

type Every = (typeof EXPORT_EVERY)[number]
/** When a schedule runs: on which days, and at which hour of them in its own time zone. */
export type Timing = { every: Every; hour: number; timezone: string }

/** A day of the calendar, whatever the zone. `month` counts from 1. */
type Day = { year: number; month: number; day: number }

const DAY_MS = 86_400_000

/** The first run after an instant. */
export function nextRun({ every, hour, timezone }: Timing, after: Date): Date {
  const clock = clockOf(timezone)
  // The period that holds the day before: where clocks change, a day of 25 hours must not be passed over.
  let day = startOf(every, dayIn(clock, new Date(after.getTime() - DAY_MS)))
  for (;;) {
    const run = instantOf(day, hour, clock)
    if (run > after) return run
    day = following(every, day)
  }
}

/** What a run covers: the calendar day, week or month before the one it runs in, by the clocks of its zone. */
export function coveredBy({ every, timezone }: Timing, run: Date): { since: Date; until: Date } {
  const clock = clockOf(timezone)
  const until = startOf(every, dayIn(clock, run))
  const since = startOf(every, plusDays(until, -1))
  return { since: instantOf(since, 0, clock), until: instantOf(until, 0, clock) }
}

function startOf(every: Every, day: Day): Day {
  if (every === 'day') return day
  if (every === 'month') return { ...day, day: 1 }
  const weekday = new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay()
  return plusDays(day, -((weekday + 6) % 7))
}

function following(every: Every, day: Day): Day {
  if (every === 'month')
    return { year: day.month === 12 ? day.year + 1 : day.year, month: (day.month % 12) + 1, day: 1 }
  return plusDays(day, every === 'week' ? 7 : 1)
}

function plusDays({ year, month, day }: Day, days: number): Day {
  const moved = new Date(Date.UTC(year, month - 1, day + days))
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() }
}

function dayIn(clock: Intl.DateTimeFormat, instant: Date): Day {
  const there = new Date(instant.getTime() + offsetAt(clock, instant.getTime()))
  return { year: there.getUTCFullYear(), month: there.getUTCMonth() + 1, day: there.getUTCDate() }
}

/** An hour that clocks skip becomes the one after; of one that they show twice, one is taken. */
function instantOf({ year, month, day }: Day, hour: number, clock: Intl.DateTimeFormat): Date {
  const asUtc = Date.UTC(year, month - 1, day, hour)
  const about = asUtc - offsetAt(clock, asUtc)
  return new Date(asUtc - offsetAt(clock, about))
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
function offsetAt(clock: Intl.DateTimeFormat, instant: number): number {
  const parts = new Map(clock.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
  const there = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
  return there - Math.floor(instant / 1_000) * 1_000
}

const clockOf = (timezone: string) =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
