import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { type QUARANTINE_STATES, quarantine } from '@/lib/contract/quarantine'
import { api } from '../api'

export type QuarantineState = (typeof QUARANTINE_STATES)[number]

export const quarantineQueries = {
  /** Invalidate this after any command on the quarantine. */
  all: ['quarantine'] as const,

  list: (state: QuarantineState | undefined) =>
    infiniteQueryOptions({
      queryKey: [...quarantineQueries.all, 'list', state],
      queryFn: ({ pageParam, signal }) => api(quarantine.list, { state, cursor: pageParam, limit: 100 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),

  one: (id: string) =>
    queryOptions({
      queryKey: [...quarantineQueries.all, 'one', id],
      queryFn: ({ signal }) => api(quarantine.get, { id }, { signal }),
    }),
}
