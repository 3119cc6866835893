import { and, eq, ne, sql } from 'drizzle-orm'
import { exportSchedules } from '@/drizzle/schema/exports'
import type { ExportSchedule } from '@/lib/contract/export-shapes'
import type { exportSchedules as contract } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../../audit/append'
import { changesBetween } from '../../audit/changes'
import type { Context, Services } from '../../context'
import { toInstant } from '../../instant'
import type { Input } from '../../routes'
import { asSystem } from '../../system'
import { insertExport } from '../commands'
import { definitionOf } from '../definition'
import { SCHEDULE_QUEUE, type ScheduleJob } from '../queues'
import { findSchedule, type ScheduleRow, toSchedule } from './queries'
import { coveredBy, nextRun } from './runs'

const SCHEDULES_MAX = 100

export async function createSchedule(ctx: Context, input: Input<typeof contract.create>): Promise<ExportSchedule> {
  const { tx, actor, request } = ctx
  const { name, every, hour, timezone, enabled } = input
  const definition = definitionOf(actor, input)
  await refuseTakenName(ctx, name, '')
  const [count] = await tx
    .select({ all: sql`count(*)`.mapWith(Number) })
    .from(exportSchedules)
    .where(eq(exportSchedules.orgId, actor.orgId))
  if ((count?.all ?? 0) >= SCHEDULES_MAX) {
    throw new AppError('conflict', `An organisation may have ${SCHEDULES_MAX} schedules.`)
  }
  const [row] = await tx
    .insert(exportSchedules)
    .values({
      ...definition,
      orgId: actor.orgId,
      id: newId('exs'),
      name,
      every,
      hour,
      timezone,
      enabled,
      nextRunAt: toInstant(nextRun(input, request.now)),
      createdAt: toInstant(request.now),
      createdById: actor.id,
      createdByName: actor.name,
    })
    .returning()
  if (!row) throw new Error('a schedule was inserted without an answer')
  if (enabled) await handIn(ctx, row)
  const { type, format, filter, fields, purpose } = row
  await appendAudit(ctx, {
    action: 'export_schedule.created',
    target: { type: 'export_schedule', id: row.id, name },
    after: { type, format, filter, fields, purpose, every, hour, timezone, enabled },
  })
  return toSchedule(row)
}

export async function updateSchedule(ctx: Context, input: Input<typeof contract.update>): Promise<ExportSchedule> {
  const { tx, actor, request } = ctx
  const before = await findSchedule(ctx, input.id)
  const timing = (row: Pick<ScheduleRow, 'name' | 'every' | 'hour' | 'timezone' | 'enabled'>) => ({
    name: row.name,
    every: row.every,
    hour: row.hour,
    timezone: row.timezone,
    enabled: row.enabled,
  })
  const { id, ...given } = input
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const wanted = { ...timing(before), ...stated }
  const changes = changesBetween(timing(before), wanted)
  if (!changes) return toSchedule(before)
  if (wanted.name !== before.name) await refuseTakenName(ctx, wanted.name, id)
  const [row] = await tx
    .update(exportSchedules)
    .set({ ...wanted, nextRunAt: toInstant(nextRun(wanted, request.now)) })
    .where(and(eq(exportSchedules.orgId, actor.orgId), eq(exportSchedules.id, id)))
    .returning()
  if (!row) throw new Error('a schedule was updated without an answer')
  if (row.enabled) await handIn(ctx, row)
  await appendAudit(ctx, {
    action: 'export_schedule.updated',
    target: { type: 'export_schedule', id, name: row.name },
    ...changes,
  })
  return toSchedule(row)
}

export async function deleteSchedule(ctx: Context, { id }: { id: string }) {
  const { tx, actor } = ctx
  const { name } = await findSchedule(ctx, id)
  await tx.delete(exportSchedules).where(and(eq(exportSchedules.orgId, actor.orgId), eq(exportSchedules.id, id)))
  await appendAudit(ctx, { action: 'export_schedule.deleted', target: { type: 'export_schedule', id, name } })
  return { id }
}

/**
 * Makes the export of one run and hands in the run after it. Runs that were due while nothing worked are made up for one
 * after the other, so that no period is missing.
 */
export const runSchedule = (services: Services, { org_id, schedule_id, due_at }: ScheduleJob): Promise<void> =>
  asSystem(services, org_id, async (ctx) => {
    const mine = and(eq(exportSchedules.orgId, org_id), eq(exportSchedules.id, schedule_id))
    const [row] = await ctx.tx.select().from(exportSchedules).where(mine).for('update')
    // It was changed or deleted meanwhile, or this run was made already.
    if (!row?.enabled || row.nextRunAt !== due_at) return
    const dueAt = new Date(due_at)
    const { since, until } = coveredBy(row, dueAt)
    const next = { ...row, nextRunAt: toInstant(nextRun(row, dueAt)) }
    await handIn(ctx, next)
    const { type, format, filter, fields, purpose, teamId } = row
    const { id } = await insertExport(ctx, {
      type,
      format,
      filter,
      fields,
      purpose,
      teamId,
      since: toInstant(since),
      until: toInstant(until),
      scheduleId: schedule_id,
    })
    await ctx.tx.update(exportSchedules).set({ nextRunAt: next.nextRunAt, lastExportId: id }).where(mine)
  })

const handIn = ({ tx, services }: Context, { orgId, id, nextRunAt }: ScheduleRow) =>
  services.jobs.sendIn(
    tx,
    SCHEDULE_QUEUE,
    { org_id: orgId, schedule_id: id, due_at: nextRunAt },
    { startAfter: new Date(nextRunAt) },
  )

async function refuseTakenName({ tx, actor }: Context, name: string, exceptId: string): Promise<void> {
  const [taken] = await tx
    .select({ id: exportSchedules.id })
    .from(exportSchedules)
    .where(
      and(eq(exportSchedules.orgId, actor.orgId), eq(exportSchedules.name, name), ne(exportSchedules.id, exceptId)),
    )
  if (taken) throw new AppError('name_taken', `There is a schedule called "${name}" already.`)
}
