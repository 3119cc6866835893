import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, slug, when } from './fields'
import { pageInput, pageOf } from './page'
import { Actor, timeZone, usd } from './spend-shapes'

/** What usage can be told apart by. */
export const USAGE_DIMENSIONS = [
  'team_id',
  'user_id',
  'agent_id',
  'token_id',
  'token_name',
  'provider',
  'model',
  'verdict',
  'reason_code',
] as const
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]
export const USAGE_INTERVALS = ['hour', 'day', 'week', 'month', 'all'] as const
export type UsageInterval = (typeof USAGE_INTERVALS)[number]
export const USAGE_GROUPS_MAX = 200
/** Points of one answer: intervals times groups. */
export const USAGE_POINTS_MAX = 20_000
/** Of one question. */
export const USAGE_DAYS_MAX = 3_660

const count = z.number().int()

/** Sums over requests. Money and tokens of requests without a known price are not part of `cost_usd`: see `unpriced`. */
export const UsageSums = z.object({
  requests: count,
  /** Answered with a status of 400 or more. */
  errors: count,
  cache_hits: count,
  tokens_input: count,
  tokens_output: count,
  tokens_total: count,
  cost_usd: usd,
  /** Requests that used tokens whose price is unknown: what they cost is in no sum. */
  unpriced: count,
})
export type UsageSums = z.infer<typeof UsageSums>

/** By dimension; '' where a request has none. */
const group = z.record(z.string(), z.string())

const question = {
  since: when.describe('Included. A date alone is the first moment of that day in `time_zone`.'),
  until: when.optional().describe('Not included; now, unless stated. Likewise.'),
  filter: z
    .string()
    .max(2_000)
    .optional()
    .describe('As for events, but on the fields alone that usage can be told apart by: docs/api-conventions.md.'),
  group_by: z
    .string()
    .max(100)
    .optional()
    .describe(`Up to two of ${USAGE_DIMENSIONS.join(', ')}, with a comma between them.`),
  interval: z.enum(USAGE_INTERVALS).default('day').describe('`all` is one point for the whole time.'),
  time_zone: timeZone.default('UTC').describe('In which days, weeks (from Monday) and months begin.'),
}

const SUMS: UsageSums = {
  requests: 1_200,
  errors: 12,
  cache_hits: 90,
  tokens_input: 410_000,
  tokens_output: 96_000,
  tokens_total: 506_000,
  cost_usd: '31.250000000',
  unpriced: 0,
}

export const MonthState = z.object({
  /** `YYYY-MM`, in the time zone of the organisation's reports. */
  month: z.string(),
  starts_at: instant,
  ends_at: instant,
  /** `closed` by somebody, or shut with a later month that was: then nobody has closed it, and the ledger holds nothing under it. */
  state: z.enum(['open', 'closed']),
  /** By the clock of the control plane. */
  is_over: z.boolean(),
  /** Whether it is the one that can be closed next, once it is over: the ledger holds something up to it, and none before it is open. */
  is_next_to_close: z.boolean(),
  closed_at: instant.nullable(),
  closed_by: Actor.nullable(),
  /** What the ledger holds under this month: frozen once it is closed. */
  cost_usd: usd,
  transactions: count,
  /** Of earlier months, which were closed when it came: part of `cost_usd`. */
  late_usd: usd,
  late_transactions: count,
  /** Of this month, posted to a later one because it came after the closing. */
  posted_later_usd: usd,
})
export type MonthState = z.infer<typeof MonthState>

const MONTH_GROUPS_MAX = 500

const monthPart = {
  cost_usd: usd,
  requests: count,
  /** Of these, whose price nobody knows: what they cost is not in `cost_usd`. */
  unpriced: count,
}

/**
 * What a month consists of: each list comes to `cost_usd`. The dearest come first; of more than 500 the others are one row,
 * whose model, team or key is `*`. While a month is open, `requests` are all that began in it and those that came late; once it
 * is closed, it all stays as it was then.
 */
export const MonthReport = MonthState.extend({
  by_model: z.array(z.object({ provider: z.string(), model: z.string(), ...monthPart })).max(MONTH_GROUPS_MAX),
  by_team: z
    .array(
      z.object({
        team_id: z.string(),
        /** As it is called now. */
        name: z.string().nullable(),
        ...monthPart,
      }),
    )
    .max(MONTH_GROUPS_MAX),
  by_key: z.array(z.object({ token_id: z.string(), token_name: z.string(), ...monthPart })).max(MONTH_GROUPS_MAX),
  /** What came late, by the month that it belongs to. */
  late: z.array(z.object({ month: z.string(), cost_usd: usd, transactions: count })).max(100),
})
export type MonthReport = z.infer<typeof MonthReport>

const MONTH: MonthState = {
  month: '2026-02',
  starts_at: '2026-02-01T00:00:00.000Z',
  ends_at: '2026-03-01T00:00:00.000Z',
  state: 'closed',
  is_over: true,
  is_next_to_close: false,
  closed_at: '2026-03-02T09:00:00.000Z',
  closed_by: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Ada' },
  cost_usd: '1310.250000000',
  transactions: 48_210,
  late_usd: '0.000000000',
  late_transactions: 0,
  posted_later_usd: '0.410000000',
}

/** Some hundred thousand rows of OpenAI's, twenty thousand of Azure's. */
export const INVOICE_CHARACTERS_MAX = 24_000_000
export const INVOICE_DIFFERENCES_MAX = 500
export const INVOICE_FORMATS = ['auto', 'openai', 'anthropic', 'azure', 'generic'] as const

const month = z.string().regex(/^(?:19[7-9]\d|2\d{3})-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-03')

/** What the provider says beside what was recorded, for one model and key. */
export const InvoiceDifference = z.object({
  /** As it was recorded, where there is one; `*` for all beyond the first 499. */
  model: z.string(),
  /** As the invoice names it: a key, a project, a workspace; '' for those of both that cannot be told apart by it. */
  key: z.string(),
  invoice_usd: usd,
  ours_usd: usd,
  /** The invoice less ours. */
  difference_usd: usd,
  requests: count,
})

export const Invoice = z.object({
  id: idOf('inv'),
  month: z.string(),
  provider: z.string(),
  format: z.enum(INVOICE_FORMATS),
  rows: count,
  invoice_usd: usd,
  ours_usd: usd,
  difference_usd: usd,
  note: z.string().nullable(),
  created_at: instant,
  created_by: Actor,
})
export type Invoice = z.infer<typeof Invoice>

const INVOICE: Invoice = {
  id: 'inv_019a6f0e1c2d7000a1b2c3d4e5f60718',
  month: '2026-02',
  provider: 'openai',
  format: 'openai',
  rows: 112,
  invoice_usd: '1311.020000000',
  ours_usd: '1310.250000000',
  difference_usd: '0.770000000',
  note: null,
  created_at: '2026-03-02T09:00:00.000Z',
  created_by: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Ada' },
}
const DIFFERENCE = {
  model: 'gpt-5.4-mini',
  key: 'app-production',
  invoice_usd: '31.270000000',
  ours_usd: '31.250000000',
  difference_usd: '0.020000000',
  requests: 1_200,
}

export const usage = {
  read: endpoint({
    name: 'usage.read',
    method: 'GET',
    path: '/v1/usage',
    access: 'spend:read',
    input: z.strictObject({
      ...question,
      compare: z
        .enum(['none', 'previous'])
        .default('none')
        .describe('With the time of the same length right before, in calendar days of the time zone.'),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(USAGE_GROUPS_MAX)
        .default(50)
        .describe('Groups, the dearest first; the rest is summed up as `rest`.'),
    }),
    output: z.object({
      since: instant,
      until: instant,
      total: UsageSums,
      /** Where the time before begins; it ends at `since`. */
      previous_since: instant.nullable(),
      previous: UsageSums.nullable(),
      /** The dearest first; none when nothing is grouped by. */
      groups: z.array(
        z.object({
          by: group,
          /** As they are called now, by dimension: of keys and teams that are still there. */
          names: group,
          sums: UsageSums,
          previous: UsageSums.nullable(),
        }),
      ),
      /** Of groups beyond `limit`; null when there are none. */
      rest: z.object({ groups: count, sums: UsageSums }).nullable(),
      /** In order of time, then of `groups`, only where there is anything. The first begins at `since`. */
      points: z.array(z.object({ at: instant, by: group, sums: UsageSums })),
    }),
    summary: 'Read what was used and what it cost, by time and by whom',
    description:
      'From the sums that are kept in the transaction that records events; where a bound lies within an hour, from the events themselves. Equal to a sum over the events and to the ledger.',
    example: {
      input: { since: '2026-03-01', until: '2026-04-01', group_by: 'team_id', interval: 'all' },
      output: {
        since: '2026-03-01T00:00:00.000Z',
        until: '2026-04-01T00:00:00.000Z',
        total: SUMS,
        previous_since: null,
        previous: null,
        groups: [{ by: { team_id: 'team_finance' }, names: { team_id: 'Finance' }, sums: SUMS, previous: null }],
        rest: null,
        points: [{ at: '2026-03-01T00:00:00.000Z', by: { team_id: 'team_finance' }, sums: SUMS }],
      },
    },
  }),
  csv: endpoint({
    name: 'usage.csv',
    method: 'GET',
    path: '/v1/usage/csv',
    access: 'spend:read',
    answers: 'file',
    input: z.strictObject(question),
    output: z.string().meta({ format: 'binary' }),
    summary: 'The points of the same question as CSV (RFC 4180)',
    description:
      'Of all groups, not of the dearest alone. `begins` is `at` on the clocks of the time zone. The names of keys and teams are those of now, beside the ids.',
    example: {
      input: { since: '2026-03-01', group_by: 'team_id' },
      output:
        'at,begins,team_id,team_name,requests,errors,cache_hits,tokens_input,tokens_output,tokens_total,cost_usd,unpriced\r\n',
    },
  }),
  months: endpoint({
    name: 'usage.months',
    method: 'GET',
    path: '/v1/usage/months',
    access: 'spend:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(MonthState),
    summary: 'List months with what the ledger holds under each, newest first',
    example: { input: {}, output: { items: [MONTH], next_cursor: null } },
  }),
  month: endpoint({
    name: 'usage.month',
    method: 'GET',
    path: '/v1/usage/months/:month',
    access: 'spend:read',
    input: z.strictObject({ month }),
    output: MonthReport,
    summary: 'Read the report of one month',
    example: {
      input: { month: MONTH.month },
      output: { ...MONTH, by_model: [], by_team: [], by_key: [], late: [] },
    },
  }),
  closeMonth: endpoint({
    name: 'usage.closeMonth',
    method: 'POST',
    path: '/v1/usage/months/:month/close',
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({ month, note: displayName.optional() }),
    output: MonthState,
    summary: 'Close a month that is over: its figures stay; what comes late is posted to the next',
    description:
      'Months are closed in order, and never opened again. The figures are in the activity, and so in the trail.',
    example: { input: { month: MONTH.month }, output: MONTH },
  }),
  importInvoice: endpoint({
    name: 'usage.importInvoice',
    method: 'POST',
    path: '/v1/usage/invoices',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    bodyBytesMax: 32 * 1_048_576,
    input: z.strictObject({
      month,
      provider: slug.describe('As targets name it, such as `openai`.'),
      format: z.enum(INVOICE_FORMATS).default('auto'),
      content: z.string().min(1).max(INVOICE_CHARACTERS_MAX).describe('CSV as the provider exports it.'),
      note: displayName.optional(),
      dry_run: z.boolean().default(false),
    }),
    output: Invoice.extend({
      /** null: nothing was kept. */
      id: idOf('inv').nullable(),
      /** Rows that were left out: of other months, of no amount, of other services. */
      skipped: count,
      differences: z.array(InvoiceDifference).max(INVOICE_DIFFERENCES_MAX),
      /** What cannot be read, of a dry run. Otherwise an invoice is kept as a whole or not at all. */
      problems: z.array(z.object({ line: z.number().int(), message: z.string() })).max(100),
    }),
    summary: "Compare a provider's invoice with what was recorded, by model and key, and keep it",
    description:
      'Providers bill days of UTC: it is compared with what requests to this provider cost that began in the month by UTC. docs/usage.md says which columns are read.',
    example: {
      input: { month: '2026-02', provider: 'openai', content: 'start_time,model,amount_value\n' },
      output: { ...INVOICE, skipped: 0, differences: [DIFFERENCE], problems: [] },
    },
  }),
  invoices: endpoint({
    name: 'usage.invoices',
    method: 'GET',
    path: '/v1/usage/invoices',
    access: 'spend:read',
    input: z.strictObject({ month: month.optional(), ...pageInput }),
    output: pageOf(Invoice),
    summary: 'List invoices that were compared, newest first',
    example: { input: {}, output: { items: [INVOICE], next_cursor: null } },
  }),
  invoice: endpoint({
    name: 'usage.invoice',
    method: 'GET',
    path: '/v1/usage/invoices/:id',
    access: 'spend:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: Invoice.extend({ differences: z.array(InvoiceDifference).max(INVOICE_DIFFERENCES_MAX) }),
    summary: 'Read one invoice with its differences',
    example: { input: { id: INVOICE.id }, output: { ...INVOICE, differences: [DIFFERENCE] } },
  }),
}
