import type { JsonObject } from './frame-reading'
import { encodeEvent } from './sse'
import type { AnswerShape } from './usage'

/** The event that tells a caller why its answer ends. @param sequence of Responses: the number after the last event */
export function errorEvent(shape: AnswerShape, error: JsonObject, sequence: number): Uint8Array {
  if (shape === 'openai_chat' || shape === 'gemini_content') return encodeEvent({ data: JSON.stringify({ error }) })
  if (shape === 'anthropic_messages') {
    return encodeEvent({ event: 'error', data: JSON.stringify({ type: 'error', error }) })
  }
  return encodeEvent({ event: 'error', data: JSON.stringify({ ...error, type: 'error', sequence_number: sequence }) })
}
