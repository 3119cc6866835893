import type { Call, Json, ProviderRequest } from '../adapter'
import { type Chat, type ChatMessage, readChat, refusal, type UserPart } from '../chat'

export const CONVERTS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'tools',
  'tool_choice',
  'response_format',
  'reasoning_effort',
  'thinking',
]

const STOP_SEQUENCES_MAX = 5
const BUDGET_TOKENS = { minimal: 1_024, low: 2_048, medium: 8_192, high: null, xhigh: null, max: null }

/** A chat completion as a request of Cohere's second chat API. Source: docs.cohere.com/reference/chat. */
export function request(body: Json, call: Call): ProviderRequest {
  const chat = readChat(body, CONVERTS, 'Cohere')
  if (chat.stop !== null && chat.stop.length > STOP_SEQUENCES_MAX) {
    throw refusal('stop', `must hold at most ${STOP_SEQUENCES_MAX} sequences for Cohere`)
  }
  for (const param of ['presence_penalty', 'frequency_penalty'] as const) {
    const penalty = chat[param]
    if (penalty !== null && (penalty < 0 || penalty > 1)) throw refusal(param, 'must be from 0 to 1 for Cohere')
  }
  const given = {
    temperature: chat.temperature,
    p: chat.top_p,
    k: chat.top_k,
    max_tokens: chat.max_completion_tokens ?? chat.max_tokens,
    stop_sequences: chat.stop,
    seed: chat.seed,
    presence_penalty: chat.presence_penalty,
    frequency_penalty: chat.frequency_penalty,
    thinking: thinkingOf(chat),
    response_format: formatOf(chat),
  }
  return {
    path: '/v2/chat',
    body: {
      model: call.model,
      messages: chat.messages.map((message, index) => messageOf(message, `messages.${index}`)),
      ...(call.stream ? { stream: true } : {}),
      ...toolsOf(chat),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
    },
  }
}

function thinkingOf({ thinking, reasoning_effort: effort }: Chat): Json | null {
  if (thinking?.type === 'disabled' || effort === 'none') return { type: 'disabled' }
  if (thinking?.type === 'enabled') return { type: 'enabled', token_budget: thinking.budget_tokens }
  if (thinking === null && effort === null) return null
  const budget = effort === null ? null : BUDGET_TOKENS[effort]
  return { type: 'enabled', ...(budget === null ? {} : { token_budget: budget }) }
}

function formatOf({ response_format: format }: Chat): Json | null {
  if (format === null || format.type === 'text') return null
  const schema = format.type === 'json_schema' ? format.json_schema.schema : null
  return { type: 'json_object', ...(schema === null ? {} : { json_schema: schema }) }
}

/** Cohere can be told to call any tool or none; one of them by name is the only one that it is shown. */
function toolsOf({ tools, tool_choice: choice }: Chat): Json {
  if (tools === null || tools.length === 0) return {}
  const isNamed = choice !== null && typeof choice !== 'string'
  const shown = isNamed ? tools.filter((tool) => tool.function.name === choice.name) : tools
  if (shown.length === 0) throw refusal('tool_choice', 'names a tool that is not declared')
  const declared = shown.map(({ function: { name, description, parameters } }) => ({
    type: 'function',
    function: {
      name,
      ...(description === null ? {} : { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  }))
  const strict = shown.every((tool) => tool.function.strict === true) ? { strict_tools: true } : {}
  if (choice === null || choice === 'auto') return { tools: declared, ...strict }
  return { tools: declared, ...strict, tool_choice: choice === 'none' ? 'NONE' : 'REQUIRED' }
}

function messageOf(message: ChatMessage, param: string): Json {
  if (message.role === 'system' || message.role === 'developer') {
    return { role: 'system', content: message.content.map(({ text }) => text).join('\n') }
  }
  if (message.role === 'user') {
    return { role: 'user', content: message.content.map((part, at) => partOf(part, `${param}.content.${at}`)) }
  }
  if (message.role === 'tool') {
    const texts = message.content.map((part, at) => {
      if (part.type === 'text') return part.text
      throw refusal(`${param}.content.${at}`, 'is an image, which Cohere does not take from tools')
    })
    return { role: 'tool', tool_call_id: message.tool_call_id, content: texts.join('') }
  }
  const said = (message.content ?? []).map((part) => (part.type === 'text' ? part.text : part.refusal)).join('')
  const text = said + (message.refusal ?? '')
  const calls = message.tool_calls ?? []
  const plan = calls.length > 0 ? (message.reasoning_content ?? message.reasoning) : null
  return {
    role: 'assistant',
    ...(text === '' && calls.length > 0 ? {} : { content: text }),
    ...(plan === null ? {} : { tool_plan: plan }),
    ...(calls.length === 0
      ? {}
      : { tool_calls: calls.map(({ id, function: made }) => ({ id, type: 'function', function: made })) }),
  }
}

function partOf(part: UserPart, param: string): Json {
  if (part.type === 'text') return { type: 'text', text: part.text }
  if (part.type !== 'image_url') throw refusal(param, 'is a medium that Cohere does not take')
  const { url, detail } = part.image_url
  return { type: 'image_url', image_url: { url, ...(detail === null ? {} : { detail }) } }
}
