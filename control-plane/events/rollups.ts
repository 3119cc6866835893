import type { GatewayEvent } from '@/lib/contract/events'
import { searchable } from '@/lib/filter'
import { tokensTotal } from './event-columns'
import type { GoodEvent } from './judge-event'

const HOUR_MS = 3_600_000

type Sums = {
  events: number
  unpriced: number
  errors: number
  cache_hits: number
  tokens_input: number
  tokens_output: number
  tokens_total: number
  cost: bigint
  latency_ms_sum: number
}

/** The sums of events by hour and dimensions, as record_events (drizzle/functions.sql) takes them: a JSON array of rows. */
export function rollupsOf(good: readonly GoodEvent[]): string {
  const rows = new Map<string, Sums>()
  for (const each of good) {
    const { event, cost } = each
    const key = keyOf(each)
    let sums = rows.get(key)
    if (sums === undefined) {
      sums = { ...NOTHING }
      rows.set(key, sums)
    }
    const total = tokensTotal(event)
    sums.events += 1
    if (event.status_code >= 400) sums.errors += 1
    if (event.cache.hit) sums.cache_hits += 1
    if (event.tokens !== null && total !== null) {
      sums.tokens_input = added(sums.tokens_input, event.tokens.input)
      sums.tokens_output = added(sums.tokens_output, event.tokens.output)
      sums.tokens_total = added(sums.tokens_total, total)
      if (cost === null) sums.unpriced += 1
    }
    if (cost !== null) sums.cost += cost
    sums.latency_ms_sum += Math.min(event.latency.total_ms, LATENCY_MAX_MS)
  }
  return `[${[...rows].map(([key, { cost, ...sums }]) => rowText(key, { ...sums, cost_nano_usd: cost.toString() })).join(',')}]`
}

const NOTHING: Sums = {
  events: 0,
  unpriced: 0,
  errors: 0,
  cache_hits: 0,
  tokens_input: 0,
  tokens_output: 0,
  tokens_total: 0,
  cost: 0n,
  latency_ms_sum: 0,
}

/** A sum that is no longer exact says nothing; what is absurd must not keep a batch from being recorded. */
const added = (sum: number, amount: number) => Math.min(sum + amount, Number.MAX_SAFE_INTEGER)
/** 30,000 years. */
const LATENCY_MAX_MS = 1e15

type RollupKeys = Pick<GatewayEvent, (typeof DIMENSIONS)[number]>

/** When and by what an event is counted, as a row of rollups by hour has it. */
export const rollupKeysOf = (event: RollupKeys, occurredMs: number): Record<string, string> => ({
  at: new Date(occurredMs - (occurredMs % HOUR_MS)).toISOString(),
  ...Object.fromEntries(DIMENSIONS.map((name) => [name, searchable(event[name] ?? '')])),
})

/** When and by what a row counts, as JSON; '' where an event has none. */
const keyOf = ({ event, occurredMs }: GoodEvent): string =>
  JSON.stringify([occurredMs - (occurredMs % HOUR_MS), ...DIMENSIONS.map((name) => searchable(event[name] ?? ''))])

/** In the order of the rollups' key. */
const DIMENSIONS = [
  'token_id',
  'token_name',
  'model',
  'verdict',
  'reason_code',
  'provider',
  'agent_id',
  'team_id',
  'user_id',
] as const satisfies (keyof GatewayEvent)[]

function rowText(key: string, sums: Record<string, number | string>): string {
  const [atMs, ...values] = JSON.parse(key) as [number, ...string[]]
  const dimensions = Object.fromEntries(DIMENSIONS.map((name, at) => [name, values[at]]))
  return JSON.stringify({ at: new Date(atMs).toISOString(), ...dimensions, ...sums })
}
