import { finishReasonOf } from '@/lib/policy/stream/finish-reason'
import { isDone } from '@/lib/policy/stream/sse'
import { fieldsOf } from '../meter'
import type { ApiShape, ChunkReader, Json, ProviderAdapter, ProviderEvent } from './adapter'
import { ProviderFault, unreadable } from './adapter'
import { refusal } from './chat'
import { listOf, parseEvent, stringOf } from './completion'
import { readProviderError } from './provider-error'

/** How a provider in OpenAI's shape differs from OpenAI. Everything not named here passes as the caller wrote it. */
export type Quirks = {
  /** Parameters that go by another name; a caller who gives both names gets the provider's. */
  rename?: Readonly<Record<string, string>>
  /** Of the harmless ones, those that this provider would refuse a request for. */
  drop?: readonly string[]
  /** What it would ignore or misread, and why the caller is refused instead. */
  refuse?: Readonly<Record<string, string>>
  /** The role `developer` came late; many know only `system`. */
  hasDeveloperRole?: boolean
  /** Whether `response_format` may hold a schema. */
  hasJsonSchema?: boolean
  /** Whether an assistant message may carry its reasoning back. */
  takesReasoning?: boolean
  takesTopK?: boolean
}

type OpenAiLike = Pick<ProviderAdapter, 'name' | 'title' | 'baseUrl' | 'env' | 'native'> & {
  auth?: ProviderAdapter['auth']
  headers?: ProviderAdapter['headers']
  quirks?: Quirks
  path?: ProviderAdapter['path']
}

const PATHS: Readonly<Partial<Record<ApiShape, string>>> = {
  openai_chat: '/chat/completions',
  openai_responses: '/responses',
  anthropic_messages: '/messages',
  openai_embeddings: '/embeddings',
  audio_transcriptions: '/audio/transcriptions',
  audio_speech: '/audio/speech',
}

/** A provider that speaks OpenAI's shape: nothing but data. */
export function openAiLike({ auth, headers, quirks = {}, path, ...facts }: OpenAiLike): ProviderAdapter {
  const pathOf = path ?? ((shape: ApiShape) => PATHS[shape] ?? '')
  return {
    ...facts,
    auth: auth ?? { header: 'authorization', prefix: 'Bearer ' },
    headers: headers ?? {},
    passes: [],
    path: pathOf,
    adjust: (shape, body) => (shape === 'openai_chat' ? adjustChat(body, quirks, facts.title) : null),
    asksForUsage: quirks.drop?.includes('stream_options') !== true,
    chat: {
      converts: ['*'],
      framing: 'sse',
      request: (chat, call) => {
        const body = { ...withoutOurs(chat, quirks, facts.title), model: call.model }
        return { path: pathOf('openai_chat', call), body: adjustChat(body, quirks, facts.title) ?? body }
      },
      answer: (answer) => readCompletion(answer),
      reader: () => new ChatReader(),
    },
    embeddings: null,
    error: readProviderError,
  }
}

function adjustChat(body: Json, quirks: Quirks, title: string): Json | null {
  for (const [param, why] of Object.entries(quirks.refuse ?? {})) {
    if (body[param] !== undefined && body[param] !== null && !isDefault(param, body[param])) {
      throw refusal(param, `is not possible with ${title}: ${why}`)
    }
  }
  if (quirks.hasJsonSchema === false && fieldsOf(body.response_format)?.type === 'json_schema') {
    throw refusal('response_format', `of type json_schema is not possible with ${title}; use json_object`)
  }
  let changed: Json | null = null
  for (const [from, to] of Object.entries(quirks.rename ?? {})) {
    if (!Object.hasOwn(body, from)) continue
    changed ??= { ...body }
    if (changed[to] === undefined || changed[to] === null) changed[to] = changed[from]
    delete changed[from]
  }
  for (const param of quirks.drop ?? []) {
    if (!Object.hasOwn(body, param)) continue
    changed ??= { ...body }
    delete changed[param]
  }
  const messages = listOf(body.messages)
  if (quirks.hasDeveloperRole === false && messages.some((message) => fieldsOf(message)?.role === 'developer')) {
    changed ??= { ...body }
    changed.messages = messages.map((message) => {
      const fields = fieldsOf(message)
      return fields?.role === 'developer' ? { ...fields, role: 'system' } : message
    })
  }
  return changed
}

const isDefault = (param: string, value: unknown) =>
  value === false || value === 0 || (param === 'n' && value === 1) || value === 'auto' || JSON.stringify(value) === '{}'

/** What other shapes carry through ours, said as OpenAI's shape says it. */
function withoutOurs(chat: Json, { takesReasoning = false, takesTopK = false }: Quirks, title: string): Json {
  const { thinking, ...rest } = chat
  if (!takesTopK && (rest.top_k ?? null) !== null) throw refusal('top_k', `is not possible with ${title}`)
  const budget = fieldsOf(thinking)?.budget_tokens
  if (typeof budget === 'number' && (rest.reasoning_effort ?? null) === null) rest.reasoning_effort = effortOf(budget)
  const messages: Json[] = []
  let images: unknown[] = []
  for (const message of listOf(chat.messages).map((one) => fieldsOf(one) ?? {})) {
    if (message.role !== 'tool' && images.length > 0) {
      messages.push({ role: 'user', content: images })
      images = []
    }
    const { reasoning_content: thought, reasoning_details: _, is_error: _e, ...plain } = message
    if (takesReasoning && thought !== undefined) plain.reasoning_content = thought
    if (message.role === 'tool' && Array.isArray(plain.content)) {
      // Results of tools are texts here; what they show follows as if the user had shown it.
      const isImage = (part: unknown) => fieldsOf(part)?.type === 'image_url'
      images = images.concat(plain.content.filter(isImage))
      plain.content = plain.content.map((part) => stringOf(fieldsOf(part)?.text)).join('')
    }
    messages.push(plain)
  }
  if (images.length > 0) messages.push({ role: 'user', content: images })
  return { ...rest, messages }
}

const effortOf = (budget: number) => (budget <= 2_048 ? 'low' : budget <= 8_192 ? 'medium' : 'high')

/** An answer as others in this shape give it, in the words of OpenAI. */
export function readCompletion(answer: Json): Json {
  if (fieldsOf(answer.error) !== null) throw new ProviderFault(readProviderError(500, answer))
  if (!Array.isArray(answer.choices)) throw unreadable('The provider answered with something that is not a completion.')
  return { ...answer, choices: answer.choices.map((choice) => readChoice(fieldsOf(choice) ?? {}, 'message')) }
}

function readChoice(choice: Json, field: 'message' | 'delta'): Json {
  const said = readSaid(fieldsOf(choice[field]) ?? {})
  return { ...choice, [field]: said, finish_reason: readFinish(choice.finish_reason) }
}

/** Reasoning is `reasoning_content` (DeepSeek, xAI), `reasoning` (Groq, OpenRouter, vLLM) or parts of the content (Mistral). */
function readSaid(said: Json): Json {
  const { reasoning, ...plain } = said
  if (Array.isArray(said.content)) {
    const parts = said.content.map(fieldsOf)
    const thoughts = parts.flatMap((part) => (part?.type === 'thinking' ? listOf(part.thinking).map(fieldsOf) : []))
    const thought = thoughts.map((part) => stringOf(part?.text)).join('')
    const content = parts.map((part) => (part?.type === 'text' ? stringOf(part.text) : '')).join('')
    return { ...plain, content, ...(thought === '' ? {} : { reasoning_content: thought }) }
  }
  if (typeof reasoning !== 'string' || reasoning === '' || typeof said.reasoning_content === 'string') return plain
  return { ...plain, reasoning_content: reasoning }
}

function readFinish(said: unknown): string | null {
  const reason = finishReasonOf(said)
  if (reason === 'model_length' || reason === 'max_tokens') return 'length'
  return reason === 'eos' || reason === 'end_turn' ? 'stop' : reason
}

/** Chunks that are chunks already; usage beside choices (Mistral, Groq, Perplexity) becomes the last chunk of its own. */
class ChatReader implements ChunkReader {
  isComplete = false
  isCounted = false
  #usage: Json | null = null
  #finished = false

  push({ data }: ProviderEvent): Json[] {
    if (isDone(data)) {
      this.isComplete = true
      return this.#lastUsage()
    }
    const chunk = parseEvent(data)
    if (fieldsOf(chunk.error) !== null) throw new ProviderFault(readProviderError(500, chunk))
    const { usage, ...plain } = chunk
    const groq = fieldsOf(fieldsOf(chunk.x_groq)?.usage)
    const choices = listOf(chunk.choices).map((choice) => readChoice(fieldsOf(choice) ?? {}, 'delta'))
    const counts = fieldsOf(usage) ?? groq
    if (counts !== null) this.#usage = { ...plain, choices: [], usage: counts }
    const isLast = choices.some(({ finish_reason: reason }) => reason !== null)
    this.#finished ||= isLast
    if (isLast || counts !== null) this.isCounted = counts !== null && (this.#finished || choices.length === 0)
    return choices.length === 0 ? [] : [{ ...plain, choices }]
  }

  end(): Json[] {
    this.isComplete ||= this.#finished
    return this.#lastUsage()
  }

  #lastUsage(): Json[] {
    const last = this.#usage
    this.#usage = null
    return last === null ? [] : [last]
  }
}
