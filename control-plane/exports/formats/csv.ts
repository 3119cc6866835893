import type { Column } from '../columns'
import { type Encoder, NOTHING } from './encoder'
import { rowReader } from './rows-of'

/**
 * RFC 4180 in UTF-8: a header, CRLF, quotes where needed. What is not there is an empty field.
 *
 * Spreadsheets take a field that begins with one of `= + - @` for a formula, also behind spaces, tabs and other white
 * space, and also in full width. Such texts get a leading apostrophe, which spreadsheets show as "this is text"
 * (OWASP, CSV Injection). Numbers are numbers and stay.
 */
export function csvEncoder(columns: Column[]): Encoder {
  const read = rowReader(columns)
  return {
    begin: () => Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`),
    rows(lines) {
      let text = ''
      for (const row of read(lines)) text += line(columns, row)
      return Buffer.from(text)
    },
    endPart: () => NOTHING,
    end: () => NOTHING,
  }
}

function line(columns: Column[], row: unknown[]): string {
  let text = ''
  for (let index = 0; index < row.length; index++) {
    if (index > 0) text += ','
    const value = row[index]
    if (value === null) continue
    if (typeof value === 'string') text += columns[index]?.kind === 'text' ? textField(value) : value
    else text += typeof value === 'object' ? textField(JSON.stringify(value)) : String(value)
  }
  return `${text}\r\n`
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
