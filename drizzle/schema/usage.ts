import { bigint, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant } from '../columns'

/**
 * The sums of `usage_hourly` and `usage_daily` by what is asked for most, in far fewer rows: kept by their triggers
 * (drizzle/usage.sql), whoever changes them.
 */
const sums = {
  orgId: text('org_id').notNull(),
  /** Start of the hour or day, in UTC. */
  at: instant('at').notNull(),
  teamId: text('team_id').notNull(),
  provider: text('provider').notNull(),
  model: text('model').notNull(),
  events: bigint('events', { mode: 'number' }).notNull(),
  unpriced: bigint('unpriced', { mode: 'number' }).notNull(),
  errors: bigint('errors', { mode: 'number' }).notNull(),
  cacheHits: bigint('cache_hits', { mode: 'number' }).notNull(),
  tokensInput: bigint('tokens_input', { mode: 'number' }).notNull(),
  tokensOutput: bigint('tokens_output', { mode: 'number' }).notNull(),
  tokensTotal: bigint('tokens_total', { mode: 'number' }).notNull(),
  costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
}

export const usageHourlyByTeam = pgTable('usage_teams_hourly', sums, (t) => [
  primaryKey({ name: 'usage_teams_hourly_pk', columns: [t.orgId, t.at, t.teamId, t.provider, t.model] }),
])

export const usageDailyByTeam = pgTable('usage_teams_daily', sums, (t) => [
  primaryKey({ name: 'usage_teams_daily_pk', columns: [t.orgId, t.at, t.teamId, t.provider, t.model] }),
])
