import { utf8 } from './encoding'
import type { Primitives } from './primitives'

/** A stored leaf: `line` is the exact bytes, or the text of which they are the UTF-8; `leafHash` as stored beside it. */
export type Leaf = { seq: number; line: Uint8Array | string; leafHash?: Uint8Array | null }

/**
 * Reads the few fields of a canonical line that its place in the record depends on, without parsing it: parsing a
 * million lines takes six times as long as hashing them.
 *
 * This is exact for lines of the two kinds that exist. Names are in order, the values after `recorded_at` hold neither
 * it nor `seq` at any depth, and a quote inside of a string is escaped; so the last occurrence is the field. Activity
 * begins with `action`, which decisions have not.
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
    const seqAt = lastIndexOf(bytes, SEQ, this.#length)
    this.seq = seqAt === -1 ? Number.NaN : numberAt(bytes, seqAt + SEQ.bytes.length, this.#length)
    const recordedAt = seqAt === -1 ? -1 : lastIndexOf(bytes, RECORDED_AT, seqAt)
    this.recordedAt = recordedAt === -1 ? Number.NaN : this.#microsAt(recordedAt + RECORDED_AT.bytes.length)
    this.isOfLog = recordedAt !== -1 && indexOf(bytes, this.#org, 1, recordedAt) !== -1
    this.happenedAt = startsWith(bytes, ACTION) ? Math.floor(this.recordedAt / 1_000) : this.#idMillis()
  }

  /** The milliseconds of an event's id (RFC 9562 section 5.7). Lines next to each other often have it at one place. */
  #idMillis(): number {
    if (!isAt(this.#bytes, EVENT_ID, this.#idAt)) this.#idAt = indexOf(this.#bytes, EVENT_ID, 1, this.#length)
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
    const two = (from: number) => digit(bytes[at + from]) * 10 + digit(bytes[at + from + 1])
    const day = ((two(0) * 100 + two(2)) * 100 + two(5)) * 100 + two(8)
    if (Number.isNaN(day)) return Number.NaN
    if (day !== this.#day) {
      this.#day = day
      this.#dayMicros = Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100) * 1_000
    }
    let micros = 0
    let end = at + 19
    if (bytes[end] === DOT) {
      let scale = 100_000
      for (end += 1; end < at + 26 && digit(bytes[end]) >= 0; end++, scale /= 10) micros += digit(bytes[end]) * scale
    }
    if (bytes[at + 10] !== LETTER_T || bytes[end] !== LETTER_Z || bytes[end + 1] !== QUOTE) return Number.NaN
    return this.#dayMicros + (two(11) * 3_600 + two(14) * 60 + two(17)) * 1_000_000 + micros
  }
}

const encoder = new TextEncoder()
const QUOTE = 0x22
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

const startsWith = (text: Uint8Array, what: Needle) => isAt(text, what, 1)

function indexOf(text: Uint8Array, what: Needle, from: number, end: number): number {
  const length = what.bytes.length
  for (let at = from; at + length <= end; at += what.forward[text[at + length - 1] ?? 0] ?? 1) {
    if (isAt(text, what, at)) return at
  }
  return -1
}

function lastIndexOf(text: Uint8Array, what: Needle, end: number): number {
  for (let at = end - what.bytes.length; at > 0; at -= what.backward[text[at] ?? 0] ?? 1) {
    if (isAt(text, what, at)) return at
  }
  return -1
}

/** NaN for a byte that is no digit. */
const digit = (byte: number | undefined) =>
  byte !== undefined && byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : Number.NaN

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN
}

/** A count without leading zeros, ended by a comma or a brace. */
function numberAt(text: Uint8Array, from: number, end: number): number {
  let value = 0
  let at = from
  while (at < end && at < from + 17 && digit(text[at]) >= 0) value = value * 10 + digit(text[at++])
  const ends = text[at] === 0x2c || text[at] === 0x7d
  return ends && at > from && text[from] !== 0x30 && Number.isSafeInteger(value) ? value : Number.NaN
}
