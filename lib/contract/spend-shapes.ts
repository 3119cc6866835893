import { z } from 'zod'
import { nanoUsdOf } from '@/lib/money'
import { instant, modelName, slug } from './fields'

/** Of more digits than any that is allowed, so that what is too much is told as that. */
const AMOUNT = /^\d{1,40}(?:\.\d{1,9})?$/
const BILLION = nanoUsdOf('1000000000')

/** Of budgets, wallets and reports: exact US dollars with up to nine decimals, never negative, at most a billion. */
export const dollars = z
  .string()
  .regex(AMOUNT, 'must be US dollars such as 2500 or 0.25, with up to nine decimals and no sign')
  .refine((usd) => !AMOUNT.test(usd) || nanoUsdOf(usd) <= BILLION, 'must be at most a billion dollars')

/** Likewise, and more than nothing. */
export const someDollars = dollars.refine((usd) => !AMOUNT.test(usd) || /[1-9]/.test(usd), 'must be more than zero')

/** As amounts are told: nine decimals, a sign where something is owed. */
export const usd = z.string().regex(/^-?\d{1,40}\.\d{9}$/)

export const BUDGET_WINDOWS = ['day', 'week', 'month', 'quarter', 'year', 'lifetime'] as const
export type BudgetWindow = (typeof BUDGET_WINDOWS)[number]

/** What becomes of what is left of a window: nothing; all of it is added to the next; or no more than `rollover_cap_usd`. */
export const ROLLOVERS = ['none', 'carry', 'cap'] as const

/** `deny`: without a lease and without the control plane, requests wait for neither and are refused. */
export const ON_UNAVAILABLE = ['deny', 'allow'] as const

/** What becomes of a request whose price nobody knows. */
export const UNKNOWN_PRICE_RULES = ['flag', 'hold_default', 'deny'] as const

/** A name of the IANA time zone database. */
export const timeZone = z
  .string()
  .max(60)
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Vienna')

/** Offsets and abbreviations such as `+01:00` and `CET` are none: they know nothing of summer. */
function isTimeZone(name: string): boolean {
  if (name !== 'UTC' && !name.includes('/')) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const part = z.string().min(1).max(200)
/** Who or what asks, as a header says it: gateways take no other characters there. */
export const saidInHeader = part.regex(/^[\x20-\x7e]+$/, 'must be printable ASCII, as the header that says it')

/**
 * Which requests are meant: those of which every stated part holds; with none stated, all of the organisation. `user_id` is
 * what the caller said in `x-user-id`, `model` what it asked for, `provider` the one that answered.
 */
export const SpendScope = z.strictObject({
  team_id: part.optional(),
  user_id: saidInHeader.optional(),
  agent_id: saidInHeader.optional(),
  token_id: part.optional(),
  model: modelName.optional(),
  provider: slug.optional(),
})
export type SpendScope = z.infer<typeof SpendScope>

export const SCOPE_PARTS = [
  'team_id',
  'user_id',
  'agent_id',
  'token_id',
  'model',
  'provider',
] as const satisfies (keyof SpendScope)[]

/** Whose a wallet is: a request is paid by the first of user, team and organisation that can. */
export const WALLET_SCOPES = ['organization', 'team', 'user'] as const
export type WalletScope = (typeof WALLET_SCOPES)[number]

/** A budget or a wallet, as it was called then. */
export const RefusedBy = z.strictObject({
  kind: z.enum(['budget', 'wallet']),
  id: z.string().max(250),
  name: z.string().max(250),
})
export type RefusedBy = z.infer<typeof RefusedBy>

/** What was reserved for a request and never passed on: the record says who covered it. Rides on the event. */
export const EventSpend = z.strictObject({
  /** The most that the request could cost when it was let through. */
  reserved_usd: z.string().regex(/^\d{1,12}(\.\d{1,9})?$/),
  /** Leases that it was reserved from. What it cost is settled with each. */
  leases: z.array(z.string().regex(/^lse_[0-9a-f]{32}$/)).max(40),
  /** Which of those that were asked had no room, or could not be asked. Of a request that was refused for it, and of no other. */
  refused_by: z.array(RefusedBy).max(40).optional(),
})
export type EventSpend = z.infer<typeof EventSpend>

/**
 * When windows begin, in milliseconds since the epoch, in order: the one before the one that is open now, if there was any,
 * that one, and those that follow. Of one or two, the last is without an end; of more, it says only when the one before it ends.
 */
export const WindowStarts = z.array(z.number().int()).min(1).max(6)

/** Another one whenever budgets that refuse, or whether wallets have to pay, were changed. */
export const SpendRevision = z.string().max(100)

/** A budget as gateways know it. */
export const GatewayBudget = z.object({
  id: z.string(),
  name: z.string(),
  scope: SpendScope,
  limit_usd: usd,
  on_unavailable: z.enum(ON_UNAVAILABLE),
  windows_ms: WindowStarts,
})
export type GatewayBudget = z.infer<typeof GatewayBudget>

export const GATEWAY_BUDGETS_MAX = 2_000
export const GATEWAY_WALLETS_MAX = 10_000

/** What gateways need to know of money besides prices. */
export const GatewaySpend = z.object({
  revision: SpendRevision.optional(),
  unknown_price: z.enum(UNKNOWN_PRICE_RULES),
  /** What a request is taken to cost whose price nobody knows, under `hold_default`. */
  unknown_price_usd: usd,
  /** Budgets that refuse; the others are no affair of gateways. */
  budgets: z.array(GatewayBudget).max(GATEWAY_BUDGETS_MAX),
  /** Ids of wallets that pay; null: nobody has to. The organisation's own is always among them. */
  wallets: z.array(z.string()).max(GATEWAY_WALLETS_MAX).nullable(),
})
export type GatewaySpend = z.infer<typeof GatewaySpend>

/** Who did something, as it was called then. */
export const Actor = z.object({ id: z.string(), name: z.string() })

export const WindowTimes = z.object({ starts_at: instant, /** null: never. */ resets_at: instant.nullable() })
