import type { TokenUsage } from '@/lib/token-usage'
import type { ByteShare } from '../byte-budget'
import type { Refusal } from '../errors'
import type { Relay } from '../relay'
import { CACHED_BYTES_MAX } from './answer-cache'

/** Keeps a copy of a stream as it was before policies looked at it, as long as it is not too large. */
export class RecordingRelay implements Relay {
  readonly #inner: Relay
  readonly #share: ByteShare
  #kept: Buffer[] | null = []
  #bytes = 0

  constructor(inner: Relay, share: ByteShare) {
    this.#inner = inner
    this.#share = share
  }

  /** All of it; null when it was too large, or this gateway had no room. */
  get recorded(): Buffer | null {
    return this.#kept === null ? null : Buffer.concat(this.#kept)
  }

  get complete(): boolean {
    return this.#inner.complete
  }

  get failed(): boolean {
    return this.#inner.failed
  }

  get stopped(): Refusal | null {
    return this.#inner.stopped
  }

  get usage(): TokenUsage | null {
    return this.#inner.usage
  }

  get isCounted(): boolean {
    return this.#inner.isCounted
  }

  get model(): string | null {
    return this.#inner.model
  }

  get serviceTier(): string | null {
    return this.#inner.serviceTier
  }

  get heldBytes(): number {
    return this.#inner.heldBytes ?? 0
  }

  push(chunk: Buffer): Uint8Array | null {
    this.#bytes += chunk.length
    const fits = this.#kept !== null && this.#bytes <= CACHED_BYTES_MAX && this.#share.take(chunk.length)
    if (fits) this.#kept?.push(Buffer.from(chunk))
    else this.#kept = null
    return this.#inner.push(chunk)
  }

  end(): Uint8Array | null | Promise<Uint8Array | null> {
    return this.#inner.end()
  }
}
