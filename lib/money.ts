/** Nano-dollars of a decimal text of US dollars with up to nine decimals. */
export function nanoUsdOf(usd: string): bigint {
  const [whole = '', fraction = ''] = usd.split('.')
  return BigInt(`${whole}${fraction.padEnd(9, '0')}`)
}

/** Nano-dollars as a decimal text of US dollars with nine decimals. */
export function usdOfNano(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0')
  return `${nano < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`
}
