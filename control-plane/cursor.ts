import { timingSafeEqual } from 'node:crypto'
import type { z } from 'zod'
import { AppError } from '@/lib/errors'
import type { Context } from './context'

const MAC_BYTES = 16

/**
 * Opaque texts for positions in one list. They are signed for the organisation and for what is listed, so that a cursor
 * that was changed, or taken from a list with another filter or of another organisation, is refused instead of answered
 * with rows that belong to neither.
 */
export type Cursors = {
  /** @param position JSON that names the last row shown */
  encode: (position: unknown) => string
  /** @throws AppError `invalid_cursor` for anything that `encode` did not make for this list */
  decode: <S extends z.ZodType>(position: S) => z.output<S> | undefined
}

/** @param list name of the endpoint; @param input what it was asked, of which `cursor` and `limit` may change from page to page */
export function cursorsOf(
  { services, actor }: Pick<Context, 'services' | 'actor'>,
  list: string,
  { cursor, limit: _, ...asked }: { cursor?: string | undefined; limit?: number } & Record<string, unknown>,
): Cursors {
  const bound = JSON.stringify([actor.orgId, list, Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1))])
  const macOf = (position: Buffer) =>
    services.sealing.mac('cursor', Buffer.concat([position, Buffer.from(`\n${bound}`)])).subarray(0, MAC_BYTES)
  const refuse = (cause?: unknown) =>
    new AppError(
      'invalid_cursor',
      'Take the cursor from next_cursor of the page before, unchanged, for the same list.',
      {
        cause,
      },
    )
  return {
    encode: (position) => {
      const bytes = Buffer.from(JSON.stringify(position), 'utf8')
      return Buffer.concat([macOf(bytes), bytes]).toString('base64url')
    },
    decode: (schema) => {
      if (cursor === undefined) return undefined
      const bytes = Buffer.from(cursor, 'base64url')
      const [mac, position] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)]
      if (mac.length < MAC_BYTES || !timingSafeEqual(mac, macOf(position))) throw refuse()
      const parsed = schema.safeParse(JSON.parse(position.toString('utf8')))
      if (!parsed.success) throw refuse(parsed.error)
      return parsed.data
    },
  }
}
