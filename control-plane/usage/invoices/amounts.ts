import { dividedHalfEven, type NanoUsd, nanoUsd, nanoUsdOf } from '@/lib/money'
import type { CurrencyRate } from '@/lib/prices/overrides'

/** Providers tell thirty decimals and more, and small amounts with an exponent. */
const AMOUNT = /^([+-]?)(\d{1,15})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,2}))?$/

const NANO_PLACES = 9

/**
 * An amount of an invoice in US dollars, exact, and rounded half to even once where it has more than nine decimals.
 *
 * @param rate what one of its currency is worth in US dollars
 * @returns null for what is no amount
 */
export function amountOf(text: string, rate: string): NanoUsd | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = AMOUNT.exec(text) ?? []
  if (whole === '') return null
  const digits = BigInt(`${whole}${fraction}`) * nanoUsdOf(rate)
  // Of the digits, the amount's own and those of the rate, which nano-dollars have as well.
  const places = fraction.length - Number(exponent)
  const size = places > 0 ? dividedHalfEven(digits, 10n ** BigInt(places)) : digits * 10n ** BigInt(-places)
  if (size > AMOUNT_MAX) return null
  return nanoUsd(sign === '-' ? -size : size)
}

/** A billion dollars: sums have to fit into 63 bits of nano-dollars. */
const AMOUNT_MAX = 10n ** BigInt(9 + NANO_PLACES)

/** What one of a currency is worth in US dollars on a day; null when nobody has said. */
export function rateOn(rates: readonly CurrencyRate[], currency: string, day: string): string | null {
  if (currency === 'USD') return '1'
  const known = rates.filter((rate) => rate.currency === currency && rate.effective_on <= day)
  return (
    known.reduce<CurrencyRate | null>(
      (last, rate) => (last === null || rate.effective_on > last.effective_on ? rate : last),
      null,
    )?.usd ?? null
  )
}
