import { nanoUsdOf } from '@/lib/money'
import { signedMoneyText } from './money'

/** What one amount is more or less than another; nothing is said in a word, so that the eye finds what differs. */
export function Difference({ usd, decimals }: { usd: string; decimals?: number }) {
  if (nanoUsdOf(usd) === 0n) return <span className="text-fg-muted">none</span>
  return <span className="font-medium text-attention-text">{signedMoneyText(usd, decimals)}</span>
}
