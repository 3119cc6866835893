import { serviceTierIn } from '@/lib/prices/service-tier'
import type { TokenUsage } from '@/lib/token-usage'
import { Refusal } from './errors'
import { readUsage } from './meter'
import { type ChunkReader, type Json, type ProviderEvent, ProviderFault } from './providers/adapter'
import type { Relay } from './relay'
import type { FrameWriter } from './surfaces/surface'

/** Cuts a provider's bytes into its events. */
export type EventReader = {
  /** Of an event that is not complete yet. */
  readonly pendingBytes: number
  push(bytes: Buffer): ProviderEvent[]
  end(): ProviderEvent[]
}

/**
 * Says a provider's stream in the caller's shape: bytes become events, chunks of a chat completion, and frames, which an
 * inner relay passes on as if the provider had sent them.
 */
export class ConvertingRelay implements Relay {
  usage: TokenUsage | null = null
  model: string | null = null
  serviceTier: string | null = null
  #fault: Refusal | null = null
  readonly #events: EventReader
  readonly #reader: ChunkReader
  readonly #writer: FrameWriter
  readonly #inner: Relay

  constructor(events: EventReader, reader: ChunkReader, writer: FrameWriter, inner: Relay) {
    this.#events = events
    this.#reader = reader
    this.#writer = writer
    this.#inner = inner
  }

  get complete(): boolean {
    return this.#fault === null && this.#reader.isComplete
  }

  get failed(): boolean {
    return this.#fault !== null || this.#inner.failed
  }

  get isCounted(): boolean {
    return this.#reader.isCounted ?? true
  }

  get stopped(): Refusal | null {
    return this.#inner.stopped
  }

  get heldBytes(): number {
    return this.#events.pendingBytes + (this.#inner.heldBytes ?? 0)
  }

  push(chunk: Buffer): Uint8Array | null {
    if (this.#fault !== null) return null
    return this.#passed(this.#written(() => this.#events.push(chunk).flatMap((event) => this.#reader.push(event))))
  }

  async end(): Promise<Uint8Array | null> {
    let text = this.#written(() => [
      ...this.#events.end().flatMap((event) => this.#reader.push(event)),
      ...this.#reader.end(),
    ])
    if (this.#fault !== null) text += this.#writer.fail(this.#fault)
    else if (this.#reader.isComplete) text += this.#writer.end()
    const passed = this.#passed(text)
    const rest = await this.#inner.end()
    const parts = [passed, rest].filter((part) => part !== null)
    return parts.length === 0 ? null : Buffer.concat(parts)
  }

  #written(read: () => Json[]): string {
    if (this.#fault !== null) return ''
    try {
      let text = ''
      for (const chunk of read()) {
        this.usage = readUsage(chunk) ?? this.usage
        if (typeof chunk.model === 'string' && chunk.model !== '') this.model = chunk.model
        this.serviceTier = serviceTierIn(chunk) ?? this.serviceTier
        text += this.#writer.push(chunk)
      }
      return text
    } catch (cause) {
      if (!(cause instanceof ProviderFault)) throw cause
      const { message, retryable } = cause.error
      this.#fault = new Refusal('upstream_failed', message, { retryable, cause })
      return ''
    }
  }

  #passed(text: string): Uint8Array | null {
    return text === '' ? null : this.#inner.push(Buffer.from(text))
  }
}
