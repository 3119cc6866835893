import { nanoUsdOf } from '@/lib/money'
import type { ColumnKind } from '../columns'

/** Rows of one group of a Parquet file: what is held in memory, and what a reader can skip. */
export const GROUP_ROWS = 8_192

/** The values of one column that wait for their group to be whole. */
export type HeldColumn = {
  /** Takes the value of a row of the group, as a record has it. */
  set: (row: number, value: unknown) => void
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
      return heldNumbers((value) => value as number, BigInt)
    case 'number':
      return heldNumbers(
        (value) => value as number,
        (value) => value,
      )
    case 'time':
      return heldNumbers((value) => microsOf(value as string), BigInt)
    case 'boolean':
      return heldNumbers(
        (value) => (value === true ? 1 : 0),
        (value) => value === 1,
      )
    case 'dollars':
      return heldAmounts()
    case 'json':
      return heldTexts((value) => JSON.stringify(value))
    case 'text':
      return isDifferent ? heldBytes() : heldTexts((value) => value as string)
  }
}

/** No JSON number is NaN: it stands for none. */
function heldNumbers(toNumber: (value: unknown) => number, fromNumber: (value: number) => unknown): HeldColumn {
  const held = new Float64Array(GROUP_ROWS)
  return {
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
function heldTexts(toText: (value: unknown) => string): HeldColumn {
  const held: (string | null)[] = new Array(GROUP_ROWS).fill(null)
  const known = new Map<string, string>()
  return {
    set(row, value) {
      held[row] = value === null || value === undefined ? null : copied(toText(value))
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
      ends[row] = typeof value === 'string' ? append(value, start) : start
    },
    values: (rows) =>
      Array.from({ length: rows }, (_, row) =>
        isThere[row] === 1 ? bytes.subarray(startOf(row), ends[row] as number) : null,
      ),
  }

  /** @returns where it ends */
  function append(text: string, start: number): number {
    const longest = start + text.length * 3
    if (longest > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * longest)
      bytes.copy(larger, 0, 0, start)
      bytes = larger
    }
    return start + bytes.write(text, start)
  }
}

/** Microseconds since 1970 of an instant in UTC with any number of decimals; NaN for what is none. */
function microsOf(instant: string): number {
  const ms = Date.parse(instant)
  const beyond = /\.\d{3}(\d{1,3})/.exec(instant)?.[1] ?? ''
  return ms * 1_000 + Number(beyond.padEnd(3, '0'))
}
