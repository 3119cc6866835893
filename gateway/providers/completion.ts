import { isNestedDeeper } from '@/lib/json'
import { parseJson } from '@/lib/parse-json'
import { type Call, type Json, unreadable } from './adapter'

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** Counts of tokens. `input` includes what came from a cache and what was written to one; `output` includes reasoning. */
export type Usage = { input: number; output: number; cached: number; cacheWritten: number; reasoning: number }

export type Reasoning =
  | { type: 'reasoning.text'; text: string; signature: string | null }
  | { type: 'reasoning.encrypted'; data: string }

export type ToolCallMade = { id: string; name: string; arguments: string; signature: string | null }

export type Said = {
  id: string
  model: string
  text: string
  reasoning: readonly Reasoning[]
  toolCalls: readonly ToolCallMade[]
  refusal: string | null
  finish: FinishReason
  usage: Usage | null
}

/** A whole answer as a chat completion. */
export function completionOf(said: Said, call: Call): Json {
  const thoughts = said.reasoning.map((one) => (one.type === 'reasoning.text' ? one.text : '')).join('')
  return {
    id: said.id,
    object: 'chat.completion',
    created: Math.floor(call.nowMs / 1000),
    model: said.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: said.text === '' && said.toolCalls.length > 0 ? null : said.text,
          refusal: said.refusal,
          ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
          ...(said.reasoning.length === 0 ? {} : { reasoning_details: said.reasoning }),
          ...(said.toolCalls.length === 0 ? {} : { tool_calls: said.toolCalls.map(toolCallJson) }),
        },
        logprobs: null,
        finish_reason: said.finish,
      },
    ],
    ...(said.usage === null ? {} : { usage: usageJson(said.usage) }),
  }
}

export const usageJson = ({ input, output, cached, cacheWritten, reasoning }: Usage): Json => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWritten },
  completion_tokens_details: { reasoning_tokens: reasoning },
})

export const toolCallJson = ({ id, name, arguments: text, signature }: ToolCallMade): Json => ({
  id,
  type: 'function',
  function: { name, arguments: text },
  ...(signature === null ? {} : { extra_content: { google: { thought_signature: signature } } }),
})

/** Makes the chunks of one streamed chat completion. */
export class ChunkWriter {
  id: string
  model: string
  readonly #created: number
  #toolCalls = 0

  constructor(call: Call) {
    this.id = `chatcmpl-${call.requestId}`
    this.model = call.model
    this.#created = Math.floor(call.nowMs / 1000)
  }

  get toolCalls(): number {
    return this.#toolCalls
  }

  delta(delta: Json, finish: FinishReason | null = null): Json {
    return { ...this.#head(), choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] }
  }

  begin = (): Json => this.delta({ role: 'assistant', content: '' })
  text = (content: string): Json => this.delta({ content })

  reasoning(one: Reasoning): Json {
    const content = one.type === 'reasoning.text' && one.text !== '' ? { reasoning_content: one.text } : {}
    return this.delta({ ...content, reasoning_details: [one] })
  }

  /** Begins a call; `arguments` may be empty when they follow. */
  toolCall(made: ToolCallMade): Json {
    const index = this.#toolCalls
    this.#toolCalls += 1
    return this.delta({ tool_calls: [{ index, ...toolCallJson(made) }] })
  }

  toolArguments(index: number, text: string): Json {
    return this.delta({ tool_calls: [{ index, function: { arguments: text } }] })
  }

  usage(usage: Usage): Json {
    return { ...this.#head(), choices: [], usage: usageJson(usage) }
  }

  #head(): Json {
    return { id: this.id, object: 'chat.completion.chunk', created: this.#created, model: this.model }
  }
}

export const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0

export const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** @throws ProviderFault when it is not a JSON object */
export function parseEvent(data: string): Json {
  let value: unknown
  try {
    value = parseJson(data)
  } catch (cause) {
    throw unreadable('The provider sent an event that is not JSON.', cause)
  }
  if (isNestedDeeper(value)) throw unreadable('The provider sent an event that is nested too deep.')
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw unreadable('The provider sent an event that is not a JSON object.')
}
