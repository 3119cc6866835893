import { joinBytes, readFrame, SseDecoder } from '@/lib/policy/stream/sse'

/**
 * A stream as one JSON array, piece by piece: what Google's API gives to whoever does not ask for events (`alt=sse`). Made of
 * whole frames, and last of all, so that everything before it knows events only.
 */
export class JsonArray {
  #hasBegun = false

  /** @returns null when the frames hold nothing */
  push(frames: Uint8Array): Uint8Array | null {
    const items = this.#written(frames)
    this.#hasBegun ||= items !== null
    return items
  }

  /** With the end of the array. Nothing comes behind it. */
  last(frames: Uint8Array | null): Uint8Array {
    const items = frames === null ? null : this.#written(frames)
    const head = this.#hasBegun || items !== null ? null : OPEN
    return joinBytes([head, items, CLOSE].filter((piece) => piece !== null)) ?? CLOSE
  }

  #written(frames: Uint8Array): Uint8Array | null {
    const decoder = new SseDecoder(frames.length)
    const whole = decoder.push(frames)
    const rest = decoder.end()
    const items = [...whole, ...(rest === null ? [] : [rest])].flatMap((frame) => readFrame(frame).data ?? [])
    if (items.length === 0) return null
    return Buffer.from((this.#hasBegun ? ',\r\n' : '[') + items.join(',\r\n'))
  }
}

const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')
