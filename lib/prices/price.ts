import { PRICE_UNITS, type PriceSource, type Prices, type PriceUnit, type Tier } from '@/lib/contract/price-shapes'
import { nanoUsdOf } from '@/lib/money'
import { INSTEAD, PER, SCALE } from './units'

/** What one of a unit costs, in nano-dollars divided by SCALE; null for what has no price, which is not free. */
export type Rates = Readonly<Record<PriceUnit, bigint | null>>

/** What a model costs at one moment, ready to reckon with. */
export type Price = {
  source: PriceSource
  /** What an event pins: where this price can be read again. */
  version: string
  /** Ascending by `above`, the input tokens that a request must exceed; the first is above -1. */
  tiers: readonly { above: number; rates: Rates }[]
  /** Sound and pictures that cost as text does because nobody has said what they cost. */
  asText: readonly MediaUnit[]
}

/** What usually costs another price than the text beside it. */
export const MEDIA_UNITS = ['input_audio', 'input_image', 'output_audio', 'output_image'] as const
export type MediaUnit = (typeof MEDIA_UNITS)[number]

/** @throws SyntaxError for an amount that is none */
export function priceOf(prices: Prices, tiers: readonly Tier[], source: PriceSource, version: string): Price {
  const ascending = [...tiers].sort((a, b) => a.above_input_tokens - b.above_input_tokens)
  let inForce = prices
  const compiled = [{ above: -1, rates: ratesOf(prices) }]
  for (const tier of ascending) {
    inForce = { ...inForce, ...tier.prices }
    compiled.push({ above: tier.above_input_tokens, rates: ratesOf(inForce) })
  }
  return { source, version, tiers: compiled, asText: MEDIA_UNITS.filter((unit) => prices[unit] === undefined) }
}

function ratesOf(prices: Prices): Rates {
  const own = (unit: PriceUnit): bigint | null => {
    const usd = prices[unit]
    return usd === undefined ? null : nanoUsdOf(usd) * (SCALE / PER[unit])
  }
  const rate = (unit: PriceUnit) => INSTEAD[unit].map(own).find((found) => found !== null) ?? null
  return Object.fromEntries(PRICE_UNITS.map((unit) => [unit, rate(unit)])) as Rates
}
