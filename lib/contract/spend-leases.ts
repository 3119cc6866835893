import { z } from 'zod'
import { endpoint } from './endpoint'
import { instant, slug } from './fields'
import { SpendRevision, usd, WindowStarts } from './spend-shapes'

export const LEASE_GROUPS_MAX = 100
/** Budgets that refuse and that one request may count for. */
export const BUDGETS_PER_REQUEST_MAX = 39
/** All that one request can draw on, which is taken of all or of none: budgets, and a wallet of its user, team and organization. */
export const LEASES_PER_GROUP_MAX = BUDGETS_PER_REQUEST_MAX + 3
/** Of all groups of one question. */
export const LEASES_ASKED_MAX = 2_000
/** How long a slice can be used without being asked for again, by the clock of the control plane. */
export const LEASE_SECONDS = 60
/** Gateways stop this much earlier, by their monotonic clock, counted from before they asked. */
export const LEASE_SLACK_SECONDS = 10

const count = z.string().regex(/^\d{1,18}$/, 'must be a whole number of nano-dollars')

/** No calendar goes further. */
const WINDOW_START_MS_MAX = Date.UTC(9999, 11, 31)

/** What is drawn on: one window of a budget, or a wallet. */
export const LeaseSource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('budget'),
    budget_id: z.string().max(64),
    window_start_ms: z.number().int().min(0).max(WINDOW_START_MS_MAX),
  }),
  z.strictObject({ kind: z.literal('wallet'), wallet_id: z.string().max(240) }),
])
export type LeaseSource = z.infer<typeof LeaseSource>

/** Amounts are sums since the lease began and never shrink, so that asking twice, late or in another order does no harm. */
export const LeaseAsk = z.strictObject({
  source: LeaseSource,
  /**
   * Whose counters these are, once that is known: of one source, a process may have an old lease to settle beside its own. Who
   * names none and knows of nothing given is told of a lease that it has not used yet, or gets a new one.
   */
  lease_id: z
    .string()
    .regex(/^lse_[0-9a-f]{32}$/)
    .optional(),
  /** Nano-dollars that the gateway knows it was given. */
  known: count,
  /** Given back. */
  returned: count,
  /** Settled by requests that are over, whether their events have arrived or not. */
  used: count,
  /** Wanted beyond `known`; `0` only gives back and keeps alive. */
  want: count,
  /** With less than this, nothing is wanted at all. */
  least: count,
})
export type LeaseAsk = z.infer<typeof LeaseAsk>

export const LeaseAnswer = z.object({
  lease_id: z.string(),
  /** Nano-dollars given in all. */
  granted: count,
  /** From here on nothing more may be reserved from it. */
  expires_in_ms: z.number().int(),
  /**
   * Nothing more is given: its window is over or was changed, or what was left of it was taken back because nobody came for it
   * in time. Reserve nothing more from it, give back what is free, settle what is under way, and forget it: whoever then asks
   * for the same source with all counters at `0` gets another lease, if there is one to be had. By itself it never means that
   * requests need no lease.
   */
  is_closed: z.boolean(),
  /**
   * Its source limits nothing any more: the budget was deleted or refuses no longer, or nobody has to pay from wallets. What
   * is left of the lease is still to be settled.
   */
  is_gone: z.boolean().optional(),
  /**
   * Told when what was asked for is no window of its budget that is open: those that it has, as in the runtime state.
   * Requests need a lease of one of these instead.
   */
  windows_ms: WindowStarts.optional(),
})
export type LeaseAnswer = z.infer<typeof LeaseAnswer>

/** How one source stands, for the caller who is refused. What a wallet allows is what is in it, held or not. */
export const SourceState = z.object({
  source: LeaseSource,
  limit_usd: usd,
  committed_usd: usd,
  /** By gateways, this one included. */
  held_usd: usd,
  resets_at: instant.nullable(),
})
export type SourceState = z.infer<typeof SourceState>

export const spendLeases = {
  take: endpoint({
    name: 'spendLeases.take',
    method: 'POST',
    path: '/v1/gateways/:id/spend-leases',
    access: 'gateways:report',
    input: z.strictObject({
      id: slug,
      /** One life of one process: what an earlier one held is not this one's. */
      instance: z.string().regex(/^[0-9a-zA-Z_-]{8,64}$/),
      /** Each group is given all that it wants at least, or nothing more. */
      groups: z
        .array(z.array(LeaseAsk).min(1).max(LEASES_PER_GROUP_MAX))
        .max(LEASE_GROUPS_MAX)
        .refine((groups) => groups.flat().length <= LEASES_ASKED_MAX, `must name at most ${LEASES_ASKED_MAX} sources`),
    }),
    output: z.object({
      server_time: instant,
      /** `spend.revision` of the runtime state: whoever knows another one is behind, and asks for it. */
      spend_revision: SpendRevision.optional(),
      groups: z.array(
        z.object({
          /** In the order in which they were asked for; null where a source limits nothing (any more). */
          leases: z.array(LeaseAnswer.nullable()),
          /** Nothing more was given, because some lack it: how every source of the group stands. Empty when it was given. */
          short: z.array(SourceState),
          /** Other gateways were asked to give back what they do not use: asking again in a moment may help. */
          is_recalled: z.boolean(),
        }),
      ),
    }),
    summary: 'Take slices of budgets and wallets, give back what is not used (gateways)',
    description:
      'A slice is handed out by one conditional update across all sources of a group, so that what is spent and what gateways hold never come to more than a limit. Slices become smaller as the limit nears.',
    example: {
      input: {
        id: 'proxy_production_01',
        instance: '5f0c2a7be1d94c3f',
        groups: [
          [
            {
              source: {
                kind: 'budget',
                budget_id: 'bud_019a6f0e1c2d7000a1b2c3d4e5f60718',
                window_start_ms: 1_774_008_000_000,
              },
              known: '0',
              returned: '0',
              used: '0',
              want: '5000000000',
              least: '20000000',
            },
          ],
        ],
      },
      output: {
        server_time: '2026-03-20T12:05:00.000Z',
        spend_revision: '3.7.1774007995123456.0',
        groups: [
          {
            leases: [
              {
                lease_id: 'lse_019a6f0e1c2d7000a1b2c3d4e5f60718',
                granted: '5000000000',
                expires_in_ms: 60_000,
                is_closed: false,
              },
            ],
            short: [],
            is_recalled: false,
          },
        ],
      },
    },
  }),
}
