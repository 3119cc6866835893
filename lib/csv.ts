/** A row, and the line on which it begins, from 1. */
export type CsvRecord = { line: number; cells: string[] }

/** RFC 4180, with any line ending. A quote that is never closed ends with the text. */
export function csvRecords(content: string): CsvRecord[] {
  const text = content.replace(/^\uFEFF/, '')
  const records: CsvRecord[] = []
  let cells: string[] = []
  let cell = ''
  let isQuoted = false
  let line = 1
  let begun = 1
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '\n') line += 1
    if (isQuoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') {
        cell += '"'
        at += 1
      } else isQuoted = false
    } else if (character === '"' && cell === '') isQuoted = true
    else if (character === ',') {
      cells.push(cell)
      cell = ''
    } else if (character === '\n') {
      records.push({ line: begun, cells: [...cells, cell] })
      cells = []
      cell = ''
      begun = line
    } else if (character !== '\r') cell += character
  }
  if (cell !== '' || cells.length > 0) records.push({ line: begun, cells: [...cells, cell] })
  return records
}
