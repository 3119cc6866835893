import { readFrame, SseDecoder } from '@/lib/policy/stream/sse'
import { type ProviderEvent, unreadable } from './adapter'

/** One event may hold an image that a model drew. */
const EVENT_BYTES_MAX = 33_554_432

/** The events of a server-sent stream that is going to be converted, however it is cut in chunks. */
export class SseEvents {
  readonly #decoder = new SseDecoder(EVENT_BYTES_MAX)

  get pendingBytes(): number {
    return this.#decoder.pendingBytes
  }

  /** @throws ProviderFault when one event is longer than anything that is worth waiting for */
  push(bytes: Buffer): ProviderEvent[] {
    const events = this.#decoder.push(bytes).flatMap(eventOf)
    if (this.#decoder.oversize) throw unreadable('The provider sent an endless event.')
    return events
  }

  /** A last event that no empty line closed counts, because several providers end so. */
  end(): ProviderEvent[] {
    const rest = this.#decoder.end()
    return rest === null ? [] : eventOf(rest)
  }
}

function eventOf(frame: Uint8Array): ProviderEvent[] {
  const { event, data } = readFrame(frame)
  return data === null ? [] : [{ event, data }]
}
