import { and, desc, eq, isNull, lt } from 'drizzle-orm'
import { z } from 'zod'
import { legalHolds } from '@/drizzle/schema/events'
import type { holds, LegalHold } from '@/lib/contract/holds'
import { toPage } from '@/lib/contract/page'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'

export async function listHolds(ctx: Context, input: Input<typeof holds.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'holds.list', input)
  const before = cursors.decode(z.string())
  const rows = await tx
    .select()
    .from(legalHolds)
    .where(
      and(
        eq(legalHolds.orgId, actor.orgId),
        input.state === 'standing' ? isNull(legalHolds.releasedAt) : undefined,
        before === undefined ? undefined : lt(legalHolds.id, before),
      ),
    )
    .orderBy(desc(legalHolds.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toHold), input.limit, ({ id }) => cursors.encode(id))
}

/** Bounded by STANDING_HOLDS_MAX. */
export async function standingHolds(tx: Transaction, orgId: string): Promise<LegalHold[]> {
  const rows = await tx
    .select()
    .from(legalHolds)
    .where(and(eq(legalHolds.orgId, orgId), isNull(legalHolds.releasedAt)))
    .orderBy(legalHolds.id)
    .limit(STANDING_HOLDS_MAX)
  return rows.map(toHold)
}

export const STANDING_HOLDS_MAX = 200

export const toHold = (row: typeof legalHolds.$inferSelect): LegalHold => ({
  id: row.id,
  name: row.name,
  reason: row.reason,
  since: row.since,
  until: row.until,
  created_at: row.createdAt,
  created_by: row.createdBy,
  released_at: row.releasedAt,
  released_by: row.releasedBy,
})
