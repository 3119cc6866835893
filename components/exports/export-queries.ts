import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { exportSchedules, exports } from '@/lib/contract/exports'
import { api } from '../api'
import { isUnderWay } from './export-words'

const BUSY_MS = 1_000
const IDLE_MS = 30_000

export type Preview = z.input<typeof exports.preview.input>

export const exportQueries = {
  /** Invalidate this after any command on exports. */
  all: ['exports'] as const,

  /** Looks again often while something is being made. */
  list: () =>
    infiniteQueryOptions({
      queryKey: [...exportQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(exports.list, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: ({ state: { data } }) =>
        data === undefined ? false : data.pages.some(({ items }) => items.some(isUnderWay)) ? BUSY_MS : IDLE_MS,
    }),

  get: (id: string) =>
    queryOptions({
      queryKey: [...exportQueries.all, 'get', id],
      queryFn: ({ signal }) => api(exports.get, { id }, { signal }),
      refetchInterval: ({ state: { data } }) => (data !== undefined && isUnderWay(data) ? BUSY_MS : false),
    }),

  preview: (input: Preview) =>
    queryOptions({
      queryKey: [...exportQueries.all, 'preview', input],
      queryFn: ({ signal }) => api(exports.preview, input, { signal }),
      retry: false,
    }),

  schedules: () =>
    infiniteQueryOptions({
      queryKey: [...exportQueries.all, 'schedules'],
      queryFn: ({ pageParam, signal }) => api(exportSchedules.list, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),
}
