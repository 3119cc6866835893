/** Nano-dollars of a decimal text of US dollars with up to nine decimals. */
export function nanoUsdOf(usd: string): bigint {
  const [whole = '', fraction = ''] = usd.split('.')
  return BigInt(`${whole}${fraction.padEnd(9, '0')}`)
}
