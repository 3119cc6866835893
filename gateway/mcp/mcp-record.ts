import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayEvent, Verdict } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
import type { PolicyResult } from '@/lib/policy/engine/decide'
import type { Content } from '../capture'
import { attemptOf, configurationOf, isoTime, round3, whoOf } from '../event-parts'
import type { Said } from '../facts'
import type { Attribution } from '../request-cost'
import type { Snapshot } from '../snapshot'

/** All that is known of one governed MCP request when it is over. Times are `performance.now()` milliseconds. */
export type McpRecord = {
  snapshot: Snapshot
  /** By the clock of the control plane, in milliseconds since the epoch. */
  startedAtMs: number
  /** Spent waiting for the caller's body. */
  bodyWaitMs: number
  totalMs: number
  requestId: string
  traceparent: string
  clientIp: string
  headers: IncomingHttpHeaders
  eventId: string
  key: GatewayKey | null
  target: Target
  /** Such as `tools/call`. */
  method: string
  /** Of `tools/call`. */
  tool: string | null
  conversationId: string | null
  verdict: Verdict
  reasonCode: string
  results: readonly PolicyResult[]
  flags: readonly string[]
  /** HTTP status of the answer; 499 when the caller left before it. */
  status: number
  /** Of our own refusals, such as `tool_blocked`; `upstream_rejected` for an error that the server answered. */
  errorCode: string | null
  clientAborted: boolean
  isStream: boolean
  /** null when the server was not asked. */
  call: { sentMs: number; durationMs: number; status: number | null; error: string | null } | null
  /** Of the commitments to its content; null when they are plain. */
  salt: Buffer | null
  body: Buffer
  said: Said
  cost: Attribution
  /** What was reserved for it; null when no budget or wallet had to be asked. */
  spend: GatewayEvent['spend']
}

/** The record in the shape of the contract. The tool stands where a model stands elsewhere. */
export function mcpEvent(
  it: McpRecord,
  gateway: { id: string; seq: number },
  { payload, degraded }: Pick<Content, 'payload' | 'degraded'>,
): GatewayEvent {
  const { key, target, call, snapshot } = it
  const { timeOriginMs } = snapshot
  return {
    event_id: it.eventId,
    event_type: 'decision',
    timestamp: isoTime(it.startedAtMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: gateway.id,
    gateway_seq: gateway.seq,
    ...whoOf(key, it.headers, it.clientIp),
    conversation_id: it.conversationId,
    verdict: it.verdict,
    reason_code: it.reasonCode,
    policy_results: [...it.results],
    ...configurationOf(snapshot),
    provider: target.provider,
    target_id: target.id,
    model: call === null ? null : it.tool,
    model_requested: it.tool,
    route: `/mcp/${target.id} ${it.method}`.slice(0, 200),
    api_shape: 'mcp',
    status_code: it.status,
    error_code: it.errorCode,
    stream: it.isStream,
    client_aborted: it.clientAborted,
    attempts: call ? [attemptOf(target, call, timeOriginMs)] : [],
    tokens: null,
    latency: {
      total_ms: round3(it.totalMs),
      upstream_ms: call && round3(call.durationMs),
      overhead_us: Math.max(0, Math.round((it.totalMs - it.bodyWaitMs - (call?.durationMs ?? 0)) * 1_000)),
      ttft_ms: null,
    },
    event_cost_attribution: it.cost,
    spend: it.spend,
    cache: { hit: false, avoided_cost_usd: null },
    citations: [],
    escalation_id: null,
    payload,
    degraded,
  }
}
