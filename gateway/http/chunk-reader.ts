/**
 * `more` is to come; `end` is where the body ended; `odd` is what follows something that is no plain chunk, which somebody else
 * has to judge; `stopped` by who was given the last piece.
 */
export type ChunksRead = 'more' | 'end' | 'odd' | 'stopped'

/** Reads a body in chunks as plain as they get: sizes in hex, nothing behind them, no trailers. */
export class ChunkReader {
  /** Of the chunk under way. */
  #missing = 0
  #isFirst = true
  /** The beginning of a line between chunks, of which the rest has not come yet. */
  #kept: Buffer | null = null
  /** Behind the end; where something is odd, from the line on that is. */
  rest: Buffer = NOTHING

  /** Whether chunks have been read before `rest`, whose last line end has not. */
  get isWithin(): boolean {
    return !this.#isFirst
  }

  /** @param give takes a piece of the body; @returns false to be given no more */
  push(given: Buffer, give: (piece: Buffer) => boolean): ChunksRead {
    const bytes = this.#kept === null ? given : Buffer.concat([this.#kept, given])
    this.#kept = null
    let at = 0
    for (;;) {
      if (this.#missing > 0) {
        const end = Math.min(bytes.length, at + this.#missing)
        if (end === at) return 'more'
        this.#missing -= end - at
        if (!give(bytes.subarray(at, end))) return 'stopped'
        at = end
        if (this.#missing > 0) return 'more'
      }
      const lineEnd = this.#readLine(bytes, at)
      if (lineEnd < 0) {
        if (lineEnd === ODD) {
          this.rest = bytes.subarray(at)
          return 'odd'
        }
        if (at < bytes.length) this.#kept = bytes.subarray(at)
        return 'more'
      }
      at = lineEnd
      if (this.#missing === 0) {
        this.rest = bytes.subarray(at)
        return 'end'
      }
      this.#isFirst = false
    }
  }

  /** The end of the last chunk, the size of the next, and behind the size 0 the end of all. @returns where it ends, or why it does not */
  #readLine(bytes: Buffer, from: number): number {
    let at = from
    if (!this.#isFirst) {
      const end = lineEndAt(bytes, at)
      if (end < 0) return end
      at = end
    }
    let size = 0
    let digits = 0
    for (; at < bytes.length; at++, digits++) {
      const digit = HEX[bytes[at] ?? 0] ?? NO_DIGIT
      if (digit === NO_DIGIT) break
      if (digits === DIGITS_MAX) return ODD
      size = size * 16 + digit
    }
    if (at === bytes.length) return PARTIAL
    if (digits === 0) return ODD
    const end = lineEndAt(bytes, at)
    if (end < 0) return end
    const last = size === 0 ? lineEndAt(bytes, end) : end
    if (last > 0) this.#missing = size
    return last
  }
}

const NOTHING = Buffer.alloc(0)
const PARTIAL = -1
const ODD = -2
const DIGITS_MAX = 7
const CR = 13
const LF = 10
const NO_DIGIT = 255
const HEX = new Uint8Array(256).fill(NO_DIGIT)
for (const [value, digit] of Array.from('0123456789abcdef').entries()) {
  HEX[digit.charCodeAt(0)] = value
  HEX[digit.toUpperCase().charCodeAt(0)] = value
}

function lineEndAt(bytes: Buffer, at: number): number {
  if (at >= bytes.length) return PARTIAL
  if (bytes[at] !== CR) return ODD
  if (at + 1 >= bytes.length) return PARTIAL
  return bytes[at + 1] === LF ? at + 2 : ODD
}
