import { sql } from 'drizzle-orm'
import { bigint, check, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from '../columns'

/** How much of a rate limit window has been handed out to gateways. */
export const limitLeases = pgTable(
  'limit_leases',
  {
    orgId: text('org_id').notNull(),
    name: text('name').notNull(),
    holder: text('holder').notNull(),
    windowMs: integer('window_ms').notNull(),
    /** Milliseconds since the epoch. */
    windowStartMs: bigint('window_start_ms', { mode: 'number' }).notNull(),
    endsAt: instant('ends_at').notNull(),
    /** The largest that a gateway has stated. */
    windowLimit: bigint('window_limit', { mode: 'number' }).notNull(),
    /** With what gateways may use without asking. */
    granted: bigint('granted', { mode: 'number' }).notNull(),
    lastGranted: bigint('last_granted', { mode: 'number' }).notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.name, t.holder, t.windowMs, t.windowStartMs] }),
    index('limit_leases_by_end').on(t.orgId, t.endsAt),
    check('limit_leases_within_limit', sql`${t.granted} >= 0 AND ${t.granted} <= ${t.windowLimit}`),
  ],
)
