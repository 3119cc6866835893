import type { Socket } from 'node:net'
import type { CallerRequest } from './caller-http'
import type { PlainHead } from './plain-head'

/** A request of a plain connection. Its body goes to who listens as it comes, and otherwise to nobody. */
export class PlainRequest implements CallerRequest {
  readonly url: string
  readonly headers: Record<string, string>
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  #onData: ((chunk: Buffer) => void) | null = null
  #onEnd: (() => void) | null = null
  #missing: number
  #isEnded = false

  constructor({ url, headers, rawHeaders, bodyBytes }: PlainHead, socket: Socket) {
    this.url = url
    this.headers = headers
    this.rawHeaders = rawHeaders
    this.socket = socket
    this.#missing = bodyBytes
  }

  /** All of its body has come. */
  get isWhole(): boolean {
    return this.#isEnded
  }

  on(event: 'data', listener: (chunk: Buffer) => void): void
  on(event: 'end', listener: () => void): void
  on(event: 'data' | 'end', listener: ((chunk: Buffer) => void) & (() => void)): void {
    if (event === 'data') this.#onData = listener
    else this.#onEnd = listener
  }

  /** @returns what of `bytes` belongs to it no more */
  take(bytes: Buffer): Buffer {
    if (this.#isEnded) return bytes
    const own = Math.min(bytes.length, this.#missing)
    this.#missing -= own
    if (own > 0) this.#onData?.(bytes.subarray(0, own))
    if (this.#missing === 0) {
      this.#isEnded = true
      this.#onEnd?.()
    }
    return bytes.subarray(own)
  }
}
