import { and, type Column, or, type SQL, sql } from 'drizzle-orm'
import { EVENT_FILTER_FIELDS, type EventFilterField } from '@/lib/contract/events'
import { type FilterTerm, searchable } from '@/lib/filter'

/** The condition that a filter stands for; every value is a bound parameter. Undefined for no terms. */
export const filterSql = (terms: readonly FilterTerm[], columns: Record<EventFilterField, Column>): SQL | undefined =>
  and(...terms.map((term) => termSql(term, columns[term.field])))

function termSql({ field, operator, values }: FilterTerm, column: Column): SQL | undefined {
  switch (operator) {
    case '=':
      return equals(field, column, values)
    case '!=':
      // An event without a value is not equal to any, so it belongs to the answer: SQL alone would drop it.
      return sql`(${equals(field, column, values)}) is not true`
    case '~':
      return or(...values.map((value) => sql`lower(${column} collate "C") like ${containing(value)}`))
    case '>':
      return or(...values.map((value) => sql`${column} > ${value}::text::float8`))
    case '<':
      return or(...values.map((value) => sql`${column} < ${value}::text::float8`))
  }
}

function equals(field: EventFilterField, column: Column, values: string[]): SQL | undefined {
  const type = sql.raw({ text: 'text', number: 'float8', boolean: 'boolean' }[EVENT_FILTER_FIELDS[field]])
  const list = sql.join(
    values.map((value) => sql`${searchable(value)}::text::${type}`),
    sql`, `,
  )
  const found = sql`${column} in (${list})`
  return values.includes('') ? or(found, sql`${column} is null`) : found
}

/** A LIKE pattern for "contains", with the wildcards of the value itself taken literally. */
const containing = (value: string): string =>
  `%${searchable(value)
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/[\\%_]/g, (letter) => `\\${letter}`)}%`
