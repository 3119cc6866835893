import { sql } from 'drizzle-orm'
import { bigint, boolean, check, index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { BUDGET_WINDOWS, ON_UNAVAILABLE, ROLLOVERS } from '@/lib/contract/spend-shapes'
import { instant } from '../columns'

const nano = (name: string) => bigint(name, { mode: 'bigint' })

/** What may be spent by whom in which time. Of a deleted one, what it counted stays. */
export const budgets = pgTable(
  'budgets',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    /** Parts of the scope; null is any. */
    teamId: text('team_id'),
    userId: text('user_id'),
    agentId: text('agent_id'),
    tokenId: text('token_id'),
    model: text('model'),
    provider: text('provider'),
    limit: nano('limit_nano_usd').notNull(),
    hard: boolean('hard').notNull(),
    window: text('window', { enum: BUDGET_WINDOWS }).notNull(),
    timeZone: text('time_zone').notNull(),
    /** `YYYY-MM-DD`; null for the calendar's own. */
    anchor: text('anchor'),
    rollover: text('rollover', { enum: ROLLOVERS }).notNull(),
    rolloverCap: nano('rollover_cap_nano_usd'),
    thresholds: integer('thresholds').array().notNull(),
    onUnavailable: text('on_unavailable', { enum: ON_UNAVAILABLE }).notNull(),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
    updatedAt: instant('updated_at').notNull(),
    deletedAt: instant('deleted_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('budgets_name').on(t.orgId, t.name).where(sql`deleted_at is null`),
  ],
)

/**
 * A window of a budget: what it allows, what was spent in it and what gateways hold of it.
 *
 * `spent + leased` is never more than the limit and `excess`. Granting a lease leaves `excess` alone, so that no lease goes
 * beyond the limit whoever asks at the same time; it grows only with what has happened already: a request that cost more
 * than was reserved for it, one that no lease covered, or a limit that was lowered.
 */
export const budgetPeriods = pgTable(
  'budget_periods',
  {
    orgId: text('org_id').notNull(),
    budgetId: text('budget_id').notNull(),
    startsAt: instant('starts_at').notNull(),
    /** Null: never. */
    endsAt: instant('ends_at'),
    base: nano('base_nano_usd').notNull(),
    carried: nano('carried_nano_usd').notNull().default(sql`0`),
    raised: nano('raised_nano_usd').notNull().default(sql`0`),
    spent: nano('spent_nano_usd').notNull().default(sql`0`),
    leased: nano('leased_nano_usd').notNull().default(sql`0`),
    excess: nano('excess_nano_usd').notNull().default(sql`0`),
    /** Once the next window was begun with what is left of this: the most that it may be. */
    handsOnMax: nano('hands_on_max_nano_usd').notNull().default(sql`0`),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.budgetId, t.startsAt] }),
    check(
      'budget_periods_within_limit',
      sql`${t.spent} + ${t.leased} <= ${t.base} + ${t.carried} + ${t.raised} + ${t.excess}`,
    ),
    check(
      'budget_periods_not_negative',
      sql`${t.leased} >= 0 AND ${t.excess} >= 0 AND ${t.carried} >= 0 AND ${t.raised} >= 0`,
    ),
  ],
)

export const budgetRaises = pgTable(
  'budget_raises',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    budgetId: text('budget_id').notNull(),
    periodStartsAt: instant('period_starts_at').notNull(),
    amount: nano('amount_nano_usd').notNull(),
    reason: text('reason').notNull(),
    approvedBy: text('approved_by'),
    createdAt: instant('created_at').notNull(),
    createdById: text('created_by_id').notNull(),
    createdByName: text('created_by_name').notNull(),
    expiresAt: instant('expires_at').notNull(),
    /** When its amount was taken from the window again. */
    endedAt: instant('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    index('budget_raises_by_budget').on(t.orgId, t.budgetId, t.periodStartsAt),
    index('budget_raises_standing').on(t.orgId, t.expiresAt).where(sql`ended_at is null`),
  ],
)

/** Thresholds that were told of: once per window. */
export const budgetAlerts = pgTable(
  'budget_alerts',
  {
    orgId: text('org_id').notNull(),
    budgetId: text('budget_id').notNull(),
    periodStartsAt: instant('period_starts_at').notNull(),
    percent: integer('percent').notNull(),
    reachedAt: instant('reached_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.budgetId, t.periodStartsAt, t.percent] })],
)

/**
 * What one process of a gateway holds of a window of a budget or of a wallet. Amounts only grow; what is left of
 * `granted` after all others is part of the source's `leased`, or held.
 */
export const spendLeases = pgTable(
  'spend_leases',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    instance: text('instance').notNull(),
    /** A budget's id, or a wallet's account. */
    sourceId: text('source_id').notNull(),
    /** Of the budget's window; -infinity for a wallet. */
    periodStartsAt: instant('period_starts_at').notNull(),
    granted: nano('granted_nano_usd').notNull(),
    returned: nano('returned_nano_usd').notNull().default(sql`0`),
    /** By events that have arrived. */
    settled: nano('settled_nano_usd').notNull().default(sql`0`),
    /** Taken back because nobody came for it. */
    released: nano('released_nano_usd').notNull().default(sql`0`),
    /** As the gateway says, arrived or not: how fast it burns. */
    used: nano('used_nano_usd').notNull().default(sql`0`),
    grantedAt: instant('granted_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    heldUntil: instant('held_until').notNull(),
    /** Nothing is left of it. */
    closedAt: instant('closed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    // Of one from which something was taken back nothing more is drawn: its process gets another one, and so does one that has
    // forgotten what it gave back.
    index('spend_leases_of_instance')
      .on(t.orgId, t.gatewayId, t.instance, t.sourceId, t.periodStartsAt)
      .where(sql`released_nano_usd = 0`),
    index('spend_leases_standing').on(t.orgId, t.heldUntil).where(sql`closed_at is null`),
    index('spend_leases_by_source').on(t.orgId, t.sourceId, t.periodStartsAt).where(sql`closed_at is null`),
    check(
      'spend_leases_add_up',
      sql`${t.returned} >= 0 AND ${t.settled} >= 0 AND ${t.released} >= 0 AND ${t.returned} + ${t.settled} + ${t.released} <= ${t.granted}`,
    ),
  ],
)
