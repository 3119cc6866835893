import { resolveWhen } from '@/lib/contract/fields'
import {
  USAGE_DAYS_MAX,
  USAGE_DIMENSIONS,
  USAGE_POINTS_MAX,
  type UsageDimension,
  type UsageInterval,
} from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import type { Actor } from '../context'
import { DAY_MS, type Range } from '../events/counts/range'
import { conditionOf, type EventCondition } from '../events/queries'
import { boundsOf } from './intervals'
import { instantOfWall, plusDays, wallOf } from './local-time'

/** What is asked of usage. Bounds ascend: interval `i` is `[bounds[i], bounds[i + 1])`. */
export type Question = {
  actor: Actor
  condition: EventCondition
  dimensions: UsageDimension[]
  bounds: readonly [number, ...number[]]
  timeZone: string
}

type Asked = {
  since: string
  until?: string | undefined
  filter?: string | undefined
  group_by?: string | undefined
  interval: UsageInterval
  time_zone: string
}

const DIMENSIONS_MAX = 2

/** @throws AppError that says what to ask instead */
export function questionOf(actor: Actor, asked: Asked, now: Date): Question {
  const { time_zone: timeZone, interval } = asked
  const range = rangeOf(asked, now)
  const bounds = boundsOf(range, interval, timeZone, USAGE_POINTS_MAX)
  if (bounds === undefined) {
    throw new AppError('unprocessable', `interval: this time has more than ${USAGE_POINTS_MAX} of them. ${NARROWER}`)
  }
  return {
    actor,
    condition: exactCondition(actor, asked.filter),
    dimensions: dimensionsOf(asked.group_by),
    bounds,
    timeZone,
  }
}

export const NARROWER = 'Ask for less time, or for a longer interval.'

export const rangeOfBounds = (bounds: Question['bounds']): Range => ({
  sinceMs: bounds[0],
  untilMs: bounds.at(-1) ?? bounds[0],
})

/**
 * The time right before that is as long on the calendar of the time zone: as many days, whatever the hours of each, and
 * what is left over in hours.
 */
export function previousOf({ bounds, timeZone, ...question }: Question): Question {
  const { sinceMs, untilMs } = rangeOfBounds(bounds)
  const days = Math.floor((wallOf(untilMs, timeZone) - wallOf(sinceMs, timeZone)) / DAY_MS)
  const rest = Math.max(untilMs - plusDays(sinceMs, days, timeZone), 0)
  return { ...question, timeZone, bounds: [Math.max(plusDays(sinceMs, -days, timeZone) - rest, 0), sinceMs] }
}

function rangeOf({ since, until, time_zone }: Asked, now: Date): Range {
  const sinceMs = momentOf(since, time_zone, now)
  const untilMs = until === undefined ? now.getTime() : momentOf(until, time_zone, now)
  if (untilMs <= sinceMs) throw new AppError('invalid_request', 'since must be before until.')
  if (untilMs - sinceMs > USAGE_DAYS_MAX * DAY_MS) {
    throw new AppError('unprocessable', `The time may span ${USAGE_DAYS_MAX} days. Ask for less time.`)
  }
  return { sinceMs, untilMs }
}

/** A date alone is a day by the clocks of the time zone, and not of UTC. */
function momentOf(text: string, timeZone: string, now: Date): number {
  if (!DATE.test(text)) return resolveWhen(text, now).getTime()
  return Math.max(instantOfWall(resolveWhen(text, now).getTime(), timeZone), 0)
}
const DATE = /^\d{4}-\d{2}-\d{2}$/

function exactCondition(actor: Actor, filter: string | undefined): EventCondition {
  const condition = conditionOf(actor, filter)
  const other = condition.terms.find(({ field }) => !isDimension(field))
  if (other === undefined) return condition
  const message = `Usage is not told apart by "${other.field}"; filter by ${USAGE_DIMENSIONS.join(', ')}.`
  throw new AppError('unprocessable', message, { errors: [{ path: 'filter', message }] })
}

function dimensionsOf(text: string | undefined): UsageDimension[] {
  const names = [...new Set((text ?? '').split(',').map((name) => name.trim()))].filter((name) => name !== '')
  const unknown = names.find((name) => !isDimension(name))
  const refuse = (message: string) =>
    new AppError('unprocessable', message, { errors: [{ path: 'group_by', message }] })
  if (unknown !== undefined) {
    throw refuse(`Usage is not told apart by "${unknown}"; choose from ${USAGE_DIMENSIONS.join(', ')}.`)
  }
  if (names.length > DIMENSIONS_MAX) throw refuse(`Group by ${DIMENSIONS_MAX} at most.`)
  return names.filter(isDimension)
}

const isDimension = (field: string): field is UsageDimension => (USAGE_DIMENSIONS as readonly string[]).includes(field)
