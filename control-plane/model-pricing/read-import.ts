import {
  type NewOverride,
  NewOverride as NewOverrideShape,
  OVERRIDES_PER_VERSION_MAX,
} from '@/lib/contract/model-pricing'
import { PRICE_UNITS } from '@/lib/contract/price-shapes'
import { csvRecords } from '@/lib/csv'
import { parseJson } from '@/lib/parse-json'
import { IN_PLAIN_WORDS } from '@/lib/plain-issues'

/** What a list of prices says. `line` counts from 1; of JSON it is the place in the list. */
export type Import = { rows: { line: number; row: NewOverride }[]; problems: { line: number; message: string }[] }

const PROBLEMS_MAX = 100
const FIELDS = ['provider', 'model', 'effective_from', 'currency', 'max_output_tokens'] as const

/** Reads rows of prices. What cannot be read is told, line by line, and the rest is read all the same. */
export function readImport(format: 'csv' | 'json', content: string): Import {
  const { rows, problems } = format === 'csv' ? rowsOfCsv(content) : rowsOfJson(content)
  const read: Import['rows'] = []
  if (rows.length > OVERRIDES_PER_VERSION_MAX) {
    return { rows: read, problems: [{ line: 1, message: `No more than ${OVERRIDES_PER_VERSION_MAX} rows at once.` }] }
  }
  for (const { line, value } of rows) {
    const parsed = NewOverrideShape.safeParse(value, IN_PLAIN_WORDS)
    if (parsed.success) read.push({ line, row: parsed.data })
    else {
      const [issue] = parsed.error.issues
      const path = issue?.path.map(String).join('.')
      problems.push({ line, message: `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`.slice(0, 300) })
    }
  }
  return { rows: read, problems: problems.slice(0, PROBLEMS_MAX) }
}

type Rows = { rows: { line: number; value: unknown }[]; problems: Import['problems'] }

function rowsOfJson(content: string): Rows {
  try {
    const given: unknown = parseJson(content)
    const list = Array.isArray(given) ? given : [given]
    return { rows: list.map((value, at) => ({ line: at + 1, value })), problems: [] }
  } catch {
    return { rows: [], problems: [{ line: 1, message: 'This is not JSON.' }] }
  }
}

function rowsOfCsv(content: string): Rows {
  const [header, ...lines] = csvRecords(content)
  const names = header?.cells.map((name) => name.trim().toLowerCase()) ?? []
  const known: readonly string[] = [...FIELDS, ...PRICE_UNITS]
  const strange = names.find((name) => !known.includes(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (strange !== undefined)
    return refused(`There is no column "${strange.slice(0, 40)}"; there are ${known.join(', ')}.`)
  if (twice !== undefined) return refused(`The column "${twice}" is there twice.`)
  const problems: Import['problems'] = []
  const rows = lines.flatMap(({ line, cells, isCutOff }) => {
    if (isCutOff) {
      problems.push({ line, message: 'A quote is opened here and never closed.' })
      return []
    }
    if (cells.length === 1 && cells[0]?.trim() === '') return []
    if (cells.length !== names.length) {
      problems.push({ line, message: `${cells.length} columns where the first line has ${names.length}.` })
      return []
    }
    return [{ line, value: overrideOf(names, cells) }]
  })
  return { rows, problems }
}

const refused = (message: string): Rows => ({ rows: [], problems: [{ line: 1, message }] })

/** An empty cell says nothing. */
function overrideOf(names: readonly string[], cells: readonly string[]): object {
  const given = names.flatMap((name, at) => {
    const cell = cells[at]?.trim() ?? ''
    if (cell === '') return []
    return [[name, name === 'max_output_tokens' && /^\d{1,9}$/.test(cell) ? Number(cell) : cell] as const]
  })
  const isField = (name: string) => (FIELDS as readonly string[]).includes(name)
  return {
    ...Object.fromEntries(given.filter(([name]) => isField(name))),
    prices: Object.fromEntries(given.filter(([name]) => !isField(name))),
  }
}
