import { GatewayEvent } from '@/lib/contract/events'
import { type NanoUsd, NO_MONEY, nanoUsdOf } from '@/lib/money'
import { IN_PLAIN_WORDS } from '@/lib/plain-issues'
import { costNanoUsd } from './event-columns'
import { type PreparedLine, prepareLine } from './line'
import { plainLine } from './plain-event'
import type { SentEvent } from './read-batch'

/** An event that may be recorded. */
export type GoodEvent = {
  event: GatewayEvent
  line: PreparedLine
  /** The milliseconds in its id: when it occurred. */
  occurredMs: number
  /** Null when the price is unknown. */
  cost: NanoUsd | null
}
export type BadEvent = { event_id: string | null; reason: string }

type Rules = {
  orgId: string
  gatewayId: string
  now: Date
  /** Whether somebody has looked at the event and takes its time as it is. */
  acceptTime?: boolean
}

/** Whether an event is what the contract wants, of the gateway that sends it, and of a time that can be true. */
export function judgeEvent({ given, names }: SentEvent, rules: Rules): GoodEvent | BadEvent {
  const plain = plainLine(given, names, rules.orgId)
  const event = plain ? (given as GatewayEvent) : bySchema(given, names)
  if (typeof event === 'string') return { event_id: eventIdOf(given), reason: event }
  const occurredMs = Number.parseInt(event.event_id.slice(4, 16), 16)
  const cost = costNanoUsd(event)
  const reason = objectionTo(event, { occurredMs, cost }, rules)
  if (reason !== null) return { event_id: event.event_id, reason }
  return { event, line: plain ?? prepareLine(event, rules.orgId), occurredMs, cost }
}

function bySchema(given: unknown, names: number): GatewayEvent | string {
  const parsed = GatewayEvent.safeParse(given, IN_PLAIN_WORDS)
  if (parsed.success) return namesIn(given) === names ? parsed.data : 'a name is given twice'
  const [issue] = parsed.error.issues
  const path = issue?.path.map(String).join('.')
  return `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`.slice(0, 300)
}

/** Whether this is a time at which a gateway can have recorded something, by the clock here. */
export const isPlausible = (ms: number, nowMs: number): boolean => ms >= EARLIEST_MS && ms <= nowMs + CLOCK_LEAD_MAX_MS

function objectionTo(
  event: GatewayEvent,
  { occurredMs, cost }: Pick<GoodEvent, 'occurredMs' | 'cost'>,
  { gatewayId, now, acceptTime = false }: Rules,
) {
  if (event.gateway_id !== gatewayId) return `gateway_id: this key records for ${gatewayId} only`
  if (event.timestamp.length > TIMESTAMP_LENGTH_MAX) return 'timestamp: longer than any clock is exact'
  const amount = cost ?? NO_MONEY
  if (amount > COST_MAX || amount < -COST_MAX) {
    return 'event_cost_attribution.total_cost_usd: no request costs a million dollars'
  }
  if (occurredMs > LATEST_MS) return 'event_id: its time lies beyond the year 9999'
  if (acceptTime) return null
  if (!isPlausible(occurredMs, now.getTime())) {
    return occurredMs < EARLIEST_MS ? 'event_id: its time lies before 2000' : 'event_id: its time lies ahead of ours'
  }
  const driftMs = Math.abs(Date.parse(event.timestamp) - occurredMs)
  return driftMs <= DRIFT_MAX_MS ? null : 'timestamp: more than 10 minutes from the time in the event id'
}

const EARLIEST_MS = Date.UTC(2000, 0)
const LATEST_MS = Date.UTC(9999, 11, 31)
/** A day: a wrong time zone is no reason. */
export const CLOCK_LEAD_MAX_MS = 86_400_000
/** Gateways state one moment in both; whoever else writes events may look at a clock twice. */
const DRIFT_MAX_MS = 600_000
/** RFC 3339 with picoseconds. */
const TIMESTAMP_LENGTH_MAX = 40
/** Sums of sums have to fit into 63 bits of nano-dollars. */
const COST_MAX = nanoUsdOf('1000000')

/** The names in an event that the schema has taken, so it is not nested without end. */
function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + namesIn(item), 0)
  return Object.values(value).reduce((sum: number, item) => sum + 1 + namesIn(item), 0)
}

/** As far as it can be told from something that is no event. */
function eventIdOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('event_id' in given)) return null
  return typeof given.event_id === 'string' ? given.event_id.slice(0, 64) : null
}
