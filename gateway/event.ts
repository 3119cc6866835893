import { hash } from 'node:crypto'
import type { GatewayEvent } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import type { Target } from '@/lib/policy/compile'
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
  snapshot: Snapshot
  key: GatewayKey | null
  /** As the caller says, in a header. */
  claimedAgent: string | null
  clientIp: string
  userAgent: string | null
  conversationId: string | null
  decision: Decision | null
  /** Set when something other than `decide` refused, such as the purpose of a key. */
  refusedFor: string | null
  modelRequested: string | null
  stream: boolean
  clientAborted: boolean
  target: Target | null
  call: {
    sentMs: number
    durationMs: number
    firstByteMs: number | null
    status: number | null
    error: string | null
    isStream: boolean
  } | null
  modelAnswered: string | null
  statusCode: number
  errorCode: string | null
  tokens: TokenUsage | null
  startedMs: number
  totalMs: number
  overheadUs: number
  request: { sha256: string | null; bytes: number }
  response: { sha256: string | null; bytes: number }
  degraded: string | null
}

/** The record of one governed request, in the shape of the contract. */
export function gatewayEvent(it: Happening): GatewayEvent {
  const { key, call, target, snapshot } = it
  const { config, timeOriginMs } = snapshot
  const blocked = it.decision?.verdict === 'block' ? it.decision : null
  const upstreamMs = call === null ? null : round3(call.durationMs)
  const ttftMs = call?.isStream && call.firstByteMs !== null ? round3(call.firstByteMs - it.startedMs) : null
  return {
    event_id: it.eventId,
    event_type: 'decision',
    timestamp: isoTime(timeOriginMs + it.startedMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: it.gatewayId,
    gateway_seq: it.gatewaySeq,
    team_id: key?.team_id ?? null,
    user_id: null,
    agent_id: key?.agent_id ?? it.claimedAgent,
    token_id: key?.token_id ?? null,
    token_name: key?.token_name ?? null,
    token_secret_id: key?.token_secret_id ?? null,
    identity: key === null ? 'anonymous' : key.agent_id === null && it.claimedAgent !== null ? 'asserted' : 'verified',
    client_ip: it.clientIp,
    user_agent: it.userAgent,
    conversation_id: it.conversationId,
    verdict: blocked || it.refusedFor ? 'block' : 'allow',
    reason_code: blocked?.reasonCode ?? it.refusedFor ?? 'ok',
    policy_results: blocked ? [scopeResult(blocked)] : [],
    config_id: config?.id ?? null,
    config_name: config?.name ?? null,
    config_version: config?.version ?? null,
    provider: target?.provider ?? null,
    target_id: target?.id ?? null,
    model: target === null ? null : (it.modelAnswered?.slice(0, 200) ?? it.modelRequested),
    model_requested: it.modelRequested,
    route: '/v1/chat/completions',
    api_shape: 'openai_chat',
    status_code: it.statusCode,
    error_code: it.errorCode,
    stream: it.stream,
    client_aborted: it.clientAborted,
    attempts:
      call === null || target === null || upstreamMs === null
        ? []
        : [
            {
              target_id: target.id,
              provider: target.provider,
              started_at: isoTime(timeOriginMs + call.sentMs),
              latency_ms: upstreamMs,
              status: call.status,
              error: call.error,
            },
          ],
    tokens: it.tokens,
    latency: {
      total_ms: round3(it.totalMs),
      upstream_ms: upstreamMs,
      overhead_us: Math.round(it.overheadUs),
      ttft_ms: ttftMs,
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
      capture: snapshot.settings.payload_capture,
    },
    degraded: it.degraded,
  }
}

export const sha256 = (bytes: Buffer): string => hash('sha256', bytes, 'hex')

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

const scopeResult = (decision: Decision & { verdict: 'block' }): GatewayEvent['policy_results'][number] => ({
  kind: 'scope',
  phase: 'input',
  verdict: 'block',
  reason_code: decision.reasonCode,
  coverage: { rule: decision.rule, rule_version: '1', bytes: 0, messages: 0, skipped: SCOPE_READS_NO_TEXT },
  latency_ms: 0,
})
const SCOPE_READS_NO_TEXT = [{ what: 'messages', why: 'the rule looks at the model and the provider only' }]

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
