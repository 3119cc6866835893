import type { PushHub, PushSignal } from './push'

const QUEUE_MAX = 256

/**
 * What one stream hears from the hub, in order. Bounded: a stream that reads too slowly is told `missed` in place of
 * what piled up, and reads the tables again. It ends with its signal, also when nobody is reading.
 */
export class Subscription {
  #queue: PushSignal[] = []
  #wake = Promise.withResolvers<void>()
  readonly #signal: AbortSignal

  constructor(hub: PushHub, orgId: string, signal: AbortSignal) {
    this.#signal = signal
    const end = hub.subscribe(orgId, (heard) => this.#hear(heard))
    const stop = () => {
      end()
      this.#wake.resolve()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  }

  /** @returns what was heard next, `idle` after `timeoutMs`, or null when the stream has ended */
  async next(timeoutMs: number): Promise<PushSignal | 'idle' | null> {
    if (this.#queue.length === 0 && !this.#signal.aborted) await this.#wokenWithin(timeoutMs)
    if (this.#signal.aborted) return null
    return this.#queue.shift() ?? 'idle'
  }

  async #wokenWithin(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, timeoutMs)
    await Promise.race([this.#wake.promise, late.promise])
    clearTimeout(timer)
  }

  #hear(heard: PushSignal): void {
    if (this.#queue.length >= QUEUE_MAX) this.#queue = [{ kind: 'missed' }]
    else this.#queue.push(heard)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}
