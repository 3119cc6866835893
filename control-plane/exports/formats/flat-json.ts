import type { Column } from '../columns'
import type { Lines } from './encoder'
import { rowReader } from './rows-of'

/** Records as objects of the selected columns, in their order. What a record does not have is null. */
export function flatJsonOf(columns: Column[]): (lines: Lines) => string[] {
  const read = rowReader(columns)
  const names = columns.map(({ name }) => JSON.stringify(name))
  return (lines) =>
    read(lines).map((row) => `{${row.map((value, index) => `${names[index]}:${JSON.stringify(value)}`).join(',')}}`)
}
