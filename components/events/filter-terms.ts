import type { EventFilterField } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { type FilterTerm, parseFilter, printFilter } from '@/lib/filter'

/** A filter as typed: its terms, or why it is none. */
export type ReadFilter<F extends string = EventFilterField> = { terms: FilterTerm<F>[]; error: AppError | undefined }

export const readFilter = (text: string): ReadFilter => readTerms(text, (given) => parseFilter(given))

export function readTerms<F extends string>(text: string, parse: (text: string) => FilterTerm<F>[]): ReadFilter<F> {
  try {
    return { terms: parse(text), error: undefined }
  } catch (thrown) {
    if (thrown instanceof AppError) return { terms: [], error: thrown }
    throw thrown
  }
}

/** The value that a field must have; null where the filter leaves it open or names several. */
export function onlyValueOf<F extends string>(terms: readonly FilterTerm<F>[], field: NoInfer<F>): string | null {
  const wanted = terms.filter((term) => isSingleValue(term, field))
  return wanted.length === 1 ? (wanted[0]?.values[0] ?? null) : null
}

/** The filter with `field=value` in place of what it said about equality before; null takes the condition away. */
export function withValue<F extends string>(
  terms: readonly FilterTerm<F>[],
  field: NoInfer<F>,
  value: string | null,
): string {
  const others = terms.filter((term) => !(term.field === field && term.operator === '='))
  return printFilter(value === null ? others : [...others, { field, operator: '=', values: [value] }])
}

/** What the verdict tabs choose between: the filter without the one verdict that a tab set. */
export const withoutVerdictTab = (terms: readonly FilterTerm[]): string =>
  printFilter(terms.filter((term) => !isSingleValue(term, 'verdict')))

const isSingleValue = <F extends string>(term: FilterTerm<F>, field: F) =>
  term.field === field && term.operator === '=' && term.values.length === 1
