import { z } from 'zod'
import { endpoint } from './endpoint'
import { instant } from './fields'
import { pageInput, pageOf } from './page'
import type { Permission } from './permissions'

/** Activity that members are told of without having to look for it, and what they must hold to be. */
export const NOTIFICATION_KINDS = {
  'budget.threshold_reached': 'spend:read',
  'events.quarantined': 'events:read',
  'trail.integrity_failed': 'trail:read',
} as const satisfies Record<string, Permission>
export type NotificationKind = keyof typeof NOTIFICATION_KINDS

export const SEVERITIES = ['warning', 'critical'] as const
/** No more are counted. */
export const UNREAD_MAX = 100

const kinds = z.enum(Object.keys(NOTIFICATION_KINDS) as [NotificationKind, ...NotificationKind[]])

export const Notification = z.object({
  /** Of the activity entry that it is. */
  id: z.string(),
  seq: z.number().int(),
  at: instant,
  kind: kinds,
  severity: z.enum(SEVERITIES),
  target: z.object({ type: z.string(), id: z.string(), name: z.string().nullable() }),
  /** What the entry says; `after` of it. */
  detail: z.record(z.string(), z.unknown()),
  /** Whether the member who asks has marked it, or a later one, as read. */
  read: z.boolean(),
})
export type Notification = z.infer<typeof Notification>

const unread = z.number().int().min(0).max(UNREAD_MAX).describe(`At most ${UNREAD_MAX}: no more are counted.`)

const EXAMPLE: Notification = {
  id: 'act_019a6f0e1c2d7000a1b2c3d4e5f60718',
  seq: 48_211,
  at: '2026-04-23T10:00:00.000000Z',
  kind: 'budget.threshold_reached',
  severity: 'warning',
  target: { type: 'budget', id: 'bud_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Finance, monthly' },
  detail: {
    percent: 80,
    committed_usd: '400.120000000',
    limit_usd: '500.000000000',
    window_starts_at: '2026-04-01T00:00:00.000Z',
    hard: true,
  },
  read: false,
}

export const notifications = {
  list: endpoint({
    name: 'notifications.list',
    method: 'GET',
    path: '/v1/notifications',
    access: 'signed_in',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Notification).extend({ unread }),
    summary: 'List what you are told of, newest first',
    description:
      'Thresholds of budgets, events that had to be quarantined, and alarms of the trail, as far as you may read what they are about. Each is an entry of the activity as well. A key of a team is told nothing.',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null, unread: 1 } },
  }),
  markRead: endpoint({
    name: 'notifications.markRead',
    method: 'POST',
    path: '/v1/notifications/read',
    access: 'signed_in',
    input: z.strictObject({
      until_seq: z.int().min(0).describe('`seq` of the newest that was looked at: it and all before it are read.'),
    }),
    output: z.object({ unread }),
    summary: 'Mark notifications as read, for the member who asks alone',
    description: 'What was read once stays read. A key marks them for the member whose key it is.',
    example: { input: { until_seq: EXAMPLE.seq }, output: { unread: 0 } },
  }),
}
