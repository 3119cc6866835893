import { z } from 'zod'
import { Held } from './budgets'
import { endpoint } from './endpoint'
import { displayName, instant, slug, when } from './fields'
import { pageInput, pageOf } from './page'
import {
  Actor,
  dollars,
  saidInHeader,
  someDollars,
  timeZone,
  UNKNOWN_PRICE_RULES,
  usd,
  WALLET_SCOPES,
} from './spend-shapes'

export const WALLET_STATUSES = ['healthy', 'low', 'depleted'] as const
/** A wallet with less than this part of what it was given is low. */
export const WALLET_LOW_PERCENT = 10

/**
 * What moved money. `reserve`, `release` and `expire` are slices that gateways take, give back and lose; `spend` is what a
 * request cost; `adjust` corrects a cost.
 */
export const TRANSACTION_KINDS = [
  'credit',
  'debit',
  'allocate',
  'reclaim',
  'reserve',
  'release',
  'expire',
  'spend',
  'adjust',
] as const
export type TransactionKind = (typeof TRANSACTION_KINDS)[number]

export const Wallet = z.object({
  /** `organization`, `team:<team id>` or `user:<user id>`. */
  id: z.string(),
  scope: z.enum(WALLET_SCOPES),
  /** null for the organisation's. */
  scope_id: z.string().nullable(),
  name: z.string(),
  /** Neither held nor spent: what may be allocated, reclaimed and reserved. */
  balance_usd: usd,
  /** Leased to gateways and not yet settled. */
  held_usd: usd,
  /** Credited and allocated to it, less what was reclaimed from it and allocated onwards. */
  received_usd: usd,
  spent_usd: usd,
  status: z.enum(WALLET_STATUSES),
  created_at: instant,
})
export type Wallet = z.infer<typeof Wallet>

/** One movement on one wallet. */
export const WalletTransaction = z.object({
  id: z.string(),
  kind: z.enum(TRANSACTION_KINDS),
  posted_at: instant,
  /** Of this wallet's balance: what came in is positive. */
  amount_usd: usd,
  /** Of what gateways hold of this wallet: what they took is positive, what requests cost or was given back negative. */
  held_change_usd: usd,
  /** After it, in the order in which they were posted. Held money is not part of it. */
  balance_usd: usd,
  /** The other side: a wallet's id, or `funding`, `spend`, `held`. */
  counterpart: z.string(),
  /** The request that it paid for. */
  event_id: z.string().nullable(),
  lease_id: z.string().nullable(),
  reference: z.string(),
  note: z.string().nullable(),
  actor: Actor.nullable(),
})
export type WalletTransaction = z.infer<typeof WalletTransaction>

/** What an operation did: both sides, before and after. */
const Movement = z.object({
  /** Null when it was only asked what it would do. */
  transaction_id: z.string().nullable(),
  kind: z.enum(TRANSACTION_KINDS),
  amount_usd: usd,
  from: z.object({ wallet_id: z.string(), balance_before_usd: usd, balance_after_usd: usd }).nullable(),
  to: z.object({ wallet_id: z.string(), balance_before_usd: usd, balance_after_usd: usd }).nullable(),
  posted_at: instant,
})
export type Movement = z.infer<typeof Movement>

/** Whose: `team_id` or `user_id`; with neither, the organisation's. */
const holder = { team_id: slug.optional(), user_id: saidInHeader.optional() }

const noteText = displayName.optional()

const WALLET: Wallet = {
  id: 'team:team_finance',
  scope: 'team',
  scope_id: 'team_finance',
  name: 'Finance',
  balance_usd: '480.000000000',
  held_usd: '5.000000000',
  received_usd: '500.000000000',
  spent_usd: '15.000000000',
  status: 'healthy',
  created_at: '2026-03-01T09:00:00.000Z',
}
const MOVED: Movement = {
  transaction_id: 'ltx_019a6f0e1c2d7000a1b2c3d4e5f60718',
  kind: 'allocate',
  amount_usd: '500.000000000',
  from: {
    wallet_id: 'organization',
    balance_before_usd: '2000.000000000',
    balance_after_usd: '1500.000000000',
  },
  to: { wallet_id: WALLET.id, balance_before_usd: '0.000000000', balance_after_usd: '500.000000000' },
  posted_at: '2026-03-01T09:00:00.000Z',
}

export const SpendSettings = z.object({
  wallets_required: z
    .boolean()
    .describe('Whether every request has to be paid from a wallet: of its user, its team or the organisation.'),
  unknown_price: z.enum(UNKNOWN_PRICE_RULES).describe('What becomes of a request whose price nobody knows.'),
  unknown_price_usd: usd.describe('What it is taken to cost under `hold_default`.'),
  /** Of months in reports and closings. */
  time_zone: z.string(),
  updated_at: instant,
})
export type SpendSettings = z.infer<typeof SpendSettings>

export const SPEND_DEFAULTS = {
  wallets_required: false,
  unknown_price: 'flag',
  unknown_price_usd: '0.050000000',
  time_zone: 'UTC',
} as const

const SETTINGS: SpendSettings = { ...SPEND_DEFAULTS, updated_at: '2026-03-01T09:00:00.000Z' }

const dryRun = z.boolean().default(false).describe('Say what it would do, and do nothing.')

export const wallets = {
  list: endpoint({
    name: 'wallets.list',
    method: 'GET',
    path: '/v1/wallets',
    access: 'spend:read',
    input: z.strictObject({ scope: z.enum(WALLET_SCOPES).optional(), ...pageInput }),
    output: pageOf(Wallet),
    summary: 'List wallets: the organisation first, then teams, then users',
    example: { input: {}, output: { items: [WALLET], next_cursor: null } },
  }),
  balance: endpoint({
    name: 'wallets.balance',
    method: 'GET',
    path: '/v1/wallets/balance',
    access: 'spend:read',
    input: z.strictObject(holder),
    output: z.object({
      /** In the order in which they pay. */
      cascade: z.array(Wallet),
      /** What the cascade could pay now. */
      available_usd: usd,
    }),
    summary: 'Read what a user or a team can spend, and from which wallets',
    example: {
      input: { team_id: 'team_finance' },
      output: { cascade: [WALLET], available_usd: WALLET.balance_usd },
    },
  }),
  check: endpoint({
    name: 'wallets.check',
    method: 'GET',
    path: '/v1/wallets/check',
    access: 'spend:read',
    input: z.strictObject({}),
    output: z.object({
      /** False when any of the differences is not zero. */
      balanced: z.boolean(),
      checked_at: instant,
      /** Sum of all entries: zero. */
      sum_usd: usd,
      /** Accounts whose balance is not the sum of their entries. */
      differences: z.array(z.object({ account: z.string(), balance_usd: usd, entries_usd: usd })).max(100),
    }),
    summary: 'Add up the ledger again and compare it with every balance',
    example: {
      input: {},
      output: { balanced: true, checked_at: '2026-03-20T12:05:00.000Z', sum_usd: '0.000000000', differences: [] },
    },
  }),
  get: endpoint({
    name: 'wallets.get',
    method: 'GET',
    path: '/v1/wallets/:id',
    access: 'spend:read',
    input: z.strictObject({ id: z.string().max(240) }),
    output: Wallet.extend({ held: z.array(Held) }),
    summary: 'Read one wallet, with what each gateway holds of it',
    example: { input: { id: WALLET.id }, output: { ...WALLET, held: [] } },
  }),
  transactions: endpoint({
    name: 'wallets.transactions',
    method: 'GET',
    path: '/v1/wallets/:id/transactions',
    access: 'spend:read',
    input: z.strictObject({
      id: z.string().max(240),
      since: when.optional(),
      until: when.optional(),
      kind: z.enum(TRANSACTION_KINDS).optional(),
      ...pageInput,
    }),
    output: pageOf(WalletTransaction),
    summary: 'List what moved on a wallet, newest first, with its balance after each',
    example: {
      input: { id: WALLET.id },
      output: {
        items: [
          {
            id: MOVED.transaction_id,
            kind: 'allocate',
            posted_at: MOVED.posted_at,
            amount_usd: MOVED.amount_usd,
            held_change_usd: '0.000000000',
            balance_usd: MOVED.amount_usd,
            counterpart: 'organization',
            event_id: null,
            lease_id: null,
            reference: MOVED.transaction_id,
            note: 'First quarter',
            actor: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Ada' },
          },
        ],
        next_cursor: null,
      },
    },
  }),
  credit: endpoint({
    name: 'wallets.credit',
    method: 'POST',
    path: '/v1/wallets/credit',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({ amount_usd: someDollars, note: noteText }),
    output: Movement,
    summary: "Put money into the organisation's wallet",
    example: {
      input: { amount_usd: '2000', note: 'Invoice 2026-031' },
      output: {
        ...MOVED,
        kind: 'credit',
        amount_usd: '2000.000000000',
        from: null,
        to: { wallet_id: 'organization', balance_before_usd: '0.000000000', balance_after_usd: '2000.000000000' },
      },
    },
  }),
  debit: endpoint({
    name: 'wallets.debit',
    method: 'POST',
    path: '/v1/wallets/debit',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({ amount_usd: someDollars, note: noteText, dry_run: dryRun }),
    output: Movement,
    summary: "Take money out of the organisation's wallet, as far as it is neither allocated, spent nor held",
    example: {
      input: { amount_usd: '500', note: 'Invoice 2026-031 was entered twice' },
      output: {
        ...MOVED,
        kind: 'debit',
        from: { wallet_id: 'organization', balance_before_usd: '2000.000000000', balance_after_usd: '1500.000000000' },
        to: null,
      },
    },
  }),
  allocate: endpoint({
    name: 'wallets.allocate',
    method: 'POST',
    path: '/v1/wallets/allocate',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      ...holder,
      amount_usd: someDollars,
      from: z
        .string()
        .max(240)
        .optional()
        .describe('The wallet that gives: of the organisation, unless stated; that of a team may give to its users.'),
      note: noteText,
      dry_run: dryRun,
    }),
    output: Movement,
    summary: 'Move money down: to the wallet of a team or a user, which is made with its first',
    example: { input: { team_id: 'team_finance', amount_usd: '500', note: 'First quarter' }, output: MOVED },
  }),
  reclaim: endpoint({
    name: 'wallets.reclaim',
    method: 'POST',
    path: '/v1/wallets/reclaim',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      ...holder,
      amount_usd: someDollars,
      to: z.string().max(240).optional().describe('The wallet that gets it: of the organisation, unless stated.'),
      note: noteText,
      dry_run: dryRun,
    }),
    output: Movement,
    summary: 'Move money back up, as far as it is neither spent nor held',
    example: {
      input: { team_id: 'team_finance', amount_usd: '100' },
      output: {
        ...MOVED,
        kind: 'reclaim',
        amount_usd: '100.000000000',
        from: { wallet_id: WALLET.id, balance_before_usd: '480.000000000', balance_after_usd: '380.000000000' },
        to: {
          wallet_id: 'organization',
          balance_before_usd: '1500.000000000',
          balance_after_usd: '1600.000000000',
        },
      },
    },
  }),
  settings: endpoint({
    name: 'wallets.settings',
    method: 'GET',
    path: '/v1/settings/spend',
    access: 'spend:read',
    input: z.strictObject({}),
    output: SpendSettings,
    summary: 'Read how spend is governed',
    example: { input: {}, output: SETTINGS },
  }),
  updateSettings: endpoint({
    name: 'wallets.updateSettings',
    method: 'PATCH',
    path: '/v1/settings/spend',
    access: 'org:billing',
    input: z.strictObject({
      wallets_required: z.boolean().optional(),
      unknown_price: z.enum(UNKNOWN_PRICE_RULES).optional(),
      unknown_price_usd: dollars.optional(),
      time_zone: timeZone.optional(),
    }),
    output: SpendSettings,
    summary: 'Change how spend is governed; gateways hear of it at once',
    example: { input: { unknown_price: 'deny' }, output: { ...SETTINGS, unknown_price: 'deny' } },
  }),
}
