import type { Refusal } from '../errors'
import type { ApiShape, Json } from '../providers/adapter'

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

/** How callers of one API ask and are answered. Requests become chat completions, and chat completions answers. */
export type Surface = {
  shape: ApiShape
  path: string
  /** @throws Refusal `invalid_request` that names the field that cannot be converted */
  toChat(body: Json): Json
  answer(completion: Json, asked: Asked): Json
  writer(asked: Asked): FrameWriter
  /** The body of a refusal. */
  refuse(refusal: Refusal, requestId: string): Json
}
