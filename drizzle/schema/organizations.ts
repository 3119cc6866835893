import { sql } from 'drizzle-orm'
import { bigint, boolean, integer, pgTable, text } from 'drizzle-orm/pg-core'
import { CAPTURES } from '@/lib/contract/events'
import { instant } from '../columns'

export const organizations = pgTable('organizations', {
  orgId: text('org_id').primaryKey(),
  name: text('name').notNull(),
  createdAt: instant('created_at').notNull().default(sql`now()`),
})

/**
 * Positions that must be gapless per organisation. A writer locks the row for its transaction, which also puts the
 * writers of one organisation in order.
 */
export const orgCounters = pgTable('org_counters', {
  orgId: text('org_id').primaryKey(),
  /** Numbers events and activity together: the last place in the organisation's record. */
  seq: bigint('seq', { mode: 'number' }).notNull().default(0),
  /** When that place was taken; the next is taken no earlier. */
  recordedAt: instant('recorded_at').notNull().default(sql`now()`),
  /** Counts changes of gateway keys; a gateway reports the last one it has applied. */
  keysRevision: bigint('keys_revision', { mode: 'number' }).notNull().default(0),
})

export const securitySettings = pgTable('security_settings', {
  orgId: text('org_id').primaryKey(),
  sessionIdleMinutes: integer('session_idle_minutes').notNull(),
  sessionAbsoluteHours: integer('session_absolute_hours').notNull(),
  keyLifetimeDaysMax: integer('key_lifetime_days_max'),
  keyExpiryRequired: boolean('key_expiry_required').notNull(),
  payloadCapture: text('payload_capture', { enum: CAPTURES }).notNull(),
  /** Null keeps them for ever. */
  eventsRetentionDays: integer('events_retention_days'),
  payloadsRetentionDays: integer('payloads_retention_days'),
  maxOfflineKeyAgeSeconds: integer('max_offline_key_age_seconds').notNull(),
  updatedAt: instant('updated_at').notNull().default(sql`now()`),
})

/** One row: which organisation a fresh installation belongs to. Readable before any tenant is known. */
export const installation = pgTable('installation', {
  singleton: boolean('singleton').primaryKey().default(true),
  defaultOrganization: text('default_organization').notNull(),
  createdAt: instant('created_at').notNull().default(sql`now()`),
})
