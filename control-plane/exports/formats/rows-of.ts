import type { Column } from '../columns'
import type { Lines } from './encoder'
import { skimmerOf } from './skimmer'

/** The places that columns read, each once, and for each column which of them. */
export function placesOf(columns: readonly Column[]): { paths: string[][]; slots: number[][] } {
  // Several columns may read the same place.
  const paths = new Map<string, string[]>()
  for (const path of columns.flatMap((column) => column.paths)) paths.set(path.join('.'), path)
  const names = [...paths.keys()]
  return {
    paths: [...paths.values()],
    slots: columns.map((column) => column.paths.map((path) => names.indexOf(path.join('.')))),
  }
}

/** Reads the values of some columns out of lines, row by row. What a record does not have is null. */
export function rowReader(columns: readonly Column[]): (lines: Lines) => unknown[][] {
  const { paths, slots } = placesOf(columns)
  const skim = skimmerOf(paths)
  const readers = columns.map(({ from }, index) => {
    const own = slots[index] ?? []
    const [first = 0] = own
    return from ? (values: unknown[]) => from(...own.map((slot) => values[slot])) : first
  })
  return ({ bytes }) =>
    skim(bytes.toString()).map((values) =>
      readers.map((reader) => (typeof reader === 'number' ? values[reader] : reader(values)) ?? null),
    )
}
