import type { Range } from '../../events/counts/range'
import { instantOfWall, wallOf } from '../local-time'

/** Months are told as `YYYY-MM`, which sorts as they follow each other: the one in whose range an instant lies. */
export function monthAt(ms: number, timeZone: string): string {
  const month = monthOf(wallOf(ms, timeZone))
  const { sinceMs, untilMs } = rangeOfMonth(month, timeZone)
  if (ms < sinceMs) return previousMonth(month)
  // Clocks that are put back through the midnight at which a month begins show the one before for a second time.
  return ms < untilMs ? month : nextMonth(month)
}

/** Likewise of many instants, which are nearly always of one month. */
export function monthsOf(times: readonly number[], timeZone: string): string[] {
  let known: (Range & { month: string }) | undefined
  return times.map((ms) => {
    if (known === undefined || ms < known.sinceMs || ms >= known.untilMs) {
      const month = monthAt(ms, timeZone)
      known = { month, ...rangeOfMonth(month, timeZone) }
    }
    return known.month
  })
}

export const nextMonth = (month: string): string => monthOf(Date.UTC(yearOf(month), placeOf(month)))
export const previousMonth = (month: string): string => monthOf(Date.UTC(yearOf(month), placeOf(month) - 2))

/** From its first moment to that of the next, by the clocks of the time zone. */
export const rangeOfMonth = (month: string, timeZone: string): Range => ({
  sinceMs: instantOfWall(Date.UTC(yearOf(month), placeOf(month) - 1), timeZone),
  untilMs: instantOfWall(Date.UTC(yearOf(month), placeOf(month)), timeZone),
})

const monthOf = (ms: number) => new Date(ms).toISOString().slice(0, 7)
const yearOf = (month: string) => Number(month.slice(0, 4))
const placeOf = (month: string) => Number(month.slice(5, 7))
