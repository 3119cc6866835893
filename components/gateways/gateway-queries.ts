import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { gateways } from '@/lib/contract/gateways'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'

const REFRESH_MS = 5_000

export const gatewayQueries = {
  /** Invalidate this after any command on gateways. */
  all: ['gateways'] as const,

  /** Refreshes itself while the page is in view: gateways report by themselves. */
  list: () =>
    infiniteQueryOptions({
      queryKey: [...gatewayQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(gateways.list, { cursor: pageParam, limit: 100 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...gatewayQueries.all, 'get', id],
      queryFn: ({ signal }) => api(gateways.get, { id }, { signal }),
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  gaps: (id: string) =>
    infiniteQueryOptions({
      queryKey: [...gatewayQueries.all, 'gaps', id],
      queryFn: ({ pageParam, signal }) => api(gateways.gaps, { id, cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),
}
