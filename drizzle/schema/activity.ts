import { bigint, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { ACTIVITY_SOURCES } from '@/lib/contract/activity'
import { instant } from '../columns'
import { bytea } from './events'

/**
 * Append-only: the application role may neither change nor delete rows. As with events, `line` is the record and the
 * columns find it; `seq` is taken from the same numbers.
 */
export const activity = pgTable(
  'activity',
  {
    orgId: text('org_id').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    id: text('id').notNull(),
    line: text('line').notNull(),
    leafHash: bytea('leaf_hash').notNull(),
    at: instant('at').notNull(),
    actorType: text('actor_type', { enum: ['user', 'token', 'system'] }).notNull(),
    actorId: text('actor_id').notNull(),
    actorName: text('actor_name').notNull(),
    action: text('action').notNull(),
    targetType: text('target_type').notNull(),
    targetId: text('target_id').notNull(),
    targetName: text('target_name'),
    before: jsonb('before').$type<Record<string, unknown>>(),
    after: jsonb('after').$type<Record<string, unknown>>(),
    source: text('source', { enum: ACTIVITY_SOURCES }).notNull(),
    ip: text('ip'),
    requestId: text('request_id').notNull(),
    outcome: text('outcome', { enum: ['success', 'denied'] }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.seq] }),
    index('activity_by_time').on(t.orgId, t.at, t.seq),
    index('activity_by_target').on(t.orgId, t.targetId, t.seq),
    index('activity_by_actor').on(t.orgId, t.actorId, t.seq),
    index('activity_by_action').on(t.orgId, t.action, t.seq),
  ],
)
