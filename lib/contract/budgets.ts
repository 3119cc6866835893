import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, when } from './fields'
import { pageInput, pageOf } from './page'
import {
  Actor,
  BUDGET_WINDOWS,
  dollars,
  ON_UNAVAILABLE,
  ROLLOVERS,
  SpendScope,
  someDollars,
  timeZone,
  usd,
  WindowTimes,
} from './spend-shapes'

export const BUDGETS_MAX = 2_000
export const THRESHOLDS_MAX = 10
/** A raise ends by itself. */
export const RAISE_DAYS_MAX = 366

/** Per cent of the limit, in order, each once; more than 100 is possible where nothing is refused. */
const thresholds = z
  .array(z.number().int().min(1).max(1_000))
  .max(THRESHOLDS_MAX)
  .refine((all) => all.every((each, at) => at === 0 || each > (all[at - 1] ?? 0)), 'must rise')

const definition = {
  name: displayName,
  scope: SpendScope.refine(({ model }) => !model?.includes('*'), {
    path: ['model'],
    message: 'is one name, as callers ask for it: a * stands for no others here, unlike in prices',
  }).describe('Which requests count; `{}` is all of the organisation.'),
  limit_usd: dollars.describe('Of each window.'),
  hard: z.boolean().describe('Whether requests beyond the limit are refused; otherwise it is watched only.'),
  window: z.enum(BUDGET_WINDOWS),
  time_zone: timeZone.describe('In which windows begin at midnight.'),
  anchor: z.iso
    .date()
    .nullable()
    .describe(
      'A day on which a window begins; the others follow from it. Null: Mondays, the first of a month, of a quarter, of a year. A day that a month lacks is its last.',
    ),
  rollover: z.enum(ROLLOVERS),
  rollover_cap_usd: dollars.nullable(),
  thresholds: thresholds.describe('Per cent of the limit; each is told once a window.'),
  on_unavailable: z
    .enum(ON_UNAVAILABLE)
    .describe(
      'What a gateway does that has no lease left and cannot reach the control plane: refuse, or go on and tell of it later.',
    ),
}

/** What gateways hold of a budget or a wallet. */
export const Held = z.object({
  lease_id: z.string(),
  gateway_id: z.string(),
  amount_usd: usd,
  /** No new request draws on it after this. */
  expires_at: instant,
  /** What has not been settled by then comes back. */
  held_until: instant,
  state: z.enum(['open', 'expired']),
})
export type Held = z.infer<typeof Held>

export const Raise = z.object({
  id: idOf('rse'),
  amount_usd: usd,
  reason: z.string(),
  approved_by: z.string().nullable(),
  created_at: instant,
  created_by: Actor,
  expires_at: instant,
  ended_at: instant.nullable(),
})
export type Raise = z.infer<typeof Raise>

export const Budget = z.object({
  id: idOf('bud'),
  name: z.string(),
  scope: SpendScope,
  limit_usd: usd,
  hard: z.boolean(),
  window: z.enum(BUDGET_WINDOWS),
  time_zone: z.string(),
  anchor: z.string().nullable(),
  rollover: z.enum(ROLLOVERS),
  rollover_cap_usd: usd.nullable(),
  thresholds: z.array(z.number().int()),
  on_unavailable: z.enum(ON_UNAVAILABLE),
  /** Counts changes; `update` refuses when another one came first. */
  version: z.number().int(),
  created_at: instant,
  created_by: Actor,
  updated_at: instant,
  /** The window that is open. */
  current: WindowTimes.extend({
    /** With what was carried over and what was raised. */
    limit_usd: usd,
    carried_usd: usd,
    raised_usd: usd,
    committed_usd: usd,
    /** Leased to gateways and not yet settled. */
    held_usd: usd,
    /** What may still be reserved; never negative. */
    remaining_usd: usd,
    /** How far what is committed and held goes beyond the limit, and why it could: docs/budgets.md. */
    excess_usd: usd,
    /** What will be committed at the end of the window at the pace of it so far; null when there is no end or no pace. */
    projected_usd: usd.nullable(),
    /** When the limit is reached at that pace; null when it is not reached within the window. */
    projected_exhaustion_at: instant.nullable(),
    /** Per cent that were told of in this window. */
    thresholds_reached: z.array(z.object({ percent: z.number().int(), at: instant })),
  }),
  next_resets: z.array(instant).max(3),
})
export type Budget = z.infer<typeof Budget>

export const BudgetWindowState = WindowTimes.extend({
  limit_usd: usd,
  carried_usd: usd,
  raised_usd: usd,
  committed_usd: usd,
  held_usd: usd,
  excess_usd: usd,
})

const EXAMPLE: Budget = {
  id: 'bud_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'Finance, monthly',
  scope: { team_id: 'team_finance' },
  limit_usd: '2500.000000000',
  hard: true,
  window: 'month',
  time_zone: 'Europe/Vienna',
  anchor: null,
  rollover: 'none',
  rollover_cap_usd: null,
  thresholds: [50, 80, 100],
  on_unavailable: 'deny',
  version: 1,
  created_at: '2026-03-01T09:00:00.000Z',
  created_by: { id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Ada' },
  updated_at: '2026-03-01T09:00:00.000Z',
  current: {
    starts_at: '2026-02-28T23:00:00.000Z',
    resets_at: '2026-03-31T22:00:00.000Z',
    limit_usd: '2500.000000000',
    carried_usd: '0.000000000',
    raised_usd: '0.000000000',
    committed_usd: '1310.250000000',
    held_usd: '12.000000000',
    remaining_usd: '1177.750000000',
    excess_usd: '0.000000000',
    projected_usd: '2071.400000000',
    projected_exhaustion_at: null,
    thresholds_reached: [{ percent: 50, at: '2026-03-18T15:20:00.000Z' }],
  },
  next_resets: ['2026-03-31T22:00:00.000Z', '2026-04-30T22:00:00.000Z', '2026-05-31T22:00:00.000Z'],
}
const RAISE: Raise = {
  id: 'rse_019a6f0e1c2d7000a1b2c3d4e5f60718',
  amount_usd: '500.000000000',
  reason: 'Quarter end',
  approved_by: 'Grace',
  created_at: '2026-03-20T12:00:00.000Z',
  created_by: EXAMPLE.created_by,
  expires_at: '2026-03-27T12:00:00.000Z',
  ended_at: null,
}
const id = z.string().max(64)

export const budgets = {
  list: endpoint({
    name: 'budgets.list',
    method: 'GET',
    path: '/v1/billing/budgets',
    access: 'spend:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Budget),
    summary: 'List budgets with what is committed, held and left of the window that is open',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  get: endpoint({
    name: 'budgets.get',
    method: 'GET',
    path: '/v1/billing/budgets/:id',
    access: 'spend:read',
    input: z.strictObject({ id }),
    output: Budget.extend({ held: z.array(Held), raises: z.array(Raise) }),
    summary: 'Read one budget, with what each gateway holds and every raise of the window that is open',
    example: {
      input: { id: EXAMPLE.id },
      output: {
        ...EXAMPLE,
        held: [
          {
            lease_id: 'lse_019a6f0e1c2d7000a1b2c3d4e5f60718',
            gateway_id: 'proxy_production_01',
            amount_usd: '12.000000000',
            expires_at: '2026-03-20T12:06:00.000Z',
            held_until: '2026-03-21T12:06:00.000Z',
            state: 'open',
          },
        ],
        raises: [],
      },
    },
  }),
  windows: endpoint({
    name: 'budgets.windows',
    method: 'GET',
    path: '/v1/billing/budgets/:id/windows',
    access: 'spend:read',
    input: z.strictObject({ id, ...pageInput }),
    output: pageOf(BudgetWindowState),
    summary: 'List the windows of a budget with what became of each, newest first',
    example: {
      input: { id: EXAMPLE.id },
      output: {
        items: [
          {
            starts_at: EXAMPLE.current.starts_at,
            resets_at: EXAMPLE.current.resets_at,
            limit_usd: EXAMPLE.current.limit_usd,
            carried_usd: EXAMPLE.current.carried_usd,
            raised_usd: EXAMPLE.current.raised_usd,
            committed_usd: EXAMPLE.current.committed_usd,
            held_usd: EXAMPLE.current.held_usd,
            excess_usd: EXAMPLE.current.excess_usd,
          },
        ],
        next_cursor: null,
      },
    },
  }),
  create: endpoint({
    name: 'budgets.create',
    method: 'POST',
    path: '/v1/billing/budgets',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      ...definition,
      scope: definition.scope.default({}),
      hard: definition.hard.default(true),
      window: definition.window.default('month'),
      time_zone: definition.time_zone.default('UTC'),
      anchor: definition.anchor.default(null),
      rollover: definition.rollover.default('none'),
      rollover_cap_usd: definition.rollover_cap_usd.default(null),
      thresholds: definition.thresholds.default([80, 100]),
      on_unavailable: definition.on_unavailable.default('deny'),
    }),
    output: Budget,
    summary: 'Make a budget; what its window has cost so far counts',
    example: {
      input: {
        name: EXAMPLE.name,
        scope: EXAMPLE.scope,
        limit_usd: '2500',
        time_zone: 'Europe/Vienna',
        thresholds: [50, 80, 100],
      },
      output: EXAMPLE,
    },
  }),
  update: endpoint({
    name: 'budgets.update',
    method: 'PATCH',
    path: '/v1/billing/budgets/:id',
    access: 'org:billing',
    input: z.strictObject({
      id,
      version: z.number().int().min(1).describe('The one that was looked at: refused when it is not the newest.'),
      ...z.object(definition).partial().shape,
    }),
    output: Budget,
    summary: 'Change a budget',
    description:
      'A limit below what is committed refuses whatever comes next; nothing that was let through is taken back. Another scope, window, time zone or anchor begins a new window at once, with what the record says that it has cost.',
    example: {
      input: { id: EXAMPLE.id, version: 1, limit_usd: '3000' },
      output: { ...EXAMPLE, version: 2, limit_usd: '3000.000000000' },
    },
  }),
  raise: endpoint({
    name: 'budgets.raise',
    method: 'POST',
    path: '/v1/billing/budgets/:id/raises',
    status: 201,
    access: 'org:billing',
    idempotent: true,
    input: z.strictObject({
      id,
      amount_usd: someDollars,
      reason: displayName,
      approved_by: displayName.optional().describe('Who agreed, when it is not who asks.'),
      expires_at: when.describe(`Until then, at most ${RAISE_DAYS_MAX} days; it ends with the window, too.`),
    }),
    output: Raise,
    summary: 'Raise the limit of the window that is open, for a while',
    example: {
      input: {
        id: EXAMPLE.id,
        amount_usd: '500',
        reason: RAISE.reason,
        approved_by: 'Grace',
        expires_at: RAISE.expires_at,
      },
      output: RAISE,
    },
  }),
  endRaise: endpoint({
    name: 'budgets.endRaise',
    method: 'DELETE',
    path: '/v1/billing/budgets/:id/raises/:raise_id',
    access: 'org:billing',
    input: z.strictObject({ id, raise_id: id }),
    output: Raise,
    summary: 'End a raise before its time',
    example: {
      input: { id: EXAMPLE.id, raise_id: RAISE.id },
      output: { ...RAISE, ended_at: '2026-03-21T12:00:00.000Z' },
    },
  }),
  delete: endpoint({
    name: 'budgets.delete',
    method: 'DELETE',
    path: '/v1/billing/budgets/:id',
    access: 'org:billing',
    input: z.strictObject({ id }),
    output: z.object({ id: z.string() }),
    summary: 'Delete a budget: it refuses nothing from then on; what it counted stays in the record',
    example: { input: { id: EXAMPLE.id }, output: { id: EXAMPLE.id } },
  }),
  releaseHeld: endpoint({
    name: 'budgets.releaseHeld',
    method: 'POST',
    path: '/v1/billing/leases/:id/release',
    access: 'org:billing',
    input: z.strictObject({ id, reason: displayName }),
    output: z.object({ lease_id: z.string(), released_usd: usd }),
    summary: 'Take back what a gateway holds that will not come back, before its time',
    description:
      'Only for leases that have expired. Should its events come all the same, they are charged, and may take a budget beyond its limit.',
    example: {
      input: { id: 'lse_019a6f0e1c2d7000a1b2c3d4e5f60718', reason: 'The machine is gone' },
      output: { lease_id: 'lse_019a6f0e1c2d7000a1b2c3d4e5f60718', released_usd: '12.000000000' },
    },
  }),
}
