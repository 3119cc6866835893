import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { budgets } from '@/lib/contract/budgets'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'

/** What gateways hold changes from second to second. */
const REFRESH_MS = 5_000
const MANY = 200

export const budgetQueries = {
  /** Invalidate this after any command on budgets. */
  all: ['budgets'] as const,

  list: () =>
    infiniteQueryOptions({
      queryKey: [...budgetQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(budgets.list, { cursor: pageParam, limit: 100 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  /** For pages about something else. */
  many: () =>
    queryOptions({
      queryKey: [...budgetQueries.all, 'many'],
      queryFn: ({ signal }) => api(budgets.list, { limit: MANY }, { signal }),
      refetchInterval: refreshEvery(6 * REFRESH_MS),
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...budgetQueries.all, 'get', id],
      queryFn: ({ signal }) => api(budgets.get, { id }, { signal }),
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  windows: (id: string) =>
    infiniteQueryOptions({
      queryKey: [...budgetQueries.all, 'windows', id],
      queryFn: ({ pageParam, signal }) => api(budgets.windows, { id, cursor: pageParam, limit: 12 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),
}
