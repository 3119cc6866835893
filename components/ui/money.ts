import { dividedHalfEven, nanoUsdOf, usdOfNano } from '@/lib/money'

/** Dollars exactly: `$1,310.25`, `-$0.000012`. Never rounded; at least `decimals` after the point, so that columns align. */
export function moneyText(usd: string, decimals = 2): string {
  const sign = usd.startsWith('-') ? '-' : ''
  const [whole = '0', fraction = ''] = usd.slice(sign.length).split('.')
  return `${sign}$${BigInt(whole).toLocaleString('en')}.${significant(fraction).padEnd(decimals, '0')}`
}

/** What moved: `+$500.00`, `-$0.25`. */
export const signedMoneyText = (usd: string, decimals?: number): string =>
  usd.startsWith('-') ? moneyText(usd, decimals) : `+${moneyText(usd, decimals)}`

/** How many decimals a column needs that holds these amounts: two at least. */
export const decimalsOf = (amounts: readonly string[]): number =>
  Math.max(2, ...amounts.map((usd) => significant(usd.split('.')[1] ?? '').length))

/** Tailwind's width of a column that holds these texts whole: an amount whose end is cut off reads as another one. */
export function widthOfAmounts(texts: readonly string[]): string {
  const longest = Math.max(0, ...texts.map(({ length }) => length))
  return AMOUNT_WIDTHS.find(({ characters }) => longest <= characters)?.width ?? 'w-64'
}

/** By how many characters of the size of tables they have room for, with what stands around a cell. */
const AMOUNT_WIDTHS = [
  { characters: 13, width: 'w-36' },
  { characters: 15, width: 'w-40' },
  { characters: 17, width: 'w-44' },
  { characters: 19, width: 'w-48' },
  { characters: 21, width: 'w-54' },
]

const significant = (fraction: string) => fraction.replace(/0+$/, '')

/** Which part one amount is of another, in per cent to two decimals; 0 of nothing. For bars and words, not for money. */
export const percentOf = (part: string, whole: string): number => shareOf(nanoUsdOf(part), nanoUsdOf(whole))

/** The same of counts. What is there is a hundredth of a per cent at least: only nothing is 0. */
export function shareOf(part: bigint, whole: bigint): number {
  if (whole <= 0n) return 0
  const hundredths = (part * 10_000n) / whole
  return Number(hundredths === 0n && part > 0n ? 1n : hundredths) / 100
}

export const sumOfMoney = (amounts: readonly string[]): string =>
  usdOfNano(amounts.reduce((sum, usd) => sum + nanoUsdOf(usd), 0n))

export const differenceOfMoney = (a: string, b: string): string => usdOfNano(nanoUsdOf(a) - nanoUsdOf(b))

/** `12 %`, `0.4 %`, `< 0.1 %`, `> 99 %` of what is not all; more than ten times as much is told as that. */
export function percentText(percent: number): string {
  if (percent > 999) return '> 999 %'
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  if (percent >= 99.5 && percent < 100) return '> 99 %'
  return `${percent.toLocaleString('en', { maximumFractionDigits: percent < 10 ? 1 : 0 })} %`
}

/** What is only estimated, or told in passing: rounded to cents, or to two digits where it is less. */
export function aboutText(usd: string): string {
  const nano = nanoUsdOf(usd)
  const size = nano < 0n ? -nano : nano
  const digits = size.toString().length
  const unit = size >= CENT ? CENT : 10n ** BigInt(Math.max(0, digits - 2))
  return moneyText(usdOfNano(dividedHalfEven(nano, unit) * unit))
}

const CENT = 10_000_000n

/**
 * What somebody types as an amount: without `$`, spaces and the commas of thousands. Another comma stays, and no amount has one:
 * `2,50` is two and a half dollars to many, and would be 250.
 */
export function typedMoney(text: string): string {
  const plain = text.replace(/[\s$]/g, '')
  return THOUSANDS.test(plain) ? plain.replaceAll(',', '') : plain
}

const THOUSANDS = /^-?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/
