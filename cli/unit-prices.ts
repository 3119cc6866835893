import { PRICE_UNITS, type Prices } from '@/lib/contract/price-shapes'
import { AppError } from '@/lib/errors'

/** `input=0.6 output=3.6`; `-` when there are none. */
export const pricesText = (prices: Prices): string =>
  Object.entries(prices)
    .map(([unit, amount]) => `${unit}=${amount}`)
    .join(' ') || '-'

/** @throws AppError for a word that is no unit with an amount, or a unit that is there twice */
export function pricesOf(units: readonly (string | undefined)[]): Prices {
  const prices: Prices = {}
  for (const text of units) {
    const [unit, amount, ...others] = text?.split('=') ?? []
    const known = PRICE_UNITS.find((one) => one === unit)
    if (known === undefined || !amount || others.length > 0 || prices[known] !== undefined) {
      const words = `"${text}" is no unit with an amount, such as input=0.6, each once`
      throw new AppError('invalid_request', `${words}. Units are ${PRICE_UNITS.join(', ')}.`)
    }
    prices[known] = amount
  }
  return prices
}
