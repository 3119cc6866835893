import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { gateways } from '@/lib/contract/gateways'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { api } from '../api'

export type TokenFilter = Omit<z.input<typeof tokens.list.input>, 'cursor' | 'limit'>

export const tokenQueries = {
  /** Invalidate this after any command on keys. */
  all: ['tokens'] as const,

  list: (filter: TokenFilter) =>
    infiniteQueryOptions({
      queryKey: [...tokenQueries.all, 'list', filter],
      queryFn: ({ pageParam, signal }) => api(tokens.list, { ...filter, cursor: pageParam, limit: 100 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData, // the old rows stay while a new filter loads
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...tokenQueries.all, 'get', id],
      queryFn: ({ signal }) => api(tokens.get, { id }, { signal }),
    }),

  /** `changeMs` tells what is asked about one change from what was answered before it. */
  propagation: (id: string, changeMs?: number) =>
    queryOptions({
      queryKey: [...tokenQueries.all, 'propagation', id, changeMs],
      queryFn: ({ signal }) => api(tokens.propagation, { id }, { signal }),
      staleTime: 0,
    }),

  /** What it was used for since a time, up to now. */
  usage: (id: string, since: string) =>
    queryOptions({
      queryKey: [...tokenQueries.all, 'usage', id, since],
      queryFn: ({ signal }) => api(tokens.usage, { id, since }, { signal }),
    }),

  /** What gateways really serve: the models and providers worth offering. */
  served: () =>
    queryOptions({
      queryKey: ['gateways', 'served'],
      queryFn: async ({ signal }) => {
        const { items } = await api(gateways.list, { limit: 200 }, { signal })
        return {
          gateways: items.map(({ id, name }) => ({ id, name })),
          models: distinct(items.flatMap(({ models }) => models)),
          providers: distinct(items.flatMap(({ providers }) => providers)),
        }
      },
      staleTime: 30_000,
    }),

  policy: () =>
    queryOptions({
      queryKey: ['settings', 'security'],
      queryFn: ({ signal }) => api(settings.getSecurity, {}, { signal }),
      staleTime: 60_000,
    }),
}

/** Without patterns such as `*`: they say that a target takes any name, and are none themselves. */
const distinct = (names: string[]) => [...new Set(names)].filter((name) => !name.includes('*')).sort()
