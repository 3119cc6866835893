import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import {
  EXPORT_EVERY,
  EXPORT_FORMATS,
  EXPORT_STATES,
  EXPORT_TYPES,
  type ExportManifest,
} from '@/lib/contract/export-shapes'
import { instant } from '../columns'
import { bytea } from './events'

/** What an export holds, and what a schedule repeats. */
const definition = {
  type: text('type', { enum: EXPORT_TYPES }).notNull(),
  format: text('format', { enum: EXPORT_FORMATS }).notNull(),
  filter: text('filter').notNull(),
  /** Null means all. */
  fields: jsonb('fields').$type<string[]>(),
  purpose: text('purpose').notNull(),
}

export const exports = pgTable(
  'exports',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    ...definition,
    since: instant('since').notNull(),
    until: instant('until').notNull(),
    /** With scope `team`, the only team whose rows it may hold. */
    teamId: text('team_id'),
    /** What is recorded later is not in it: the record as it was when it was asked for. */
    throughSeq: bigint('through_seq', { mode: 'number' }).notNull(),
    state: text('state', { enum: EXPORT_STATES }).notNull(),
    rowsDone: bigint('rows_done', { mode: 'number' }).notNull().default(0),
    rowsTotal: bigint('rows_total', { mode: 'number' }),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    /** Where one part ends and the next begins, from `since` to `until`; null until the work has begun. */
    plan: jsonb('plan').$type<string[]>(),
    manifest: jsonb('manifest').$type<ExportManifest>(),
    error: text('error'),
    scheduleId: text('schedule_id'),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** When its files are deleted. */
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), index('exports_by_expiry').on(t.orgId, t.expiresAt)],
)

/** Stretches of time, each a file of its own: what is finished need not be done again after a crash. */
export const exportParts = pgTable(
  'export_parts',
  {
    orgId: text('org_id').notNull(),
    exportId: text('export_id').notNull(),
    number: integer('number').notNull(),
    since: instant('since').notNull(),
    until: instant('until').notNull(),
    rows: bigint('rows', { mode: 'number' }).notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
    unpriced: bigint('unpriced', { mode: 'number' }).notNull(),
    seqFirst: bigint('seq_first', { mode: 'number' }),
    seqLast: bigint('seq_last', { mode: 'number' }),
    sha256: text('sha256').notNull(),
    objectKey: text('object_key').notNull(),
    /** What the end of a Parquet file says of the row groups in this part (v8.serialize). */
    rowGroups: bytea('row_groups'),
    finishedAt: instant('finished_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.exportId, t.number] })],
)

export const exportSchedules = pgTable(
  'export_schedules',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    ...definition,
    /** What each run covers, and how often it runs. */
    every: text('every', { enum: EXPORT_EVERY }).notNull(),
    /** Of the day on which it runs, in `timezone`. */
    hour: integer('hour').notNull(),
    timezone: text('timezone').notNull(),
    teamId: text('team_id'),
    enabled: boolean('enabled').notNull(),
    nextRunAt: instant('next_run_at').notNull(),
    lastExportId: text('last_export_id'),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), uniqueIndex('export_schedules_name').on(t.orgId, t.name)],
)
