import type { Page } from '@/lib/contract/page'

/** As many rows as one command shows. */
export const ROWS_MAX = 10_000
const PAGE_MAX = 200

/** Follows pages until there are `limit` rows or no more. `next_cursor` of the result is null when nothing is left. */
export async function collectPages<T>(
  limit: number,
  fetchPage: (page: { limit: number; cursor: string | undefined }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const items: T[] = []
  let cursor: string | undefined
  while (items.length < limit) {
    const page = await fetchPage({ limit: Math.min(PAGE_MAX, limit - items.length), cursor })
    items.push(...page.items)
    if (!page.next_cursor) return { items, next_cursor: null }
    cursor = page.next_cursor
  }
  return { items, next_cursor: cursor ?? null }
}
