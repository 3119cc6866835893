import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayEvent, Verdict } from '@/lib/contract/events'
import type { GatewayKey } from '@/lib/contract/gateways'
import { newIdAt } from '@/lib/ids'
import type { Decision } from '@/lib/policy/decide'
import type { TokenUsage } from '@/lib/token-usage'
import type { Ask } from './ask'
import type { Made } from './attempts'
import type { CachedAnswer } from './cache/answer-cache'
import type { Content } from './capture'
import type { Governor } from './governor'
import { plainHeader } from './headers'
import type { Hold } from './limits/limiter'
import { userOf } from './limits/limits-of'
import { billedUsage, type RequestCost, requestCost } from './request-cost'
import type { Snapshot } from './snapshot'
import type { Reservation } from './spend/reservation'

/** What is known of one request so far; filled in as it goes. Times are `performance.now()` milliseconds. */
export type Facts = {
  readonly snapshot: Snapshot
  readonly apiShape: GatewayEvent['api_shape']
  /** Path of the surface. */
  readonly route: string
  readonly startedMs: number
  readonly requestId: string
  readonly traceparent: string
  readonly clientIp: string
  readonly headers: IncomingHttpHeaders
  /** Set once the request is a governed one: from then on it leaves a record, whatever becomes of it. */
  eventId: string | null
  /** null for a caller without a key, and as long as nobody knows who is calling. */
  key: GatewayKey | null
  /** Of the commitments to its content; null when they are plain. */
  readonly salt: Buffer | null
  /** The exact bytes that came in. */
  body: Buffer | null
  /** Spent waiting for the caller to send its body. */
  bodyWaitMs: number
  model: string | null
  isStream: boolean
  decision: Decision | null
  /** Set when something other than `decide` refused, such as the purpose of a key. */
  refusedFor: string | null
  /** What the policies of the chain said; null as long as they were not asked. */
  governor: Governor | null
  /** What it holds of its limits. */
  hold: Hold | null
  /** What it holds, or held, of budgets and wallets. */
  reservation: Reservation | null
  /** What it cost, once that has been settled, and what was reserved for it. */
  settled: { cost: RequestCost; spend: GatewayEvent['spend'] } | null
  /** What providers were asked; null as long as none was. */
  ask: Ask | null
  /** Calls to providers, in order; the last one gave the answer, if any did. */
  made: readonly Made[]
  usage: TokenUsage | null
  /** The answer did not come to its end, so that there is more to `usage` than was said. */
  isUsagePartial: boolean
  /** Of the text that is to be spoken; null for everything else. */
  characters: number | null
  modelAnswered: string | null
  /** The answer that was there already; null when a provider was asked, or nobody. */
  cacheHit: CachedAnswer | null
  clientAborted: boolean
}

/** How a request ended for its caller. */
export type Outcome = { status: number; errorCode: string | null }

/** What was said to the caller; `kept` holds the bytes when they are wanted for the record and not too many. */
export type Said = { sha256: string | null; bytes: number; kept: Buffer | null }

/** The record of one governed request, in the shape of the contract. */
export function gatewayEvent(
  it: Facts,
  gateway: { id: string; seq: number },
  outcome: Outcome,
  { payload, degraded }: Content,
  totalMs: number,
): GatewayEvent {
  const { key, made, snapshot, headers, governor } = it
  const { target, call } = made.at(-1) ?? { target: null, call: null }
  const claimedAgent = plainHeader(headers['x-keeptrusts-agent-id'], 200)
  const { config, timeOriginMs } = snapshot
  const blocked = it.decision?.verdict === 'block' ? it.decision : null
  const upstreamMs = call === null ? null : round3(upstreamMsOf(it))
  const cost = it.settled?.cost ?? requestCost(it)
  const ttftMs = call?.isStream && call.firstByteMs !== null ? round3(call.firstByteMs - it.startedMs) : null
  return {
    event_id: it.eventId ?? newIdAt('evt', timeOriginMs + it.startedMs),
    event_type: 'decision',
    timestamp: isoTime(timeOriginMs + it.startedMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: gateway.id,
    gateway_seq: gateway.seq,
    team_id: key?.team_id ?? null,
    user_id: userOf(headers),
    agent_id: key?.agent_id ?? claimedAgent,
    token_id: key?.token_id ?? null,
    token_name: key?.token_name ?? null,
    token_secret_id: key?.token_secret_id ?? null,
    identity: key === null ? 'anonymous' : key.agent_id === null && claimedAgent !== null ? 'asserted' : 'verified',
    client_ip: it.clientIp,
    user_agent: headers['user-agent']?.slice(0, 200) ?? null,
    conversation_id: plainHeader(headers['x-conversation-id'], 128),
    verdict: verdictOf(it),
    reason_code: blocked?.reasonCode ?? it.refusedFor ?? governor?.reasonCode ?? 'ok',
    policy_results: blocked ? [scopeResult(blocked)] : (governor?.results ?? []),
    config_id: config?.id ?? null,
    config_name: config?.name ?? null,
    config_version: config?.version ?? null,
    provider: target?.provider ?? null,
    target_id: target?.id ?? null,
    model: modelOf(it, target !== null),
    model_requested: it.model,
    route: it.route,
    api_shape: it.apiShape,
    status_code: outcome.status,
    error_code: outcome.errorCode,
    stream: it.isStream,
    client_aborted: it.clientAborted,
    attempts: made.map((one) => ({
      target_id: one.target.id,
      provider: one.target.provider,
      started_at: isoTime(timeOriginMs + one.call.sentMs),
      latency_ms: round3(one.call.durationMs),
      status: one.call.status,
      error: one.call.error,
    })),
    tokens: tokensOf(it),
    latency: {
      total_ms: round3(totalMs),
      upstream_ms: upstreamMs,
      overhead_us: Math.round(overheadUsOf(it, totalMs)),
      ttft_ms: ttftMs,
    },
    event_cost_attribution: cost.attribution,
    spend: it.settled?.spend ?? null,
    cache: { hit: it.cacheHit !== null, avoided_cost_usd: cost.avoidedUsd },
    citations: [],
    escalation_id: null,
    payload,
    degraded,
  }
}

const modelOf = ({ cacheHit, modelAnswered, model }: Facts, wasAsked: boolean): string | null => {
  if (!wasAsked && cacheHit === null) return null
  return (modelAnswered ?? cacheHit?.model)?.slice(0, 200) ?? model
}

/** What stood in the way of the request, if anything did. */
export const verdictOf = ({ decision, refusedFor, governor }: Facts): Verdict =>
  decision?.verdict === 'block' || refusedFor !== null ? 'block' : (governor?.verdict ?? 'allow')

/** From sending the first call to the end of the last, with what was waited between two. */
function upstreamMsOf({ made }: Facts): number {
  const [first] = made
  const last = made.at(-1)
  return first === undefined || last === undefined ? 0 : last.call.sentMs + last.call.durationMs - first.call.sentMs
}

/** The gateway's own share of the time: without waiting for the caller's body and for providers. */
export const overheadUsOf = (it: Facts, totalMs: number): number =>
  Math.max(0, (totalMs - it.bodyWaitMs - upstreamMsOf(it)) * 1_000)

/** Of all calls that took any, as their providers say it or, where they do not, as it was counted here. */
function tokensOf(it: Facts): GatewayEvent['tokens'] {
  const usage = billedUsage(it)
  if (usage === null) return null
  const { input, output, cached, reasoning } = usage
  return { input, output, cached, reasoning }
}

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
