import { utf8 } from './encoding'
import type { Primitives } from './primitives'

/** A stored leaf: `line` is the exact bytes, or the text of which they are the UTF-8; `leafHash` as stored beside it. */
export type Leaf = { seq: number; line: Uint8Array | string; leafHash?: Uint8Array | null }

/**
 * Reads the few fields of a canonical line that its place in the record depends on, without parsing it: parsing a
 * million lines takes six times as long as hashing them.
 *
 * This is exact for lines of the two kinds that exist. Names are in order and a quote inside of a string is escaped. No
 * value behind `recorded_at` has members of that name, so its last occurrence is the field; between it and `seq` are
 * only strings. Activity begins with `action`, which decisions have not.
 */
export class LeafReader {
  /** NaN when the line does not say. */
  seq = Number.NaN
  /** Microseconds since 1970; NaN when the line does not say. */
  recordedAt = Number.NaN
  /** When it happened, in milliseconds since 1970: the time in an event's id, of activity when it was recorded. */
  happenedAt = Number.NaN
  /** Whether the line names the organisation that the reader is for. */
  isOfLog = false
  #bytes = new Uint8Array(8_192)
  #length = 0
  #idAt = 0
  #day = -1
  #dayMicros = 0
  readonly #org: Needle
  readonly #primitives: Primitives

  constructor(org: string, primitives: Primitives) {
    this.#org = needle(`"org_id":${JSON.stringify(org)}`)
    this.#primitives = primitives
  }

  /** Takes a line in and returns its leaf hash (RFC 6962 section 2.1). */
  hash(line: Uint8Array | string): Uint8Array {
    const longest = typeof line === 'string' ? line.length * 3 : line.length
    if (longest >= this.#bytes.length) this.#bytes = new Uint8Array(2 * longest)
    // The line lies behind the prefix of its leaf, so that it is copied once.
    this.#bytes[0] = 0
    if (typeof line === 'string') {
      this.#length = 1 + encoder.encodeInto(line, this.#bytes.subarray(1)).written
    } else {
      this.#bytes.set(line, 1)
      this.#length = 1 + line.length
    }
    return this.#primitives.sha256(this.#bytes.subarray(0, this.#length))
  }

  /** Reads the fields of the line that `hash` took in. */
  scan(): void {
    const bytes = this.#bytes
    const end = this.#length
    const recordedAt = lastIndexOf(bytes, RECORDED_AT, end)
    const seqAt = recordedAt === -1 ? -1 : indexOf(bytes, SEQ, recordedAt, end)
    this.recordedAt = recordedAt === -1 ? Number.NaN : this.#microsAt(recordedAt + RECORDED_AT.bytes.length)
    this.seq = seqAt === -1 ? Number.NaN : numberAt(bytes, seqAt + SEQ.bytes.length, end)
    this.isOfLog = recordedAt !== -1 && lastIndexOf(bytes, this.#org, recordedAt) !== -1
    this.happenedAt = isAt(bytes, ACTION, 1) ? Math.floor(this.recordedAt / 1_000) : this.#idMillis()
  }

  /** The milliseconds of an event's id (RFC 9562 section 5.7). Lines next to each other often have it at one place. */
  #idMillis(): number {
    // Behind the end of a line stands what is left of a longer one before it.
    const isThere = this.#idAt + EVENT_ID.bytes.length <= this.#length && isAt(this.#bytes, EVENT_ID, this.#idAt)
    if (!isThere) this.#idAt = indexOf(this.#bytes, EVENT_ID, 1, this.#length)
    if (this.#idAt === -1) {
      this.#idAt = 0
      return Number.NaN
    }
    let millis = 0
    const from = this.#idAt + EVENT_ID.bytes.length
    for (let i = from; i < from + 12; i++) millis = millis * 16 + hexDigit(this.#bytes[i] ?? 0)
    return millis
  }

  /** Microseconds of `YYYY-MM-DDTHH:MM:SS[.f]Z"`, at most six digits of a second. */
  #microsAt(at: number): number {
    const bytes = this.#bytes
    const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2)
    const day = (year * 100 + twoDigits(bytes, at + 5)) * 100 + twoDigits(bytes, at + 8)
    const second = (twoDigits(bytes, at + 11) * 60 + twoDigits(bytes, at + 14)) * 60 + twoDigits(bytes, at + 17)
    let micros = 0
    let end = at + 19
    if (bytes[end] === DOT) {
      let scale = 100_000
      for (end += 1; end < at + 26 && isDigit(bytes[end] as number); end++, scale /= 10)
        micros += ((bytes[end] as number) - ZERO) * scale
    }
    const isShaped = bytes[at + 10] === LETTER_T && bytes[end] === LETTER_Z && bytes[end + 1] === QUOTE
    if (!isShaped || day < 0 || second < 0) return Number.NaN
    if (day !== this.#day) {
      this.#day = day
      this.#dayMicros = Date.UTC(year, (Math.floor(day / 100) % 100) - 1, day % 100) * 1_000
    }
    return this.#dayMicros + second * 1_000_000 + micros
  }
}

const encoder = new TextEncoder()
const QUOTE = 0x22
const ZERO = 0x30
const DOT = 0x2e
const LETTER_T = 0x54
const LETTER_Z = 0x5a

/** Bytes to look for, and how far to move on each byte that the window ends (or begins) with. */
type Needle = { bytes: Uint8Array; forward: Uint8Array; backward: Uint8Array }

/** Horspool's table. Needles are shorter than 256 bytes. */
function needle(text: string): Needle {
  const bytes = utf8(text).subarray(0, 255)
  const forward = new Uint8Array(256).fill(bytes.length)
  const backward = new Uint8Array(256).fill(bytes.length)
  for (let i = 0; i < bytes.length - 1; i++) forward[bytes[i] ?? 0] = bytes.length - 1 - i
  for (let i = bytes.length - 1; i > 0; i--) backward[bytes[i] ?? 0] = i
  return { bytes, forward, backward }
}

const SEQ = needle('"seq":')
const RECORDED_AT = needle('"recorded_at":"')
const EVENT_ID = needle('"event_id":"evt_')
const ACTION = needle('{"action":')

function isAt(text: Uint8Array, { bytes }: Needle, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (text[at + i] !== bytes[i]) return false
  return true
}

function indexOf(text: Uint8Array, what: Needle, from: number, end: number): number {
  const last = what.bytes.length - 1
  for (let at = from + last; at < end; at += what.forward[text[at] as number] as number) {
    if (text[at] === what.bytes[last] && isAt(text, what, at - last)) return at - last
  }
  return -1
}

function lastIndexOf(text: Uint8Array, what: Needle, end: number): number {
  for (let at = end - what.bytes.length; at > 0; at -= what.backward[text[at] as number] as number) {
    if (text[at] === QUOTE && isAt(text, what, at)) return at
  }
  return -1
}

const isDigit = (byte: number) => byte >= ZERO && byte <= ZERO + 9

/** Far below zero when one is no digit, whatever is added to it. */
function twoDigits(text: Uint8Array, at: number): number {
  const tens = (text[at] as number) - ZERO
  const ones = (text[at + 1] as number) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1_000_000_000
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - ZERO
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN
}

/** A count without leading zeros, ended by a comma or a brace. */
function numberAt(text: Uint8Array, from: number, end: number): number {
  let value = 0
  let at = from
  while (at < end && at < from + 17 && isDigit(text[at] as number)) value = value * 10 + (text[at++] as number) - ZERO
  const ends = text[at] === 0x2c || text[at] === 0x7d
  return ends && at > from && text[from] !== ZERO && Number.isSafeInteger(value) ? value : Number.NaN
}
