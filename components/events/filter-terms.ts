import { AppError } from '@/lib/errors'
import { type FilterTerm, parseFilter, printFilter } from '@/lib/filter'

/** A filter as typed: its terms, or why it is none. */
export type ReadFilter = { terms: FilterTerm[]; error: AppError | undefined }

export function readFilter(text: string): ReadFilter {
  try {
    return { terms: parseFilter(text), error: undefined }
  } catch (thrown) {
    if (thrown instanceof AppError) return { terms: [], error: thrown }
    throw thrown
  }
}

type Field = FilterTerm['field']

/** The value that a field must have; null where the filter leaves it open or names several. */
export function onlyValueOf(terms: readonly FilterTerm[], field: Field): string | null {
  const wanted = terms.filter((term) => isSingleValue(term, field))
  return wanted.length === 1 ? (wanted[0]?.values[0] ?? null) : null
}

/** The filter with `field=value` in place of what it said about equality before; null takes the condition away. */
export function withValue(terms: readonly FilterTerm[], field: Field, value: string | null): string {
  const others = terms.filter((term) => !(term.field === field && term.operator === '='))
  return printFilter(value === null ? others : [...others, { field, operator: '=', values: [value] }])
}

/** What the verdict tabs choose between: the filter without the one verdict that a tab set. */
export const withoutVerdictTab = (terms: readonly FilterTerm[]): string =>
  printFilter(terms.filter((term) => !isSingleValue(term, 'verdict')))

const isSingleValue = (term: FilterTerm, field: Field) =>
  term.field === field && term.operator === '=' && term.values.length === 1
