import { and, asc, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { gatewayGaps, gatewayPositions } from '@/drizzle/schema/events'
import type { gateways as contract } from '@/lib/contract/gateways'
import { toPage } from '@/lib/contract/page'
import { cursorsOf } from '../../cursor'
import type { Operation } from '../../routes'
import { getGateway } from '../queries'

const Position = z.tuple([z.int(), z.int().min(0)])

/** Oldest first: a gateway that began anew counts from the beginning again. */
export const listGaps: Operation<typeof contract.gaps> = async (ctx, input) => {
  const { tx, actor } = ctx
  const { id, limit } = input
  const { missing_events } = await getGateway(ctx, { id })
  const cursors = cursorsOf(ctx, 'gateways.gaps', input)
  const after = cursors.decode(Position)
  const rows = await tx
    .select()
    .from(gatewayGaps)
    .where(
      and(
        eq(gatewayGaps.orgId, actor.orgId),
        eq(gatewayGaps.gatewayId, id),
        after && sql`(${gatewayGaps.run}, ${gatewayGaps.firstSeq}) > (${after[0]}::integer, ${after[1]}::bigint)`,
      ),
    )
    .orderBy(asc(gatewayGaps.run), asc(gatewayGaps.firstSeq))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ run, firstSeq }) => cursors.encode([run, firstSeq]))
  const [place] = await tx
    .select({ lastSeq: sql<number | null>`max(${gatewayPositions.lastSeq})::float8` })
    .from(gatewayPositions)
    .where(and(eq(gatewayPositions.orgId, actor.orgId), eq(gatewayPositions.gatewayId, id)))
  return {
    items: page.items.map(({ firstSeq, lastSeq, seenAt }) => ({
      first_seq: firstSeq,
      last_seq: lastSeq,
      seen_at: seenAt,
    })),
    next_cursor: page.next_cursor,
    last_seq: place?.lastSeq ?? null,
    missing_events,
  }
}
