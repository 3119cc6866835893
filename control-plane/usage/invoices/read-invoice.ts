import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CsvRecord, csvRecords } from '@/lib/csv'
import { AppError } from '@/lib/errors'
import type { NanoUsd } from '@/lib/money'
import { type CurrencyRate, rateMissingText } from '@/lib/prices/overrides'
import { amountOf, rateOn } from './amounts'
import { type Cells, FORMATS, type Format, formatOf } from './formats'

export type InvoiceLine = { model: string; key: string; amount: NanoUsd }
export type Problem = { line: number; message: string }
export type ReadInvoice = { format: Format; lines: InvoiceLine[]; skipped: number; problems: Problem[] }

const PROBLEMS_MAX = 100
const COLUMNS_MAX = 200
/** So many take a few milliseconds, in which nobody else is answered. */
const ROWS_AT_ONCE = 500

type Asked = { content: string; format: Format | 'auto'; month: string; rates: readonly CurrencyRate[] }

/**
 * The rows of an invoice that are of a month, in US dollars. What cannot be read is told by its line.
 *
 * @throws AppError `unprocessable` when its columns are none of a known format, or one that is read is there twice
 */
export async function readInvoice({ content, format: asked, month, rates }: Asked): Promise<ReadInvoice> {
  const records = csvRecords(content)
  const columns = (records.next().value?.cells ?? []).map((name) => name.trim().toLowerCase())
  if (columns.length > COLUMNS_MAX) throw new AppError('unprocessable', `No more than ${COLUMNS_MAX} columns.`)
  const format = formatOf(asked, columns)
  assertNotTwice(format, columns)
  const invoice: ReadInvoice = { format, lines: [], skipped: 0, problems: [] }
  let count = 0
  for (const record of records) {
    if (invoice.problems.length === PROBLEMS_MAX) break
    count += 1
    if (count % ROWS_AT_ONCE === 0) await nextTurn()
    const read = readRecord(record, columns, format, month, rates)
    if (read === null) invoice.skipped += 1
    else if (typeof read === 'string') invoice.problems.push({ line: record.line, message: read.slice(0, 300) })
    else invoice.lines.push(read)
  }
  return invoice
}

/** Of two columns of one name that is read, nobody knows which is meant. */
function assertNotTwice(format: Format, columns: readonly string[]): void {
  const read = new Set<string>()
  const noted: Cells = (...names) => {
    for (const name of names) read.add(name)
    return ''
  }
  FORMATS[format].read(noted)
  const twice = columns.find((name, at) => read.has(name) && columns.indexOf(name) !== at)
  if (twice !== undefined) throw new AppError('unprocessable', `There are two columns ${twice}: which one is meant?`)
}

/** @returns what is wrong with it; or null when it says nothing of the month */
function readRecord(
  { cells, isCutOff }: CsvRecord,
  columns: readonly string[],
  format: Format,
  month: string,
  rates: readonly CurrencyRate[],
): InvoiceLine | string | null {
  if (isCutOff) return 'A quote is opened here and never closed: all that follows would be part of it.'
  if (cells.every((cell) => cell.trim() === '')) return null
  if (cells.length !== columns.length) return `${cells.length} columns where the first line has ${columns.length}.`
  const cell: Cells = (...names) => {
    for (const name of names) {
      const value = cells[columns.indexOf(name)]?.trim() ?? ''
      if (value !== '') return value
    }
    return ''
  }
  const raw = FORMATS[format].read(cell)
  // Days on which nothing was used have no amount.
  if (!raw.isOurs || raw.amount === '') return null
  const day = dayOf(raw.date)
  if (day === null) return `"${raw.date.slice(0, 40)}" is no date.`
  if (!day.startsWith(`${month}-`)) return null
  const currency = raw.currency.toUpperCase()
  if (!CURRENCY.test(currency)) return `"${raw.currency.slice(0, 20)}" is no currency: write its code, such as EUR.`
  const rate = rateOn(rates, currency, day)
  if (rate === null) return rateMissingText(currency, day)
  const amount = amountOf(raw.amount, rate)
  if (amount === null) return `"${raw.amount.slice(0, 40)}" is no amount.`
  if (raw.model.length > NAME_MAX || raw.key.length > NAME_MAX) return 'A name is too long.'
  return amount === 0n ? null : { model: printed(raw.model), key: printed(raw.key), amount }
}

/** Of ISO 4217. */
const CURRENCY = /^[A-Z]{3}$/
const NAME_MAX = 200
/** Names are stored and shown. */
const printed = (name: string) => name.toWellFormed().replace(/\p{Cc}/gu, ' ')

/** `YYYY-MM-DD` of a date in UTC, as providers write them: ISO 8601, `MM/DD/YYYY`, `YYYYMMDD` or seconds since 1970. */
export function dayOf(text: string): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:$|[T ])/.exec(text) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(text)
  if (iso) return existing(iso[1], iso[2], iso[3])
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:$| )/.exec(text)
  if (american) return existing(american[3], american[1], american[2])
  return /^\d{9,10}$/.test(text) ? new Date(Number(text) * 1_000).toISOString().slice(0, 10) : null
}

function existing(year = '', month = '', day = ''): string | null {
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const date = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? null : text
}
