import { and, asc, eq, gt } from 'drizzle-orm'
import { z } from 'zod'
import { trailSinks } from '@/drizzle/schema/trail'
import { toPage } from '@/lib/contract/page'
import type { trail } from '@/lib/contract/trail'
import type { TrailSink } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import type { Transaction } from '../../database'
import type { Input } from '../../routes'

export const SINKS_MAX = 20

export type SinkRow = typeof trailSinks.$inferSelect

export async function listSinks(ctx: Context, input: Input<typeof trail.sinks>) {
  const cursors = cursorsOf(ctx, 'trail.sinks', input)
  const after = cursors.decode(z.string())
  const rows = await ctx.tx
    .select()
    .from(trailSinks)
    .where(and(eq(trailSinks.orgId, ctx.actor.orgId), after === undefined ? undefined : gt(trailSinks.id, after)))
    .orderBy(asc(trailSinks.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toSink), input.limit, ({ id }) => cursors.encode(id))
}

/** All of them: there are few. */
export const allSinks = (tx: Transaction, orgId: string): Promise<SinkRow[]> =>
  tx.select().from(trailSinks).where(eq(trailSinks.orgId, orgId)).orderBy(asc(trailSinks.id)).limit(SINKS_MAX)

export async function findSink(tx: Transaction, orgId: string, id: string): Promise<SinkRow> {
  const [row] = await tx
    .select()
    .from(trailSinks)
    .where(and(eq(trailSinks.orgId, orgId), eq(trailSinks.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such sink.')
  return row
}

export const toSink = (row: SinkRow): TrailSink => ({
  id: row.id,
  kind: row.kind,
  settings: row.settings,
  enabled: row.enabled,
  last_size: row.lastSize,
  last_ok_at: row.lastOkAt,
  last_error: row.lastError,
  created_at: row.createdAt,
})
