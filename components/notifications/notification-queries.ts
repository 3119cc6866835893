import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { notifications } from '@/lib/contract/notifications'
import { api } from '../api'

const PER_PAGE = 50
/** What they tell of happens by the minute at most. */
const REFRESH_EVERY_MS = 30_000

export const notificationQueries = {
  all: ['notifications'] as const,

  list: () =>
    infiniteQueryOptions({
      queryKey: [...notificationQueries.all, 'list'],
      queryFn: ({ pageParam, signal }) => api(notifications.list, { limit: PER_PAGE, cursor: pageParam }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: REFRESH_EVERY_MS,
    }),

  unread: () =>
    queryOptions({
      queryKey: [...notificationQueries.all, 'unread'],
      queryFn: async ({ signal }) => (await api(notifications.list, { limit: 1 }, { signal })).unread,
      refetchInterval: REFRESH_EVERY_MS,
    }),
}
