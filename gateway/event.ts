import type { GatewayEvent, Verdict } from '@/lib/contract/events'
import { newIdAt } from '@/lib/ids'
import type { Decision } from '@/lib/policy/decide'
import type { Content } from './capture'
import { attemptOf, configurationOf, isoTime, round3, whoOf } from './event-parts'
import type { Facts, Outcome } from './facts'
import { plainHeader } from './headers'
import { billedUsage, requestCost } from './request-cost'

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
  const { timeOriginMs } = snapshot
  const blocked = it.decision?.verdict === 'block' ? it.decision : null
  const upstreamMs = call === null ? null : round3(upstreamMsOf(it))
  const cost = it.settled?.cost ?? requestCost(it)
  const ttftMs = call?.isStream && call.firstByteMs !== null ? round3(call.firstByteMs - it.startedMs) : null
  return {
    event_id: it.eventId ?? newIdAt('evt', it.startedAtMs),
    event_type: 'decision',
    timestamp: isoTime(it.startedAtMs),
    request_id: it.requestId,
    traceparent: it.traceparent,
    gateway_id: gateway.id,
    gateway_seq: gateway.seq,
    ...whoOf(key, headers, it.clientIp),
    conversation_id: plainHeader(headers['x-conversation-id'], 128),
    verdict: verdictOf(it),
    reason_code: blocked?.reasonCode ?? it.refusedFor ?? governor?.reasonCode ?? 'ok',
    policy_results: blocked ? [scopeResult(blocked)] : (governor?.results ?? []),
    ...configurationOf(snapshot),
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
    attempts: made.map((one) => attemptOf(one.target, one.call, timeOriginMs)),
    tokens: tokensOf(it),
    latency: {
      total_ms: round3(totalMs),
      upstream_ms: upstreamMs,
      overhead_us: Math.round(overheadUsOf(it, totalMs)),
      ttft_ms: ttftMs,
    },
    event_cost_attribution: cost.attribution,
    spend: it.settled?.spend ?? it.unspent,
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
