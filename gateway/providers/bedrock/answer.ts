import { fieldsOf } from '../../meter'
import { type Call, type ChunkReader, type Json, type ProviderEvent, ProviderFault, unreadable } from '../adapter'
import {
  ChunkWriter,
  completionOf,
  countOf,
  type FinishReason,
  parseEvent,
  type Reasoning,
  stringOf,
  type ToolCallMade,
  type Usage,
} from '../completion'
import { bedrockException } from './error'

/** An answer of Converse as a chat completion. */
export function answer(converse: Json, call: Call): Json {
  const content = fieldsOf(fieldsOf(converse.output)?.message)?.content
  if (!Array.isArray(content)) throw unreadable('The provider answered with something that is not a message.')
  const reasoning: Reasoning[] = []
  const toolCalls: ToolCallMade[] = []
  let text = ''
  for (const block of content.map(fieldsOf)) {
    const tool = fieldsOf(block?.toolUse)
    const thought = fieldsOf(block?.reasoningContent)
    if (tool !== null) {
      const made = {
        id: stringOf(tool.toolUseId),
        name: stringOf(tool.name),
        arguments: JSON.stringify(tool.input ?? {}),
      }
      toolCalls.push({ ...made, signature: null })
    } else if (thought !== null) reasoning.push(reasoningOf(thought))
    else text += stringOf(block?.text)
  }
  return completionOf(
    {
      id: `chatcmpl-${call.requestId}`,
      model: call.model,
      text,
      reasoning,
      toolCalls,
      refusal: null,
      finish: finishOf(converse.stopReason),
      usage: usageOf(fieldsOf(converse.usage)),
    },
    call,
  )
}

function reasoningOf(thought: Json): Reasoning {
  const said = fieldsOf(thought.reasoningText)
  if (said === null) return { type: 'reasoning.encrypted', data: stringOf(thought.redactedContent) }
  const signature = typeof said.signature === 'string' ? said.signature : null
  return { type: 'reasoning.text', text: stringOf(said.text), signature }
}

function finishOf(reason: unknown): FinishReason {
  if (reason === 'malformed_model_output' || reason === 'malformed_tool_use') {
    throw unreadable(`The model made an answer that cannot be read (${reason}).`)
  }
  if (reason === 'max_tokens' || reason === 'model_context_window_exceeded') return 'length'
  if (reason === 'tool_use') return 'tool_calls'
  return reason === 'guardrail_intervened' || reason === 'content_filtered' ? 'content_filter' : 'stop'
}

/** What was cached is counted beside the input; OpenAI counts it within. Thoughts are part of the output, unnamed. */
function usageOf(usage: Json | null): Usage | null {
  if (usage === null) return null
  const cached = countOf(usage.cacheReadInputTokens)
  const cacheWritten = countOf(usage.cacheWriteInputTokens)
  const input = countOf(usage.inputTokens) + cached + cacheWritten
  return { input, output: countOf(usage.outputTokens), cached, cacheWritten, reasoning: 0 }
}

/** Events of ConverseStream as chunks. Its usage comes after the reason to stop. */
export class ConverseReader implements ChunkReader {
  readonly #write: ChunkWriter
  #finish: FinishReason | null = null
  #usage: Usage | null = null
  /** Whether the call under way has arguments; null outside of calls. */
  #hasArguments: boolean | null = null

  constructor(call: Call) {
    this.#write = new ChunkWriter(call)
  }

  get isComplete(): boolean {
    return this.#finish !== null
  }

  push({ event, data }: ProviderEvent): Json[] {
    const fields = parseEvent(data)
    if (event === 'messageStart') return [this.#write.begin()]
    if (event === 'contentBlockStart') return this.#start(fieldsOf(fieldsOf(fields.start)?.toolUse))
    if (event === 'contentBlockDelta') return this.#delta(fieldsOf(fields.delta) ?? {})
    if (event === 'contentBlockStop') return this.#stop()
    if (event === 'messageStop') this.#finish = finishOf(fields.stopReason)
    else if (event === 'metadata') this.#usage = usageOf(fieldsOf(fields.usage))
    else if (event === null || /exception$|error$/i.test(event))
      throw new ProviderFault(bedrockException(event, fields))
    return []
  }

  end(): Json[] {
    if (this.#finish === null) return []
    const last = this.#write.delta({}, this.#finish)
    return this.#usage === null ? [last] : [last, this.#write.usage(this.#usage)]
  }

  #start(tool: Json | null): Json[] {
    this.#hasArguments = tool === null ? null : false
    if (tool === null) return []
    const made = { id: stringOf(tool.toolUseId), name: stringOf(tool.name), arguments: '', signature: null }
    return [this.#write.toolCall(made)]
  }

  #delta(delta: Json): Json[] {
    const tool = fieldsOf(delta.toolUse)
    const thought = fieldsOf(delta.reasoningContent)
    if (tool !== null) {
      const text = stringOf(tool.input)
      if (this.#hasArguments === null || text === '') return []
      this.#hasArguments = true
      return [this.#write.toolArguments(this.#write.toolCalls - 1, text)]
    }
    if (thought !== null) {
      const redacted = stringOf(thought.redactedContent)
      if (redacted !== '') return [this.#write.reasoning({ type: 'reasoning.encrypted', data: redacted })]
      const signature = typeof thought.signature === 'string' ? thought.signature : null
      return [this.#write.reasoning({ type: 'reasoning.text', text: stringOf(thought.text), signature })]
    }
    const text = stringOf(delta.text)
    return text === '' ? [] : [this.#write.text(text)]
  }

  /** A call without arguments streams none; callers parse what they got, and nothing is no JSON. */
  #stop(): Json[] {
    const isEmpty = this.#hasArguments === false
    this.#hasArguments = null
    return isEmpty ? [this.#write.toolArguments(this.#write.toolCalls - 1, '{}')] : []
  }
}
