import { isDone } from '@/lib/policy/stream/sse'
import { fieldsOf } from '../../meter'
import { type Call, type ChunkReader, type Json, type ProviderEvent, unreadable } from '../adapter'
import {
  ChunkWriter,
  completionOf,
  countOf,
  type FinishReason,
  listOf,
  parseEvent,
  type Reasoning,
  stringOf,
  type Usage,
} from '../completion'

/** An answer of Cohere as a chat completion. Its plan of what to call is its reasoning. */
export function answer(said: Json, call: Call): Json {
  const message = fieldsOf(said.message)
  if (message === null) throw unreadable('The provider answered with something that is not a message.')
  const content = listOf(message.content).map(fieldsOf)
  const thoughts = content.flatMap((part) => (part?.type === 'thinking' ? [stringOf(part.thinking)] : []))
  const reasoning = [...thoughts, stringOf(message.tool_plan)]
    .filter((text) => text !== '')
    .map((text): Reasoning => ({ type: 'reasoning.text', text, signature: null }))
  return completionOf(
    {
      id: stringOf(said.id) || `chatcmpl-${call.requestId}`,
      model: call.model,
      text: content.map((part) => (part?.type === 'text' ? stringOf(part.text) : '')).join(''),
      reasoning,
      toolCalls: listOf(message.tool_calls).map((one) => madeOf(fieldsOf(one))),
      refusal: null,
      finish: finishOf(said.finish_reason),
      usage: usageOf(fieldsOf(said.usage)),
    },
    call,
  )
}

function madeOf(call: Json | null) {
  const made = fieldsOf(call?.function)
  return {
    id: stringOf(call?.id),
    name: stringOf(made?.name),
    arguments: stringOf(made?.arguments),
    signature: null,
  }
}

function finishOf(reason: unknown): FinishReason {
  if (reason === 'ERROR' || reason === 'TIMEOUT' || reason === 'ERROR_TOXIC') {
    throw unreadable(`The provider broke off its answer (${reason}).`)
  }
  if (reason === 'MAX_TOKENS' || reason === 'ERROR_LIMIT') return 'length'
  return reason === 'TOOL_CALL' ? 'tool_calls' : 'stop'
}

/** What was read and written; what was billed, which leaves Cohere's own prompts out, only when nothing else is said. */
function usageOf(usage: Json | null): Usage | null {
  const counts = fieldsOf(usage?.tokens) ?? fieldsOf(usage?.billed_units)
  if (usage === null || counts === null) return null
  return {
    input: countOf(counts.input_tokens),
    output: countOf(counts.output_tokens),
    cached: countOf(usage.cached_tokens),
    cacheWritten: 0,
    reasoning: 0,
  }
}

/** Events of a streamed answer as chunks. */
export class CohereReader implements ChunkReader {
  isComplete = false
  readonly #write: ChunkWriter
  #hasArguments = true

  constructor(call: Call) {
    this.#write = new ChunkWriter(call)
  }

  push({ data }: ProviderEvent): Json[] {
    if (isDone(data)) return []
    const event = parseEvent(data)
    const delta = fieldsOf(event.delta)
    const message = fieldsOf(delta?.message)
    if (event.type === 'message-start') {
      this.#write.id = stringOf(event.id) || this.#write.id
      return [this.#write.begin()]
    }
    if (event.type === 'content-start' || event.type === 'content-delta')
      return this.#content(fieldsOf(message?.content))
    if (event.type === 'tool-plan-delta') return this.#think(stringOf(message?.tool_plan))
    if (event.type === 'tool-call-start') {
      const made = madeOf(fieldsOf(message?.tool_calls))
      this.#hasArguments = made.arguments !== ''
      return [this.#write.toolCall(made)]
    }
    if (event.type === 'tool-call-delta') return this.#arguments(madeOf(fieldsOf(message?.tool_calls)).arguments)
    if (event.type === 'tool-call-end') return this.#hasArguments ? [] : this.#arguments('{}')
    return event.type === 'message-end' ? this.#end(delta ?? {}) : []
  }

  end(): Json[] {
    return []
  }

  #content(content: Json | null): Json[] {
    const text = stringOf(content?.text)
    return [...this.#think(stringOf(content?.thinking)), ...(text === '' ? [] : [this.#write.text(text)])]
  }

  #think(text: string): Json[] {
    return text === '' ? [] : [this.#write.reasoning({ type: 'reasoning.text', text, signature: null })]
  }

  #arguments(text: string): Json[] {
    if (text === '') return []
    this.#hasArguments = true
    return [this.#write.toolArguments(this.#write.toolCalls - 1, text)]
  }

  #end(delta: Json): Json[] {
    const last = this.#write.delta({}, finishOf(delta.finish_reason))
    this.isComplete = true
    const usage = usageOf(fieldsOf(delta.usage))
    return usage === null ? [last] : [last, this.#write.usage(usage)]
  }
}
