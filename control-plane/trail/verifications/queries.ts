import { and, desc, eq, inArray, lt } from 'drizzle-orm'
import { z } from 'zod'
import { activity } from '@/drizzle/schema/activity'
import { payloads, retirements } from '@/drizzle/schema/events'
import { trailVerifications } from '@/drizzle/schema/trail'
import { toPage } from '@/lib/contract/page'
import type { trail } from '@/lib/contract/trail'
import { type Verification, VerificationResult } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import type { Retired } from '@/lib/trail/absences'
import type { Pause } from '@/lib/trail/digest-chain'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import type { Transaction } from '../../database'
import type { Input } from '../../routes'

/** Stops and starts that are looked at; the newest. */
const PAUSES_MAX = 10_000

export const VerificationInput = z.object({
  start_time: z.string(),
  /** Null for whatever there is, also what no digest covers yet. */
  end_time: z.string().nullable(),
  /** What `end_time` null stood for when it was asked. */
  asked_at: z.string(),
  deep_verify: z.boolean(),
  known_checkpoint: z.string().nullable(),
})
export type VerificationInput = z.infer<typeof VerificationInput>

type Row = typeof trailVerifications.$inferSelect

export async function listVerifications(ctx: Context, input: Input<typeof trail.verifications>) {
  const cursors = cursorsOf(ctx, 'trail.verifications', input)
  const before = cursors.decode(z.string())
  const rows = await ctx.tx
    .select()
    .from(trailVerifications)
    .where(
      and(
        eq(trailVerifications.orgId, ctx.actor.orgId),
        before === undefined ? undefined : lt(trailVerifications.id, before),
      ),
    )
    .orderBy(desc(trailVerifications.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toVerification), input.limit, ({ id }) => cursors.encode(id))
}

export const getVerification = async ({ tx, actor }: Context, { id }: Input<typeof trail.verification>) =>
  toVerification(await findVerification(tx, actor.orgId, id))

export async function findVerification(tx: Transaction, orgId: string, id: string): Promise<Row> {
  const [row] = await tx
    .select()
    .from(trailVerifications)
    .where(and(eq(trailVerifications.orgId, orgId), eq(trailVerifications.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such verification.')
  return row
}

/** What is kept of the content of these events. */
export const payloadsOfEvents = (tx: Transaction, orgId: string, events: readonly { event_id: string }[]) =>
  tx
    .select()
    .from(payloads)
    .where(
      and(
        eq(payloads.orgId, orgId),
        inArray(
          payloads.eventId,
          events.map(({ event_id }) => event_id),
        ),
      ),
    )

/** Ranges of records that retention has dropped, in order, without overlaps. */
export async function retiredRanges(tx: Transaction, orgId: string): Promise<Retired[]> {
  const rows = await tx.select({ ranges: retirements.ranges }).from(retirements).where(eq(retirements.orgId, orgId))
  const sorted = rows.flatMap(({ ranges }) => ranges).toSorted(([a], [b]) => a - b)
  const merged: Retired[] = []
  for (const [first, last] of sorted) {
    const before = merged.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else merged.push({ first, last })
  }
  return merged
}

/** From each recorded stop to the start after it; of the last, which has none yet, the end is open. */
export async function recordedPauses(tx: Transaction, orgId: string, trailId: string): Promise<Pause[]> {
  const rows = await tx
    .select({ action: activity.action, at: activity.at })
    .from(activity)
    .where(and(eq(activity.orgId, orgId), eq(activity.targetId, trailId)))
    .orderBy(desc(activity.seq))
    .limit(PAUSES_MAX)
  const pauses: Pause[] = []
  for (const { action, at } of rows.toReversed()) {
    const open = pauses.at(-1)
    if (action === 'trail.paused') pauses.push({ from: Date.parse(at), until: Number.POSITIVE_INFINITY })
    else if (action === 'trail.resumed' && open?.until === Number.POSITIVE_INFINITY) open.until = Date.parse(at)
  }
  return pauses
}

export function toVerification(row: Row): Verification {
  const input = VerificationInput.parse(row.input)
  const result = row.result === null ? null : VerificationResult.parse(row.result)
  return {
    id: row.id,
    state: row.state,
    input: {
      start_time: input.start_time,
      end_time: input.end_time ?? input.asked_at,
      deep_verify: input.deep_verify,
      known_checkpoint: input.known_checkpoint,
    },
    progress: { done: row.recordsDone, total: row.recordsTotal },
    chain_integrity: result?.chain_integrity ?? null,
    records_verified: result?.records_verified ?? 0,
    findings: result?.findings ?? [],
    result,
    error: row.error,
    created_at: row.createdAt,
    created_by: row.createdBy,
    finished_at: row.finishedAt,
  }
}
