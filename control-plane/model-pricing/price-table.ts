import type { PriceRow, PriceTable } from '@/lib/contract/price-shapes'
import { catalogue } from '@/lib/prices/catalogue'
import { type CurrencyRate, type Override, rowsOfOverrides } from '@/lib/prices/overrides'

/** An organisation's own prices at one version; 0 before the first. */
export type OwnPrices = { version: number; overrides: readonly Override[]; rates: readonly CurrencyRate[] }

/** What events pin: the catalogue, and behind a slash the version of the organisation's own prices. */
export const bookVersionOf = ({ version }: { version: number }): string =>
  version === 0 ? catalogue().version : `${catalogue().version}/${version}`

/**
 * All that is known: own prices first, then the catalogue.
 *
 * @throws RateMissing
 */
export function priceTableOf(own: OwnPrices): PriceTable {
  const rows = [...rowsOfOverrides(own.overrides, own.rates), ...catalogue().rows]
  return { version: bookVersionOf(own), rows }
}

/** What a gateway needs of a table from now on. @param providers empty for all */
export function forGateway({ version, rows }: PriceTable, providers: ReadonlySet<string>, nowMs: number): PriceTable {
  const wanted = providers.size === 0 ? rows : rows.filter(({ provider }) => providers.has(provider))
  return { version, rows: wanted.map((row) => (row.source === 'override' ? fromNowOn(row, nowMs) : row)) }
}

const DAY_MS = 86_400_000

/** Without what was replaced more than a day ago: requests under way began after that. */
function fromNowOn(row: PriceRow, nowMs: number): PriceRow {
  const fromMs = nowMs - (nowMs % DAY_MS) - DAY_MS
  const last = row.terms.findLastIndex(
    ({ effective_from }) => effective_from !== null && Date.parse(effective_from) <= fromMs,
  )
  return last <= 0 ? row : { ...row, terms: row.terms.slice(last) }
}
