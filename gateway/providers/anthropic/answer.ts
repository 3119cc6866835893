import { fieldsOf } from '../../meter'
import { type Call, type ChunkReader, type Json, type ProviderEvent, ProviderFault, unreadable } from '../adapter'
import {
  ChunkWriter,
  completionOf,
  countOf,
  type FinishReason,
  listOf,
  parseEvent,
  type Reasoning,
  stringOf,
  type ToolCallMade,
  type Usage,
} from '../completion'
import { anthropicError } from './error'

/** A message as a chat completion. */
export function answer(message: Json, call: Call): Json {
  if (message.type === 'error') throw new ProviderFault(anthropicError(200, message))
  if (!Array.isArray(message.content)) throw unreadable('The provider answered with something that is not a message.')
  const reasoning: Reasoning[] = []
  const toolCalls: ToolCallMade[] = []
  let text = ''
  for (const block of listOf(message.content).map(fieldsOf)) {
    if (block?.type === 'text') text += stringOf(block.text)
    else if (block?.type === 'thinking') {
      const signature = typeof block.signature === 'string' ? block.signature : null
      reasoning.push({ type: 'reasoning.text', text: stringOf(block.thinking), signature })
    } else if (block?.type === 'redacted_thinking') {
      reasoning.push({ type: 'reasoning.encrypted', data: stringOf(block.data) })
    } else if (block?.type === 'tool_use') {
      const { id, name, input } = block
      const made = { id: stringOf(id), name: stringOf(name), arguments: JSON.stringify(input ?? {}), signature: null }
      toolCalls.push(made)
    }
  }
  return completionOf(
    {
      id: stringOf(message.id) || `chatcmpl-${call.requestId}`,
      model: stringOf(message.model) || call.model,
      text,
      reasoning,
      toolCalls,
      refusal: refusalOf(message),
      finish: finishOf(message.stop_reason),
      usage: usageOf(fieldsOf(message.usage), null),
    },
    call,
  )
}

/** Anthropic counts what came from a cache, and what went into it, beside `input_tokens`; OpenAI counts it within. */
export function usageOf(usage: Json | null, before: Counts | null): Counts | null {
  if (usage === null) return before
  const take = (name: string, old: number) => (typeof usage[name] === 'number' ? countOf(usage[name]) : old)
  const fresh = take('input_tokens', before?.fresh ?? 0)
  const cached = take('cache_read_input_tokens', before?.cached ?? 0)
  const cacheWritten = take('cache_creation_input_tokens', before?.cacheWritten ?? 0)
  const details = fieldsOf(usage.output_tokens_details)
  return {
    fresh,
    cached,
    cacheWritten,
    input: fresh + cached + cacheWritten,
    output: take('output_tokens', before?.output ?? 0),
    reasoning: details === null ? (before?.reasoning ?? 0) : countOf(details.thinking_tokens),
  }
}

export type Counts = Usage & { fresh: number }

export function finishOf(reason: unknown): FinishReason {
  if (reason === 'max_tokens' || reason === 'model_context_window_exceeded') return 'length'
  if (reason === 'tool_use') return 'tool_calls'
  return reason === 'refusal' ? 'content_filter' : 'stop'
}

function refusalOf(message: Json): string | null {
  const explanation = fieldsOf(message.stop_details)?.explanation
  return message.stop_reason === 'refusal' && typeof explanation === 'string' ? explanation : null
}

/** Events of a streamed message as chunks of a chat completion. */
export class MessageReader implements ChunkReader {
  isComplete = false
  isCounted = false
  readonly #write: ChunkWriter
  /** Of the block under way, when it is a call: its place among the calls, and whether arguments have come. */
  #toolCall: { index: number; input: string; hasArguments: boolean } | null = null
  #usage: Counts | null = null
  #finish: FinishReason = 'stop'
  #refusal: string | null = null

  constructor(call: Call) {
    this.#write = new ChunkWriter(call)
  }

  push({ data }: ProviderEvent): Json[] {
    const event = parseEvent(data)
    if (event.type === 'message_start') return this.#start(fieldsOf(event.message) ?? {})
    if (event.type === 'content_block_start') return this.#startBlock(fieldsOf(event.content_block) ?? {})
    if (event.type === 'content_block_delta') return this.#delta(fieldsOf(event.delta) ?? {})
    if (event.type === 'content_block_stop') return this.#stopBlock()
    if (event.type === 'message_delta') {
      const delta = fieldsOf(event.delta) ?? {}
      this.#finish = finishOf(delta.stop_reason)
      this.#refusal = refusalOf(delta)
      const usage = fieldsOf(event.usage)
      this.isCounted = typeof usage?.output_tokens === 'number'
      this.#usage = usageOf(usage, this.#usage)
      return []
    }
    if (event.type === 'message_stop') return this.#stop()
    if (event.type === 'error') throw new ProviderFault(anthropicError(200, event))
    return [] // `ping`, and kinds that are still to come: Anthropic asks clients to let them pass
  }

  end(): Json[] {
    return []
  }

  #start(message: Json): Json[] {
    this.#write.id = stringOf(message.id) || this.#write.id
    this.#write.model = stringOf(message.model) || this.#write.model
    this.#usage = usageOf(fieldsOf(message.usage), null)
    return [this.#write.begin()]
  }

  #startBlock(block: Json): Json[] {
    this.#toolCall = null
    if (block.type === 'text' && stringOf(block.text) !== '') return [this.#write.text(stringOf(block.text))]
    if (block.type === 'redacted_thinking') {
      return [this.#write.reasoning({ type: 'reasoning.encrypted', data: stringOf(block.data) })]
    }
    if (block.type !== 'tool_use') return []
    this.#toolCall = {
      index: this.#write.toolCalls,
      input: JSON.stringify(block.input ?? {}),
      hasArguments: false,
    }
    const made = { id: stringOf(block.id), name: stringOf(block.name), arguments: '', signature: null }
    return [this.#write.toolCall(made)]
  }

  #delta(delta: Json): Json[] {
    if (delta.type === 'text_delta') return [this.#write.text(stringOf(delta.text))]
    if (delta.type === 'thinking_delta') {
      return [this.#write.reasoning({ type: 'reasoning.text', text: stringOf(delta.thinking), signature: null })]
    }
    if (delta.type === 'signature_delta') {
      const signature = stringOf(delta.signature)
      return [this.#write.reasoning({ type: 'reasoning.text', text: '', signature })]
    }
    const text = stringOf(delta.partial_json)
    if (delta.type !== 'input_json_delta' || this.#toolCall === null || text === '') return []
    this.#toolCall.hasArguments = true
    return [this.#write.toolArguments(this.#toolCall.index, text)]
  }

  /** A call without arguments streams none; callers parse what they got, and nothing is no JSON. */
  #stopBlock(): Json[] {
    const toolCall = this.#toolCall
    this.#toolCall = null
    if (toolCall === null || toolCall.hasArguments) return []
    return [this.#write.toolArguments(toolCall.index, toolCall.input)]
  }

  #stop(): Json[] {
    this.isComplete = true
    const last = this.#write.delta(this.#refusal === null ? {} : { refusal: this.#refusal }, this.#finish)
    return this.#usage === null ? [last] : [last, this.#write.usage(this.#usage)]
  }
}
