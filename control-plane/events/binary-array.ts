/** Types of elements, and about how many bytes one of each takes. */
const TYPES = {
  text: { oid: 25, bytes: 36 },
  int4: { oid: 23, bytes: 4 },
  int8: { oid: 20, bytes: 8 },
  float8: { oid: 701, bytes: 8 },
  boolean: { oid: 16, bytes: 1 },
  timestamptz: { oid: 1184, bytes: 8 },
} as const

/**
 * Writes a one-dimensional array in PostgreSQL's binary format (array_send in src/backend/utils/adt/arrayfuncs.c): number of
 * dimensions, whether there are nulls, type of the elements, their number, 1, and per element its length and bytes; a length
 * of -1 is null. All big-endian. To write it is cheaper than any text on both sides.
 *
 * Whoever writes several arrays of the same rows does so row by row: what a row says is then in the processor's cache.
 */
export class BinaryArray {
  readonly #oid: number
  #into: Buffer
  #at = HEADER_BYTES
  #count = 0

  /** @param room for the bytes of that many elements, when more is known than their type says */
  constructor(type: keyof typeof TYPES, expected: number, room = expected * TYPES[type].bytes) {
    this.#oid = TYPES[type].oid
    this.#into = Buffer.allocUnsafe(HEADER_BYTES + LENGTH_BYTES * expected + room)
  }

  /** Begins anew in the same memory, for when nobody needs any longer what was written. */
  clear(): void {
    this.#at = HEADER_BYTES
    this.#count = 0
  }

  /** Of its memory, in bytes. */
  get size(): number {
    return this.#into.length
  }

  text(value: string | null): void {
    if (value === null) this.#null()
    else this.#text(value)
  }

  #text(value: string): void {
    const { length } = value
    const into = this.#element(length, length * 3)
    // Nearly all texts are short and plain: to call into the runtime for each would cost more than to write it.
    let at = this.#at
    let code = length > SHORT ? NOT_PLAIN : 0
    for (let index = 0; index < length && code < NOT_PLAIN; index++) {
      code = value.charCodeAt(index)
      into[at++] = code
    }
    if (code >= NOT_PLAIN) {
      at = this.#at + into.write(value, this.#at)
      into.writeInt32BE(at - this.#at, this.#at - 4)
    }
    this.#at = at
  }

  /** A text as it is in UTF-8. */
  utf8(from: Buffer, start: number, end: number): void {
    const into = this.#element(end - start, end - start)
    this.#at += from.copy(into, this.#at, start, end)
  }

  int4(value: number | null): void {
    if (value === null) this.#null()
    else this.#at = this.#element(4, 4).writeInt32BE(value, this.#at)
  }

  /** Safe integers only. */
  int8(value: number | null): void {
    if (value === null) this.#null()
    else this.#int8(value)
  }

  #int8(value: number): void {
    const high = Math.floor(value / 2 ** 32)
    const into = this.#element(8, 8)
    into.writeInt32BE(high, this.#at)
    this.#at = into.writeUInt32BE(value - high * 2 ** 32, this.#at + 4)
  }

  bigint(value: bigint | null): void {
    if (value === null) this.#null()
    else this.#at = this.#element(8, 8).writeBigInt64BE(value, this.#at)
  }

  float8(value: number | null): void {
    if (value === null) this.#null()
    else this.#at = this.#element(8, 8).writeDoubleBE(value, this.#at)
  }

  boolean(value: boolean | null): void {
    if (value === null) this.#null()
    else this.#at = this.#element(1, 1).writeUInt8(value ? 1 : 0, this.#at)
  }

  /** Microseconds since 2000, from milliseconds since 1970; exact up to the year 2255. */
  timestamp(ms: number | null): void {
    this.int8(ms === null ? null : (ms - Y2000_MS) * 1_000)
  }

  /** The whole, until it is cleared. Nothing can be added after that. */
  done(): Buffer {
    const into = this.#into
    into.writeInt32BE(1, 0)
    into.writeInt32BE(1, 4)
    into.writeInt32BE(this.#oid, 8)
    into.writeInt32BE(this.#count, 12)
    into.writeInt32BE(1, 16)
    return into.subarray(0, this.#at)
  }

  #null(): void {
    this.#element(-1, 0)
  }

  /** Writes the length of the next element and makes room for it. */
  #element(length: number, room: number): Buffer {
    const needed = this.#at + LENGTH_BYTES + room
    if (needed > this.#into.length) {
      const wider = Buffer.allocUnsafe(needed * 2)
      this.#into.copy(wider, 0, 0, this.#at)
      this.#into = wider
    }
    this.#at = this.#into.writeInt32BE(length, this.#at)
    this.#count += 1
    return this.#into
  }
}

const HEADER_BYTES = 20
const LENGTH_BYTES = 4
const Y2000_MS = Date.UTC(2000, 0)
/** Characters of a text that is worth no call. */
const SHORT = 64
/** The first character that is not one byte in UTF-8. */
const NOT_PLAIN = 0x80

type Write<T> = (into: BinaryArray, value: T | null) => void

function arrayOf<T>(type: keyof typeof TYPES, values: readonly (T | null)[], write: Write<T>): Buffer {
  const into = new BinaryArray(type, values.length)
  for (const value of values) write(into, value)
  return into.done()
}

export const texts = (values: readonly (string | null)[]) => arrayOf('text', values, (into, value) => into.text(value))
export const int4s = (values: readonly (number | null)[]) => arrayOf('int4', values, (into, value) => into.int4(value))
/** Safe integers only. */
export const int8s = (values: readonly (number | null)[]) => arrayOf('int8', values, (into, value) => into.int8(value))
export const bigints = (values: readonly (bigint | null)[]) =>
  arrayOf('int8', values, (into, value) => into.bigint(value))
/** From milliseconds since 1970; exact up to the year 2255. */
export const timestamps = (values: readonly (number | null)[]) =>
  arrayOf('timestamptz', values, (into, value) => into.timestamp(value))
