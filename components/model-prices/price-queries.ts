import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { modelPricing, type Repricing } from '@/lib/contract/model-pricing'
import { api } from '../api'

export type PriceFilter = Pick<z.input<typeof modelPricing.list.input>, 'search' | 'provider' | 'source' | 'at'>

const BUSY_MS = 1_000

export const priceQueries = {
  /** Invalidate this after any command on prices. */
  all: ['model-pricing'] as const,

  list: (filter: PriceFilter) =>
    infiniteQueryOptions({
      queryKey: [...priceQueries.all, 'list', filter],
      queryFn: ({ pageParam, signal }) =>
        api(modelPricing.list, { ...filter, cursor: pageParam, limit: 100 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),

  versions: () =>
    infiniteQueryOptions({
      queryKey: [...priceQueries.all, 'versions'],
      queryFn: ({ pageParam, signal }) => api(modelPricing.listVersions, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),

  repricings: () =>
    infiniteQueryOptions({
      queryKey: [...priceQueries.all, 'repricings'],
      queryFn: ({ pageParam, signal }) =>
        api(modelPricing.listRepricings, { cursor: pageParam, limit: 20 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: ({ state: { data } }) =>
        data?.pages.some(({ items }) => items.some(isUnderWay)) ? BUSY_MS : false,
    }),

  /** Looks again often while it is being reckoned. */
  repricing: (id: string) =>
    queryOptions({
      queryKey: [...priceQueries.all, 'repricing', id],
      queryFn: ({ signal }) => api(modelPricing.getRepricing, { id }, { signal }),
      refetchInterval: ({ state: { data } }) => (data !== undefined && isUnderWay(data) ? BUSY_MS : false),
    }),
}

const isUnderWay = ({ state }: Repricing) => state === 'queued' || state === 'running'
