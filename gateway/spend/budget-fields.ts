import { type NanoUsd, usdOfNano } from '@/lib/money'

/**
 * What is left of the tightest budget or wallet of a request, and when it begins anew, flat `[name, value, ...]`. A gateway
 * knows only its own slice: there is at least so much.
 */
export function budgetFields(tightest: { remaining: NanoUsd; resetMs: number | null } | null): string[] {
  if (tightest === null) return []
  const { remaining, resetMs } = tightest
  const fields = ['x-keeptrusts-budget-remaining', usdOfNano(remaining)]
  if (resetMs !== null) fields.push('x-keeptrusts-budget-reset', new Date(resetMs).toISOString())
  return fields
}
