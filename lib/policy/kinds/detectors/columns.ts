import { factsOf } from '@/lib/policy/engine/text-facts'
import { step } from '@/lib/policy/engine/time-limit'
import { BIRTH_WORDS, CVV_WORDS, LICENCE_WORDS, PASSPORT_WORDS, PHONE_WORDS, SSN_WORDS } from './context'
import type { Found } from './found'
import { personalCodes } from './personal-codes'
import { personalNumbers } from './personal-numbers'

const NAMES = [BIRTH_WORDS, PHONE_WORDS, PASSPORT_WORDS, LICENCE_WORDS, SSN_WORDS, CVV_WORDS]
const DELIMITERS = [',', ';', '\t', '|']
/** Names and nothing else, a few words each. */
const HEAD_CELL = /^["' ]{0,3}[\p{L}_#][\p{L}\p{M}\p{N} _.#()/-]{0,39}["' ]{0,3}$/u
const RULE_CELL = /^[ :-]{0,200}$/
const COLUMNS_MAX = 64
const LINE_UNITS_MAX = 4_096

type Table = { delimiter: string; width: number; named: readonly { column: number; name: string }[] }

/**
 * What stands in a column of a table (CSV, tabs, Markdown) of which the first line names it: `birthday;name`, then
 * `07.11.1983;Ada`. A cell is read as if its name stood before it.
 *
 * For texts that are there as a whole: in a stream the first line has long gone.
 */
export function columnValues(text: string, digitRuns: readonly number[]): Found[] {
  const found: Found[] = []
  if (!hasCells(text, digitRuns)) return found
  let table: Table | null = null
  for (let from = 0; from < text.length; ) {
    step(2)
    const end = text.indexOf('\n', from)
    const to = end === -1 ? text.length : end
    const line = to - from > LINE_UNITS_MAX ? '' : text.slice(from, to)
    const cells = table === null ? [] : cellsOf(line, table.delimiter)
    if (table !== null && cells.length === table.width) valuesOf(table, cells, from, found)
    else table = tableOf(line)
    from = to + 1
  }
  return found
}

/** Whether a number begins a cell: behind a delimiter, or at the beginning of a line that goes on with one. */
function hasCells(text: string, digitRuns: readonly number[]): boolean {
  if (!text.includes('\n')) return false
  for (let i = 0; i < digitRuns.length; i += 2) {
    let at = (digitRuns[i] ?? 0) - 1
    let code = text.charCodeAt(at)
    // Blanks around cells are usual only between bars; behind a comma of a sentence they are everywhere.
    if (code === BLANK && text.charCodeAt(at - 1) === BAR) return true
    if (code === DOUBLE_QUOTE || code === QUOTE) code = text.charCodeAt(--at)
    if ((code === COMMA || code === SEMICOLON || code === TAB || code === BAR) && !isDigitCode(text.charCodeAt(at - 1)))
      return true
    if (code === LINE_END && isFirstCell(text, at, digitRuns[i + 1] ?? 0)) return true
  }
  return false
}

/** A line that ends with one of these goes on: it is no line of a table. */
const GOES_ON = new Set(Array.from(',:;{[(', (sign) => sign.charCodeAt(0)))
const CELL = /^[^,;\t|\n]{0,24}[,;\t|]/

const isFirstCell = (text: string, lineEnd: number, end: number) =>
  !GOES_ON.has(text.charCodeAt(lineEnd - 1)) && CELL.test(text.slice(end, end + 25))

const [TAB, LINE_END, BLANK, DOUBLE_QUOTE, QUOTE, COMMA, SEMICOLON, BAR] = [9, 10, 32, 34, 39, 44, 59, 124]
const isDigitCode = (code: number) => code >= 48 && code <= 57

function tableOf(line: string): Table | null {
  for (const delimiter of DELIMITERS) {
    const first = line.indexOf(delimiter)
    // Most lines are seen to be none by what stands first in them.
    if (first === -1 || (first > 0 && !HEAD_CELL.test(line.slice(0, first)))) continue
    const cells = cellsOf(line, delimiter)
    const inner = delimiter === '|' ? cells.filter(({ text }) => text.trim() !== '') : cells
    if (cells.length > COLUMNS_MAX || inner.length < 2 || !inner.every(({ text }) => HEAD_CELL.test(text))) continue
    const named = cells.flatMap(({ text }, column) => {
      const name = text.replace(/["']/g, '').trim().toLowerCase().replaceAll('_', ' ')
      return NAMES.some((words) => words.test(name)) ? [{ column, name }] : []
    })
    if (named.length > 0) return { delimiter, width: cells.length, named }
  }
  return null
}

type Cell = { text: string; start: number }

function cellsOf(line: string, delimiter: string): Cell[] {
  const cells: Cell[] = []
  let start = 0
  for (const text of line.replace(/\r$/, '').split(delimiter, COLUMNS_MAX + 1)) {
    cells.push({ text, start })
    start += text.length + 1
  }
  return cells
}

function valuesOf({ named }: Table, cells: readonly Cell[], lineStart: number, found: Found[]): void {
  for (const { column, name } of named) {
    const cell = cells[column]
    if (cell === undefined || RULE_CELL.test(cell.text)) continue
    const value = cell.text.replace(/["']/g, ' ')
    const read = `${name}: ${value}`
    const { digitRuns } = factsOf(read)
    const moved = lineStart + cell.start - (read.length - value.length)
    for (const { start, end, rule } of [...personalNumbers(read, digitRuns), ...personalCodes(read, digitRuns)])
      if (start >= read.length - value.length) found.push({ start: start + moved, end: end + moved, rule })
  }
}
