import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import type { Call, Json, ProviderRequest } from '../adapter'
import { type Chat, type ChatMessage, readChat, refusal, type UserPart } from '../chat'
import { isWebAddress, readDataUri } from '../data-uri'
import { argumentsOf } from '../tool-arguments'
import { MADE_UP_ID } from './made-up-id'
import { modelName } from './model-name'

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
/** Google's own table for its OpenAI-compatible interface. */
const BUDGET_TOKENS = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576, xhigh: 24_576, max: 24_576 }
const LEVELS = { minimal: 'minimal', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' }
const THINKS_IN_LEVELS = /^(?:models\/)?gemini-[3-9]/
/** Google's word for a call whose thought is not there, because another model made it or the client did not keep it. */
const NO_SIGNATURE = 'skip_thought_signature_validator'

/** A chat completion as a request to generate content. Source: ai.google.dev/api/generate-content. */
export function request(body: Json, call: Call): ProviderRequest {
  const chat = readChat(body, CONVERTS, 'Google Gemini')
  if (chat.stop !== null && chat.stop.length > STOP_SEQUENCES_MAX) {
    throw refusal('stop', `must hold at most ${STOP_SEQUENCES_MAX} sequences for Google Gemini`)
  }
  const system = chat.messages.flatMap((message) =>
    message.role === 'system' || message.role === 'developer' ? message.content.map(({ text }) => ({ text })) : [],
  )
  const generationConfig = generationOf(chat, call.model)
  const model = modelName(call.model)
  return {
    path: `/v1beta/models/${model}:${call.stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: {
      contents: contentsOf(chat.messages, THINKS_IN_LEVELS.test(call.model)),
      ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
      ...(chat.tools === null || chat.tools.length === 0 ? {} : { tools: [{ functionDeclarations: toolsOf(chat) }] }),
      ...toolConfigOf(chat),
      ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    },
  }
}

function generationOf(chat: Chat, model: string): Json {
  const thinkingConfig = thinkingOf(chat, model)
  const given = {
    temperature: chat.temperature,
    topP: chat.top_p,
    topK: chat.top_k,
    maxOutputTokens: chat.max_completion_tokens ?? chat.max_tokens,
    stopSequences: chat.stop,
    seed: chat.seed,
    presencePenalty: chat.presence_penalty,
    frequencyPenalty: chat.frequency_penalty,
    thinkingConfig,
  }
  const format = chat.response_format
  const schema = format?.type === 'json_schema' ? format.json_schema.schema : null
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
    ...(format === null || format.type === 'text' ? {} : { responseMimeType: 'application/json' }),
    ...(schema === null ? {} : { responseJsonSchema: schema }),
  }
}

function thinkingOf({ thinking, reasoning_effort: effort }: Chat, model: string): Json | null {
  if (thinking?.type === 'enabled') return { thinkingBudget: thinking.budget_tokens, includeThoughts: true }
  if (thinking?.type === 'disabled') return { thinkingBudget: 0 }
  if (effort === null) return thinking === null ? null : { thinkingBudget: -1, includeThoughts: true }
  if (!THINKS_IN_LEVELS.test(model)) {
    return { thinkingBudget: BUDGET_TOKENS[effort], ...(effort === 'none' ? {} : { includeThoughts: true }) }
  }
  if (effort === 'none') throw refusal('reasoning_effort', `cannot be none for ${model}, which always thinks`)
  return { thinkingLevel: LEVELS[effort], includeThoughts: true }
}

const toolsOf = (chat: Chat): Json[] =>
  (chat.tools ?? []).map(({ function: { name, description, parameters } }) => ({
    name,
    ...(description === null ? {} : { description }),
    ...(parameters === null ? {} : { parametersJsonSchema: parameters }),
  }))

function toolConfigOf({ tools, tool_choice: choice }: Chat): Json {
  if (tools === null || tools.length === 0 || choice === null || choice === 'auto') return {}
  if (choice === 'none') return { toolConfig: { functionCallingConfig: { mode: 'NONE' } } }
  const named = choice === 'required' ? {} : { allowedFunctionNames: [choice.name] }
  return { toolConfig: { functionCallingConfig: { mode: 'ANY', ...named } } }
}

type Content = { role: 'user' | 'model'; parts: Json[] }

function contentsOf(messages: readonly ChatMessage[], needsSignatures: boolean): Content[] {
  const contents: Content[] = []
  const names = new Map<string, string>()
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system' || message.role === 'developer') continue
    const param = `messages.${index}`
    const role = message.role === 'assistant' ? 'model' : 'user'
    const parts =
      message.role === 'user'
        ? message.content.map((part, at) => partOf(part, `${param}.content.${at}`))
        : message.role === 'tool'
          ? resultOf(message, names, param)
          : saidOf(message, names, needsSignatures, param)
    const last = contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else if (parts.length > 0) contents.push({ role, parts })
  }
  return contents
}

type AssistantMessage = Extract<ChatMessage, { role: 'assistant' }>

function saidOf(
  message: AssistantMessage,
  names: Map<string, string>,
  needsSignatures: boolean,
  param: string,
): Json[] {
  const parts: Json[] = (message.content ?? [])
    .map((part) => (part.type === 'text' ? part.text : part.refusal))
    .filter((text) => text !== '')
    .map((text) => ({ text }))
  if (message.refusal !== null) parts.push({ text: message.refusal })
  for (const [at, { id, function: made, extra_content: extra }] of (message.tool_calls ?? []).entries()) {
    names.set(id, made.name)
    const args = argumentsOf(made.arguments, `${param}.tool_calls.${at}.function.arguments`)
    const signature = extra?.google?.thought_signature ?? (needsSignatures && at === 0 ? NO_SIGNATURE : undefined)
    parts.push({
      functionCall: { ...idOf(id), name: made.name, args },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    })
  }
  return parts
}

const idOf = (id: string): Json => (id.startsWith(MADE_UP_ID) ? {} : { id })

function resultOf(message: Extract<ChatMessage, { role: 'tool' }>, names: Map<string, string>, param: string): Json[] {
  const name = names.get(message.tool_call_id)
  if (name === undefined) throw refusal(`${param}.tool_call_id`, 'answers no call of an earlier message')
  const text = message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
  const response = message.is_error === true ? { error: text } : (objectIn(text) ?? { result: text })
  const images = message.content.flatMap((part, at) =>
    part.type === 'image_url' ? [partOf(part, `${param}.content.${at}`)] : [],
  )
  return [{ functionResponse: { ...idOf(message.tool_call_id), name, response } }, ...images]
}

/** A result that is a JSON object is given as one; everything else as it is written. */
function objectIn(text: string): Json | null {
  if (!text.trimStart().startsWith('{')) return null
  try {
    const value: unknown = parseJson(text)
    return typeof value === 'object' && value !== null && !isNestedDeeper(value) ? (value as Json) : null
  } catch {
    return null // a text that only begins like JSON
  }
}

function partOf(part: UserPart, param: string): Json {
  if (part.type === 'text') return { text: part.text }
  if (part.type === 'input_audio') {
    const { data, format } = part.input_audio
    return { inlineData: { mimeType: `audio/${format}`, data } }
  }
  if (part.type === 'image_url') return mediaOf(part.image_url.url, `${param}.image_url.url`)
  const { file_data: data, file_id: id } = part.file
  if (id !== null) throw refusal(`${param}.file.file_id`, 'names a file that only OpenAI has')
  if (data === null) throw refusal(`${param}.file.file_data`, 'is missing')
  return mediaOf(data, `${param}.file.file_data`)
}

function mediaOf(address: string, param: string): Json {
  const inline = readDataUri(address)
  if (inline !== null) return { inlineData: { mimeType: inline.mediaType, data: inline.base64 } }
  if (!isWebAddress(address) || !URL.canParse(address)) {
    throw refusal(param, 'must be a web address or a data: address in base64')
  }
  const extension = new URL(address).pathname.split('.').at(-1)?.toLowerCase() ?? ''
  const mimeType = Object.hasOwn(MEDIA_TYPES, extension) ? MEDIA_TYPES[extension] : undefined
  if (mimeType === undefined) {
    throw refusal(param, 'must end with a known extension such as .png, because Google Gemini must be told the type')
  }
  return { fileData: { mimeType, fileUri: address } }
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
}
