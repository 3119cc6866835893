import { hash } from 'node:crypto'
import { and, eq, inArray, lt, sql } from 'drizzle-orm'
import { eventQuarantine } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import {
  type quarantine as contract,
  QUARANTINE_WAITING_BYTES_MAX,
  QUARANTINE_WAITING_MAX,
  QUARANTINED_BYTES_MAX,
  type REPLAY_OUTCOMES,
} from '@/lib/contract/quarantine'
import { searchable } from '@/lib/filter'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import type { Transaction } from '../database'
import { type GoodEvent, judgeEvent } from '../events/judge-event'
import { readEvent, type SentEvent } from '../events/read-batch'
import { recordEvents } from '../events/record'
import type { Operation } from '../routes'
import { settleEvents } from '../spend/settle-events'
import { assertSeesAll, waitingIn } from './queries'

export const CONFLICT = 'event_id: another event was recorded under this id'

/** An event of a batch that cannot be recorded as it came. */
export type RefusedEvent = { index: number; event_id: string | null; reason: string; sent: SentEvent }
type Rejected = Omit<RefusedEvent, 'sent'> & { quarantine_id: string | null }

/**
 * Keeps what could not be recorded, once per content, and leaves one entry per batch. What there is no room for is not kept,
 * and the reason says so: nothing that waits is dropped for what comes later.
 */
export async function quarantineEvents(ctx: Context, refused: readonly RefusedEvent[]): Promise<Rejected[]> {
  const { tx, actor, request } = ctx
  const { gatewayId, orgId } = actor
  if (refused.length === 0 || gatewayId === null) return []
  // Whoever counts what waits does so alone, or two batches would pass the bound together.
  await tx.select({ held: orgCounters.orgId }).from(orgCounters).where(eq(orgCounters.orgId, orgId)).for('update')
  const candidates = refused.map(({ sent, ...rest }) => {
    const bytes = sent.bytes()
    return { ...rest, bytes, sha256: hash('sha256', bytes, 'hex') }
  })
  const ids = await idsOf(
    ctx,
    candidates.map(({ sha256 }) => sha256),
  )
  const room = await waitingIn(tx, orgId)
  const rows = new Map<string, typeof eventQuarantine.$inferInsert>()
  for (const { sha256, bytes, event_id, reason } of candidates) {
    if (ids.has(sha256) || bytes.length > QUARANTINED_BYTES_MAX) continue
    if (room.waiting + 1 > QUARANTINE_WAITING_MAX || room.bytes + bytes.length > QUARANTINE_WAITING_BYTES_MAX) continue
    room.waiting += 1
    room.bytes += bytes.length
    const id = newId('qua')
    ids.set(sha256, id)
    rows.set(sha256, {
      orgId,
      id,
      gatewayId,
      eventId: event_id === null ? null : searchable(event_id),
      sent: bytes,
      sentSha256: sha256,
      reason: searchable(reason),
      state: 'waiting',
      receivedAt: request.now.toISOString(),
    })
  }
  if (rows.size > 0) {
    await tx.insert(eventQuarantine).values([...rows.values()])
    await appendAudit(ctx, {
      action: 'events.quarantined',
      target: { type: 'gateway', id: gatewayId },
      after: { count: rows.size, reasons: countsOf([...rows.values()].map(({ reason }) => reason)) },
    })
  }
  return candidates.map(({ index, event_id, reason, sha256, bytes }) => {
    const quarantine_id = ids.get(sha256) ?? null
    const why = bytes.length > QUARANTINED_BYTES_MAX ? 'larger than 256 KiB' : 'the quarantine is full'
    return { index, event_id, reason: quarantine_id === null ? `${reason} (not kept: ${why})` : reason, quarantine_id }
  })
}

/** Ids under which contents of this gateway are kept, by their hashes. */
async function idsOf({ tx, actor }: Context, hashes: string[]): Promise<Map<string, string>> {
  const rows = await tx
    .select({ id: eventQuarantine.id, sha256: eventQuarantine.sentSha256 })
    .from(eventQuarantine)
    .where(
      and(
        eq(eventQuarantine.orgId, actor.orgId),
        eq(eventQuarantine.gatewayId, actor.gatewayId ?? ''),
        inArray(eventQuarantine.sentSha256, hashes),
      ),
    )
  return new Map(rows.map(({ id, sha256 }) => [sha256, id]))
}

const REASONS_IN_ENTRY_MAX = 20

/** How often each reason occurs; what is beyond the bound counts as `other`. */
function countsOf(reasons: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const reason of reasons) {
    const name = counts.has(reason) || counts.size < REASONS_IN_ENTRY_MAX ? reason : 'other'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}

type ReplayOutcome = { id: string; outcome: (typeof REPLAY_OUTCOMES)[number]; reason: string | null }

/** Tries again, by the rules of today. Captured content came with the batch and is not part of what is replayed. */
export const replayEvents: Operation<typeof contract.replay> = async (ctx, { ids, accept_time: acceptTime }) => {
  const { tx, actor, request } = ctx
  assertSeesAll(actor)
  const rows = new Map((await rowsOf(ctx, ids)).map((row) => [row.id, row]))
  const outcomes = new Map<string, ReplayOutcome>()
  const good: (GoodEvent & { id: string })[] = []
  for (const id of new Set(ids)) {
    const row = rows.get(id)
    if (row?.state !== 'waiting') {
      outcomes.set(id, { id, outcome: row ? 'not_waiting' : 'not_found', reason: null })
      continue
    }
    const rules = { orgId: actor.orgId, gatewayId: row.gatewayId, now: request.now, acceptTime }
    const judged = judgeEvent(readEvent(row.sent), rules)
    if ('reason' in judged) outcomes.set(id, { id, outcome: 'refused', reason: judged.reason })
    else good.push({ ...judged, id })
  }
  const recorded = await recordEvents(tx, actor.orgId, good, { isReplay: true })
  await settleEvents(
    tx,
    actor.orgId,
    good.filter((_, at) => recorded[at] === 'recorded'),
  )
  for (const [at, { id }] of good.entries()) {
    const outcome = recorded[at]
    if (outcome === 'conflict') outcomes.set(id, { id, outcome: 'refused', reason: CONFLICT })
    else outcomes.set(id, { id, outcome: outcome === 'before' ? 'recorded_before' : 'recorded', reason: null })
  }
  const items = [...new Set(ids)].flatMap((id) => outcomes.get(id) ?? [])
  await keepOutcomes(ctx, items)
  const tried = items.filter(({ outcome }) => outcome !== 'not_found' && outcome !== 'not_waiting')
  if (tried.length > 0) {
    await appendAudit(ctx, {
      action: 'quarantine.replayed',
      target: { type: 'quarantine', id: tried.length === 1 ? (tried[0]?.id ?? '') : `${tried.length} events` },
      after: { accept_time: acceptTime, outcomes: Object.fromEntries(tried.map(({ id, outcome }) => [id, outcome])) },
    })
  }
  return { items }
}

async function keepOutcomes({ tx, actor, request }: Context, items: readonly ReplayOutcome[]): Promise<void> {
  const done = items
    .filter(({ outcome }) => outcome === 'recorded' || outcome === 'recorded_before')
    .map(({ id }) => id)
  if (done.length > 0) {
    await tx
      .update(eventQuarantine)
      .set({
        state: 'replayed',
        attempts: sql`${eventQuarantine.attempts} + 1`,
        resolvedAt: request.now.toISOString(),
        resolvedBy: actor.id,
      })
      .where(and(eq(eventQuarantine.orgId, actor.orgId), inArray(eventQuarantine.id, done)))
  }
  for (const { id, outcome, reason } of items) {
    if (outcome !== 'refused') continue
    await tx
      .update(eventQuarantine)
      .set({ attempts: sql`${eventQuarantine.attempts} + 1`, reason: searchable(reason ?? '') })
      .where(and(eq(eventQuarantine.orgId, actor.orgId), eq(eventQuarantine.id, id)))
  }
}

export const discardEvents: Operation<typeof contract.discard> = async (ctx, { ids, reason }) => {
  const { tx, actor, request } = ctx
  assertSeesAll(actor)
  const waiting = (await rowsOf(ctx, ids)).filter(({ state }) => state === 'waiting').map(({ id }) => id)
  if (waiting.length === 0) return { discarded: 0 }
  await tx
    .update(eventQuarantine)
    .set({ state: 'discarded', resolvedAt: request.now.toISOString(), resolvedBy: actor.id })
    .where(and(eq(eventQuarantine.orgId, actor.orgId), inArray(eventQuarantine.id, waiting)))
  await appendAudit(ctx, {
    action: 'quarantine.discarded',
    target: { type: 'quarantine', id: waiting.length === 1 ? (waiting[0] ?? '') : `${waiting.length} events` },
    after: { reason, ids: waiting },
  })
  return { discarded: waiting.length }
}

/** Deletes what was replayed or discarded before this: the entries about it stay. @returns how many */
export async function forgetResolved(tx: Transaction, orgId: string, before: Date): Promise<number> {
  const gone = await tx
    .delete(eventQuarantine)
    .where(and(eq(eventQuarantine.orgId, orgId), lt(eventQuarantine.resolvedAt, before.toISOString())))
  return gone.rowCount ?? 0
}

/** In a fixed order, so that two who lock the same rows never wait for each other. */
const rowsOf = ({ tx, actor }: Context, ids: string[]) =>
  tx
    .select()
    .from(eventQuarantine)
    .where(and(eq(eventQuarantine.orgId, actor.orgId), inArray(eventQuarantine.id, ids)))
    .orderBy(eventQuarantine.id)
    .for('update')
