import type { EventSpend } from '@/lib/contract/spend-shapes'
import { Refusal } from '../errors'
import type { Lease } from './lease'
import type { SpendAttempt } from './spend-attempt'
import type { BudgetRule } from './spend-rules'

/** One budget or wallet that was asked for a request that could not go on. */
export type Evaluated = { budget: BudgetRule | null; lease: Lease }

/** `spend` is what its event says of it. */
export type SpendRefusal = { refusal: Refusal; reasonCode: string; spend: EventSpend | null }

const WORDS = {
  budget_exceeded: 'What this request could cost is more than is left of a budget.',
  wallet_depleted: 'No wallet that pays for this request has as much left as it could cost.',
  budget_unavailable: 'Whether there is budget for this request cannot be told right now.',
  price_unknown: 'Nobody has said what this model costs, and this organization does not allow that.',
} as const

const REASONS = {
  budget_exceeded: 'budget.exceeded',
  wallet_depleted: 'wallet.depleted',
  budget_unavailable: 'budget.unavailable',
  price_unknown: 'price.unknown',
} as const

/** What a caller is told whose request is not paid for; every budget and wallet that was asked is named. */
export function refusedSpend(code: keyof typeof WORDS, attempt: SpendAttempt | null, nowMs: number): SpendRefusal {
  const scopes = (attempt?.evaluated() ?? []).map((one) => scopeOf(one, nowMs))
  const refusal = new Refusal(code, WORDS[code], {
    details: scopes.length === 0 ? {} : { scopes },
    retryAfterSeconds: code === 'budget_unavailable' ? 1 : undefined,
  })
  const refused_by = attempt?.refusedBy() ?? []
  const spend = refused_by.length === 0 ? null : { reserved_usd: '0.000000000', leases: [], refused_by }
  return { refusal, reasonCode: REASONS[code], spend }
}

/** What the control plane did not say is null: this gateway knows only what it holds itself. */
function scopeOf({ budget, lease }: Evaluated, nowMs: number): object {
  const { source, resetMs } = lease
  const state = lease.stateAt(nowMs)
  const resetsAt = resetMs === null ? null : new Date(resetMs).toISOString()
  const amounts = {
    limit_usd: state?.limit_usd ?? budget?.limitUsd ?? null,
    committed_usd: state?.committed_usd ?? null,
    held_usd: state?.held_usd ?? null,
    resets_at: state === null ? resetsAt : state.resets_at,
  }
  return source.kind === 'wallet'
    ? { wallet_id: source.wallet_id, name: source.wallet_id, ...amounts }
    : { budget_id: source.budget_id, name: budget?.name ?? source.budget_id, ...amounts }
}
