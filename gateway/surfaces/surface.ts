import type { Refusal } from '../errors'
import type { Addressed, ApiShape, Json } from '../providers/adapter'

import type { JsonArray } from './json-array'

/** What a surface may know of one request: surfaces are pure. */
export type Asked = { body: Json; requestId: string; nowMs: number }

/** Writes a streamed answer in the caller's shape, frame by frame. */
export type FrameWriter = {
  /** @param chunk of a chat completion */
  push(chunk: Json): string
  /** What closes a whole answer. */
  end(): string
  /** What tells that the answer broke off; nothing may follow. */
  fail(refusal: Refusal): string
}

/**
 * How callers of one API ask and are answered. Requests become chat completions, and chat completions answers; of embeddings,
 * what becomes them is the request and the list of OpenAI's API.
 */
export type Surface = {
  shape: ApiShape
  path: string
  /** What the address of a request said already; absent for APIs that say it in the body. */
  addressed?: Addressed
  /** How a stream reaches its caller when not as events. */
  framing?: () => JsonArray
  /** @throws Refusal `invalid_request` that names the field that cannot be converted */
  toChat(body: Json): Json
  answer(completion: Json, asked: Asked): Json
  writer(asked: Asked): FrameWriter
  /** The body of a refusal. */
  refuse(refusal: Refusal, requestId: string): Json
}
