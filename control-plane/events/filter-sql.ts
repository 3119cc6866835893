import { and, type Column, or, type SQL, sql } from 'drizzle-orm'
import type { FilterFieldKind } from '@/lib/contract/fields'
import { type FilterFields, type FilterTerm, foldedForSearch, searchable } from '@/lib/filter'
import { nanoUsdOf } from '@/lib/money'

/** The condition that a filter stands for; every value is a bound parameter. Undefined for no terms. */
export const filterSql = <F extends string>(
  terms: readonly FilterTerm<F>[],
  fields: FilterFields<F>,
  columns: Record<F, Column>,
): SQL | undefined => and(...terms.map((term) => termSql(term, fields[term.field], columns[term.field])))

function termSql({ operator, values }: FilterTerm<string>, kind: FilterFieldKind, column: Column): SQL | undefined {
  switch (operator) {
    case '=':
      return equals(kind, column, values)
    case '!=':
      // A row without a value is not equal to any, so it belongs to the answer: SQL alone would drop it.
      return sql`(${equals(kind, column, values)}) is not true`
    case '~':
      return or(...values.map((value) => sql`lower(${column} collate "C") like ${containing(value)}`))
    case '>':
      return or(...values.map((value) => sql`${column} > ${typed(kind, value)}`))
    case '<':
      return or(...values.map((value) => sql`${column} < ${typed(kind, value)}`))
  }
}

function equals(kind: FilterFieldKind, column: Column, values: string[]): SQL | undefined {
  const comparable = values.filter((value) => value !== '' || kind === 'text')
  const list = sql.join(
    comparable.map((value) => typed(kind, value)),
    sql`, `,
  )
  const found = comparable.length > 0 ? sql`${column} in (${list})` : undefined
  return values.includes('') ? or(found, sql`${column} is null`) : found
}

function typed(kind: FilterFieldKind, value: string): SQL {
  switch (kind) {
    case 'text':
      return sql`${searchable(value)}::text`
    case 'number':
      return sql`${value}::text::float8`
    case 'money':
      return sql`${nanoUsdOf(value).toString()}::text::bigint`
    case 'boolean':
      return sql`${value}::text::boolean`
  }
}

/** A LIKE pattern for "contains", with the wildcards of the value itself taken literally. */
const containing = (value: string): string =>
  `%${foldedForSearch(value).replace(/[\\%_]/g, (letter) => `\\${letter}`)}%`
