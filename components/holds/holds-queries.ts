import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { holds } from '@/lib/contract/holds'
import { retention } from '@/lib/contract/retention'
import { api } from '../api'

export const holdsQueries = {
  /** Invalidate this after any command on holds. */
  all: ['holds'] as const,

  list: (state: 'standing' | 'all') =>
    infiniteQueryOptions({
      queryKey: [...holdsQueries.all, 'list', state],
      queryFn: ({ pageParam, signal }) => api(holds.list, { state, cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),

  /** What holds keep is part of it. */
  retention: () =>
    queryOptions({
      queryKey: [...holdsQueries.all, 'retention'],
      queryFn: ({ signal }) => api(retention.get, {}, { signal }),
    }),
}
