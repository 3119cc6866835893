import type { GatewayEvent } from '@/lib/contract/events'
import { searchable } from '@/lib/filter'
import { type NanoUsd, nanoUsdOf } from '@/lib/money'
import { BinaryArray } from './binary-array'
import type { GoodEvent } from './judge-event'

/**
 * Has something done with what finds events, and with their lines in three parts: binary arrays in the order of
 * record_events (drizzle/functions.sql). They are written over once it is done.
 *
 * Megabytes that are allocated for every batch have the garbage collector look through the whole heap again and again, which
 * costs more than all there is to be written.
 */
export async function withEventColumns<T>(
  good: readonly GoodEvent[],
  work: (values: Buffer[]) => Promise<T>,
): Promise<T> {
  const columns = idle.pop() ?? emptyColumns()
  for (const column of Object.values(columns)) column.clear()
  fill(columns, good)
  const done = await work(Object.values(columns).map((column) => column.done()))
  // After a failure nobody knows what is still being sent.
  if (idle.length < IDLE_MAX && bytesOf(columns) <= IDLE_BYTES_MAX) idle.push(columns)
  return done
}

type Columns = ReturnType<typeof emptyColumns>
const idle: Columns[] = []
/** As many organisations at once find memory that was used before. */
const IDLE_MAX = 4
/** Of one of them: what is larger was made for a batch as there are few. */
const IDLE_BYTES_MAX = 16 * 1_048_576

const bytesOf = (columns: Columns) => Object.values(columns).reduce((sum, { size }) => sum + size, 0)

const emptyColumns = () => {
  const of = (type: ConstructorParameters<typeof BinaryArray>[0]) => new BinaryArray(type, 0)
  return {
    event_id: of('text'),
    head: of('text'),
    middle: of('text'),
    tail: of('text'),
    occurred_at: of('timestamptz'),
    request_id: of('text'),
    gateway_id: of('text'),
    gateway_seq: of('int8'),
    verdict: of('text'),
    reason_code: of('text'),
    identity: of('text'),
    token_id: of('text'),
    token_name: of('text'),
    team_id: of('text'),
    user_id: of('text'),
    agent_id: of('text'),
    conversation_id: of('text'),
    config_name: of('text'),
    config_version: of('text'),
    provider: of('text'),
    target_id: of('text'),
    model: of('text'),
    model_requested: of('text'),
    client_ip: of('text'),
    api_shape: of('text'),
    error_code: of('text'),
    status_code: of('int4'),
    tokens_input: of('int8'),
    tokens_output: of('int8'),
    tokens_total: of('int8'),
    cost_nano_usd: of('int8'),
    latency_ms: of('float8'),
    stream: of('boolean'),
    cache_hit: of('boolean'),
  }
}

function fill(columns: Columns, good: readonly GoodEvent[]): void {
  for (const { event, line, occurredMs, cost } of good) {
    // A line without an escape holds nothing that a text column cannot.
    const text = line.isPlain ? asItIs : searchableOrNull
    columns.event_id.text(event.event_id)
    columns.head.utf8(line.bytes, 0, line.recordedAt)
    columns.middle.utf8(line.bytes, line.recordedAt, line.seq)
    columns.tail.utf8(line.bytes, line.seq, line.bytes.length)
    columns.occurred_at.timestamp(occurredMs)
    columns.request_id.text(text(event.request_id))
    columns.gateway_id.text(text(event.gateway_id))
    columns.gateway_seq.int8(event.gateway_seq)
    columns.verdict.text(event.verdict)
    columns.reason_code.text(text(event.reason_code))
    columns.identity.text(event.identity)
    columns.token_id.text(text(event.token_id))
    columns.token_name.text(text(event.token_name))
    columns.team_id.text(text(event.team_id))
    columns.user_id.text(text(event.user_id))
    columns.agent_id.text(text(event.agent_id))
    columns.conversation_id.text(text(event.conversation_id))
    columns.config_name.text(text(event.config_name))
    columns.config_version.text(text(event.config_version))
    columns.provider.text(text(event.provider))
    columns.target_id.text(text(event.target_id))
    columns.model.text(text(event.model))
    columns.model_requested.text(text(event.model_requested))
    columns.client_ip.text(text(event.client_ip))
    columns.api_shape.text(event.api_shape)
    columns.error_code.text(text(event.error_code))
    columns.status_code.int4(event.status_code)
    columns.tokens_input.int8(event.tokens?.input ?? null)
    columns.tokens_output.int8(event.tokens?.output ?? null)
    columns.tokens_total.int8(tokensTotal(event))
    columns.cost_nano_usd.bigint(cost)
    columns.latency_ms.float8(event.latency.total_ms)
    columns.stream.boolean(event.stream)
    columns.cache_hit.boolean(event.cache.hit)
  }
}

/** As lib/filter.ts compares it. */
export const tokensTotal = ({ tokens }: GatewayEvent): number | null =>
  tokens && Math.min(tokens.input + tokens.output, Number.MAX_SAFE_INTEGER)

/** Nano-dollars of a decimal string of US dollars; null when the price is unknown. */
export function costNanoUsd({ event_cost_attribution: { total_cost_usd } }: GatewayEvent): NanoUsd | null {
  return total_cost_usd === null ? null : nanoUsdOf(total_cost_usd)
}

const asItIs = (value: string | null) => value
const searchableOrNull = (value: string | null) => (value === null ? null : searchable(value))
