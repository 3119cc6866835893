import type { Range } from '../../events/counts/range'
import { instantOfWall, wallOf } from '../local-time'

/** Months are told as `YYYY-MM`, which sorts as they follow each other. */
export const monthAt = (ms: number, timeZone: string): string =>
  new Date(wallOf(ms, timeZone)).toISOString().slice(0, 7)

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
