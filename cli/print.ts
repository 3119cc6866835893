import { stringify } from 'yaml'
import type { Io } from './io'
import { displayWidth, printable } from './text'

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

export type Column<T> = { header: string; cell: (row: T) => string; minWidth?: number }

/** How a command answers. `table` is for people; `json` and `yaml` carry the shapes of the API. */
export type Printer = ReturnType<typeof createPrinter>

export function createPrinter(io: Io, format: OutputFormat) {
  const line = (text: string) => void io.stdout.write(`${text}\n`)
  const data = (value: unknown) => line(format === 'yaml' ? toYaml(value).trimEnd() : toJson(value, 2))

  return {
    format,
    line,
    data,

    /** One line per fact, or the whole value. */
    record(value: unknown, lines: string[]) {
      if (format === 'table') for (const text of lines) line(printable(text))
      else data(value)
    },

    /** Rows under headings, or the page as the API answers it. Says on stderr when there are none. */
    list<T>(page: { items: T[]; next_cursor: string | null }, columns: Column<T>[], empty: string) {
      if (format !== 'table') return data({ items: page.items, next_cursor: page.next_cursor })
      const table = createTable(columns)
      for (const text of table.format(page.items, true)) line(text)
      if (page.items.length === 0) io.stderr.write(`${empty}\n`)
      if (page.next_cursor) io.stderr.write('There are more: raise --limit.\n')
    },

    /** For rows that arrive one after another: JSON lines, YAML documents or a growing table. */
    stream<T>(columns: Column<T>[]) {
      const table = createTable(columns)
      let isFirst = true
      return (row: T) => {
        if (format === 'json') line(toJson(row))
        else if (format === 'yaml') line(`---\n${toYaml(row).trimEnd()}`)
        else for (const text of table.format([row], isFirst)) line(text)
        isFirst = false
      }
    },
  }
}

/** Columns only ever grow, so that rows which come later stay under their headings. */
export function createTable<T>(columns: Column<T>[]) {
  const widths = columns.map(({ header, minWidth }) => Math.max(displayWidth(header), minWidth ?? 0))

  return {
    format(rows: T[], withHeader: boolean): string[] {
      const body = rows.map((row) => columns.map(({ cell }) => printable(cell(row))))
      for (const cells of body) {
        for (const [i, cell] of cells.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))
      }
      const all = withHeader ? [columns.map(({ header }) => header), ...body] : body
      return all.map((cells) =>
        cells
          .map((cell, i) => padEnd(cell, widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
      )
    },
  }
}

const padEnd = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** JSON in which nothing can drive a terminal: JSON itself lets DEL, C1 and bidirectional controls through. */
export const toJson = (value: unknown, indent?: number): string =>
  indent ? JSON.stringify(value, null, indent).split('\n').map(printable).join('\n') : printable(JSON.stringify(value))

function toYaml(value: unknown): string {
  const text = stringify(value, { lineWidth: 0 })
  const lines = text.split('\n')
  if (lines.every((one) => printable(one) === one)) return text
  // Inside double quotes an escape is the character it stands for (YAML 1.2.2 section 5.7).
  const quoted = stringify(value, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
  return quoted.split('\n').map(printable).join('\n')
}
