import { queryOptions } from '@tanstack/react-query'
import { type Team, teams } from '@/lib/contract/teams'
import { api } from '../api'

export const teamQueries = {
  /** Invalidate this after any command on teams. */
  all: ['teams'] as const,

  /** Every team there is: a thousand at most. */
  every: () =>
    queryOptions({
      queryKey: [...teamQueries.all, 'every'],
      queryFn: async ({ signal }) => {
        const found: Team[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await api(teams.list, { limit: 200, cursor }, { signal })
          found.push(...page.items)
          if (page.next_cursor === null) return found
          cursor = page.next_cursor
        }
      },
      staleTime: 30_000,
    }),
}
