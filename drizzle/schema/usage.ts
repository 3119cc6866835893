import { bigint, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from '../columns'

/**
 * The sums of `usage_hourly` and `usage_daily` by one dimension alone, of those asked for most, in far fewer rows: kept by
 * their triggers (drizzle/usage.sql), whoever changes them.
 */
const sums = {
  orgId: text('org_id').notNull(),
  /** Start of the hour or day, in UTC. */
  at: instant('at').notNull(),
  /** Every event counts once in each. */
  dimension: text('dimension', { enum: ['team_id', 'provider', 'model', 'verdict', 'reason_code'] }).notNull(),
  /** '' where a request has none. */
  value: text('value').notNull(),
  events: bigint('events', { mode: 'number' }).notNull(),
  unpriced: bigint('unpriced', { mode: 'number' }).notNull(),
  errors: bigint('errors', { mode: 'number' }).notNull(),
  cacheHits: bigint('cache_hits', { mode: 'number' }).notNull(),
  tokensInput: bigint('tokens_input', { mode: 'number' }).notNull(),
  tokensOutput: bigint('tokens_output', { mode: 'number' }).notNull(),
  tokensTotal: bigint('tokens_total', { mode: 'number' }).notNull(),
  costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
}

export const usageHourlyByDimension = pgTable('usage_dimensions_hourly', sums, (t) => [
  primaryKey({ name: 'usage_dimensions_hourly_pk', columns: [t.orgId, t.dimension, t.at, t.value] }),
])

export const usageDailyByDimension = pgTable('usage_dimensions_daily', sums, (t) => [
  primaryKey({ name: 'usage_dimensions_daily_pk', columns: [t.orgId, t.dimension, t.at, t.value] }),
])
