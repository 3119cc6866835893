import { nanoUsdOf } from '@/lib/money'
import type { ColumnKind } from '../columns'

/** Rows of one group of a Parquet file: what is held in memory, and what a reader can skip. */
export const GROUP_ROWS = 8_192

/** The values of one column that wait for their group to be whole. */
export type HeldColumn = {
  /** Takes the value of a row of the group, as a record has it. */
  set: (row: number, value: unknown) => void
  /** Takes it from the ASCII of a canonical line that says it, from `start` to `end`. False when it has to be read first. */
  take: (row: number, line: Buffer, start: number, end: number) => boolean
  /** Those of the first rows as the writer takes them. */
  values: (rows: number) => unknown[]
}

/**
 * Values wait outside of the JavaScript heap as far as they can: objects that live for a while and go are what makes the
 * heap grow far beyond what is held at a time.
 *
 * @param isDifferent hardly any two rows have the same text
 */
export function heldColumn(kind: ColumnKind, isDifferent: boolean): HeldColumn {
  switch (kind) {
    case 'integer':
      return heldNumbers((value) => value as number, BigInt, numberIn)
    case 'number':
      return heldNumbers(
        (value) => value as number,
        (value) => value,
        numberIn,
      )
    case 'time':
      return heldNumbers((value) => microsOf(value as string), BigInt)
    case 'boolean':
      return heldNumbers(
        (value) => (value === true ? 1 : 0),
        (value) => value === 1,
        (line, start) => (line[start] === LETTER_T ? 1 : 0),
      )
    case 'dollars':
      return heldAmounts()
    case 'json':
      return heldTexts((value) => JSON.stringify(value), false)
    case 'text':
      return isDifferent ? heldBytes() : heldTexts((value) => value as string, true)
  }
}

const QUOTE = 0x22
const ZERO = 0x30
const BACKSLASH = 0x5c
const LETTER_N = 0x6e
const LETTER_T = 0x74
/** Numbers of so many digits are made digit by digit. */
const DIGITS_MAX = 15

/** No JSON number is NaN: it stands for none. */
function heldNumbers(
  toNumber: (value: unknown) => number,
  fromNumber: (value: number) => unknown,
  numberAt?: (line: Buffer, start: number, end: number) => number,
): HeldColumn {
  const held = new Float64Array(GROUP_ROWS)
  return {
    take(row, line, start, end) {
      if (line[start] === LETTER_N) held[row] = Number.NaN
      else if (numberAt && line[start] !== QUOTE) held[row] = numberAt(line, start, end)
      else return false
      return true
    },
    set(row, value) {
      held[row] = value === null || value === undefined ? Number.NaN : toNumber(value)
    },
    values: (rows) => Array.from(held.subarray(0, rows), (value) => (Number.isNaN(value) ? null : fromNumber(value))),
  }
}

/** No single call costs so much; a decimal of 18 digits holds no more. */
const DOLLARS_NANO_MAX = 10n ** 18n - 1n
const NO_AMOUNT = -(2n ** 63n)

function heldAmounts(): HeldColumn {
  const held = new BigInt64Array(GROUP_ROWS)
  return {
    take(row, line, start) {
      if (line[start] !== LETTER_N) return false
      held[row] = NO_AMOUNT
      return true
    },
    set(row, value) {
      const nano = typeof value === 'string' ? nanoUsdOf(value) : NO_AMOUNT
      held[row] = nano > DOLLARS_NANO_MAX || nano < -DOLLARS_NANO_MAX ? NO_AMOUNT : nano
    },
    values: (rows) => Array.from(held.subarray(0, rows), (value) => (value === NO_AMOUNT ? null : value)),
  }
}

/** Texts kept at a time for being met again. */
const KNOWN_MAX = 4_096

/**
 * Texts that come again and again. One that was cut out of a piece keeps all of the piece in memory, so what is kept is a
 * copy, and of equal ones the same, which also makes the dictionary fast.
 */
function heldTexts(toText: (value: unknown) => string, isText: boolean): HeldColumn {
  const held: (string | null)[] = new Array(GROUP_ROWS).fill(null)
  const known = new Map<string, string>()
  const byHash = new Map<number, string>()
  return {
    set(row, value) {
      held[row] = value === null || value === undefined ? null : copied(toText(value))
    },
    take(row, line, start, end) {
      if (line[start] === LETTER_N) {
        held[row] = null
        return true
      }
      const hash = isText && line[start] === QUOTE ? hashOf(line, start + 1, end - 1) : null
      if (hash === null) return false
      const met = byHash.get(hash)
      if (met !== undefined && isSame(met, line, start + 1, end - 1)) {
        held[row] = met
      } else {
        const text = copied(line.toString('latin1', start + 1, end - 1))
        if (byHash.size === KNOWN_MAX) byHash.clear()
        byHash.set(hash, text)
        held[row] = text
      }
      return true
    },
    values: (rows) => held.slice(0, rows),
  }

  function copied(text: string): string {
    const same = known.get(text)
    if (same !== undefined) return same
    if (known.size === KNOWN_MAX) known.clear()
    const copy = Buffer.from(text).toString()
    known.set(copy, copy)
    return copy
  }
}

/** FNV-1a; null for a text with escapes in it. */
function hashOf(line: Buffer, from: number, end: number): number | null {
  let hash = 0x811c9dc5
  for (let at = from; at < end; at++) {
    const byte = line[at] as number
    if (byte === BACKSLASH) return null
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return hash
}

function isSame(text: string, line: Buffer, from: number, end: number): boolean {
  if (text.length !== end - from) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== line[from + i]) return false
  return true
}

/** A canonical JSON number. */
function numberIn(line: Buffer, start: number, end: number): number {
  if (end - start > DIGITS_MAX) return Number(line.toString('latin1', start, end))
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (line[at] as number) - ZERO
    if (digit < 0 || digit > 9) return Number(line.toString('latin1', start, end))
    value = value * 10 + digit
  }
  return value
}

/** Room for the texts of a group at first: identifiers mostly. */
const BYTES_AT_FIRST = GROUP_ROWS * 40

/** Texts that come once each, one behind the other. */
function heldBytes(): HeldColumn {
  let bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST)
  const ends = new Uint32Array(GROUP_ROWS)
  const isThere = new Uint8Array(GROUP_ROWS)
  const startOf = (row: number) => (row === 0 ? 0 : (ends[row - 1] as number))
  return {
    set(row, value) {
      const start = startOf(row)
      isThere[row] = typeof value === 'string' ? 1 : 0
      ends[row] = start
      if (typeof value !== 'string') return
      reserve(start, value.length * 3)
      ends[row] = start + bytes.write(value, start)
    },
    take(row, line, start, end) {
      if (line[start] !== QUOTE) return false
      let size = startOf(row)
      reserve(size, end - start)
      for (let at = start + 1; at < end - 1; at++) {
        if (line[at] === BACKSLASH) return false
        bytes[size++] = line[at] as number
      }
      isThere[row] = 1
      ends[row] = size
      return true
    },
    values: (rows) =>
      Array.from({ length: rows }, (_, row) =>
        isThere[row] === 1 ? bytes.subarray(startOf(row), ends[row] as number) : null,
      ),
  }

  function reserve(start: number, length: number): void {
    if (start + length <= bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (start + length))
    bytes.copy(larger, 0, 0, start)
    bytes = larger
  }
}

/** Microseconds since 1970 of an instant in UTC with any number of decimals; NaN for what is none. */
function microsOf(instant: string): number {
  const ms = Date.parse(instant)
  const beyond = /\.\d{3}(\d{1,3})/.exec(instant)?.[1] ?? ''
  return ms * 1_000 + Number(beyond.padEnd(3, '0'))
}
