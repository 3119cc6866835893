import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { exportSchedules } from '@/drizzle/schema/exports'
import type { ExportSchedule } from '@/lib/contract/export-shapes'
import type { exportSchedules as contract } from '@/lib/contract/exports'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import type { Actor, Context } from '../../context'
import { cursorsOf } from '../../cursor'
import type { Input } from '../../routes'

export type ScheduleRow = typeof exportSchedules.$inferSelect

const Position = z.tuple([z.string().max(64)])

/** Newest first. */
export async function listSchedules(ctx: Context, input: Input<typeof contract.list>) {
  const cursors = cursorsOf(ctx, 'exportSchedules.list', input)
  const [before] = cursors.decode(Position) ?? []
  const rows = await ctx.tx
    .select()
    .from(exportSchedules)
    .where(and(visibleTo(ctx.actor), before === undefined ? undefined : lt(exportSchedules.id, before)))
    .orderBy(desc(exportSchedules.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toSchedule), input.limit, ({ id }) => cursors.encode([id]))
}

/** Locked until the transaction ends. @throws AppError `not_found`, also for what the actor may not see */
export async function findSchedule({ tx, actor }: Context, id: string): Promise<ScheduleRow> {
  const [row] = await tx
    .select()
    .from(exportSchedules)
    .where(and(visibleTo(actor), eq(exportSchedules.id, id)))
    .for('update')
  if (!row) throw new AppError('not_found', 'There is no such schedule.')
  return row
}

const visibleTo = ({ orgId, scope, teamId, permissions }: Actor): SQL | undefined =>
  and(
    eq(exportSchedules.orgId, orgId),
    scope === 'org' ? undefined : teamId === null ? sql`false` : eq(exportSchedules.teamId, teamId),
    permissions.has('activity:export') ? undefined : sql`${exportSchedules.type} <> 'activity'`,
  )

export const toSchedule = (row: ScheduleRow): ExportSchedule => ({
  id: row.id,
  name: row.name,
  type: row.type,
  format: row.format,
  filter: row.filter,
  fields: row.fields,
  purpose: row.purpose,
  team_id: row.teamId,
  every: row.every,
  hour: row.hour,
  timezone: row.timezone,
  enabled: row.enabled,
  next_run_at: row.nextRunAt,
  last_export_id: row.lastExportId,
  created_at: row.createdAt,
  created_by: { id: row.createdById, name: row.createdByName },
})
