import type { Column } from '../columns'
import type { Lines } from './encoder'
import { skimmerOf } from './skimmer'

/** Reads the values of some columns out of lines, row by row. What a record does not have is null. */
export function rowReader(columns: readonly Column[]): (lines: Lines) => unknown[][] {
  // Several columns may read the same place.
  const paths = new Map<string, string[]>()
  for (const path of columns.flatMap((column) => column.paths)) paths.set(path.join('.'), path)
  const slots = [...paths.keys()]
  const skim = skimmerOf([...paths.values()])
  const readers = columns.map(({ paths: own, from }) => {
    const indexes = own.map((path) => slots.indexOf(path.join('.')))
    const [first = 0] = indexes
    return from ? (values: unknown[]) => from(...indexes.map((index) => values[index])) : first
  })
  return ({ bytes }) =>
    skim(bytes.toString()).map((values) =>
      readers.map((reader) => (typeof reader === 'number' ? values[reader] : reader(values)) ?? null),
    )
}
