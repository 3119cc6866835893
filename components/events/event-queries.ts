import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { events } from '@/lib/contract/events'
import { api } from '../api'
import { COUNTED_FIELDS, VALUES_PER_FIELD } from './filter-suggestions'

/** What the rows are chosen by, in the words of the API. */
export type EventSelection = Pick<z.input<typeof events.list.input>, 'since' | 'until' | 'filter'>

export const EVENTS_PER_PAGE = 100

export const eventQueries = {
  all: ['events'] as const,
  counts: ['events', 'counts'] as const,

  /** `generation` counts fresh starts from the top; the rows of the one before stay until the new ones are there. */
  list: (selection: EventSelection, generation = 0) =>
    infiniteQueryOptions({
      queryKey: [...eventQueries.all, 'list', selection, generation],
      queryFn: ({ pageParam, signal }) =>
        api(events.list, { ...selection, limit: EVENTS_PER_PAGE, cursor: pageParam }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
      // The live tail brings what is new; asking again for every page loaded would only move rows under the reader.
      staleTime: Number.POSITIVE_INFINITY,
    }),

  histogram: (selection: EventSelection, buckets: number) =>
    queryOptions({
      queryKey: [...eventQueries.counts, 'histogram', selection, buckets],
      queryFn: ({ signal }) => api(events.histogram, { ...selection, buckets }, { signal }),
      placeholderData: keepPreviousData,
    }),

  facets: (selection: EventSelection) =>
    queryOptions({
      queryKey: [...eventQueries.counts, 'facets', selection],
      queryFn: ({ signal }) =>
        api(events.facets, { ...selection, fields: COUNTED_FIELDS, limit: VALUES_PER_FIELD }, { signal }),
      placeholderData: keepPreviousData,
    }),

  /** Events never change once recorded. */
  one: (id: string) =>
    queryOptions({
      queryKey: [...eventQueries.all, 'one', id],
      queryFn: ({ signal }) => api(events.get, { id }, { signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}
