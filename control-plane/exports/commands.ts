import { and, eq, inArray, lt, sql } from 'drizzle-orm'
import { exportParts, exportSchedules, exports } from '@/drizzle/schema/exports'
import type { Export } from '@/lib/contract/export-shapes'
import type { exports as contract } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import type { Context, Services } from '../context'
import { lastSeq } from '../events/queries'
import { toInstant } from '../instant'
import type { Input } from '../routes'
import { asSystem } from '../system'
import { type Definition, definitionOf, rangeOf } from './definition'
import { countUnderWay, findExport, readExport, toExport } from './queries'
import { ERASE_QUEUE, EXPIRE_QUEUE, EXPORT_QUEUE, type ExportJob, SCHEDULE_QUEUE } from './queues'

const DAY_MS = 86_400_000
/** How long the files of an export are kept. */
const KEPT_DAYS = 7
/** Of one organisation, so that others get their turn. */
const UNDER_WAY_MAX = 20

/** Hands in the work; the answer is the export as it waits. */
export const createExport = (ctx: Context, input: Input<typeof contract.create>): Promise<Export> =>
  insertExport(ctx, { ...definitionOf(ctx.actor, input), ...rangeOf(ctx, input.time_window), scheduleId: null })

type NewExport = Definition & { since: string; until: string; scheduleId: string | null }

export async function insertExport(ctx: Context, wanted: NewExport): Promise<Export> {
  const { tx, actor, request, services } = ctx
  // Those who ask at the same time are counted one after the other.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`exports ${actor.orgId}`}, 0))`)
  if ((await countUnderWay(tx, actor.orgId)) >= UNDER_WAY_MAX) {
    const words = `${UNDER_WAY_MAX} exports are under way already. Try again when one is done.`
    throw new AppError('rate_limited', words, { retryAfterSeconds: 30 })
  }
  const id = newId('exp')
  const expiresAt = new Date(request.now.getTime() + KEPT_DAYS * DAY_MS)
  const [row] = await tx
    .insert(exports)
    .values({
      ...wanted,
      orgId: actor.orgId,
      id,
      throughSeq: await lastSeq(tx, actor.orgId),
      state: 'queued',
      createdAt: toInstant(request.now),
      createdById: actor.id,
      createdByName: actor.name,
      expiresAt: toInstant(expiresAt),
    })
    .returning()
  if (!row) throw new Error('an export was inserted without an answer')
  const job: ExportJob = { org_id: actor.orgId, export_id: id }
  await services.jobs.sendIn(tx, EXPORT_QUEUE, job, { key: id })
  await services.jobs.sendIn(tx, EXPIRE_QUEUE, job, { startAfter: expiresAt })
  const { type, format, filter, fields, purpose, since, until, throughSeq, scheduleId } = row
  await appendAudit(ctx, {
    action: 'export.created',
    target: { type: 'export', id },
    after: {
      type,
      format,
      filter,
      fields,
      purpose,
      since,
      until,
      through_seq: throughSeq,
      ...(scheduleId ? { schedule_id: scheduleId } : {}),
    },
  })
  return toExport(row)
}

/** @throws AppError `conflict` when it is over */
export async function cancelExport(ctx: Context, { id }: { id: string }): Promise<Export> {
  const { tx, actor, services, request } = ctx
  const before = await findExport(ctx, id)
  if (before.state === 'cancelled') return toExport(before)
  const [row] = await tx
    .update(exports)
    .set({ state: 'cancelled', finishedAt: toInstant(request.now), error: null })
    .where(and(eq(exports.orgId, actor.orgId), eq(exports.id, id), inArray(exports.state, ['queued', 'running'])))
    .returning()
  if (!row)
    throw new AppError('conflict', `This export is ${(await findExport(ctx, id)).state}; there is nothing to stop.`)
  await services.jobs.sendIn(tx, ERASE_QUEUE, { org_id: actor.orgId, export_id: id })
  await appendAudit(ctx, {
    action: 'export.cancelled',
    target: { type: 'export', id },
    before: { state: before.state },
    after: { state: row.state },
  })
  return toExport(row)
}

/** The files go when this is committed. A worker that is at it finds no export any more and stops. */
export async function deleteExport(ctx: Context, { id }: { id: string }) {
  const { tx, actor, services } = ctx
  const { state, type, format, purpose } = await findExport(ctx, id)
  await forgetParts(ctx, id)
  await tx.delete(exports).where(and(eq(exports.orgId, actor.orgId), eq(exports.id, id)))
  await services.jobs.sendIn(tx, ERASE_QUEUE, { org_id: actor.orgId, export_id: id })
  await appendAudit(ctx, {
    action: 'export.deleted',
    target: { type: 'export', id },
    before: { state, type, format, purpose },
  })
  return { id }
}

/** Ends an export whose time is over: its files go, what is known of it stays. */
export async function expireExport(services: Services, { org_id, export_id }: ExportJob): Promise<void> {
  await asSystem(services, org_id, async (ctx) => {
    const { tx, request } = ctx
    const row = await readExport(tx, org_id, export_id)
    if (!row || Date.parse(row.expiresAt) > request.now.getTime()) return
    await services.jobs.sendIn(tx, ERASE_QUEUE, { org_id, export_id })
    if (!['queued', 'running', 'completed'].includes(row.state)) return
    await forgetParts(ctx, export_id)
    await tx
      .update(exports)
      .set({ state: 'expired' })
      .where(and(eq(exports.orgId, org_id), eq(exports.id, export_id)))
    await appendAudit(ctx, {
      action: 'export.expired',
      target: { type: 'export', id: export_id },
      before: { state: row.state },
      after: { state: 'expired' },
    })
  })
}

/** Jobs of the same export are not taken twice, and one that finds nothing to do does nothing. */
export const resendLostWork = (services: Services, orgId: string): Promise<void> =>
  asSystem(services, orgId, async ({ tx, request }) => {
    const now = toInstant(request.now)
    const waiting = await tx
      .select({ id: exports.id })
      .from(exports)
      .where(and(eq(exports.orgId, orgId), inArray(exports.state, ['queued', 'running'])))
      .limit(LOST_AT_ONCE)
    for (const { id } of waiting) {
      await services.jobs.sendIn(tx, EXPORT_QUEUE, { org_id: orgId, export_id: id }, { key: id })
    }
    const over = await tx
      .select({ id: exports.id })
      .from(exports)
      .where(
        and(
          eq(exports.orgId, orgId),
          inArray(exports.state, ['queued', 'running', 'completed']),
          lt(exports.expiresAt, now),
        ),
      )
      .limit(LOST_AT_ONCE)
    for (const { id } of over) {
      await services.jobs.sendIn(tx, EXPIRE_QUEUE, { org_id: orgId, export_id: id })
    }
    const due = await tx
      .select({ id: exportSchedules.id, nextRunAt: exportSchedules.nextRunAt })
      .from(exportSchedules)
      .where(and(eq(exportSchedules.orgId, orgId), exportSchedules.enabled, lt(exportSchedules.nextRunAt, now)))
      .limit(LOST_AT_ONCE)
    for (const { id, nextRunAt } of due) {
      await services.jobs.sendIn(tx, SCHEDULE_QUEUE, { org_id: orgId, schedule_id: id, due_at: nextRunAt })
    }
  })

const LOST_AT_ONCE = 100

const forgetParts = ({ tx, actor }: Context, exportId: string) =>
  tx.delete(exportParts).where(and(eq(exportParts.orgId, actor.orgId), eq(exportParts.exportId, exportId)))
