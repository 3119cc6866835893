import { Temporal } from 'temporal-polyfill'
import type { BudgetWindow } from '../contract/spend-shapes'

/** What says when the windows of a budget begin. */
export type WindowRule = {
  window: BudgetWindow
  /** A name of the IANA database: windows begin when the day begins there, which is not always at midnight. */
  timeZone: string
  /** `YYYY-MM-DD`, a day on which a window begins; null for Mondays and the first of a month, a quarter and a year. */
  anchor: string | null
}

/** From `startsMs` on and up to `endsMs`, that not included, in milliseconds since 1970; null: for ever. */
export type Window = { startsMs: number; endsMs: number | null }

/** The first window begins no earlier. */
const EARLIEST_MS = 0
/** How many windows an estimate of where an instant lies may be off by: zones jump by a day at most. */
const STEPS_MAX = 4

/**
 * The window in which an instant lies. Windows tile time: each instant from 1970 on lies in exactly one.
 *
 * A day that a zone skipped has no window of its own; one that daylight saving time makes shorter or longer is a shorter or
 * longer window.
 *
 * @throws RangeError for an unknown zone, or an instant before 1970 or far beyond the year 9999
 */
export function windowAt(rule: WindowRule, atMs: number): Window {
  if (!(atMs >= EARLIEST_MS)) throw new RangeError('No window lies before 1970.')
  if (rule.window === 'lifetime') return lifetimeAt(rule, atMs)
  const first = firstDay(rule)
  const startOf = (index: number) => startOfDay(dayOf(rule, first, index), rule.timeZone)
  const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(rule.timeZone).toPlainDate()
  let index = indexNear(rule, first, local)
  for (let step = 0; step < STEPS_MAX && startOf(index) > atMs; step++) index -= 1
  for (let step = 0; step < STEPS_MAX && startOf(index + 1) <= atMs; step++) index += 1
  return { startsMs: Math.max(startOf(index), EARLIEST_MS), endsMs: startOf(index + 1) }
}

/** When the next windows begin, at most so many. */
export function nextResets(rule: WindowRule, atMs: number, count = 3): number[] {
  const resets: number[] = []
  let { endsMs } = windowAt(rule, atMs)
  while (endsMs !== null && resets.length < count) {
    resets.push(endsMs)
    endsMs = windowAt(rule, endsMs).endsMs
  }
  return resets
}

/** Whether a window of this rule begins then. */
export const isWindowStart = (rule: WindowRule, atMs: number): boolean => windowAt(rule, atMs).startsMs === atMs

/** With an anchor: all that was before it, and all that comes. */
function lifetimeAt({ anchor, timeZone }: WindowRule, atMs: number): Window {
  const anchorMs = anchor === null ? EARLIEST_MS : startOfDay(Temporal.PlainDate.from(anchor), timeZone)
  if (anchorMs <= EARLIEST_MS) return { startsMs: EARLIEST_MS, endsMs: null }
  return atMs < anchorMs ? { startsMs: EARLIEST_MS, endsMs: anchorMs } : { startsMs: anchorMs, endsMs: null }
}

/** A Monday that is the first of nothing else, and the first of a month, a quarter and a year. */
const MONDAY = '1970-01-05'
const NEW_YEAR = '1970-01-01'

const firstDay = ({ window, anchor }: WindowRule): Temporal.PlainDate =>
  Temporal.PlainDate.from(anchor ?? (window === 'week' ? MONDAY : NEW_YEAR))

/** Months in a window of months; null in one of days. */
const MONTHS = { day: null, week: null, month: 1, quarter: 3, year: 12, lifetime: null } as const

/** The day on which a window begins, counted from the first. A day that a month lacks is its last. */
function dayOf({ window }: WindowRule, first: Temporal.PlainDate, index: number): Temporal.PlainDate {
  const months = MONTHS[window]
  if (months !== null) return first.add({ months: index * months }, { overflow: 'constrain' })
  return first.add({ days: index * (window === 'week' ? 7 : 1) })
}

function indexNear({ window }: WindowRule, first: Temporal.PlainDate, day: Temporal.PlainDate): number {
  const months = MONTHS[window]
  if (months !== null) return Math.floor(((day.year - first.year) * 12 + day.month - first.month) / months)
  const { days } = first.until(day, { largestUnit: 'days' })
  return Math.floor(days / (window === 'week' ? 7 : 1))
}

/**
 * When a day begins in a zone: at midnight; where clocks are put forward at midnight, then; where they go through midnight
 * twice, the first time; and of a day that was skipped, when it would have begun.
 */
const startOfDay = (day: Temporal.PlainDate, timeZone: string): number =>
  day.toZonedDateTime(timeZone).epochMilliseconds
