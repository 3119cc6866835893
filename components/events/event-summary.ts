import type { DecisionEvent } from '@/lib/contract/events'
import { durationText } from './event-words'

/** The decision in a sentence or two: who asked for what, what was decided and why, what came of it. */
export function eventSummary(event: DecisionEvent): string {
  const asked = `${callerOf(event)} asked for ${event.model_requested ?? 'a list of models'}`
  if (event.verdict === 'block') return `${asked} and was blocked: ${reasonOf(event)}. ${upstreamOf(event)}`
  if (event.verdict === 'escalate')
    return `${asked}; the request waits for a person: ${reasonOf(event)}. ${upstreamOf(event)}`
  const passed =
    event.verdict === 'redact' ? `${asked}; parts were redacted (${event.reason_code}).` : `${asked} and was allowed.`
  return `${passed} ${outcomeOf(event)}`
}

function callerOf({ token_name, agent_id, identity }: DecisionEvent): string {
  const agent = agent_id ? ` for ${agent_id}` : ''
  if (token_name) return `The key ${token_name}${agent}`
  if (identity === 'anonymous') return `An anonymous caller${agent}`
  return agent_id ?? 'A caller with an unknown key'
}

const REASONS: Record<string, (event: DecisionEvent) => string> = {
  'model.not_allowed': ({ model_requested }) => `the key may not use the model ${model_requested ?? 'it named'}`,
  'model.not_found': ({ model_requested }) =>
    `no provider of this gateway serves ${model_requested ?? 'the model it named'}`,
  'provider.not_allowed': () => 'the key may not use the providers that serve this model',
  'purpose.not_allowed': () => 'the purpose of the key does not cover this request',
}

const reasonOf = (event: DecisionEvent) => REASONS[event.reason_code]?.(event) ?? event.reason_code

const upstreamOf = ({ attempts }: DecisionEvent) =>
  attempts.length === 0 ? 'Nothing was sent to a provider.' : 'A provider had been called by then.'

function outcomeOf(event: DecisionEvent): string {
  const { attempts, client_aborted, status_code, provider, model, latency } = event
  const took = durationText(latency.total_ms)
  if (client_aborted) return `The caller hung up after ${took}, before the answer was complete.`
  if (attempts.length === 0) {
    return status_code < 400
      ? `The gateway answered in ${took}.`
      : `The gateway answered ${status_code} (${event.error_code ?? 'no code'}) without calling a provider.`
  }
  const who = [model, provider && `at ${provider}`].filter(Boolean).join(' ')
  const tries = attempts.length > 1 ? ` at attempt ${attempts.length}` : ''
  if (status_code >= 400)
    return `${who || 'The provider'} failed${tries}: the caller got ${status_code} (${event.error_code ?? 'no code'}) after ${took}.`
  return `${who || 'The provider'} answered${tries} in ${took}.`
}
