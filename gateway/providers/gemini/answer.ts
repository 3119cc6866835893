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
import { geminiError } from './error'
import { MADE_UP_ID } from './made-up-id'

const BLOCKED = new Set([
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
])
const BROKEN = new Set(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'MALFORMED_RESPONSE'])

type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'reasoning'; one: Reasoning }
  | { kind: 'toolCall'; made: ToolCallMade }

/** What one response of Gemini says, whole or a piece of a stream: both have the same shape. */
class GeminiResponse {
  readonly pieces: Piece[]
  /** Null while it goes on. */
  readonly finish: FinishReason | null
  readonly refusal: string | null
  readonly usage: Usage | null
  readonly id: string
  readonly model: string

  /** @param toolCalls how many calls came before in the same answer */
  constructor(response: Json, call: Call, toolCalls: number) {
    if (fieldsOf(response.error) !== null) throw new ProviderFault(geminiError(500, response))
    this.id = stringOf(response.responseId)
    this.model = stringOf(response.modelVersion) || call.model
    this.usage = usageOf(fieldsOf(response.usageMetadata))
    const candidate = fieldsOf(listOf(response.candidates)[0])
    const reason = stringOf(candidate?.finishReason)
    if (BROKEN.has(reason)) throw unreadable(`The model made a tool call that cannot be read (${reason}).`)
    this.pieces = piecesOf(listOf(fieldsOf(candidate?.content)?.parts), call, toolCalls)
    const blocked = stringOf(fieldsOf(response.promptFeedback)?.blockReason) || (BLOCKED.has(reason) ? reason : '')
    this.refusal = blocked === '' ? null : refusalText(candidate, blocked)
    this.finish = this.#finishOf(reason)
  }

  #finishOf(reason: string): FinishReason | null {
    if (this.refusal !== null) return 'content_filter'
    if (reason === '' || reason === 'FINISH_REASON_UNSPECIFIED') return null
    return reason === 'MAX_TOKENS' ? 'length' : 'stop'
  }
}

const refusalText = (candidate: Json | null, reason: string) =>
  stringOf(candidate?.finishMessage).slice(0, 1_000) || `Google Gemini blocked this (${reason}).`

function piecesOf(parts: readonly unknown[], call: Call, toolCallsBefore: number): Piece[] {
  const pieces: Piece[] = []
  let toolCalls = toolCallsBefore
  for (const part of parts.map(fieldsOf)) {
    if (part === null) continue
    const made = fieldsOf(part.functionCall)
    if (made !== null) {
      const id = stringOf(made.id) || `${MADE_UP_ID}${call.requestId}_${toolCalls}`
      const signature = typeof part.thoughtSignature === 'string' ? part.thoughtSignature : null
      const args = JSON.stringify(made.args ?? {})
      pieces.push({ kind: 'toolCall', made: { id, name: stringOf(made.name), arguments: args, signature } })
      toolCalls += 1
    } else if (part.inlineData !== undefined) {
      throw unreadable('The model answered with a medium that a chat completion cannot carry.')
    } else if (part.thought === true) {
      pieces.push({ kind: 'reasoning', one: { type: 'reasoning.text', text: stringOf(part.text), signature: null } })
    } else if (stringOf(part.text) !== '') pieces.push({ kind: 'text', text: stringOf(part.text) })
  }
  return pieces
}

/** Thoughts are counted beside what is said; OpenAI counts them within. */
function usageOf(usage: Json | null): Usage | null {
  if (usage === null || typeof usage.promptTokenCount !== 'number') return null
  const reasoning = countOf(usage.thoughtsTokenCount)
  return {
    input: countOf(usage.promptTokenCount) + countOf(usage.toolUsePromptTokenCount),
    output: countOf(usage.candidatesTokenCount) + reasoning,
    cached: countOf(usage.cachedContentTokenCount),
    cacheWritten: 0,
    reasoning,
  }
}

export function answer(response: Json, call: Call): Json {
  const read = new GeminiResponse(response, call, 0)
  if (read.finish === null) throw unreadable('The provider answered with something that is no finished answer.')
  const toolCalls = read.pieces.flatMap((piece) => (piece.kind === 'toolCall' ? [piece.made] : []))
  return completionOf(
    {
      id: read.id || `chatcmpl-${call.requestId}`,
      model: read.model,
      text: read.pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join(''),
      reasoning: read.pieces.flatMap((piece) => (piece.kind === 'reasoning' ? [piece.one] : [])),
      toolCalls,
      refusal: read.refusal,
      finish: toolCalls.length > 0 && read.finish === 'stop' ? 'tool_calls' : read.finish,
      usage: read.usage,
    },
    call,
  )
}

/** Pieces of a streamed answer as chunks. Its usage grows with every piece, and the last one counts. */
export class GeminiReader implements ChunkReader {
  isCounted = false
  readonly #call: Call
  readonly #write: ChunkWriter
  #hasBegun = false
  #finish: FinishReason | null = null
  #refusal: string | null = null
  #usage: Usage | null = null

  constructor(call: Call) {
    this.#call = call
    this.#write = new ChunkWriter(call)
  }

  get isComplete(): boolean {
    return this.#finish !== null
  }

  push({ data }: ProviderEvent): Json[] {
    const read = new GeminiResponse(parseEvent(data), this.#call, this.#write.toolCalls)
    const chunks: Json[] = []
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#write.id = read.id || this.#write.id
      this.#write.model = read.model
      chunks.push(this.#write.begin())
    }
    for (const piece of read.pieces) {
      if (piece.kind === 'text') chunks.push(this.#write.text(piece.text))
      else chunks.push(piece.kind === 'reasoning' ? this.#write.reasoning(piece.one) : this.#write.toolCall(piece.made))
    }
    this.#finish = read.finish ?? this.#finish
    if (read.finish !== null || read.usage !== null) this.isCounted = this.#finish !== null && read.usage !== null
    this.#refusal = read.refusal ?? this.#refusal
    this.#usage = read.usage ?? this.#usage
    return chunks
  }

  end(): Json[] {
    if (this.#finish === null) return []
    const finish = this.#finish === 'stop' && this.#write.toolCalls > 0 ? 'tool_calls' : this.#finish
    const last = this.#write.delta(this.#refusal === null ? {} : { refusal: this.#refusal }, finish)
    return this.#usage === null ? [last] : [last, this.#write.usage(this.#usage)]
  }
}
