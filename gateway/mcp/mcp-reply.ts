import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { encodeEvent } from '@/lib/policy/stream/sse'

const STREAM = ['content-type', 'text/event-stream', 'cache-control', 'no-cache', 'x-accel-buffering', 'no']
export const JSON_HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store']

/** What the caller gets: one JSON message, or a stream whose last frame is that message. */
export class McpReply {
  readonly #response: ServerResponse
  readonly #stalledMsMax: number
  readonly #gone: AbortSignal

  constructor(response: ServerResponse, stalledMsMax: number, gone: AbortSignal) {
    this.#response = response
    this.#stalledMsMax = stalledMsMax
    this.#gone = gone
  }

  get isStream(): boolean {
    return this.#response.headersSent
  }

  /** The caller left before the last message. */
  get isDeserted(): boolean {
    return this.#response.destroyed && !this.#response.writableEnded
  }

  beginStream(headers: readonly string[]): void {
    this.#response.writeHead(200, [...STREAM, ...headers])
    this.#response.flushHeaders()
  }

  /** Waits for a caller that is slower than the server, but not for ever. @throws when it takes too long */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.#response.write(bytes)) return
    const stalled = AbortSignal.timeout(this.#stalledMsMax)
    await once(this.#response, 'drain', { signal: AbortSignal.any([this.#gone, stalled]) })
  }

  /** The last message. Status and headers count only when no stream has begun. */
  last(text: string, eventId: string | null, status: number, headers: readonly string[]): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    if (this.#response.headersSent) {
      this.#response.end(encodeEvent({ event: 'message', data: text, id: eventId }))
      return
    }
    const body = Buffer.from(text)
    this.#response.writeHead(status, [...headers, 'content-length', String(body.length)])
    this.#response.end(body)
  }

  /** An answer without a body, or the end of a stream without a last message. */
  end(status: number, headers: readonly string[]): void {
    if (!this.#response.headersSent) this.#response.writeHead(status, [...headers])
    this.#response.end()
  }

  destroy(): void {
    this.#response.destroy()
  }
}
