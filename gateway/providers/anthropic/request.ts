import type { Call, Json, ProviderRequest } from '../adapter'
import { type Chat, type ChatMessage, type ChatTool, readChat, refusal, type UserPart } from '../chat'
import { isWebAddress, readDataUri } from '../data-uri'
import { argumentsOf } from '../tool-arguments'
import { BUDGET_TOKENS_MIN, thinkingOf } from './thinking'

export const CONVERTS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'thinking',
]

/** Anthropic wants a limit with every request; what none was asked for gets the most that all models of a kind can say. */
const MAX_TOKENS_DEFAULT = 16_384
const MAX_TOKENS_OLD: readonly [RegExp, number][] = [
  [/^claude-3-(?:opus|sonnet|haiku)/, 4_096],
  [/^claude-3-5/, 8_192],
]
/** A chat completion as a request of the Messages API. Source: platform.claude.com/docs, `POST /v1/messages`. */
export function request(body: Json, call: Call): ProviderRequest {
  const chat = readChat(body, CONVERTS, 'Anthropic')
  if (chat.temperature !== null && chat.temperature > 1) {
    throw refusal('temperature', 'must be at most 1 for Anthropic')
  }
  const maxTokens = chat.max_completion_tokens ?? chat.max_tokens
  const thinking = thinkingOf(chat, call.model, maxTokens)
  const format = formatOf(chat)
  const outputConfig = { ...thinking.output, ...(format === null ? {} : { format }) }
  const system = chat.messages.flatMap((message) =>
    message.role === 'system' || message.role === 'developer' ? message.content.filter(hasText).map(textBlock) : [],
  )
  return {
    path: '/v1/messages',
    body: {
      model: call.model,
      max_tokens: maxTokens ?? Math.max(limitOf(call.model), thinking.budget + BUDGET_TOKENS_MIN),
      messages: turnsOf(chat.messages),
      ...(system.length === 0 ? {} : { system }),
      ...(call.stream ? { stream: true } : {}),
      ...(chat.temperature === null ? {} : { temperature: chat.temperature }),
      ...(chat.top_p === null ? {} : { top_p: chat.top_p }),
      ...(chat.top_k === null ? {} : { top_k: chat.top_k }),
      ...(chat.stop === null ? {} : { stop_sequences: chat.stop }),
      ...(chat.tools === null ? {} : { tools: chat.tools.map(toolOf) }),
      ...toolChoiceOf(chat),
      ...(thinking.thinking === null ? {} : { thinking: thinking.thinking }),
      ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
      ...(chat.user === null ? {} : { metadata: { user_id: chat.user } }),
    },
  }
}

const limitOf = (model: string) => MAX_TOKENS_OLD.find(([pattern]) => pattern.test(model))?.[1] ?? MAX_TOKENS_DEFAULT

function formatOf(chat: Chat): Json | null {
  const format = chat.response_format
  if (format === null || format.type === 'text') return null
  if (format.type === 'json_object') {
    throw refusal('response_format', 'of type json_object cannot be converted for Anthropic; use json_schema')
  }
  if (format.json_schema.schema === null) throw refusal('response_format.json_schema.schema', 'is missing')
  return { type: 'json_schema', schema: format.json_schema.schema }
}

const toolOf = ({ function: { name, description, parameters, strict }, cache_control }: ChatTool): Json => ({
  name,
  ...(description === null ? {} : { description }),
  input_schema: parameters ?? { type: 'object', properties: {} },
  ...(strict === true ? { strict: true } : {}),
  ...(cache_control === null ? {} : { cache_control }),
})

function toolChoiceOf({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Chat): Json {
  if (tools === null || tools.length === 0) return {}
  if (choice === 'none') return { tool_choice: { type: 'none' } }
  const alone = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === null || choice === 'auto') return parallel === false ? { tool_choice: { type: 'auto', ...alone } } : {}
  if (choice === 'required') return { tool_choice: { type: 'any', ...alone } }
  return { tool_choice: { type: 'tool', name: choice.name, ...alone } }
}

/** User and assistant in turns: results of tools are the user's, and what follows one another is one turn. */
function turnsOf(messages: readonly ChatMessage[]): Json[] {
  const turns: { role: 'user' | 'assistant'; content: Json[] }[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system' || message.role === 'developer') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = blocksOf(message, `messages.${index}`)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  return turns
}

function blocksOf(message: ChatMessage, param: string): Json[] {
  if (message.role === 'user') {
    return message.content.filter(hasText).map((part, at) => partOf(part, `${param}.content.${at}`))
  }
  if (message.role === 'tool') {
    const content = message.content.filter(hasText).map((part, at) => partOf(part, `${param}.content.${at}`))
    return [
      {
        type: 'tool_result',
        tool_use_id: message.tool_call_id,
        ...(content.length === 0 ? {} : { content }),
        ...(message.is_error === true ? { is_error: true } : {}),
      },
    ]
  }
  if (message.role !== 'assistant') return []
  const said = (message.content ?? []).map((part) =>
    part.type === 'text' ? textBlock(part) : { type: 'text', text: part.refusal },
  )
  if (message.refusal !== null) said.push({ type: 'text', text: message.refusal })
  return [
    ...(message.reasoning_details ?? []).flatMap(thoughtOf),
    ...said.filter(({ text }) => text !== ''),
    ...(message.tool_calls ?? []).map((call, at) => ({
      type: 'tool_use',
      id: call.id,
      name: call.function.name,
      input: argumentsOf(call.function.arguments, `${param}.tool_calls.${at}.function.arguments`),
    })),
  ]
}

type Detail = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['reasoning_details']>[number]

/** Without its signature a thought would be refused; it was only for reading. */
function thoughtOf(detail: Detail): Json[] {
  if (detail.type === 'reasoning.encrypted') return [{ type: 'redacted_thinking', data: detail.data }]
  if (detail.type !== 'reasoning.text' || detail.signature === null) return []
  return [{ type: 'thinking', thinking: detail.text ?? '', signature: detail.signature }]
}

const hasText = (part: { type: string; text?: string }) => part.type !== 'text' || part.text !== ''

type TextPart = Extract<UserPart, { type: 'text' }>

const textBlock = ({ text, cache_control }: TextPart): { type: string; text: string } => ({
  type: 'text',
  text,
  ...(cache_control === null ? {} : { cache_control }),
})

function partOf(part: UserPart, param: string): Json {
  if (part.type === 'text') return textBlock(part)
  if (part.type === 'input_audio') throw refusal(param, 'is audio, which Anthropic does not take')
  const cached = part.cache_control === null ? {} : { cache_control: part.cache_control }
  if (part.type === 'image_url') return { type: 'image', source: imageSource(part.image_url.url, param), ...cached }
  const { file_data: data, file_id: id, filename } = part.file
  if (id !== null) throw refusal(`${param}.file.file_id`, 'names a file that only OpenAI has')
  const file = data === null ? null : readDataUri(data)
  if (file === null) throw refusal(`${param}.file.file_data`, 'must be a data: address in base64')
  const title = filename === null ? {} : { title: filename }
  if (file.mediaType === 'application/pdf') {
    const source = { type: 'base64', media_type: file.mediaType, data: file.base64 }
    return { type: 'document', source, ...title, ...cached }
  }
  if (!file.mediaType.startsWith('text/')) throw refusal(`${param}.file`, 'must be a PDF or a text for Anthropic')
  const text = Buffer.from(file.base64, 'base64').toString('utf8')
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title, ...cached }
}

function imageSource(url: string, param: string): Json {
  const image = readDataUri(url)
  if (image !== null) return { type: 'base64', media_type: image.mediaType, data: image.base64 }
  if (!isWebAddress(url)) throw refusal(`${param}.image_url.url`, 'must be a web address or a data: address in base64')
  return { type: 'url', url }
}
