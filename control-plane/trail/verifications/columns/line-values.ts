import { integerAt } from '../../tree/copied-records'

/** Where a line says a value: `line` from `at` on. What the column has: `row` from `start` on, of `length` bytes, -1 for NULL. */
export type Reader = (line: Buffer, at: number, row: Buffer, start: number, length: number) => number

/**
 * Each says where the value ends that the line has at a place, when it is certainly that of the column; else -1. Columns
 * are as binary COPY sends them, lines are canonical JSON (RFC 8785).
 */
export const READERS = { text, integer, decimal, boolean, dollars, instant } satisfies Record<string, Reader>
export type Kind = keyof typeof READERS

const QUOTE = 0x22
const COMMA = 0x2c
const DOT = 0x2e
const ZERO = 0x30
const BACKSLASH = 0x5c
/** Whole dollars of so many digits have nano-dollars that a number holds. */
const DOLLAR_DIGITS_MAX = 6
/** The longest that ECMAScript writes a number. */
const NUMBER_LENGTH_MAX = 25

const NULL = Buffer.from('null')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')

/** What stands behind a backslash for bytes that do not stand for themselves; `u` for those that have no letter. */
const ESCAPES = new Uint8Array(256).fill(0x75, 0, 0x20)
for (const [byte, letter] of Object.entries({ 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' })) {
  ESCAPES[Number(byte)] = letter.charCodeAt(0)
}
const HEX = Buffer.from('0123456789abcdef')

/** Where these bytes end at a place; -1 when they are not there. */
export function endOf(constant: Uint8Array, line: Buffer, at: number): number {
  for (let i = 0; i < constant.length; i++) if (line[at + i] !== constant[i]) return -1
  return at + constant.length
}

function text(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  if (length === -1) return endOf(NULL, line, at)
  if (line[at] !== QUOTE) return -1
  let end = at + 1
  for (let i = start; i < start + length; i++) {
    const byte = row[i] as number
    const letter = ESCAPES[byte] as number
    if (letter === 0) {
      if (line[end++] !== byte) return -1
    } else {
      if (line[end] !== BACKSLASH || line[end + 1] !== letter) return -1
      end += 2
      if (letter !== 0x75) continue
      const isSame = line[end] === ZERO && line[end + 1] === ZERO
      if (!isSame || line[end + 2] !== HEX[byte >> 4] || line[end + 3] !== HEX[byte & 15]) return -1
      end += 4
    }
  }
  return line[end] === QUOTE ? end + 1 : -1
}

function boolean(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  return length === 1 ? endOf(row[start] === 1 ? TRUE : FALSE, line, at) : -1
}

/** A count that a number holds. */
function integer(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  if (length === -1) return endOf(NULL, line, at)
  const value = length === 8 ? integerAt(row, start) : row.readInt32BE(start)
  const end = digitsEnd(line, at, at + 17)
  const said = numberOf(line, at, end)
  const isCount = end > at && (line[at] !== ZERO || end === at + 1) && Number.isSafeInteger(said)
  return isCount && said === value ? end : -1
}

function decimal(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  if (length !== 8) return -1
  const end = line.indexOf(COMMA, at)
  if (end === -1 || end - at > NUMBER_LENGTH_MAX) return -1
  const isWhole = end - at < 15 && digitsEnd(line, at, end) === end
  const said = isWhole ? numberOf(line, at, end) : Number(line.toString('latin1', at, end))
  return said === row.readDoubleBE(start) ? end : -1
}

/** The column counts nano-dollars. */
function dollars(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  if (length === -1) return endOf(NULL, line, at)
  const dot = digitsEnd(line, at + 1, at + 2 + DOLLAR_DIGITS_MAX)
  const whole = dot - at - 1
  if (line[at] !== QUOTE || whole === 0 || whole > DOLLAR_DIGITS_MAX) return -1
  let said = numberOf(line, at + 1, dot) * 1e9
  let end = dot
  if (line[dot] === DOT) {
    end = digitsEnd(line, dot + 1, dot + 10)
    if (end === dot + 1) return -1
    said += numberOf(line, dot + 1, end) * 10 ** (9 - (end - dot - 1))
  }
  return line[end] === QUOTE && said === integerAt(row, start) ? end + 1 : -1
}

/** Microseconds from 1970 to 2000, from where PostgreSQL counts. */
const EPOCH_MICROS = Date.UTC(2000, 0, 1) * 1_000
export const DAY_MICROS = 86_400_000_000
/** The instant that is looked for; neighbours are most often of the same day. */
const said = Buffer.from('"0000-00-00T00:00:00.000000Z"')
let saidDay = Number.NaN

/** Microseconds since 1970 of a column of binary COPY. */
export const microsAt = (row: Buffer, start: number): number => integerAt(row, start) + EPOCH_MICROS

function instant(line: Buffer, at: number, row: Buffer, start: number, length: number): number {
  if (length !== 8) return -1
  const micros = microsAt(row, start)
  const day = Math.floor(micros / DAY_MICROS)
  if (day !== saidDay) {
    // The years that are written with four digits.
    if (!(day >= 0 && day < 2_932_897)) return -1
    said.write(new Date((day * DAY_MICROS) / 1_000).toISOString().slice(0, 10), 1, 'latin1')
    saidDay = day
  }
  let rest = micros - day * DAY_MICROS
  for (let digit = 26; digit > 20; digit--) rest = withDigit(digit, rest, 10)
  rest = withDigit(19, rest, 10)
  rest = withDigit(18, rest, 6)
  rest = withDigit(16, rest, 10)
  rest = withDigit(15, rest, 6)
  rest = withDigit(13, rest, 10)
  withDigit(12, rest, 10)
  return endOf(said, line, at)
}

function withDigit(at: number, rest: number, base: number): number {
  const left = Math.floor(rest / base)
  said[at] = ZERO + (rest - left * base)
  return left
}

/** Milliseconds in the text of an event's id (RFC 9562 section 5.7); NaN for another. */
export function millisOfId(row: Buffer, start: number, end: number): number {
  if (end - start < 16) return Number.NaN
  let millis = 0
  for (let i = start + 4; i < start + 16; i++) millis = millis * 16 + hexDigit(row[i] as number)
  return millis
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= ZERO + 9) return byte - ZERO
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN
}

function digitsEnd(line: Buffer, from: number, max: number): number {
  let end = from
  while (end < max && (line[end] as number) >= ZERO && (line[end] as number) <= ZERO + 9) end += 1
  return end
}

function numberOf(line: Buffer, from: number, end: number): number {
  let value = 0
  for (let at = from; at < end; at++) value = value * 10 + ((line[at] as number) - ZERO)
  return value
}
