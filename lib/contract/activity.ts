import { z } from 'zod'
import { endpoint, file } from './endpoint'
import { exportShape } from './export-shapes'
import { type FilterFieldKind, instant, when } from './fields'
import { pageInput, pageOf } from './page'

export const ACTIVITY_SOURCES = ['console', 'api', 'cli', 'gateway', 'system'] as const
export const ACTOR_TYPES = ['user', 'token', 'system'] as const
export const ACTIVITY_OUTCOMES = ['success', 'denied'] as const

export const Activity = z.object({
  id: z.string(),
  seq: z.number().int(),
  at: instant,
  actor: z.object({ type: z.enum(ACTOR_TYPES), id: z.string(), name: z.string() }),
  /** `resource.verb`, such as `token.revoked`. */
  action: z.string(),
  target: z.object({ type: z.string(), id: z.string(), name: z.string().nullable() }),
  /** Only fields that changed; secrets never occur in either. */
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  source: z.enum(ACTIVITY_SOURCES),
  ip: z.string().nullable(),
  request_id: z.string(),
  outcome: z.enum(ACTIVITY_OUTCOMES),
})
export type Activity = z.infer<typeof Activity>

/** The closed list of fields that a filter of activity may name; see lib/filter.ts for the grammar. */
export const ACTIVITY_FILTER_FIELDS = {
  id: 'text',
  action: 'text',
  actor_id: 'text',
  actor_name: 'text',
  actor_type: 'text',
  target_type: 'text',
  target_id: 'text',
  target_name: 'text',
  source: 'text',
  ip: 'text',
  outcome: 'text',
  request_id: 'text',
} as const satisfies Record<string, FilterFieldKind>
export type ActivityFilterField = keyof typeof ACTIVITY_FILTER_FIELDS

export const activity = {
  list: endpoint({
    name: 'activity.list',
    method: 'GET',
    path: '/v1/activity',
    aliases: ['/v1/audit-log'],
    access: 'activity:read',
    input: z.strictObject({
      since: when.optional(),
      until: when.optional(),
      action: z.string().max(80).optional(),
      actor_id: z.string().max(64).optional(),
      target_id: z.string().max(200).optional(),
      filter: z
        .string()
        .max(2_000)
        .optional()
        .describe('`field=value` terms, all of which must hold: docs/api-conventions.md.'),
      ...pageInput,
    }),
    output: pageOf(Activity),
    summary: 'Who changed what, newest first',
    example: {
      input: { since: '7d' },
      output: {
        items: [
          {
            id: 'act_019a6f0e1c2d7000a1b2c3d4e5f60718',
            seq: 12,
            at: '2026-04-23T10:00:00.000Z',
            actor: { type: 'user', id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Administrator' },
            action: 'token.revoked',
            target: { type: 'token', id: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'app-production' },
            before: { status: 'active' },
            after: { status: 'revoked' },
            source: 'console',
            ip: '127.0.0.1',
            request_id: 'req_019a6f0e1c2d7000a1b2c3d4e5f60718',
            outcome: 'success',
          },
        ],
        next_cursor: null,
      },
    },
  }),
  export: endpoint({
    name: 'activity.export',
    method: 'POST',
    path: '/v1/activity/export',
    access: 'activity:export',
    answers: 'file',
    input: z.strictObject({
      since: when,
      until: when.optional(),
      filter: z.string().max(2_000).default('').describe('As in the list.'),
      ...exportShape,
    }),
    output: file,
    summary: 'Export activity as the answer itself, oldest first',
    description:
      'For scripts that store what they are sent. `until` itself is not in it; without it, it ends now. It holds the record as it is when it is asked for, so the entry about this export is not in it.',
    example: {
      input: { since: '2026-05-01T00:00:00Z', until: '2026-05-31T23:59:59Z', format: 'json_lines' },
      output: '{"action":"token.revoked",...}\n',
    },
  }),
}
