/**
 * A row, and the line on which it begins, from 1. Of one that is cut off, a quote is opened and never closed: whatever else
 * the text holds is in it.
 */
export type CsvRecord = { line: number; cells: string[]; isCutOff: boolean }

/** RFC 4180, with any line ending. One after the other, because a text may hold some hundred thousand. */
export function* csvRecords(content: string): Generator<CsvRecord, undefined> {
  let at = content.startsWith('\uFEFF') ? 1 : 0
  let line = 1
  while (at < content.length) {
    const record: CsvRecord = { line, cells: [], isCutOff: false }
    let end: string
    do {
      const cell = cellAt(content, at)
      record.cells.push(cell.text)
      record.isCutOff ||= cell.isCutOff
      line += cell.breaks
      end = content[cell.end] ?? ''
      at = cell.end + 1
    } while (end === ',')
    if (end === '\r' && content[at] === '\n') at += 1
    line += 1
    yield record
  }
}

/** `end`: where the comma or line ending behind it stands. `breaks`: those of lines within it. */
type Cell = { text: string; end: number; breaks: number; isCutOff: boolean }

function cellAt(content: string, start: number): Cell {
  if (content[start] !== '"') {
    const end = endOf(content, start)
    return { text: content.slice(start, end), end, breaks: 0, isCutOff: false }
  }
  const close = closingQuote(content, start + 1)
  const isCutOff = close === -1
  const inner = content.slice(start + 1, isCutOff ? undefined : close)
  const end = isCutOff ? content.length : endOf(content, close + 1)
  return {
    text: inner.replaceAll('""', '"') + (isCutOff ? '' : content.slice(close + 1, end)),
    end,
    breaks: inner.match(LINE_END)?.length ?? 0,
    isCutOff,
  }
}

const LINE_END = /\r\n|\r|\n/g
const CELL_END = /[,\r\n]/g

function endOf(content: string, from: number): number {
  CELL_END.lastIndex = from
  return CELL_END.exec(content)?.index ?? content.length
}

/** Two quotes stand for one that is part of the text. */
function closingQuote(content: string, from: number): number {
  let at = content.indexOf('"', from)
  while (at !== -1 && content[at + 1] === '"') at = content.indexOf('"', at + 2)
  return at
}
