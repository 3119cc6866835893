import type { z } from 'zod'
import { AppError } from '@/lib/errors'

/** An opaque text for the position of the last row shown. */
export const encodeCursor = (position: unknown): string =>
  Buffer.from(JSON.stringify(position), 'utf8').toString('base64url')

/** @throws AppError `invalid_cursor` for anything that `encodeCursor` did not make for this list */
export function decodeCursor<S extends z.ZodType>(position: S, cursor: string | undefined): z.output<S> | undefined {
  if (cursor === undefined) return undefined
  const parsed = position.safeParse(parse(cursor))
  if (!parsed.success) {
    throw new AppError('invalid_cursor', 'Take the cursor from next_cursor of the page before, unchanged.', {
      cause: parsed.error,
    })
  }
  return parsed.data
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
