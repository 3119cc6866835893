import type { PriceRow, Prices, PriceTerm, Tier } from '@/lib/contract/price-shapes'
import { dividedHalfEven, nanoUsdOf, shortUsdOfNano } from '@/lib/money'

/** What an organisation pays from a moment on, in the currency of its contract. */
export type Override = {
  provider: string
  /** A name, or the beginning of names with a `*` at its end. */
  model: string
  effective_from: string
  currency: string
  prices: Prices
  tiers: readonly Tier[]
  /** The most tokens of an answer, where the organisation says so itself. */
  max_output_tokens?: number | undefined
}

/** What one of a currency is worth in US dollars from the first moment of a day in UTC on. */
export type CurrencyRate = { currency: string; effective_on: string; usd: string }

/** That a price has no rate on the day on which it begins: what it is in US dollars would be a guess. */
export class RateMissing extends Error {
  override readonly name = 'RateMissing'
}

/** Also what to do about it: rates are set by `kt` and by the API, nowhere in the console. */
export const rateMissingText = (currency: string, day: string): string =>
  `There is no rate for ${currency} on or before ${day}: set one with kt pricing set-rate ${currency}=... --effective-on ${day}.`

/**
 * Own prices as rows of a table, in US dollars. A row in another currency gets a term for each rate that comes into force
 * while it holds. Exact names come before beginnings, and longer beginnings before shorter ones.
 *
 * @throws RateMissing
 */
export function rowsOfOverrides(overrides: readonly Override[], rates: readonly CurrencyRate[]): PriceRow[] {
  const byModel = new Map<string, Override[]>()
  for (const one of overrides) {
    const key = `${one.provider} ${one.model}`
    byModel.set(key, [...(byModel.get(key) ?? []), one])
  }
  return [...byModel.values()].map((same) => rowOf(same, rates)).sort(byCloseness)
}

function rowOf(same: readonly Override[], rates: readonly CurrencyRate[]): PriceRow {
  const ascending = [...same].sort((a, b) => Date.parse(a.effective_from) - Date.parse(b.effective_from))
  const [{ provider, model }] = ascending as [Override]
  const terms = ascending.flatMap((one, at) => termsOf(one, ascending[at + 1]?.effective_from ?? null, rates))
  const match = model.endsWith('*') ? { starts_with: model.slice(0, -1) } : { names: [model] }
  return { provider, model, source: 'override', match, terms }
}

const isWide = ({ model }: PriceRow) => model.endsWith('*')

function byCloseness(a: PriceRow, b: PriceRow): number {
  if (isWide(a) !== isWide(b)) return isWide(a) ? 1 : -1
  return (
    b.model.length - a.model.length ||
    (a.model < b.model ? -1 : a.model > b.model ? 1 : a.provider < b.provider ? -1 : 1)
  )
}

function termsOf(one: Override, until: string | null, rates: readonly CurrencyRate[]): PriceTerm[] {
  const { effective_from, currency, prices, tiers, max_output_tokens } = one
  const cap = max_output_tokens === undefined ? {} : { max_output_tokens }
  if (currency === 'USD') return [{ effective_from, between: null, prices, tiers: [...tiers], ...cap }]
  const fromMs = Date.parse(effective_from)
  const untilMs = until === null ? Number.POSITIVE_INFINITY : Date.parse(until)
  const own = rates
    .filter((rate) => rate.currency === currency)
    .map(({ effective_on, usd }) => ({ fromMs: Date.parse(`${effective_on}T00:00:00Z`), usd }))
    .sort((a, b) => a.fromMs - b.fromMs)
  const first = own.findLast((rate) => rate.fromMs <= fromMs)
  if (first === undefined) {
    throw new RateMissing(rateMissingText(currency, effective_from.slice(0, 10)))
  }
  const later = own.filter((rate) => rate.fromMs > fromMs && rate.fromMs < untilMs)
  return [{ ...first, fromMs }, ...later].map(({ fromMs: atMs, usd }) => ({
    effective_from: new Date(atMs).toISOString(),
    between: null,
    prices: inUsd(prices, usd),
    tiers: tiers.map((tier) => ({ ...tier, prices: inUsd(tier.prices, usd) })),
    ...cap,
  }))
}

const NANO = 1_000_000_000n

/** Rounded half to even, to the nano-dollar for a million. */
const inUsd = (prices: Prices, rate: string): Prices =>
  Object.fromEntries(
    Object.entries(prices).map(([unit, amount]) => [
      unit,
      shortUsdOfNano(dividedHalfEven(nanoUsdOf(amount) * nanoUsdOf(rate), NANO)),
    ]),
  )
