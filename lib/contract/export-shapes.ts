import { z } from 'zod'
import { displayName, instant, when } from './fields'

/**
 * `escalations` are the decisions with the verdict `escalate`, in the form of `events`: what a person must still look at,
 * and why.
 */
export const EXPORT_TYPES = ['events', 'activity', 'escalations'] as const
export type ExportType = (typeof EXPORT_TYPES)[number]
export const EXPORT_FORMATS = ['json', 'json_lines', 'csv', 'parquet'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
export const EXPORT_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled', 'expired'] as const
export type ExportState = (typeof EXPORT_STATES)[number]

export const EXPORT_FIELDS_MAX = 100

const count = z.number().int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** US dollars as a decimal string, exact to the nano-dollar. */
const dollars = z.string().regex(/^-?\d+\.\d{9}$/)

/** `until` itself is not in it, as in lists. Without it: now. */
const timeWindow = z.union([z.strictObject({ since: when, until: when.optional() }), when])

const names = z.array(z.string().min(1).max(80)).min(1).max(EXPORT_FIELDS_MAX)

/** What goes into an export. */
export const exportDefinition = {
  type: z.enum(EXPORT_TYPES).default('events'),
  filter: z.string().max(2_000).default('').describe('As in lists: docs/api-conventions.md.'),
}

export const exportRange = {
  time_window: timeWindow.describe('`{since, until}`, or how long back from now, such as `24h`. At most 400 days.'),
}

export const exportShape = {
  format: z.enum(EXPORT_FORMATS).default('json_lines'),
  fields: names.optional().describe('Only these, in this order; docs/exports.md lists them. Rows are flat then.'),
  without_fields: names.optional().describe('All but these. Rows are flat then.'),
  purpose: displayName
    .or(z.literal(''))
    .default('')
    .describe('What it is for. Stands in the manifest and in the activity entry.'),
}

/** One stretch of an artefact, in order. All of them one after the other are the whole file. */
const ExportPart = z.object({
  number: count,
  /** The time that it covers, without `until` itself. */
  since: instant,
  until: instant,
  rows: count,
  bytes: count,
  cost_usd: dollars,
  unpriced: count,
  /** The lowest and the highest place in the record of its rows; null when it has none. */
  seq_first: count.nullable(),
  seq_last: count.nullable(),
  sha256,
})

/** A digest of the trail that covers rows of an export. */
const CoveringDigest = z.object({
  digest_id: z.string(),
  seq_start: count,
  seq_end: count,
  root_hash: sha256,
})

export const ExportManifest = z.object({
  manifest_version: z.literal(1),
  export_id: z.string(),
  org_id: z.string(),
  type: z.enum(EXPORT_TYPES),
  format: z.enum(EXPORT_FORMATS),
  filter: z.string(),
  fields: z.array(z.string()).nullable(),
  /** The only team whose rows it holds; null for the whole organisation. */
  team_id: z.string().nullable(),
  since: instant,
  until: instant,
  /** The record as it was: what has a later place is not in it. */
  through_seq: count,
  rows: count,
  cost_usd: dollars,
  /** Rows with tokens whose price is unknown: their cost is not in `cost_usd`. */
  unpriced: count,
  bytes: count,
  /** Of the whole artefact. */
  sha256,
  parts: z.array(ExportPart),
  trail: z.object({
    digests: z.array(CoveringDigest),
    /** Whether there are more digests between the first and the last than are listed here. */
    digests_left_out: count,
    /** Places of rows behind the newest digest, which nothing signed covers yet; null when all are covered. */
    uncovered: z.object({ seq_first: count, seq_last: count }).nullable(),
  }),
  purpose: z.string(),
  created_at: instant,
  created_by: z.object({ id: z.string(), name: z.string() }),
  finished_at: instant,
})
export type ExportManifest = z.infer<typeof ExportManifest>

export const Export = z.object({
  id: z.string(),
  /** The same as `id`. */
  export_id: z.string(),
  type: z.enum(EXPORT_TYPES),
  format: z.enum(EXPORT_FORMATS),
  since: instant,
  until: instant,
  filter: z.string(),
  fields: z.array(z.string()).nullable(),
  purpose: z.string(),
  team_id: z.string().nullable(),
  through_seq: count,
  state: z.enum(EXPORT_STATES),
  /** The same as `state`. */
  status: z.enum(EXPORT_STATES),
  rows_done: count,
  /** Estimated until it is completed; null when nothing can be said. */
  rows_total: count.nullable(),
  bytes: count,
  /** What the rows cost; null until it is completed. */
  cost_usd: dollars.nullable(),
  unpriced: count.nullable(),
  sha256: sha256.nullable(),
  /** Why it failed. */
  error: z.string().nullable(),
  file_name: z.string(),
  schedule_id: z.string().nullable(),
  created_at: instant,
  created_by: z.object({ id: z.string(), name: z.string() }),
  started_at: instant.nullable(),
  finished_at: instant.nullable(),
  /** When its files are deleted. */
  expires_at: instant,
  /** Present when it is completed or has expired. */
  manifest: ExportManifest.nullable(),
})
export type Export = z.infer<typeof Export>

/** In a list, manifests are left out. */
export const ExportSummary = Export.omit({ manifest: true })
export type ExportSummary = z.infer<typeof ExportSummary>

export const ExportPreview = z.object({
  since: instant,
  until: instant,
  rows: count,
  cost_usd: dollars,
  unpriced: count,
  /** From the size of recent rows, as the format writes them. */
  bytes_estimated: count,
  /**
   * `exact`: what an export made now would hold. `at_most`: there are too many rows to compare one by one; so many are in
   * the range, whatever the filter.
   */
  accuracy: z.enum(['exact', 'at_most']),
})

export const EXPORT_EVERY = ['day', 'week', 'month'] as const

const zone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Vienna')
  .default('UTC')

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

export const scheduleFields = {
  name: displayName,
  every: z.enum(EXPORT_EVERY).describe('Each run covers the day, the week from Monday or the month that is over then.'),
  hour: z.number().int().min(0).max(23).default(1).describe('When it runs, in `timezone`.'),
  timezone: zone,
  enabled: z.boolean().default(true),
}

export const ExportSchedule = z.object({
  id: z.string(),
  name: z.string(),
  type: z.enum(EXPORT_TYPES),
  format: z.enum(EXPORT_FORMATS),
  filter: z.string(),
  fields: z.array(z.string()).nullable(),
  purpose: z.string(),
  team_id: z.string().nullable(),
  every: z.enum(EXPORT_EVERY),
  hour: count,
  timezone: z.string(),
  enabled: z.boolean(),
  next_run_at: instant,
  last_export_id: z.string().nullable(),
  created_at: instant,
  created_by: z.object({ id: z.string(), name: z.string() }),
})
export type ExportSchedule = z.infer<typeof ExportSchedule>
