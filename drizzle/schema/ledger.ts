import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { UNKNOWN_PRICE_RULES, WALLET_SCOPES } from '@/lib/contract/spend-shapes'
import type { MonthReport } from '@/lib/contract/usage'
import { TRANSACTION_KINDS } from '@/lib/contract/wallets'
import { instant } from '../columns'

/** `funding`: where credits come from. `spend`: where costs go. `unfunded`: costs that no wallet paid. */
export const ACCOUNT_KINDS = ['wallet', 'held', 'funding', 'unfunded', 'spend'] as const

/**
 * Where money is. Ids say whose: `wallet:organization`, `wallet:team:<id>`, `wallet:user:<id>`; the same with `held:` for
 * what gateways hold of it; `funding`, `unfunded`, `spend`.
 */
export const ledgerAccounts = pgTable(
  'ledger_accounts',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    kind: text('kind', { enum: ACCOUNT_KINDS }).notNull(),
    scope: text('scope', { enum: WALLET_SCOPES }),
    scopeId: text('scope_id'),
    /**
     * The sum of its entries, kept in the transaction that posts them; checked against them again and again. Wider than an
     * entry: whatever gateways say that requests cost, the sum must not keep them from being recorded.
     */
    balance: numeric('balance_nano_usd', { precision: 38, scale: 0, mode: 'bigint' }).notNull().default(sql`0`),
    /** Of a wallet: credited and allocated to it, less what was taken back and allocated onwards. The rest was spent. */
    received: numeric('received_nano_usd', { precision: 38, scale: 0, mode: 'bigint' }).notNull().default(sql`0`),
    /** Of a wallet: transactions that moved it or what is held of it. */
    position: bigint('position', { mode: 'number' }).notNull().default(0),
    createdAt: instant('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    check('ledger_accounts_not_overdrawn', sql`${t.kind} NOT IN ('wallet', 'held') OR ${t.balance} >= 0`),
  ],
)

/** What moved money and why. Rows are never changed. */
export const ledgerTransactions = pgTable(
  'ledger_transactions',
  {
    orgId: text('org_id').notNull(),
    /** Of what a request cost: `ltx_` and the digits of the event's id. */
    id: text('id').notNull(),
    kind: text('kind', { enum: TRANSACTION_KINDS }).notNull(),
    /** What may be posted once only. */
    reference: text('reference').notNull(),
    /** When what it is for happened. */
    occurredAt: instant('occurred_at').notNull(),
    postedAt: instant('posted_at').notNull(),
    /** `YYYY-MM` under which it is reported: of `occurred_at`, or the first open one when that was closed. */
    month: text('month').notNull(),
    /** That of `occurred_at` when it is another one. */
    lateFrom: text('late_from'),
    eventId: text('event_id'),
    leaseId: text('lease_id'),
    note: text('note'),
    /** Null for what nobody decided. */
    actorId: text('actor_id'),
    actorName: text('actor_name'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    // What a request cost is referred to by its event, and that is in the id.
    uniqueIndex('ledger_transactions_reference').on(t.orgId, t.reference).where(sql`kind <> 'spend'`),
    // What requests of the month itself cost is found by its ids, which have their times: an entry for each would be dear.
    index('ledger_transactions_by_month')
      .on(t.orgId, t.month, t.kind, t.id)
      .where(sql`kind <> 'spend' or late_from is not null`),
    index('ledger_transactions_adjusting').on(t.orgId, t.eventId).where(sql`kind = 'adjust'`),
  ],
)

/** Movements: those of one transaction are inserted by one statement and sum up to zero (drizzle/ledger.sql). Never changed. */
export const ledgerEntries = pgTable(
  'ledger_entries',
  {
    orgId: text('org_id').notNull(),
    transactionId: text('transaction_id').notNull(),
    accountId: text('account_id').notNull(),
    /** What comes in is positive. */
    amount: bigint('amount_nano_usd', { mode: 'bigint' }).notNull(),
    /** Counts what moved a wallet or what is held of it, so that a statement can be read in the order of posting. */
    position: bigint('position', { mode: 'number' }),
    /** Of the wallet that it moved, or moved something held of: its balance after the transaction. */
    balanceAfter: bigint('balance_after_nano_usd', { mode: 'bigint' }),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.transactionId, t.accountId] }),
    index('ledger_entries_of_wallets').on(t.orgId, t.accountId, t.position).where(sql`position is not null`),
    check('ledger_entries_move', sql`${t.amount} <> 0`),
  ],
)

/** Months that were closed. */
export const ledgerMonths = pgTable(
  'ledger_months',
  {
    orgId: text('org_id').notNull(),
    /** `YYYY-MM`. */
    month: text('month').notNull(),
    startsAt: instant('starts_at').notNull(),
    endsAt: instant('ends_at').notNull(),
    closedAt: instant('closed_at').notNull(),
    closedById: text('closed_by_id').notNull(),
    closedByName: text('closed_by_name').notNull(),
    /** Frozen. */
    cost: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
    transactions: bigint('transactions', { mode: 'number' }).notNull(),
    /** What it consists of, as it was then. */
    report: jsonb('report').$type<FrozenReport>().notNull(),
    note: text('note'),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.month] })],
)

type FrozenReport = Pick<MonthReport, 'by_model' | 'by_team' | 'by_key' | 'late'>

/**
 * What the ledger holds under each month of what requests cost: kept as entries are inserted (drizzle/ledger.sql). Of what came
 * late also by whom and for what, since it is not where usage has it.
 */
export const ledgerMonthSums = pgTable(
  'ledger_month_sums',
  {
    orgId: text('org_id').notNull(),
    month: text('month').notNull(),
    /** The month that it is of; '' for what is of this one, which has '' in all that follows. */
    lateFrom: text('late_from').notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    teamId: text('team_id').notNull(),
    tokenId: text('token_id').notNull(),
    tokenName: text('token_name').notNull(),
    transactions: bigint('transactions', { mode: 'number' }).notNull(),
    /** Those of requests: the others adjust what some cost. */
    requests: bigint('requests', { mode: 'number' }).notNull(),
    cost: numeric('cost_nano_usd', { precision: 38, scale: 0, mode: 'bigint' }).notNull(),
  },
  (t) => [
    primaryKey({
      name: 'ledger_month_sums_pk',
      columns: [t.orgId, t.month, t.lateFrom, t.provider, t.model, t.teamId, t.tokenId, t.tokenName],
    }),
    index('ledger_month_sums_by_origin').on(t.orgId, t.lateFrom),
  ],
)

export const spendSettings = pgTable('spend_settings', {
  orgId: text('org_id').primaryKey(),
  walletsRequired: boolean('wallets_required').notNull(),
  unknownPrice: text('unknown_price', { enum: UNKNOWN_PRICE_RULES }).notNull(),
  unknownPriceUsd: bigint('unknown_price_nano_usd', { mode: 'bigint' }).notNull(),
  timeZone: text('time_zone').notNull(),
  updatedAt: instant('updated_at').notNull().default(sql`now()`),
})
