import type { PriceChange } from '@/lib/contract/model-pricing'
import type { Override } from '@/lib/prices/overrides'
import type { PriceBook } from '@/lib/prices/price-book'
import { canonicalJson } from '@/lib/trail/canonical'
import type { OwnPrices } from './price-table'

type Key = Pick<Override, 'provider' | 'model' | 'effective_from'>

/** What is different from what stands; rows that say again what stands already are no changes. */
export function changesOf(
  own: OwnPrices,
  book: PriceBook,
  set: readonly Override[],
  removed: readonly Key[],
): PriceChange[] {
  const changed = set.filter((row) => {
    const known = own.overrides.find((one) => isSameRow(one, row))
    return known === undefined || saidBy(known) !== saidBy(row)
  })
  return [
    ...changed.map(({ currency, prices, tiers, max_output_tokens: cap, ...row }) => ({
      ...keyOf(row),
      before: beforeOf(book, row),
      after: { currency, prices, tiers: [...tiers], max_output_tokens: cap ?? null },
    })),
    ...removed.map((row) => ({ ...keyOf(row), before: beforeOf(book, row), after: null })),
  ]
}

const keyOf = ({ provider, model, effective_from }: Key): Key => ({ provider, model, effective_from })
const isSameRow = (a: Key, b: Key) =>
  a.provider === b.provider && a.model === b.model && Date.parse(a.effective_from) === Date.parse(b.effective_from)
const saidBy = ({ currency, prices, tiers, max_output_tokens: cap }: Override) =>
  canonicalJson({ currency, prices, tiers, cap: cap ?? null })

/** Of the beginning of names: what was said of that same beginning. */
function beforeOf(book: PriceBook, { provider, model, effective_from }: Key): PriceChange['before'] {
  const atMs = Date.parse(effective_from)
  const entry = model.endsWith('*')
    ? book
        .entriesAt(atMs)
        .find(({ row }) => row.provider === provider && row.model === model && row.source === 'override')
    : book.entryOf(provider, [model], atMs)
  if (entry === null || entry === undefined) return null
  const { prices, tiers, max_output_tokens: cap } = entry.term
  return { source: entry.row.source, prices, tiers, max_output_tokens: cap ?? null }
}
