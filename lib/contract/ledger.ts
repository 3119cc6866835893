import { z } from 'zod'
import { endpoint, file } from './endpoint'
import { instant } from './fields'
import { pageInput, pageOf } from './page'
import { Actor, usd } from './spend-shapes'
import { TRANSACTION_KINDS } from './wallets'

/**
 * Where money is: `wallet:<id of a wallet>`, `held:<id of a wallet>` for what gateways hold of it, `funding` where credits
 * come from, `unfunded` for costs that no wallet paid, `spend` where costs go.
 */
const account = z.string()

export const LedgerAccount = z.object({
  id: account,
  /** Of `funding` and `unfunded` less than nothing: all accounts together come to zero. */
  balance_usd: usd,
})
export type LedgerAccount = z.infer<typeof LedgerAccount>

export const LedgerTransaction = z.object({
  id: z.string(),
  kind: z.enum(TRANSACTION_KINDS),
  /** When what it is for happened. */
  occurred_at: instant,
  posted_at: instant,
  /** Under which it is reported, by the clock of the organisation. */
  month: z.string(),
  /** The month that it is of, when that had been closed. */
  late_from: z.string().nullable(),
  event_id: z.string().nullable(),
  lease_id: z.string().nullable(),
  reference: z.string(),
  note: z.string().nullable(),
  actor: Actor.nullable(),
  /** They come to zero; what comes in is positive. */
  entries: z.array(z.object({ account, amount_usd: usd })),
})
export type LedgerTransaction = z.infer<typeof LedgerTransaction>

/** The columns of the file of entries, in their order. */
export const LEDGER_COLUMNS = [
  'transaction_id',
  'kind',
  'occurred_at',
  'posted_at',
  'month',
  'late_from',
  'event_id',
  'lease_id',
  'reference',
  'note',
  'actor_id',
  'actor_name',
  'account',
  'amount_usd',
] as const

const EXAMPLE: LedgerTransaction = {
  id: 'ltx_019a6f0e1c2d7000a1b2c3d4e5f60718',
  kind: 'spend',
  occurred_at: '2026-03-20T12:05:00.000000Z',
  posted_at: '2026-03-20T12:05:01.000000Z',
  month: '2026-03',
  late_from: null,
  event_id: 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718',
  lease_id: null,
  reference: 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718',
  note: null,
  actor: null,
  entries: [
    { account: 'held:team:team_finance', amount_usd: '-0.012345678' },
    { account: 'spend', amount_usd: '0.012345678' },
  ],
}

export const ledger = {
  accounts: endpoint({
    name: 'ledger.accounts',
    method: 'GET',
    path: '/v1/ledger/accounts',
    access: 'spend:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(LedgerAccount),
    summary: 'List the accounts of the ledger with their balances',
    example: { input: {}, output: { items: [{ id: 'spend', balance_usd: '0.012345678' }], next_cursor: null } },
  }),
  entries: endpoint({
    name: 'ledger.entries',
    method: 'GET',
    path: '/v1/ledger/entries.csv',
    access: 'spend:read',
    answers: 'file',
    input: z.strictObject({
      month: z
        .string()
        .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-03')
        .optional()
        .describe('Under which they are reported; all of the ledger unless stated.'),
    }),
    output: file,
    summary: 'All entries as CSV (RFC 4180), one line each, those of a transaction together',
    description:
      'What was posted before it was asked for. Transactions are never torn apart: the amounts of the file come to zero.',
    example: { input: { month: '2026-03' }, output: `${LEDGER_COLUMNS.join(',')}\r\n` },
  }),
  transaction: endpoint({
    name: 'ledger.transaction',
    method: 'GET',
    path: '/v1/ledger/transactions/:id',
    access: 'spend:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: LedgerTransaction,
    summary: 'Read one transaction with its entries',
    example: { input: { id: EXAMPLE.id }, output: EXAMPLE },
  }),
  ofEvent: endpoint({
    name: 'ledger.ofEvent',
    method: 'GET',
    path: '/v1/ledger/events/:id',
    access: 'spend:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: z.object({
      /** What the event's cost comes to by now. */ cost_usd: usd,
      items: z.array(LedgerTransaction),
    }),
    summary: 'Read what an event cost, and how that was corrected since',
    example: {
      input: { id: 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718' },
      output: { cost_usd: '0.012345678', items: [EXAMPLE] },
    },
  }),
}
