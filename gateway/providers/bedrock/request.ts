import type { Call, Json, ProviderRequest } from '../adapter'
import { thinkingOf } from '../anthropic/thinking'
import { type Chat, type ChatMessage, readChat, refusal, type UserPart } from '../chat'
import { readDataUri } from '../data-uri'
import { argumentsOf } from '../tool-arguments'

export const CONVERTS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'tools',
  'tool_choice',
  'response_format',
  'reasoning_effort',
  'thinking',
]

const CACHE_POINT: Json = { cachePoint: { type: 'default' } }

/** A chat completion as a request of the Converse API. Source: docs.aws.amazon.com/bedrock, `Converse`. */
export function request(body: Json, call: Call): ProviderRequest {
  const chat = readChat(body, CONVERTS, 'AWS Bedrock')
  if (chat.temperature !== null && chat.temperature > 1) {
    throw refusal('temperature', 'must be at most 1 for AWS Bedrock')
  }
  const system = chat.messages.flatMap((message) =>
    message.role === 'system' || message.role === 'developer'
      ? message.content.filter(hasText).flatMap(textBlocks)
      : [],
  )
  const given = {
    maxTokens: chat.max_completion_tokens ?? chat.max_tokens,
    temperature: chat.temperature,
    topP: chat.top_p,
    stopSequences: chat.stop,
  }
  const inferenceConfig = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  const extra = extraOf(chat, call.model)
  const toolConfig = toolConfigOf(chat)
  return {
    path: `/model/${encodeURIComponent(call.model)}/${call.stream ? 'converse-stream' : 'converse'}`,
    body: {
      messages: turnsOf(chat.messages),
      ...(system.length === 0 ? {} : { system }),
      ...(Object.keys(inferenceConfig).length === 0 ? {} : { inferenceConfig }),
      ...(toolConfig === null ? {} : { toolConfig }),
      ...formatOf(chat),
      ...(Object.keys(extra).length === 0 ? {} : { additionalModelRequestFields: extra }),
    },
  }
}

/** What Converse has no word for goes to the model in the model's own words, where we know them. */
function extraOf(chat: Chat, model: string): Json {
  const claude = /(?:^|[./])anthropic\.(claude-.+)$/.exec(model)?.[1]
  if (claude !== undefined) {
    const thinking = thinkingOf(chat, claude, chat.max_completion_tokens ?? chat.max_tokens)
    return {
      ...(chat.top_k === null ? {} : { top_k: chat.top_k }),
      ...(thinking.thinking === null ? {} : { thinking: thinking.thinking }),
      ...(Object.keys(thinking.output).length === 0 ? {} : { output_config: thinking.output }),
    }
  }
  if (chat.top_k !== null) throw refusal('top_k', `cannot be converted for ${model} on AWS Bedrock`)
  if (chat.thinking !== null) throw refusal('thinking', `cannot be converted for ${model} on AWS Bedrock`)
  if (chat.reasoning_effort === null) return {}
  if (/(?:^|[./])openai\./.test(model)) return { reasoning_effort: chat.reasoning_effort }
  throw refusal('reasoning_effort', `cannot be converted for ${model} on AWS Bedrock`)
}

function formatOf({ response_format: format }: Chat): Json {
  if (format === null || format.type === 'text') return {}
  if (format.type === 'json_object') {
    throw refusal('response_format', 'of type json_object cannot be converted for AWS Bedrock; use json_schema')
  }
  const { name, description, schema } = format.json_schema
  if (schema === null) throw refusal('response_format.json_schema.schema', 'is missing')
  const jsonSchema = { schema: JSON.stringify(schema), name, ...(description === null ? {} : { description }) }
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } }
}

function toolConfigOf({ tools, tool_choice: choice, messages }: Chat): Json | null {
  if (tools === null || tools.length === 0) return null
  if (choice === 'none') {
    const hasCalls = messages.some((message) => message.role === 'assistant' && (message.tool_calls ?? []).length > 0)
    if (hasCalls) throw refusal('tool_choice', 'cannot be none for AWS Bedrock when tools were called before')
    return null // without tools none can be called
  }
  const specs = tools.flatMap(({ function: { name, description, parameters, strict }, cache_control }) => {
    const toolSpec = {
      name,
      ...(description === null || description === '' ? {} : { description }),
      inputSchema: { json: parameters ?? { type: 'object', properties: {} } },
      ...(strict === true ? { strict } : {}),
    }
    return cache_control === null ? [{ toolSpec }] : [{ toolSpec }, CACHE_POINT]
  })
  if (choice === null) return { tools: specs }
  const toolChoice = choice === 'auto' ? { auto: {} } : choice === 'required' ? { any: {} } : { tool: choice }
  return { tools: specs, toolChoice }
}

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

type Said = Exclude<ChatMessage, { role: 'system' | 'developer' }>

function blocksOf(message: Said, param: string): Json[] {
  if (message.role === 'user') {
    return message.content.filter(hasText).flatMap((part, at) => partOf(part, `${param}.content.${at}`))
  }
  if (message.role === 'tool') {
    const content = message.content.filter(hasText).flatMap((part, at) => partOf(part, `${param}.content.${at}`))
    const status = message.is_error === true ? { status: 'error' } : {}
    return [{ toolResult: { toolUseId: message.tool_call_id, content, ...status } }]
  }
  const said = (message.content ?? []).map((part) => (part.type === 'text' ? part.text : part.refusal))
  if (message.refusal !== null) said.push(message.refusal)
  return [
    ...(message.reasoning_details ?? []).flatMap((one): Json[] => {
      if (one.type === 'reasoning.encrypted') return [{ reasoningContent: { redactedContent: one.data } }]
      if (one.type !== 'reasoning.text' || one.signature === null) return []
      return [{ reasoningContent: { reasoningText: { text: one.text ?? '', signature: one.signature } } }]
    }),
    ...said.filter((text) => text !== '').map((text) => ({ text })),
    ...(message.tool_calls ?? []).map(({ id, function: made }, at) => ({
      toolUse: {
        toolUseId: id,
        name: made.name,
        input: argumentsOf(made.arguments, `${param}.tool_calls.${at}.function.arguments`),
      },
    })),
  ]
}

const hasText = (part: { type: string; text?: string }) => part.type !== 'text' || part.text !== ''

type TextPart = Extract<UserPart, { type: 'text' }>

const textBlocks = ({ text, cache_control }: TextPart): Json[] =>
  cache_control === null ? [{ text }] : [{ text }, CACHE_POINT]

function partOf(part: UserPart, param: string): Json[] {
  if (part.type === 'text') return textBlocks(part)
  if (part.type === 'input_audio') throw refusal(param, 'is audio, which Converse does not take')
  const cached = part.cache_control === null ? [] : [CACHE_POINT]
  if (part.type === 'image_url') {
    const image = readDataUri(part.image_url.url)
    const format = image === null ? undefined : IMAGE_FORMATS[image.mediaType]
    if (image === null || format === undefined) {
      throw refusal(`${param}.image_url.url`, 'must be a data: address of a PNG, JPEG, GIF or WebP for AWS Bedrock')
    }
    return [{ image: { format, source: { bytes: image.base64 } } }, ...cached]
  }
  const { file_data: data, file_id: id, filename } = part.file
  if (id !== null) throw refusal(`${param}.file.file_id`, 'names a file that only OpenAI has')
  const file = data === null ? null : readDataUri(data)
  const format = file === null ? undefined : DOCUMENT_FORMATS[file.mediaType]
  if (file === null || format === undefined) {
    throw refusal(
      `${param}.file.file_data`,
      'must be a data: address of a document that AWS Bedrock reads, such as a PDF',
    )
  }
  return [{ document: { format, name: documentName(filename), source: { bytes: file.base64 } } }, ...cached]
}

/** Only letters, digits, single spaces, hyphens, parentheses and brackets are allowed. */
const documentName = (filename: string | null) =>
  (filename ?? '')
    .replace(/[^A-Za-z0-9()[\]-]+/g, ' ')
    .trim()
    .slice(0, 200) || 'document'

const IMAGE_FORMATS: Readonly<Record<string, string | undefined>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}
const DOCUMENT_FORMATS: Readonly<Record<string, string | undefined>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
}
