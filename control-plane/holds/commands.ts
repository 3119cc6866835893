import { and, eq } from 'drizzle-orm'
import { legalHolds } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import { resolveWhen } from '@/lib/contract/fields'
import type { holds, LegalHold } from '@/lib/contract/holds'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import type { Input } from '../routes'
import { STANDING_HOLDS_MAX, standingHolds, toHold } from './queries'

/** Once this answers, nothing the hold covers is erased or dropped any more. */
export async function createHold(ctx: Context, input: Input<typeof holds.create>): Promise<LegalHold> {
  const { tx, actor, request } = ctx
  const at = (when: string | undefined) => (when === undefined ? null : resolveWhen(when, request.now).toISOString())
  const [since, until] = [at(input.since), at(input.until)]
  if (since !== null && until !== null && since >= until) {
    throw new AppError('invalid_request', 'since must be before until.')
  }
  await waitForErasures(ctx)
  if ((await standingHolds(tx, actor.orgId)).length >= STANDING_HOLDS_MAX) {
    throw new AppError('unprocessable', `No more than ${STANDING_HOLDS_MAX} holds can stand at the same time.`)
  }
  const [row] = await tx
    .insert(legalHolds)
    .values({
      orgId: actor.orgId,
      id: newId('hold'),
      name: input.name,
      reason: input.reason,
      since,
      until,
      createdAt: request.now.toISOString(),
      createdBy: actor.name,
    })
    .returning()
  if (!row) throw new Error('The hold was not stored.')
  await appendAudit(ctx, {
    action: 'hold.created',
    target: { type: 'hold', id: row.id, name: row.name },
    after: { reason: row.reason, since, until },
  })
  return toHold(row)
}

/** A released hold stays released; releasing it again changes nothing. */
export async function releaseHold(ctx: Context, { id, reason }: Input<typeof holds.release>): Promise<LegalHold> {
  const { tx, actor, request } = ctx
  const own = and(eq(legalHolds.orgId, actor.orgId), eq(legalHolds.id, id))
  const [known] = await tx.select().from(legalHolds).where(own).for('update')
  if (!known) throw new AppError('not_found', 'There is no such hold.')
  if (known.releasedAt !== null) return toHold(known)
  const [row] = await tx
    .update(legalHolds)
    .set({ releasedAt: request.now.toISOString(), releasedBy: actor.name })
    .where(own)
    .returning()
  await appendAudit(ctx, {
    action: 'hold.released',
    target: { type: 'hold', id, name: known.name },
    after: { reason },
  })
  return toHold(row ?? known)
}

/** Erasures look for holds under the same lock, so that each either comes before a hold or sees it. */
export const waitForErasures = ({ tx, actor }: Context) =>
  tx.select().from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
