import type { Column } from '../columns'

/** A record as an object of the selected columns, in their order. What a record does not have is null. */
export const flatJson = (columns: Column[], record: unknown): string =>
  JSON.stringify(Object.fromEntries(columns.map(({ name, of }) => [name, of(record) ?? null])))
