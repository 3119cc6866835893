import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { configurations } from '@/lib/contract/configurations'
import { api } from '../api'

const firstPage = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
}

export const configurationQueries = {
  /** Invalidate this after any command on configurations. */
  all: ['configurations'] as const,

  list: () =>
    infiniteQueryOptions({
      queryKey: [...configurationQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(configurations.list, { cursor: pageParam }, { signal }),
      ...firstPage,
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...configurationQueries.all, 'get', id],
      queryFn: ({ signal }) => api(configurations.get, { id }, { signal }),
    }),

  versions: (id: string) =>
    infiniteQueryOptions({
      queryKey: [...configurationQueries.all, 'versions', id],
      queryFn: ({ pageParam, signal }) => api(configurations.listVersions, { id, cursor: pageParam }, { signal }),
      ...firstPage,
    }),

  /** A version never changes, so it is fetched once. */
  version: (id: string, version: string) =>
    queryOptions({
      queryKey: [...configurationQueries.all, 'version', id, version],
      queryFn: ({ signal }) => api(configurations.getVersion, { id, version }, { signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}
