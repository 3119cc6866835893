import { nanoUsdOf, shortUsdOfNano } from '@/lib/money'

/** As people read amounts: all decimals that say something, and at least two. */
export function dollars(usd: string): string {
  const [whole, fraction = ''] = shortUsdOfNano(nanoUsdOf(usd)).split('.')
  return `${whole}.${fraction.padEnd(2, '0')}`
}
