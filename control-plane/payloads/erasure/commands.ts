import { and, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import { payloads } from '@/drizzle/schema/events'
import { resolveWhen } from '@/lib/contract/fields'
import { type payloads as contract, ERASED_PER_REQUEST_MAX } from '@/lib/contract/payloads'
import { AppError } from '@/lib/errors'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import type { Transaction } from '../../database'
import { getEvent } from '../../events/queries'
import { waitForErasures } from '../../holds/commands'
import { standingHolds } from '../../holds/queries'
import type { Input } from '../../routes'
import { amongOthers, erasable, eventsWithContent, holdOver, occurredIn, outlived, storedBefore } from './queries'
import { takeAway } from './queues'

/**
 * Takes key and salt and marks the content as erased: from the commit on what lies in the object store is noise, and what
 * the event's line says about it can no longer be tried out. An object with nothing else in it is deleted after the commit,
 * by a job, so that no crash leaves a row that names what is gone or an object that nobody knows of.
 */
export async function eraseEvent(ctx: Context, { id, reason }: Input<typeof contract.erase>) {
  const { event_id } = await getEvent(ctx, { id })
  const erased = await markErased(ctx, [event_id], reason)
  if (erased === 0) return { erased }
  await appendAudit(ctx, { action: 'payload.erased', target: { type: 'event', id: event_id }, after: { reason } })
  return { erased }
}

/** The entry says exactly what was asked for, so that a verification can tell of each event whether it is covered. */
export async function eraseMany(ctx: Context, { reason, ...input }: Input<typeof contract.eraseMany>) {
  const { tx, actor, request } = ctx
  const at = (when: string | undefined) => when && resolveWhen(when, request.now).toISOString()
  const range = { filter: input.filter, since: at(input.since), until: at(input.until) }
  const condition = erasable(actor, range)
  assertNone(await holdOver(tx, condition))
  const found = await eventsWithContent(tx, condition, ERASED_PER_REQUEST_MAX + 1)
  const eventIds = found.slice(0, ERASED_PER_REQUEST_MAX)
  const erased = await markErased(ctx, eventIds, reason)
  if (erased === 0) return { erased, more: false }
  const more = found.length > eventIds.length
  await appendAudit(ctx, {
    action: 'payloads.erased',
    target: { type: 'payloads', id: 'filter' },
    after: {
      ...range,
      ...(actor.scope === 'team' && actor.teamId !== null ? { team_id: actor.teamId } : {}),
      // Oldest first: what comes after it was left for the next time.
      ...(more ? { through: eventIds.at(-1) } : {}),
      reason,
      events: erased,
      more,
    },
  })
  return { erased, more }
}

/** Content that was stored before an instant, or of events that occurred in a month, `2026-04`. */
export type Outlived = { stored_before: string } | { month: string }

/** Erases content whose time is over and that no hold covers, up to `limit` events. @returns how many were erased */
export async function eraseOutlived(ctx: Context, which: Outlived, reason: string, limit: number): Promise<number> {
  const { tx, actor } = ctx
  const due = 'month' in which ? occurredIn(which.month) : storedBefore(which.stored_before)
  const found = await outlived(tx, actor.orgId, due, limit)
  const erased = await markErased(ctx, [...new Set(found.map(({ eventId }) => eventId))], reason)
  if (erased === 0) return 0
  await appendAudit(ctx, {
    action: 'payloads.expired',
    target: { type: 'payloads', id: 'retention' },
    after: {
      ...which,
      held: (await standingHolds(tx, actor.orgId)).map(({ since, until }) => ({ since, until })),
      reason,
      events: erased,
    },
  })
  return erased
}

function assertNone(hold: { id: string; name: string } | undefined): void {
  if (hold) throw new AppError('legal_hold', `The hold "${hold.name}" (${hold.id}) covers what was to be erased.`)
}

/**
 * Holds are looked for under the lock under which they are made, which is taken only now: finding what is to be erased may
 * take a while, and nothing can be recorded under it.
 *
 * @returns how many events had content that this took
 * @throws AppError `legal_hold`
 */
async function markErased(ctx: Context, eventIds: string[], reason: string): Promise<number> {
  const { tx, actor, request, services } = ctx
  if (eventIds.length === 0) return 0
  const these = and(
    eq(payloads.orgId, actor.orgId),
    isNull(payloads.erasedAt),
    sql`${payloads.eventId} = any(${sql.param(eventIds)}::text[])`,
  )
  await waitForErasures(ctx)
  assertNone(await holdOver(tx, these))
  const rows = await tx
    .update(payloads)
    .set({ salt: null, key: null, erasedAt: request.now.toISOString(), erasedBy: actor.name, eraseReason: reason })
    .where(these)
    .returning({ eventId: payloads.eventId, objectKey: payloads.objectKey })
  const objectKeys = [...new Set(rows.flatMap(({ objectKey }) => objectKey ?? []))]
  if (objectKeys.length > 0) {
    // Erasures wait for each other, so whoever takes the last part of an object sees that it is the last.
    await tx.update(payloads).set(NOWHERE).where(amongOthers(actor.orgId, objectKeys))
    await takeAway(services, tx, actor.orgId)
  }
  return new Set(rows.map(({ eventId }) => eventId)).size
}

/** Notes that these objects, with nothing but erased content in them, are deleted. */
export async function noteGone(tx: Transaction, orgId: string, objectKeys: string[]): Promise<void> {
  await tx
    .update(payloads)
    .set(NOWHERE)
    .where(and(eq(payloads.orgId, orgId), isNotNull(payloads.erasedAt), inArray(payloads.objectKey, objectKeys)))
}

const NOWHERE = { objectKey: null, packOffset: null, packLength: null }
