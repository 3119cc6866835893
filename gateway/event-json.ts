import type { GatewayEvent } from '@/lib/contract/events'

/**
 * The same bytes as `JSON.stringify(event)`, in a third of the time: the shape is known, so that only values are written.
 * It is the largest piece of work that every request costs beside its own call; event-json.test.ts holds both together.
 */
export function eventJson(event: GatewayEvent): string {
  const { tokens, latency, payload, event_cost_attribution: cost, spend, cache } = event
  return (
    `{"event_id":"${event.event_id}","event_type":"decision","timestamp":"${event.timestamp}",` +
    `"request_id":${text(event.request_id)},"traceparent":${text(event.traceparent)},` +
    `"gateway_id":${text(event.gateway_id)},"gateway_seq":${event.gateway_seq},` +
    `"team_id":${text(event.team_id)},"user_id":${text(event.user_id)},"agent_id":${text(event.agent_id)},` +
    `"token_id":${text(event.token_id)},"token_name":${text(event.token_name)},` +
    `"token_secret_id":${text(event.token_secret_id)},"identity":"${event.identity}",` +
    `"client_ip":${text(event.client_ip)},"user_agent":${text(event.user_agent)},` +
    `"conversation_id":${text(event.conversation_id)},"verdict":"${event.verdict}",` +
    `"reason_code":${text(event.reason_code)},"policy_results":${results(event.policy_results)},` +
    `"config_id":${text(event.config_id)},"config_name":${text(event.config_name)},` +
    `"config_version":${text(event.config_version)},"provider":${text(event.provider)},` +
    `"target_id":${text(event.target_id)},"model":${text(event.model)},` +
    `"model_requested":${text(event.model_requested)},"route":${text(event.route)},` +
    `"api_shape":"${event.api_shape}","status_code":${event.status_code},"error_code":${text(event.error_code)},` +
    `"stream":${event.stream},"client_aborted":${event.client_aborted},"attempts":${attempts(event.attempts)},` +
    (tokens === null
      ? '"tokens":null,'
      : `"tokens":{"input":${tokens.input},"output":${tokens.output},"cached":${tokens.cached},"reasoning":${tokens.reasoning}},`) +
    `"latency":{"total_ms":${latency.total_ms},"upstream_ms":${latency.upstream_ms},` +
    `"overhead_us":${latency.overhead_us},"ttft_ms":${latency.ttft_ms}},` +
    `"event_cost_attribution":{"total_cost_usd":${text(cost.total_cost_usd)},` +
    `"input_cost_usd":${text(cost.input_cost_usd)},"output_cost_usd":${text(cost.output_cost_usd)},` +
    `"currency":"USD","price_book_version":${text(cost.price_book_version)},` +
    `"price_status":"${cost.price_status}","source_spend_log_id":${text(cost.source_spend_log_id)},` +
    `"units":${list(cost.units)}},` +
    (spend === null
      ? '"spend":null,'
      : `"spend":{"reserved_usd":"${spend.reserved_usd}","leases":${list(spend.leases)}` +
        `${spend.refused_by === undefined ? '' : `,"refused_by":${list(spend.refused_by)}`}},`) +
    `"cache":{"hit":${cache.hit},"avoided_cost_usd":${text(cache.avoided_cost_usd)}},` +
    `"citations":${list(event.citations)},"escalation_id":${text(event.escalation_id)},` +
    `"payload":{"request_sha256":${text(payload.request_sha256)},"response_sha256":${text(payload.response_sha256)},` +
    `"request_bytes":${payload.request_bytes},"response_bytes":${payload.response_bytes},` +
    `"capture":"${payload.capture}","commitment":"${payload.commitment}",` +
    `"request_captured_sha256":${text(payload.request_captured_sha256)},` +
    `"response_captured_sha256":${text(payload.response_captured_sha256)}},"degraded":${text(event.degraded)}}`
  )
}

const text = (value: string | null) =>
  value === null ? 'null' : PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)

/** Nothing in it that JSON has to escape. */
const PLAIN = /^[ !#-[\]-~]*$/

const list = (values: readonly unknown[]) => (values.length === 0 ? '[]' : JSON.stringify(values))

function results(all: GatewayEvent['policy_results']): string {
  let out = '['
  for (const { kind, phase, verdict, reason_code, coverage, latency_ms } of all) {
    const { rule, rule_version, bytes, messages, skipped } = coverage
    out +=
      `${out === '[' ? '' : ','}{"kind":${text(kind)},"phase":"${phase}","verdict":"${verdict}","reason_code":${text(reason_code)},` +
      `"coverage":{"rule":${text(rule)},"rule_version":${text(rule_version)},"bytes":${bytes},"messages":${messages},` +
      `"skipped":${list(skipped)}},"latency_ms":${latency_ms}}`
  }
  return `${out}]`
}

function attempts(all: GatewayEvent['attempts']): string {
  const [only] = all
  if (only === undefined || all.length > 1) return list(all)
  return (
    `[{"target_id":${text(only.target_id)},"provider":${text(only.provider)},"started_at":"${only.started_at}",` +
    `"latency_ms":${only.latency_ms},"status":${only.status},"error":${text(only.error)}}]`
  )
}
