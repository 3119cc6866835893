import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query'
import type { z } from 'zod'
import { activity } from '@/lib/contract/activity'
import { api } from '../api'

export type ActivitySelection = Pick<z.input<typeof activity.list.input>, 'since' | 'until' | 'filter'>

const ENTRIES_PER_PAGE = 100

export const activityQueries = {
  all: ['activity'] as const,

  list: (selection: ActivitySelection) =>
    infiniteQueryOptions({
      queryKey: [...activityQueries.all, 'list', selection],
      queryFn: ({ pageParam, signal }) =>
        api(activity.list, { ...selection, limit: ENTRIES_PER_PAGE, cursor: pageParam }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    }),
}
