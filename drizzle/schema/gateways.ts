import { sql } from 'drizzle-orm'
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, real, text } from 'drizzle-orm/pg-core'
import type { Gateway } from '@/lib/contract/gateways'
import { instant } from '../columns'

export const gateways = pgTable(
  'gateways',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    configurationId: text('configuration_id'),
    desiredVersion: text('desired_version'),
    desiredGeneration: integer('desired_generation').notNull().default(0),
    lastSeenAt: instant('last_seen_at'),
    pollIntervalSeconds: integer('poll_interval_seconds').notNull().default(30),
    ready: boolean('ready').notNull().default(false),
    runningVersion: text('running_version'),
    runningGeneration: integer('running_generation').notNull().default(0),
    configSource: text('config_source', { enum: ['live', 'cached'] }),
    softwareVersion: text('software_version'),
    keysRevision: bigint('keys_revision', { mode: 'number' }).notNull().default(0),
    spoolDepth: bigint('spool_depth', { mode: 'number' }).notNull().default(0),
    spoolBytes: bigint('spool_bytes', { mode: 'number' }).notNull().default(0),
    requestsProcessed: bigint('requests_processed', { mode: 'number' }).notNull().default(0),
    overheadP50Us: real('overhead_p50_us'),
    overheadP99Us: real('overhead_p99_us'),
    clockOffsetMs: real('clock_offset_ms'),
    streamConnected: boolean('stream_connected').notNull().default(false),
    lastError: jsonb('last_error').$type<Gateway['last_error']>(),
    models: text('models').array().notNull().default([]),
    providers: text('providers').array().notNull().default([]),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), index('gateways_by_configuration').on(t.orgId, t.configurationId)],
)
