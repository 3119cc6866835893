import { queryOptions } from '@tanstack/react-query'
import { type SavedView, type ViewPage, views } from '@/lib/contract/views'
import { api } from '../api'

/** Members times views of each is no list to look through: what comes first by name is offered. */
const OFFERED_MAX = 400

export const viewQueries = {
  /** Invalidate this after any command on views. */
  all: ['views'] as const,

  /** One's own of a page and what others share of it, by name. */
  offered: (of: ViewPage) =>
    queryOptions({
      queryKey: [...viewQueries.all, 'offered', of],
      queryFn: async ({ signal }) => {
        const found: SavedView[] = []
        for (let cursor: string | undefined; found.length < OFFERED_MAX; ) {
          const page = await api(views.list, { page: of, limit: 200, cursor }, { signal })
          found.push(...page.items)
          if (page.next_cursor === null) break
          cursor = page.next_cursor
        }
        return found
      },
      staleTime: 30_000,
    }),
}
