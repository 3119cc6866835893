declare const unit: unique symbol

/** An exact amount of money in nano-dollars: a billionth of a US dollar. Never a `number`. */
export type NanoUsd = bigint & { readonly [unit]: 'nano-USD' }

export const NO_MONEY = 0n as NanoUsd

/** A count of nano-dollars as money. */
export const nanoUsd = (count: bigint): NanoUsd => count as NanoUsd

/**
 * Nano-dollars of a decimal text of US dollars with up to nine decimals.
 *
 * @throws SyntaxError for anything else: `NaN`, exponents, a tenth decimal, spaces
 */
export function nanoUsdOf(usd: string): NanoUsd {
  if (!USD.test(usd)) throw new SyntaxError(`"${usd.slice(0, 40)}" is not an amount of US dollars.`)
  const [whole = '', fraction = ''] = usd.split('.')
  return nanoUsd(BigInt(`${whole}${fraction.padEnd(9, '0')}`))
}

/** Amounts of events and those that filters compare with; `-0.5` is half a dollar owed. */
const USD = /^-?\d{1,40}(?:\.\d{1,9})?$/

/** Nano-dollars as a decimal text of US dollars with nine decimals. */
export function usdOfNano(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0')
  return `${nano < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** The same without the zeros at its end, for prices that people read: `2.5`. */
export const shortUsdOfNano = (nano: bigint): string => usdOfNano(nano).replace(/\.?0+$/, '')

/**
 * Divides and rounds to the nearest whole, a half to the even one (IEEE 754 `roundTiesToEven`), so that many roundings
 * favour nobody. `denominator` is greater than 0.
 */
export function dividedHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  const rest = numerator % denominator
  if (rest === 0n) return quotient
  const twice = 2n * (rest < 0n ? -rest : rest)
  const isUp = twice > denominator || (twice === denominator && quotient % 2n !== 0n)
  return isUp ? quotient + (numerator < 0n ? -1n : 1n) : quotient
}
