import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayEvent, Verdict } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
import type { PolicyResult } from '@/lib/policy/engine/decide'
import type { Content } from '../capture'
import type { Said } from '../event'
import { plainHeader } from '../headers'
import { userOf } from '../limits/limits-of'
import type { Attribution } from '../request-cost'
import type { Snapshot } from '../snapshot'

/** All that is known of one governed MCP request when it is over. Times are `performance.now()` milliseconds. */
export type McpRecord = {
  snapshot: Snapshot
  startedMs: number
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
  const { config, timeOriginMs } = snapshot
  const claimedAgent = plainHeader(it.headers['x-keeptrusts-agent-id'], 200)
  const isAsserted = key?.agent_id == null && claimedAgent !== null
  const isoTime = (ms: number) => new Date(timeOriginMs + ms).toISOString()
  const round3 = (ms: number) => Math.max(0, Math.round(ms * 1_000) / 1_000)
  const attempt = call && {
    target_id: target.id,
    provider: target.provider,
    started_at: isoTime(call.sentMs),
    latency_ms: round3(call.durationMs),
    status: call.status,
    error: call.error,
  }
  return {
    event_id: it.eventId,
    event_type: 'decision',
    timestamp: isoTime(it.startedMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: gateway.id,
    gateway_seq: gateway.seq,
    team_id: key?.team_id ?? null,
    user_id: userOf(it.headers),
    agent_id: key?.agent_id ?? claimedAgent,
    token_id: key?.token_id ?? null,
    token_name: key?.token_name ?? null,
    token_secret_id: key?.token_secret_id ?? null,
    identity: key === null ? 'anonymous' : isAsserted ? 'asserted' : 'verified',
    client_ip: it.clientIp,
    user_agent: it.headers['user-agent']?.slice(0, 200) ?? null,
    conversation_id: it.conversationId,
    verdict: it.verdict,
    reason_code: it.reasonCode,
    policy_results: [...it.results],
    config_id: config?.id ?? null,
    config_name: config?.name ?? null,
    config_version: config?.version ?? null,
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
    attempts: attempt ? [attempt] : [],
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
