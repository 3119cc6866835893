import type { TimePreset, TimeRange } from '@/components/ui/time-range'
import { resolveWhen } from '@/lib/contract/fields'

/** How long one bar of the chart is. */
export const BAR_LENGTHS = ['hour', 'day', 'week', 'month'] as const
export type BarLength = (typeof BAR_LENGTHS)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Bars of one chart. */
const BARS_MAX = 400

/** A stretch of time as it is asked for: `until` undefined means up to now. */
export type UsageSpan = { since: string; until: string | undefined }

/**
 * The stretch that a range of the URL means. So many days are today and the days before it, each whole, in the viewer's
 * zone; anything else relative begins with a whole hour: sums are kept by the hour, and a bar that is cut short would
 * look like a fall.
 */
export function spanOf({ since, until }: TimeRange, now: Date): UsageSpan {
  const days = /^(\d{1,5})d$/.exec(since)
  const from = days
    ? new Date(now.getFullYear(), now.getMonth(), now.getDate() - Math.max(0, Number(days[1]) - 1))
    : resolveWhen(since, now)
  const begin = days || !isRelative(since) ? from : new Date(Math.floor(from.getTime() / HOUR_MS) * HOUR_MS)
  return { since: begin.toISOString(), until: until === undefined ? undefined : resolveWhen(until, now).toISOString() }
}

const isRelative = (text: string) => /^\d+[smhdw]$/.test(text)

/** How long bars are unless somebody chose: some tens of them. */
export function usualBarLength(sinceMs: number, untilMs: number): BarLength {
  const days = (untilMs - sinceMs) / DAY_MS
  if (days <= 3) return 'hour'
  if (days <= 93) return 'day'
  return days <= 400 ? 'week' : 'month'
}

/** Lengths that give a chart which can be read. */
export const possibleBarLengths = (sinceMs: number, untilMs: number): BarLength[] => {
  const days = (untilMs - sinceMs) / DAY_MS
  return BAR_LENGTHS.filter((length) => days / DAYS[length] <= 130 && (length === 'hour' || days / DAYS[length] > 1))
}

const DAYS = { hour: 1 / 24, day: 1, week: 7, month: 30 } as const

/** Where the bars begin, in milliseconds since the epoch: the first with the stretch, the others with the calendar. */
export function barStarts(sinceMs: number, untilMs: number, length: BarLength): number[] {
  const starts: number[] = []
  for (let at = beginningOf(new Date(sinceMs), length); at.getTime() < untilMs && starts.length < BARS_MAX; ) {
    starts.push(Math.max(sinceMs, at.getTime()))
    at = after(at, length)
  }
  return starts
}

function beginningOf(at: Date, length: BarLength): Date {
  if (length === 'hour') return new Date(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours())
  if (length === 'month') return new Date(at.getFullYear(), at.getMonth(), 1)
  const sinceMonday = length === 'week' ? (at.getDay() + 6) % 7 : 0
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - sinceMonday)
}

function after(at: Date, length: BarLength): Date {
  if (length === 'hour') return new Date(at.getTime() + HOUR_MS)
  if (length === 'month') return new Date(at.getFullYear(), at.getMonth() + 1, 1)
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + (length === 'week' ? 7 : 1))
}

/** A stretch of bars in words: `21 Nov, 10:00 – 11:00`, `21 Nov`, `21 – 27 Nov`, `Nov 2026`. */
export function stretchText(fromMs: number, toMs: number, length: BarLength): string {
  if (length === 'hour') return TIMES.formatRange(fromMs, toMs)
  // The end is not part of it: the last moment is.
  return (length === 'month' ? MONTHS : DATES).formatRange(fromMs, Math.max(fromMs, toMs - 1))
}

const TIMES = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
const DATES = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const MONTHS = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' })

/** What is offered to look at: days up to now, and the months people close. */
export function usagePresets(now: Date): TimePreset[] {
  const month = (offset: number) => new Date(now.getFullYear(), now.getMonth() + offset, 1).toISOString()
  return [
    { value: '24h', label: 'Last 24 hours' },
    { value: '7d', label: 'Last 7 days' },
    { value: '30d', label: 'Last 30 days' },
    { value: '90d', label: 'Last 90 days' },
    { value: '365d', label: 'Last 365 days' },
    { value: month(0), label: 'This month' },
    { value: month(-1), until: month(0), label: 'Last month' },
  ]
}
