import type { GatewayEvent } from '@/lib/contract/events'
import { searchable } from '@/lib/filter'
import { type NanoUsd, nanoUsdOf } from '@/lib/money'
import { bigints, booleans, float8s, int4s, int8s, texts, timestamps } from './binary-array'
import type { GoodEvent } from './judge-event'

/** What finds events, and their lines in three parts, in the order of record_events (drizzle/functions.sql). */
export function eventColumns(good: readonly GoodEvent[]): Buffer[] {
  const column = <T>(of: (event: GatewayEvent) => T): T[] => good.map(({ event }) => of(event))
  // A line without an escape holds nothing that a text column cannot.
  const isPlain = !good.some(({ line }) => [line.head, line.middle, line.tail].some((part) => part.includes('\\')))
  const text = isPlain
    ? (of: (event: GatewayEvent) => string | null) => texts(column(of))
    : (of: (event: GatewayEvent) => string | null) => texts(column(of).map(searchableOrNull))
  return [
    text((event) => event.event_id),
    texts(good.map(({ line }) => line.head)),
    texts(good.map(({ line }) => line.middle)),
    texts(good.map(({ line }) => line.tail)),
    timestamps(good.map(({ occurredMs }) => occurredMs)),
    text((event) => event.request_id),
    text((event) => event.gateway_id),
    int8s(column((event) => event.gateway_seq)),
    text((event) => event.verdict),
    text((event) => event.reason_code),
    text((event) => event.identity),
    text((event) => event.token_id),
    text((event) => event.token_name),
    text((event) => event.team_id),
    text((event) => event.user_id),
    text((event) => event.agent_id),
    text((event) => event.conversation_id),
    text((event) => event.config_name),
    text((event) => event.config_version),
    text((event) => event.provider),
    text((event) => event.target_id),
    text((event) => event.model),
    text((event) => event.model_requested),
    text((event) => event.client_ip),
    text((event) => event.api_shape),
    text((event) => event.error_code),
    int4s(column((event) => event.status_code)),
    int8s(column(({ tokens }) => tokens?.input ?? null)),
    int8s(column(({ tokens }) => tokens?.output ?? null)),
    int8s(column(tokensTotal)),
    bigints(column(costNanoUsd)),
    float8s(column((event) => event.latency.total_ms)),
    booleans(column((event) => event.stream)),
    booleans(column((event) => event.cache.hit)),
  ]
}

/** As lib/filter.ts compares it. */
export const tokensTotal = ({ tokens }: GatewayEvent): number | null =>
  tokens && Math.min(tokens.input + tokens.output, Number.MAX_SAFE_INTEGER)

/** Nano-dollars of a decimal string of US dollars; null when the price is unknown. */
export function costNanoUsd({ event_cost_attribution: { total_cost_usd } }: GatewayEvent): NanoUsd | null {
  return total_cost_usd === null ? null : nanoUsdOf(total_cost_usd)
}

const searchableOrNull = (value: string | null) => (value === null ? null : searchable(value))
