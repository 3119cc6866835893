import { z } from 'zod'
import { endpoint, file } from './endpoint'
import {
  EXPORT_FORMATS,
  Export,
  type ExportManifest,
  ExportPreview,
  ExportSchedule,
  ExportSummary,
  exportDefinition,
  exportRange,
  exportShape,
  scheduleFields,
} from './export-shapes'
import { idOf, instant, when } from './fields'
import { pageInput, pageOf } from './page'

/** How long a link lives at most, in seconds. */
export const LINK_SECONDS_MAX = 300

const exportId = { id: idOf('exp') }
const scheduleId = { id: idOf('exs') }
const part = z
  .string()
  .regex(/^(?:\d{1,6}|manifest\.json)$/, 'must be the number of a part, or manifest.json')
  .optional()
  .describe('The number of one part, or `manifest.json`; without it the whole file.')

const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const BY = { id: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'nightly' }

const MANIFEST: ExportManifest = {
  manifest_version: 1,
  export_id: 'exp_019a6f0e1c2d7000a1b2c3d4e5f60718',
  org_id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
  type: 'events',
  format: 'json_lines',
  filter: 'verdict=block',
  fields: null,
  team_id: null,
  since: '2026-05-01T00:00:00.000000Z',
  until: '2026-05-31T23:59:59.000000Z',
  through_seq: 52_110,
  rows: 412,
  cost_usd: '0.018400000',
  unpriced: 0,
  bytes: 702_101,
  sha256: HASH,
  parts: [
    {
      number: 1,
      since: '2026-05-01T00:00:00.000000Z',
      until: '2026-05-31T23:59:59.000000Z',
      rows: 412,
      bytes: 702_101,
      cost_usd: '0.018400000',
      unpriced: 0,
      seq_first: 17,
      seq_last: 51_022,
      sha256: HASH,
    },
  ],
  trail: {
    digests: [{ digest_id: 'dig_019a6f0e1c2d7000a1b2c3d4e5f60718', seq_start: 1, seq_end: 50_000, root_hash: HASH }],
    digests_left_out: 0,
    uncovered: { seq_first: 50_001, seq_last: 51_022 },
  },
  purpose: 'Audit of May',
  created_at: '2026-06-01T08:00:00.000000Z',
  created_by: BY,
  finished_at: '2026-06-01T08:00:01.200000Z',
}

const EXPORT: Export = {
  id: MANIFEST.export_id,
  export_id: MANIFEST.export_id,
  type: 'events',
  format: 'json_lines',
  since: MANIFEST.since,
  until: MANIFEST.until,
  filter: MANIFEST.filter,
  fields: null,
  purpose: MANIFEST.purpose,
  team_id: null,
  through_seq: MANIFEST.through_seq,
  state: 'completed',
  status: 'completed',
  rows_done: 412,
  rows_total: 412,
  bytes: MANIFEST.bytes,
  cost_usd: MANIFEST.cost_usd,
  unpriced: 0,
  sha256: HASH,
  error: null,
  file_name: 'keeptrusts-events-20260601T080000Z.jsonl',
  schedule_id: null,
  created_at: MANIFEST.created_at,
  created_by: BY,
  started_at: '2026-06-01T08:00:00.100000Z',
  finished_at: MANIFEST.finished_at,
  expires_at: '2026-06-08T08:00:00.000000Z',
  manifest: MANIFEST,
}
const QUEUED: Export = {
  ...EXPORT,
  state: 'queued',
  status: 'queued',
  rows_done: 0,
  bytes: 0,
  cost_usd: null,
  unpriced: null,
  sha256: null,
  started_at: null,
  finished_at: null,
  manifest: null,
}
const { manifest: _, ...SUMMARY } = EXPORT

const PREVIEW = {
  since: MANIFEST.since,
  until: MANIFEST.until,
  rows: 412,
  cost_usd: '0.018400000',
  unpriced: 0,
  bytes_estimated: 700_000,
  accuracy: 'exact',
}

const SCHEDULE: ExportSchedule = {
  id: 'exs_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'Blocked calls of the month',
  type: 'events',
  format: 'csv',
  filter: 'verdict=block',
  fields: null,
  purpose: 'Monthly review',
  team_id: null,
  every: 'month',
  hour: 1,
  timezone: 'Europe/Vienna',
  enabled: true,
  next_run_at: '2026-06-30T23:00:00.000000Z',
  last_export_id: null,
  created_at: '2026-06-01T08:00:00.000000Z',
  created_by: BY,
}

const TIMES = {
  time_window: { since: '2026-05-01T00:00:00Z', until: '2026-05-31T23:59:59Z' },
}

export const exportSchedules = {
  list: endpoint({
    name: 'exportSchedules.list',
    method: 'GET',
    path: '/v1/exports/schedules',
    access: 'events:export',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(ExportSchedule),
    summary: 'List the exports that are made again and again, newest first',
    example: { input: {}, output: { items: [SCHEDULE], next_cursor: null } },
  }),
  create: endpoint({
    name: 'exportSchedules.create',
    method: 'POST',
    path: '/v1/exports/schedules',
    access: 'events:export',
    status: 201,
    idempotent: true,
    input: z.strictObject({ ...exportDefinition, ...exportShape, ...scheduleFields }),
    output: ExportSchedule,
    summary: 'Make an export every day, week or month',
    description:
      'Each run covers the calendar day, the week from Monday or the month that is over by then in `timezone`, so that one ends where the next begins.',
    example: {
      input: {
        name: SCHEDULE.name,
        format: 'csv',
        filter: 'verdict=block',
        purpose: SCHEDULE.purpose,
        every: 'month',
        timezone: 'Europe/Vienna',
      },
      output: SCHEDULE,
    },
  }),
  update: endpoint({
    name: 'exportSchedules.update',
    method: 'PATCH',
    path: '/v1/exports/schedules/:id',
    access: 'events:export',
    input: z.strictObject({
      ...scheduleId,
      name: scheduleFields.name.optional(),
      every: scheduleFields.every.optional(),
      hour: scheduleFields.hour.unwrap().optional(),
      timezone: scheduleFields.timezone.unwrap().optional(),
      enabled: z.boolean().optional(),
    }),
    output: ExportSchedule,
    summary: 'Change when a schedule runs, or whether; what it exports stays',
    example: { input: { id: SCHEDULE.id, enabled: false }, output: { ...SCHEDULE, enabled: false } },
  }),
  delete: endpoint({
    name: 'exportSchedules.delete',
    method: 'DELETE',
    path: '/v1/exports/schedules/:id',
    access: 'events:export',
    input: z.strictObject({ ...scheduleId }),
    output: z.object({ id: z.string() }),
    summary: 'Delete a schedule; the exports that it made stay',
    example: { input: { id: SCHEDULE.id }, output: { id: SCHEDULE.id } },
  }),
}

export const exports = {
  create: endpoint({
    name: 'exports.create',
    method: 'POST',
    path: '/v1/exports',
    aliases: ['/v1/exports/jobs'],
    access: 'events:export',
    status: 202,
    idempotent: true,
    input: z.strictObject({ ...exportDefinition, ...exportRange, ...exportShape }),
    output: Export,
    summary: 'Export events or activity of any size to a file',
    description:
      'The file is made in the background: read the export until its `state` is `completed`, then download it. Exporting activity needs `activity:export` as well. It holds the record as it is now; what is recorded later is not in it.',
    example: {
      input: { format: 'json_lines', filter: 'verdict=block', purpose: 'Audit of May', ...TIMES },
      output: QUEUED,
    },
  }),
  preview: endpoint({
    name: 'exports.preview',
    method: 'POST',
    path: '/v1/exports/preview',
    access: 'events:export',
    input: z.strictObject({ ...exportDefinition, ...exportRange, ...exportShape }),
    output: ExportPreview,
    summary: 'What an export would hold, and about how large it would be',
    example: { input: { filter: 'verdict=block', ...TIMES }, output: PREVIEW },
  }),
  previewOf: endpoint({
    name: 'exports.previewOf',
    method: 'GET',
    path: '/v1/exports/preview',
    access: 'events:export',
    input: z.strictObject({
      ...exportDefinition,
      format: z.enum(EXPORT_FORMATS).default('json_lines'),
      since: when.optional(),
      until: when.optional(),
      time_window: when.optional().describe('How long back from now; instead of `since`.'),
    }),
    output: ExportPreview,
    summary: 'The same preview for a query string',
    example: { input: { time_window: '24h' }, output: PREVIEW },
  }),
  list: endpoint({
    name: 'exports.list',
    method: 'GET',
    path: '/v1/exports',
    access: 'events:export',
    input: z.strictObject({ schedule_id: z.string().max(64).optional(), ...pageInput }),
    output: pageOf(ExportSummary),
    summary: 'List exports, newest first',
    description: 'A team’s key sees the exports of its team. Exports of activity are shown to who may export activity.',
    example: { input: {}, output: { items: [SUMMARY], next_cursor: null } },
  }),
  get: endpoint({
    name: 'exports.get',
    method: 'GET',
    path: '/v1/exports/:id',
    aliases: ['/v1/exports/jobs/:id'],
    access: 'events:export',
    input: z.strictObject({ ...exportId }),
    output: Export,
    summary: 'Read one export with its progress and manifest',
    example: { input: { id: EXPORT.id }, output: EXPORT },
  }),
  cancel: endpoint({
    name: 'exports.cancel',
    method: 'POST',
    path: '/v1/exports/:id/cancel',
    access: 'events:export',
    input: z.strictObject({ ...exportId }),
    output: Export,
    summary: 'Stop an export that is queued or running; what it has written is deleted',
    example: { input: { id: EXPORT.id }, output: { ...QUEUED, state: 'cancelled', status: 'cancelled' } },
  }),
  delete: endpoint({
    name: 'exports.delete',
    method: 'DELETE',
    path: '/v1/exports/:id',
    access: 'events:export',
    input: z.strictObject({ ...exportId }),
    output: z.object({ id: z.string() }),
    summary: 'Delete an export and its files; one that is under way is stopped',
    example: { input: { id: EXPORT.id }, output: { id: EXPORT.id } },
  }),
  download: endpoint({
    name: 'exports.download',
    method: 'GET',
    path: '/v1/exports/:id/download',
    aliases: ['/v1/exports/jobs/:id/download'],
    access: 'events:export',
    answers: 'file',
    input: z.strictObject({ ...exportId, part }),
    output: file,
    summary: 'Download an export as a whole, one part of it, or its manifest',
    description:
      'Answers ranges (RFC 9110 section 14), so that a download that broke off can go on. The `ETag` is the SHA-256 of what is downloaded. Parts are stretches of the whole file: one after the other they are it.',
    example: { input: { id: EXPORT.id }, output: '{"agent_id":null,...}\n' },
  }),
  link: endpoint({
    name: 'exports.link',
    method: 'POST',
    path: '/v1/exports/:id/link',
    access: 'events:export',
    status: 201,
    input: z.strictObject({
      ...exportId,
      part,
      seconds: z.number().int().min(1).max(LINK_SECONDS_MAX).default(LINK_SECONDS_MAX),
    }),
    output: z.object({
      /** A path of this control plane; it needs no token. */
      url: z.string(),
      expires_at: instant,
    }),
    summary: 'Make a link that downloads without a token, for at most five minutes',
    example: {
      input: { id: EXPORT.id, seconds: 60 },
      output: { url: '/v1/downloads/kWy3l...', expires_at: '2026-06-01T08:02:00.000Z' },
    },
  }),
  open: endpoint({
    name: 'exports.open',
    method: 'GET',
    path: '/v1/downloads/:link',
    access: 'public',
    answers: 'file',
    input: z.strictObject({ link: z.string().min(1).max(1_000) }),
    output: file,
    summary: 'Download what a link names',
    description: 'The link is the authority. A link that is over, or that nobody here made, opens nothing.',
    example: { input: { link: 'kWy3l' }, output: '{"agent_id":null,...}\n' },
  }),
}
