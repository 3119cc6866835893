import { bigint, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'

/** How far members have read what they are told of: entries of the activity up to this one. */
export const notificationReads = pgTable(
  'notification_reads',
  {
    orgId: text('org_id').notNull(),
    userId: text('user_id').notNull(),
    untilSeq: bigint('until_seq', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.userId] })],
)
