import { PRICE_UNITS, type PriceSource, type Prices, type PriceUnit, type Tier } from '@/lib/contract/price-shapes'
import { nanoUsdOf } from '@/lib/money'
import { INSTEAD, PER, SCALE } from './units'

/** What one of a unit costs, in nano-dollars divided by SCALE; null for what has no price, which is not free. */
export type Rates = Readonly<Record<PriceUnit, bigint | null>>

/** What a model costs at one moment and one service tier, ready to reckon with. */
export type ServedPrice = {
  source: PriceSource
  /** What an event pins: where this price can be read again. */
  version: string
  /** Ascending by `above`, the input tokens that a request must exceed; the first is above -1. */
  tiers: readonly { above: number; rates: Rates }[]
  /** Sound and pictures that cost as text does because nobody has said what they cost. */
  asText: readonly MediaUnit[]
}
/** At the usual service tier, and at others by their names. */
export type Price = ServedPrice & { served: ReadonlyMap<string, ServedPrice> }

/** What usually costs another price than the text beside it. */
export const MEDIA_UNITS = ['input_audio', 'input_image', 'output_audio', 'output_image'] as const
export type MediaUnit = (typeof MEDIA_UNITS)[number]

/** @throws SyntaxError for an amount that is none */
export function priceOf(prices: Prices, tiers: readonly Tier[], source: PriceSource, version: string): Price {
  const usual = tiers.filter(({ service_tier: name }) => name === undefined)
  const price = (own: Prices, above: readonly Tier[], pinned: string): ServedPrice => ({
    source,
    version: pinned,
    tiers: ratesByInput(own, above),
    asText: MEDIA_UNITS.filter((unit) => own[unit] === undefined),
  })
  const served = new Map<string, ServedPrice>()
  for (const name of new Set(tiers.flatMap((tier) => tier.service_tier ?? []))) {
    const own = tiers.filter((tier) => tier.service_tier === name)
    const always = own.filter((tier) => tier.above_input_tokens === 0).map((tier) => tier.prices)
    const above = own.filter((tier) => tier.above_input_tokens > 0)
    served.set(name, price(Object.assign({}, prices, ...always), [...usual, ...above], `${version}#${name}`))
  }
  return { ...price(prices, usual, version), served }
}

/** Which service tier a version says that a price was of; null for the usual one. */
export const serviceTierOf = (version: string | null): string | null => version?.split('#')[1] ?? null

/** Of two tiers for the same input the later one stands. */
function ratesByInput(prices: Prices, tiers: readonly Tier[]): Price['tiers'] {
  const ascending = tiers.toSorted((a, b) => a.above_input_tokens - b.above_input_tokens)
  let inForce = prices
  const compiled = [{ above: -1, rates: ratesOf(prices) }]
  for (const tier of ascending) {
    inForce = { ...inForce, ...tier.prices }
    compiled.push({ above: tier.above_input_tokens, rates: ratesOf(inForce) })
  }
  return compiled
}

function ratesOf(prices: Prices): Rates {
  const own = (unit: PriceUnit): bigint | null => {
    const usd = prices[unit]
    return usd === undefined ? null : nanoUsdOf(usd) * (SCALE / PER[unit])
  }
  const rate = (unit: PriceUnit) => INSTEAD[unit].map(own).find((found) => found !== null) ?? null
  return Object.fromEntries(PRICE_UNITS.map((unit) => [unit, rate(unit)])) as Rates
}
