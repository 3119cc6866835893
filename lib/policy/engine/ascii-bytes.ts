import { isSign } from './signs'

const ENCODER = new TextEncoder()
/** Texts up to here share one buffer: what is read from it must be read before the next text comes. */
const SHARED_UNITS = 65_536
const SHARED = new Uint8Array(SHARED_UNITS + 8)
const SHARED_WORDS = new Int32Array(SHARED.buffer)

/**
 * A text as bytes, followed by two zeros and six bytes that mean nothing; null when it is not ASCII. Loops over bytes cost a
 * fraction of loops over a string. The bytes hold until the next call.
 */
export function asciiBytes(text: string): Uint8Array | null {
  const { length } = text
  if (!isHereAndThere(text, isAscii)) return null
  const bytes = length <= SHARED_UNITS ? SHARED : new Uint8Array((length + 11) & ~3)
  const { read, written } = ENCODER.encodeInto(text, bytes)
  // Of other text some unit takes more than one byte, or there is no room for all.
  if (read !== length || written !== length) return null
  bytes[length] = 0
  bytes[length + 1] = 0
  return bytes
}

/** Stands for a sign beyond ASCII: in no term, and neither a letter, a digit nor a blank. */
const STAND_IN = 1

/** The same of a text that has signs besides (signs.ts), each unit of which becomes a byte that means nothing. */
export function bytesWithStandIns(text: string): Uint8Array | null {
  const { length } = text
  if (!isHereAndThere(text, mayBeSign)) return null
  const ascii = asciiBytes(text)
  if (ascii !== null) return ascii
  const bytes = length <= SHARED_UNITS ? SHARED : new Uint8Array((length + 11) & ~3)
  let at = 0
  for (let from = 0; from < length; ) {
    const to = pieceEnd(text, from)
    const end = encodePiece(text, from, to)
    for (let i = 0; i < end; i++) {
      const byte = UTF8[i] as number
      if (byte < 0x80) bytes[at++] = byte
      else if (byte >= FIRST_OF_SEVERAL) {
        if (!isSign(pointAt(i))) return null
        bytes[at++] = STAND_IN
        if (byte >= FIRST_OF_FOUR) bytes[at++] = STAND_IN
      }
    }
    from = to
  }
  bytes[length] = 0
  bytes[length + 1] = 0
  return bytes
}

/** By what the first byte of a character is at least. With four bytes it has two units. */
export const FIRST_OF_SEVERAL = 0xc0
export const FIRST_OF_FOUR = 0xf0

/** A piece of a text as it travels. No unit takes more than three bytes. */
export const UTF8 = new Uint8Array(3 * SHARED_UNITS)

/** Where a piece ends that begins at `from`: pieces are short enough for `UTF8` and part no surrogate pair. */
export function pieceEnd(text: string, from: number): number {
  const to = from + SHARED_UNITS
  if (to >= text.length) return text.length
  return (text.charCodeAt(to - 1) & 0xfc00) === 0xd800 ? to - 1 : to
}

/** Fills `UTF8`; a lone surrogate becomes U+FFFD. @returns how many bytes */
export const encodePiece = (text: string, from: number, to: number): number =>
  ENCODER.encodeInto(from === 0 && to === text.length ? text : text.slice(from, to), UTF8).written

/** The character in `UTF8` that begins at `at` and has several bytes. */
export function pointAt(at: number): number {
  const first = UTF8[at] as number
  const second = (UTF8[at + 1] as number) & 0x3f
  if (first < 0xe0) return ((first & 0x1f) << 6) | second
  const third = (UTF8[at + 2] as number) & 0x3f
  if (first < FIRST_OF_FOUR) return ((first & 0x0f) << 12) | (second << 6) | third
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | ((UTF8[at + 3] as number) & 0x3f)
}

/** Tells text of most other scripts without a look at all of it. */
function isHereAndThere(text: string, test: (unit: number) => boolean): boolean {
  const stride = (text.length >> 3) + 1
  for (let at = 0; at < text.length; at += stride) if (!test(text.charCodeAt(at))) return false
  return true
}

const isAscii = (unit: number) => unit < 0x80
const mayBeSign = (unit: number) => unit < 0x80 || (unit & 0xf800) === 0xd800 || isSign(unit)

/** The same memory, four bytes at a time; their order is that of the machine. */
export const asciiWords = (bytes: Uint8Array): Int32Array =>
  bytes === SHARED ? SHARED_WORDS : new Int32Array(bytes.buffer)
