import { and, asc, desc, eq, getTableColumns, inArray, lt, ne, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { exportParts, exports } from '@/drizzle/schema/exports'
import type { Export, ExportManifest, ExportSummary } from '@/lib/contract/export-shapes'
import type { exports as contract } from '@/lib/contract/exports'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { EXTENSIONS } from './formats/open-encoder'

export type ExportRow = typeof exports.$inferSelect
export type PartRow = typeof exportParts.$inferSelect

const Position = z.tuple([z.string().max(64)])

/** Newest first: ids sort by creation. */
export async function listExports(ctx: Context, input: Input<typeof contract.list>) {
  const cursors = cursorsOf(ctx, 'exports.list', input)
  const [before] = cursors.decode(Position) ?? []
  const { manifest, ...columns } = getTableColumns(exports)
  // Manifests of large exports are long: of those the list says what the few need to know.
  const said = sql<Said | null>`jsonb_build_object('cost_usd', ${manifest}->'cost_usd', 'unpriced', ${manifest}->'unpriced', 'sha256', ${manifest}->'sha256')`
  const rows = await ctx.tx
    .select({ ...columns, manifest: sql<Said | null>`case when ${manifest} is not null then ${said} end` })
    .from(exports)
    .where(
      and(
        visibleTo(ctx.actor),
        input.schedule_id === undefined ? undefined : eq(exports.scheduleId, input.schedule_id),
        before === undefined ? undefined : lt(exports.id, before),
      ),
    )
    .orderBy(desc(exports.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toSummary), input.limit, ({ id }) => cursors.encode([id]))
}

export const getExport = async (ctx: Context, { id }: { id: string }): Promise<Export> =>
  toExport(await findExport(ctx, id))

/** @throws AppError `not_found`, also for what the actor may not see */
export async function findExport({ tx, actor }: Context, id: string): Promise<ExportRow> {
  const [row] = await tx
    .select()
    .from(exports)
    .where(and(visibleTo(actor), eq(exports.id, id)))
  if (!row) throw noSuchExport()
  return row
}

export const noSuchExport = () => new AppError('not_found', 'There is no such export.')

/** For work that is not done for an actor. */
export async function readExport(tx: Transaction, orgId: string, id: string): Promise<ExportRow | undefined> {
  const [row] = await tx
    .select()
    .from(exports)
    .where(and(eq(exports.orgId, orgId), eq(exports.id, id)))
  return row
}

/** In their order, without what only the worker needs. */
export const readParts = (tx: Transaction, orgId: string, exportId: string) =>
  tx
    .select({
      number: exportParts.number,
      bytes: exportParts.bytes,
      sha256: exportParts.sha256,
      objectKey: exportParts.objectKey,
    })
    .from(exportParts)
    .where(and(eq(exportParts.orgId, orgId), eq(exportParts.exportId, exportId)))
    .orderBy(asc(exportParts.number))

/** Exports of an organisation that wait or run. */
export async function countUnderWay(tx: Transaction, orgId: string): Promise<number> {
  const [row] = await tx
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(exports)
    .where(and(eq(exports.orgId, orgId), inArray(exports.state, ['queued', 'running'])))
  return row?.count ?? 0
}

/** A team's key sees its team's; those of activity are for whoever may export activity. */
const visibleTo = ({ orgId, scope, teamId, permissions }: Actor): SQL | undefined =>
  and(
    eq(exports.orgId, orgId),
    scope === 'org' ? undefined : teamId === null ? sql`false` : eq(exports.teamId, teamId),
    permissions.has('activity:export') ? undefined : ne(exports.type, 'activity'),
  )

/** Carries the time at which it was made, so that copies of many days lie beside each other. */
export const fileNameOf = ({ type, format, createdAt }: Pick<ExportRow, 'type' | 'format' | 'createdAt'>): string =>
  `keeptrusts-${type}-${createdAt.slice(0, 19).replace(/[-:]/g, '')}Z.${EXTENSIONS[format]}`

export const toExport = (row: ExportRow): Export => ({ ...toSummary(row), manifest: row.manifest })

/** What a summary says of a manifest. */
type Said = Pick<ExportManifest, 'cost_usd' | 'unpriced' | 'sha256'>

const toSummary = (row: Omit<ExportRow, 'manifest'> & { manifest: Said | null }): ExportSummary => ({
  id: row.id,
  export_id: row.id,
  type: row.type,
  format: row.format,
  since: row.since,
  until: row.until,
  filter: row.filter,
  fields: row.fields,
  purpose: row.purpose,
  team_id: row.teamId,
  through_seq: row.throughSeq,
  state: row.state,
  status: row.state,
  rows_done: row.rowsDone,
  rows_total: row.rowsTotal,
  bytes: row.bytes,
  cost_usd: row.manifest?.cost_usd ?? null,
  unpriced: row.manifest?.unpriced ?? null,
  sha256: row.manifest?.sha256 ?? null,
  error: row.error,
  file_name: fileNameOf(row),
  schedule_id: row.scheduleId,
  created_at: row.createdAt,
  created_by: { id: row.createdById, name: row.createdByName },
  started_at: row.startedAt,
  finished_at: row.finishedAt,
  expires_at: row.expiresAt,
})
