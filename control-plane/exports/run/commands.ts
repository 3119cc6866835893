import { and, eq, gte, inArray } from 'drizzle-orm'
import { exportParts, exports } from '@/drizzle/schema/exports'
import type { ExportManifest } from '@/lib/contract/export-shapes'
import type { Services } from '../../context'
import type { Transaction } from '../../database'
import { inTenant } from '../../tenant'
import { planParts } from '../plan'
import { type ExportRow, type PartRow, readExport } from '../queries'
import { ERASE_QUEUE, type ExportJob } from '../queues'
import type { Selection } from '../rows/queries'
import { hoursOf } from '../totals/queries'
import { manifestOf, type WholeFile } from './manifest'
import { coveringDigests, finishedParts } from './queries'

/** An export that work goes on with: what is planned and what is done. */
export type Begun = { row: ExportRow; selection: Selection; plan: string[]; parts: PartRow[] }

/** Undefined when there is nothing to do: it is over, or not there any more. */
export const beginExport = (services: Services, { org_id, export_id }: ExportJob): Promise<Begun | undefined> =>
  inTenant(services.db, org_id, async (tx) => {
    const row = await readExport(tx, org_id, export_id)
    if (!row || (row.state !== 'queued' && row.state !== 'running')) return undefined
    const { type, teamId, filter, since, until, throughSeq } = row
    const selection: Selection = { orgId: org_id, type, teamId, filter, since, until, throughSeq }
    let { plan, rowsTotal } = row
    if (!plan) {
      const hours = await hoursOf(tx, selection)
      plan = planParts(since, until, hours)
      rowsTotal = hours.reduce((sum, { rows }) => sum + rows, 0)
    }
    const isBegun = await changeUnderWay(tx, row, {
      state: 'running',
      plan,
      rowsTotal,
      error: null,
      startedAt: row.startedAt ?? new Date().toISOString(),
    })
    return isBegun ? { row, selection, plan, parts: await finishedParts(tx, org_id, export_id) } : undefined
  })

/** @returns whether it still runs: false once somebody stopped or deleted it */
export const reportProgress = (
  services: Services,
  row: ExportRow,
  done: { rows: number; bytes: number },
): Promise<boolean> =>
  inTenant(services.db, row.orgId, (tx) => changeUnderWay(tx, row, { rowsDone: done.rows, bytes: done.bytes }))

/** @returns whether it still runs */
export const recordPart = (
  services: Services,
  row: ExportRow,
  part: Omit<PartRow, 'orgId' | 'exportId' | 'finishedAt'>,
  done: { rows: number; bytes: number },
): Promise<boolean> =>
  inTenant(services.db, row.orgId, async (tx) => {
    if (!(await changeUnderWay(tx, row, { rowsDone: done.rows, bytes: done.bytes }))) return false
    await tx
      .insert(exportParts)
      .values({ ...part, orgId: row.orgId, exportId: row.id, finishedAt: new Date().toISOString() })
    return true
  })

/** Parts from this number on are made again: what is stored of them is not what was written. */
export const forgetPartsFrom = (services: Services, { orgId, id }: ExportRow, number: number): Promise<unknown> =>
  inTenant(services.db, orgId, (tx) =>
    tx
      .delete(exportParts)
      .where(and(eq(exportParts.orgId, orgId), eq(exportParts.exportId, id), gte(exportParts.number, number))),
  )

/** The manifest comes last: with it the export is complete. @returns whether it still ran */
export const completeExport = (services: Services, row: ExportRow, whole: WholeFile): Promise<boolean> =>
  inTenant(services.db, row.orgId, async (tx) => {
    const finishedAt = new Date()
    const parts = await finishedParts(tx, row.orgId, row.id)
    const first = minOf(parts.flatMap(({ seqFirst }) => seqFirst ?? []))
    const last = maxOf(parts.flatMap(({ seqLast }) => seqLast ?? []))
    const covering = await coveringDigests(tx, row.orgId, first, last)
    const manifest: ExportManifest = manifestOf(row, parts, whole, covering, finishedAt)
    return changeUnderWay(tx, row, {
      state: 'completed',
      manifest,
      rowsDone: manifest.rows,
      rowsTotal: manifest.rows,
      bytes: manifest.bytes,
      finishedAt: finishedAt.toISOString(),
    })
  })

/** What is wrong is shown while it is tried again. */
export const reportTrouble = (services: Services, row: ExportRow, error: string): Promise<boolean> =>
  inTenant(services.db, row.orgId, (tx) => changeUnderWay(tx, row, { state: 'queued', error }))

/** For good: its files go. */
export const failExport = (services: Services, row: ExportRow, error: string): Promise<void> =>
  inTenant(services.db, row.orgId, async (tx) => {
    const failed = { state: 'failed' as const, error, finishedAt: new Date().toISOString() }
    if (!(await changeUnderWay(tx, row, failed))) return
    await services.jobs.sendIn(tx, ERASE_QUEUE, { org_id: row.orgId, export_id: row.id })
  })

async function changeUnderWay(
  tx: Transaction,
  { orgId, id }: Pick<ExportRow, 'orgId' | 'id'>,
  change: Partial<ExportRow>,
): Promise<boolean> {
  const changed = await tx
    .update(exports)
    .set(change)
    .where(and(eq(exports.orgId, orgId), eq(exports.id, id), inArray(exports.state, ['queued', 'running'])))
    .returning({ id: exports.id })
  return changed.length > 0
}

const minOf = (numbers: number[]) =>
  numbers.reduce<number | null>((min, n) => (min === null || n < min ? n : min), null)
const maxOf = (numbers: number[]) =>
  numbers.reduce<number | null>((max, n) => (max === null || n > max ? n : max), null)
