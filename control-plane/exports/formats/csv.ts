import { isAscii } from 'node:buffer'
import type { Column } from '../columns'
import { type Encoder, type Lines, NOTHING } from './encoder'
import { placesOf, rowReader } from './rows-of'
import { type Ranges, rangesOf } from './skimmer'

/**
 * RFC 4180 in UTF-8: a header, CRLF, quotes where needed. What is not there is an empty field.
 *
 * Spreadsheets take a field that begins with one of `= + - @` for a formula, also behind spaces, tabs and other white
 * space, and also in full width. Such texts get a leading apostrophe, which spreadsheets show as "this is text"
 * (OWASP, CSV Injection). Numbers are numbers and stay.
 */
export function csvEncoder(columns: Column[]): Encoder {
  const read = rowReader(columns)
  const copyRows = rowCopier(columns)
  return {
    begin: () => Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`),
    rows(lines) {
      // Then bytes are where letters are.
      if (isAscii(lines.bytes)) return copyRows(lines)
      let text = ''
      for (const row of read(lines)) {
        text += `${row.map((value, index) => field(columns[index] as Column, value)).join(',')}\r\n`
      }
      return Buffer.from(text)
    },
    endPart: () => NOTHING,
    end: () => NOTHING,
  }
}

function field({ kind }: Column, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return kind === 'text' ? textField(value) : value
  return typeof value === 'object' ? textField(JSON.stringify(value)) : String(value)
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b
const LETTER_N = 0x6e

/** Rows whose fields are copied from the lines: of strings only what `PLAIN` says, and numbers are canonical already. */
function rowCopier(columns: Column[]): (lines: Lines) => Buffer {
  const { paths, slots } = placesOf(columns)
  const skim = rangesOf(paths)
  // Used again and again: buffers that come and go are what makes a process grow.
  let out = Buffer.alloc(0)
  return ({ bytes, rows }) => {
    const copiedMax = bytes.length + rows * (columns.length + 2)
    let size = 0
    const reserve = (more: number) => {
      if (size + more + copiedMax > out.length) {
        out = Buffer.concat([out.subarray(0, size)], 2 * (size + more + copiedMax))
      }
    }
    const append = (text: string) => {
      reserve(text.length * 3)
      size += out.write(text, size)
    }
    reserve(0)
    const copy = (column: Column, own: readonly number[], ranges: Ranges) => {
      const slot = own[0] as number
      const start = ranges.starts[slot] as number
      const first = bytes[start]
      if (column.from) return append(field(column, column.from(...own.map(ranges.read))))
      if (start === -1 || first === LETTER_N) return
      if (first === OPEN_ARRAY || first === OPEN_OBJECT) return append(field(column, ranges.read(slot)))
      const end = ranges.ends[slot] as number
      const [from, to] = first === QUOTE ? [start + 1, end - 1] : [start, end]
      if (first === QUOTE && !isPlain(bytes, from, to)) return append(field(column, ranges.read(slot)))
      for (let at = from; at < to; at++) out[size++] = bytes[at] as number
    }
    skim(bytes.toString('latin1'), (ranges) => {
      for (let index = 0; index < columns.length; index++) {
        if (index > 0) out[size++] = COMMA
        copy(columns[index] as Column, slots[index] as number[], ranges)
      }
      out[size++] = 0x0d
      out[size++] = 0x0a
    })
    return Buffer.from(out.subarray(0, size))
  }
}

/** White space of any kind and control characters, then what begins a formula; or a tab or carriage return at the start. */
const FORMULA = /^(?:[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]|[\t\r\n])/u
/** What most fields consist of: nothing in it needs a second look. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.:/ -]*$/
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/

export function textField(value: string): string {
  if (value === '' || PLAIN.test(value)) return value
  const safe = FORMULA.test(value) ? `'${value}` : value
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Bytes that `PLAIN` takes: 1 anywhere, 2 behind the first. */
const PLAIN_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  PLAIN.test(String.fromCharCode(byte)) ? 1 : PLAIN.test(`a${String.fromCharCode(byte)}`) ? 2 : 0,
)

function isPlain(bytes: Buffer, from: number, to: number): boolean {
  if (from < to && PLAIN_BYTES[bytes[from] as number] !== 1) return false
  for (let at = from + 1; at < to; at++) if (PLAIN_BYTES[bytes[at] as number] === 0) return false
  return true
}
