import type { DecisionEvent } from '@/lib/contract/events'
import { isMcp, mcpCall } from './api-shape'
import { decisiveResult } from './decisive-result'
import { durationText } from './event-words'

/** The decision in a sentence or two: who asked for what, what was decided and why, what came of it. */
export function eventSummary(event: DecisionEvent): string {
  const asked = `${callerOf(event)} ${askOf(event)}`
  if (event.verdict === 'block') return `${asked} and was blocked${reasonOf(event)}. ${upstreamOf(event)}`
  if (event.verdict === 'escalate')
    return `${asked}; a person has to decide, asked for${reasonOf(event)}. ${upstreamOf(event)}`
  const passed =
    event.verdict === 'redact' ? `${asked}; parts were redacted${reasonOf(event)}.` : `${asked} and was allowed.`
  return `${passed} ${outcomeOf(event)}`
}

function callerOf({ token_name, agent_id, identity }: DecisionEvent): string {
  const agent = agent_id ? ` for ${agent_id}` : ''
  if (token_name) return `The key ${token_name}${agent}`
  if (identity === 'anonymous') return `An anonymous caller${agent}`
  return agent_id ?? 'A caller with an unknown key'
}

function askOf(event: DecisionEvent): string {
  if (!isMcp(event)) return `asked for ${event.model_requested ?? 'a list of models'}`
  const { server, method } = mcpCall(event)
  const tool = event.model_requested
  return tool ? `called the tool ${tool} of the MCP server ${server}` : `sent ${method} to the MCP server ${server}`
}

const REASONS: Record<string, (event: DecisionEvent) => string> = {
  'model.not_allowed': ({ model_requested }) => `the key may not use the model ${model_requested ?? 'it named'}`,
  'model.not_found': ({ model_requested }) =>
    `no provider of this gateway serves ${model_requested ?? 'the model it named'}`,
  'provider.not_allowed': () => 'the key may not use the providers that serve this model',
  'purpose.not_allowed': () => 'the purpose of the key does not cover this request',
  'budget.exceeded': (event) => `what it could cost is more than is left of ${budgetsOf(event)}`,
  'budget.unavailable': (event) => `whether ${budgetsOf(event)} had room for it could not be told`,
  'wallet.depleted': ({ spend }) =>
    `no wallet that pays for it had as much left as it could cost${inWords(spend, ' (', ')')}`,
  'price.unknown': ({ model_requested }) => `nobody has said what ${model_requested ?? 'the model it named'} costs`,
}

/** Events that were recorded before they named who refused them say `a budget`. */
const budgetsOf = ({ spend }: DecisionEvent) =>
  inWords(spend, (spend?.refused_by?.length ?? 0) > 1 ? 'the budgets ' : 'the budget ') || 'a budget'

function inWords(spend: DecisionEvent['spend'], before: string, after = ''): string {
  const names = spend?.refused_by?.map(({ name }) => name) ?? []
  return names.length === 0 ? '' : `${before}${names.join('; ')}${after}`
}

/** `: the key may not …` where there are words for it, else the policy and its code. */
function reasonOf(event: DecisionEvent): string {
  const words = REASONS[event.reason_code]?.(event)
  if (words) return `: ${words}`
  const kind = decisiveResult(event)?.kind
  return kind ? ` by ${kind} (${event.reason_code})` : `: ${event.reason_code}`
}

const upstreamOf = (event: DecisionEvent) =>
  event.attempts.length === 0
    ? `Nothing was sent to ${isMcp(event) ? 'the server' : 'a provider'}.`
    : `${isMcp(event) ? 'The server' : 'A provider'} had been called by then.`

function outcomeOf(event: DecisionEvent): string {
  const { attempts, client_aborted, status_code, latency } = event
  const took = durationText(latency.total_ms)
  if (client_aborted) return `The caller hung up after ${took}, before the answer was complete.`
  if (attempts.length === 0) {
    if (event.cache.hit) return `The cache answered in ${took}.`
    return status_code < 400
      ? `The gateway answered in ${took}.`
      : `The gateway answered ${status_code} (${event.error_code ?? 'no code'}) without calling ${isMcp(event) ? 'the server' : 'a provider'}.`
  }
  const who = answererOf(event)
  const tries = attempts.length > 1 ? ` at attempt ${attempts.length}` : ''
  if (status_code >= 400)
    return `${who} failed${tries}: the caller got ${status_code} (${event.error_code ?? 'no code'}) after ${took}.`
  return `${who} answered${tries} in ${took}.`
}

function answererOf(event: DecisionEvent): string {
  if (isMcp(event)) return `The MCP server ${mcpCall(event).server}`
  const { model, provider } = event
  return [model, provider && `at ${provider}`].filter(Boolean).join(' ') || 'The provider'
}
