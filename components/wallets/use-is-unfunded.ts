import { useInfiniteQuery } from '@tanstack/react-query'
import { nanoUsdOf } from '@/lib/money'
import { walletQueries } from './wallet-queries'

/** Whether no money is in any wallet: the organisation's stands first, and others get theirs from it. */
export function useIsUnfunded(): boolean {
  const [first, second] = useInfiniteQuery(walletQueries.list()).data?.pages[0]?.items ?? []
  return first !== undefined && second === undefined && nanoUsdOf(first.received_usd) === 0n
}
