import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { type TransactionKind, wallets } from '@/lib/contract/wallets'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'

/** What gateways hold changes from second to second. */
const REFRESH_MS = 5_000

export const walletQueries = {
  /** Invalidate this after any command on wallets. */
  all: ['wallets'] as const,

  /** The organisation first, then teams, then users. */
  list: () =>
    infiniteQueryOptions({
      queryKey: [...walletQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(wallets.list, { cursor: pageParam, limit: 200 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...walletQueries.all, 'get', id],
      queryFn: ({ signal }) => api(wallets.get, { id }, { signal }),
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  transactions: (id: string, kind: TransactionKind | null) =>
    infiniteQueryOptions({
      queryKey: [...walletQueries.all, 'transactions', id, kind],
      queryFn: ({ pageParam, signal }) =>
        api(wallets.transactions, { id, kind: kind ?? undefined, cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),

  /** Asked for by hand: it adds up the whole ledger. */
  check: () =>
    queryOptions({
      queryKey: [...walletQueries.all, 'check'],
      queryFn: ({ signal }) => api(wallets.check, {}, { signal }),
      enabled: false,
      gcTime: 0,
    }),

  settings: () =>
    queryOptions({
      queryKey: ['settings', 'spend'],
      queryFn: ({ signal }) => api(wallets.settings, {}, { signal }),
    }),
}
