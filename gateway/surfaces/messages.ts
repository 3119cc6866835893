import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import type { Refusal } from '../errors'
import { fieldsOf } from '../meter'
import { type Json, unreadable } from '../providers/adapter'
import { stringOf, type Usage } from '../providers/completion'
import { readAnswer, readChunk, readToolDeltas } from './completion-read'
import { messagesToChat } from './messages-request'
import type { Asked, FrameWriter, Surface } from './surface'

const STOP_REASONS: Readonly<Record<string, string>> = {
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
}

/** Anthropic's Messages API in front of any provider. Source: platform.claude.com/docs, `POST /v1/messages`. */
export const MESSAGES: Surface = {
  shape: 'anthropic_messages',
  path: '/v1/messages',
  toChat: messagesToChat,
  answer: (completion, asked) => {
    const said = readAnswer(completion)
    const content: Json[] = showsThoughts(asked) ? thoughtsOf(said.details, said.reasoning) : []
    const text = said.text + (said.refusal ?? '')
    if (text !== '' || said.toolCalls.length === 0) content.push({ type: 'text', text, citations: null })
    for (const { id, name, arguments: args } of said.toolCalls) {
      content.push({ type: 'tool_use', id, name, input: inputOf(args) })
    }
    const stop_reason = STOP_REASONS[said.finish] ?? 'end_turn'
    return { ...messageOf(asked, said.model), content, stop_reason, usage: usageOf(said.usage) }
  },
  writer: (asked) => new MessageWriter(asked),
  refuse: errorOf,
}

/** Thoughts are shown to whoever asked for thinking, as Anthropic does. */
function showsThoughts({ body }: Asked): boolean {
  const type = fieldsOf(body.thinking)?.type
  return type === 'enabled' || type === 'adaptive'
}

/** Thoughts of other models have no signature, and Anthropic's clients want one. */
function thoughtsOf(details: readonly Json[], reasoning: string): Json[] {
  const thoughts = details.flatMap((one): Json[] => {
    if (one.type === 'reasoning.encrypted') return [{ type: 'redacted_thinking', data: stringOf(one.data) }]
    if (one.type !== 'reasoning.text') return []
    return [{ type: 'thinking', thinking: stringOf(one.text), signature: stringOf(one.signature) }]
  })
  if (thoughts.length > 0 || reasoning === '') return thoughts
  return [{ type: 'thinking', thinking: reasoning, signature: '' }]
}

function inputOf(args: string): Json {
  if (args.trim() === '') return {}
  try {
    const input = fieldsOf(parseJson(args))
    if (input !== null && !isNestedDeeper(input)) return input
  } catch (cause) {
    throw unreadable('The model made a tool call whose arguments are not JSON.', cause)
  }
  throw unreadable('The model made a tool call whose arguments are not a JSON object.')
}

const messageOf = ({ body, requestId }: Asked, model: string): Json => ({
  id: `msg_${requestId}`,
  type: 'message',
  role: 'assistant',
  model: model || body.model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
})

/** Anthropic counts what was cached beside the input, OpenAI within it. */
const usageOf = ({ input, output, cached, cacheWritten }: Usage): Json => ({
  input_tokens: Math.max(0, input - cached - cacheWritten),
  cache_creation_input_tokens: cacheWritten,
  cache_read_input_tokens: cached,
  output_tokens: output,
})

const NO_USAGE: Usage = { input: 0, output: 0, cached: 0, cacheWritten: 0, reasoning: 0 }

const frame = (event: Json) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

class MessageWriter implements FrameWriter {
  readonly #asked: Asked
  readonly #showsThoughts: boolean
  #hasBegun = false
  #blocks = 0
  #open: { kind: 'text' | 'thinking' | 'tool'; index: number } | null = null
  /** Block of each call, by its place among the calls. */
  readonly #toolBlocks = new Map<number, number>()
  #finish = 'stop'
  #usage: Usage = NO_USAGE

  constructor(asked: Asked) {
    this.#asked = asked
    this.#showsThoughts = showsThoughts(asked)
  }

  push(chunk: Json): string {
    const { delta, finish, usage } = readChunk(chunk)
    let out = this.#begin(stringOf(chunk.model))
    const thought = stringOf(delta.reasoning_content)
    const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details.map(fieldsOf) : []
    if (this.#showsThoughts) {
      if (thought !== '') out += this.#delta('thinking', { type: 'thinking_delta', thinking: thought })
      for (const one of details) out += this.#detail(one ?? {})
    }
    const text = stringOf(delta.content) + stringOf(delta.refusal)
    if (text !== '') out += this.#delta('text', { type: 'text_delta', text })
    for (const call of readToolDeltas(delta)) {
      let index = this.#toolBlocks.get(call.index)
      if (index === undefined) {
        out += this.#start('tool', { type: 'tool_use', id: call.id, name: call.name, input: {} })
        index = this.#blocks - 1
        this.#toolBlocks.set(call.index, index)
      }
      if (call.arguments === '') continue
      out += frame({
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: call.arguments },
      })
    }
    if (finish !== null) this.#finish = finish
    if (usage !== null) this.#usage = usage
    return out
  }

  end(): string {
    const finish = this.#finish === 'stop' && this.#toolBlocks.size > 0 ? 'tool_calls' : this.#finish
    const delta = { stop_reason: STOP_REASONS[finish] ?? 'end_turn', stop_sequence: null }
    return (
      this.#begin('') +
      this.#stop() +
      frame({ type: 'message_delta', delta, usage: usageOf(this.#usage) }) +
      frame({ type: 'message_stop' })
    )
  }

  fail(refusal: Refusal): string {
    return frame(errorOf(refusal, this.#asked.requestId))
  }

  #begin(model: string): string {
    if (this.#hasBegun) return ''
    this.#hasBegun = true
    return frame({ type: 'message_start', message: { ...messageOf(this.#asked, model), usage: usageOf(NO_USAGE) } })
  }

  #detail(one: Json): string {
    if (one.type === 'reasoning.encrypted') {
      return this.#start('thinking', { type: 'redacted_thinking', data: stringOf(one.data) }) + this.#stop()
    }
    const signature = stringOf(one.signature)
    if (signature === '') return '' // its text came as `reasoning_content`
    return this.#delta('thinking', { type: 'signature_delta', signature }) + this.#stop()
  }

  #delta(kind: 'text' | 'thinking', delta: Json): string {
    const empty = kind === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '', signature: '' }
    const start = this.#open?.kind === kind ? '' : this.#start(kind, empty)
    return start + frame({ type: 'content_block_delta', index: this.#blocks - 1, delta })
  }

  #start(kind: 'text' | 'thinking' | 'tool', content_block: Json): string {
    const stop = this.#stop()
    const index = this.#blocks
    this.#blocks += 1
    this.#open = { kind, index }
    return stop + frame({ type: 'content_block_start', index, content_block })
  }

  #stop(): string {
    const open = this.#open
    this.#open = null
    return open === null ? '' : frame({ type: 'content_block_stop', index: open.index })
  }
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

function errorOf(refusal: Refusal, requestId: string): Json {
  const type = ERROR_TYPES[refusal.status] ?? (refusal.status < 500 ? 'invalid_request_error' : 'api_error')
  const { message, code, param, policy, retryable, details } = refusal
  return { type: 'error', error: { type, message, code, param, policy, retryable, ...details }, request_id: requestId }
}
