import { hash } from 'node:crypto'
import { type GatewayEvent, PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Decision } from '@/lib/policy/decide'
import type { TokenUsage } from './meter'
import type { Snapshot } from './snapshot'

/** What happened to one request, in the words of the request path. Times are `performance.now()` milliseconds. */
export type Happening = {
  eventId: string
  requestId: string
  traceparent: string
  gatewayId: string
  gatewaySeq: number
  /** Milliseconds since the epoch. */
  startedWallMs: number
  key: GatewayKey | null
  identity: GatewayEvent['identity']
  agentId: string | null
  clientIp: string
  userAgent: string | null
  conversationId: string | null
  config: NonNullable<Snapshot['config']>
  decision: Decision | null
  /** Set when a rule outside of `decide` refused, such as the purpose of a key. */
  refusedFor: string | null
  modelRequested: string | null
  stream: boolean
  clientAborted: boolean
  attempt: {
    targetId: string
    provider: string
    startedWallMs: number
    latencyMs: number
    status: number | null
    error: string | null
  } | null
  modelAnswered: string | null
  statusCode: number
  errorCode: string | null
  tokens: TokenUsage | null
  totalMs: number
  overheadUs: number
  ttftMs: number | null
  request: { sha256: string | null; bytes: number }
  response: { sha256: string | null; bytes: number }
  capture: 'none' | 'full'
  degraded: string | null
}

/** The record of one governed request, in the shape of the contract. */
export function gatewayEvent(it: Happening): GatewayEvent {
  const { key, attempt, decision } = it
  const blocked = decision?.verdict === 'block' ? decision : null
  return {
    event_id: it.eventId,
    event_type: 'decision',
    timestamp: isoTime(it.startedWallMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: it.gatewayId,
    gateway_seq: it.gatewaySeq,
    team_id: key?.team_id ?? null,
    user_id: null,
    agent_id: it.agentId,
    token_id: key?.token_id ?? null,
    token_name: key?.token_name ?? null,
    token_secret_id: key?.token_secret_id ?? null,
    identity: it.identity,
    client_ip: it.clientIp,
    user_agent: it.userAgent,
    conversation_id: it.conversationId,
    verdict: blocked || it.refusedFor ? 'block' : 'allow',
    reason_code: blocked?.reasonCode ?? it.refusedFor ?? 'ok',
    policy_results: blocked ? [scopeResult(blocked)] : [],
    config_id: it.config.id,
    config_name: it.config.name,
    config_version: it.config.version,
    provider: attempt?.provider ?? null,
    target_id: attempt?.targetId ?? null,
    model: attempt === null ? null : (it.modelAnswered ?? it.modelRequested),
    model_requested: it.modelRequested,
    route: '/v1/chat/completions',
    api_shape: 'openai_chat',
    status_code: it.statusCode,
    error_code: it.errorCode,
    stream: it.stream,
    client_aborted: it.clientAborted,
    attempts:
      attempt === null
        ? []
        : [
            {
              target_id: attempt.targetId,
              provider: attempt.provider,
              started_at: isoTime(attempt.startedWallMs),
              latency_ms: round3(attempt.latencyMs),
              status: attempt.status,
              error: attempt.error,
            },
          ],
    tokens: it.tokens,
    latency: {
      total_ms: round3(it.totalMs),
      upstream_ms: attempt === null ? null : round3(attempt.latencyMs),
      overhead_us: Math.round(it.overheadUs),
      ttft_ms: it.ttftMs === null ? null : round3(it.ttftMs),
    },
    event_cost_attribution: COST_UNKNOWN,
    cache: NOT_CACHED,
    citations: [],
    escalation_id: null,
    payload: {
      request_sha256: it.request.sha256,
      response_sha256: it.response.sha256,
      request_bytes: it.request.bytes,
      response_bytes: it.response.bytes,
      capture: it.capture,
    },
    degraded: it.degraded,
  }
}

export const sha256 = (bytes: Buffer): string => hash('sha256', bytes, 'hex')

/** Bytes as they are kept for the record; more than the bound is not kept, and the event says so. */
export const captured = (bytes: Buffer | null): Buffer | null =>
  bytes !== null && bytes.length <= PAYLOAD_BYTES_MAX ? bytes : null

/** There is no price book yet: a cost nobody knows is null, not zero. */
const COST_UNKNOWN: GatewayEvent['event_cost_attribution'] = {
  total_cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  currency: 'USD',
  price_book_version: null,
  price_status: 'unknown',
  source_spend_log_id: null,
}
const NOT_CACHED: GatewayEvent['cache'] = { hit: false, avoided_cost_usd: null }

const scopeResult = (decision: Decision & { verdict: 'block' }) => ({
  kind: 'scope',
  phase: 'input' as const,
  verdict: 'block' as const,
  reason_code: decision.reasonCode,
  coverage: { rule: decision.rule, rule_version: '1', bytes: 0, messages: 0, skipped: SCOPE_READS_NO_TEXT },
  latency_ms: 0,
})
const SCOPE_READS_NO_TEXT = [{ what: 'messages', why: 'the rule looks at the model only' }]

const round3 = (ms: number) => Math.max(0, Math.round(ms * 1_000) / 1_000)

let isoMs = 0
let iso = ''

/** Formatting a time costs as much as hashing a key, and many requests share a millisecond. */
function isoTime(wallMs: number): string {
  const ms = Math.floor(wallMs)
  if (ms !== isoMs || iso === '') {
    isoMs = ms
    iso = new Date(ms).toISOString()
  }
  return iso
}
