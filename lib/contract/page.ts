import { z } from 'zod'

/** What every list takes. The cursor is opaque: take it from `next_cursor`. */
export const pageInput = {
  cursor: z.string().max(500).optional().describe('`next_cursor` of the page before, unchanged.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
}

/** `next_cursor` is null on the last page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() })

export type Page<T> = { items: T[]; next_cursor: string | null }

/** Turns `limit + 1` rows into a page. `cursorOf` names the position of the last row shown. */
export function toPage<T>(rows: T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}
