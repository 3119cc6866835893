import { largestOf, smallestOf } from '@/lib/spend/extremes'
import { carriedFrom } from '../budgets/ensure-periods'
import { keyOfPeriod, leftToCarry, lockPeriods, type Period, remainingOf } from '../budgets/period'
import type { BudgetRow } from '../budgets/queries'
import type { Transaction } from '../database'

/** Gateways whose clocks differ by less than this see the same windows. */
export const CLOCK_SKEW_MS = 600_000

type WantedWindow = { budgetId: string; startsMs: number; budget: BudgetRow | null }

/** The windows into which something was carried from those that are asked for: some gateways are there already. */
export async function lockNext(
  tx: Transaction,
  orgId: string,
  windows: readonly WantedWindow[],
  periods: ReadonlyMap<string, Period>,
  nowMs: number,
): Promise<Map<string, Period>> {
  const ends = windows.flatMap(({ budgetId, startsMs, budget }) => {
    const endsMs = periods.get(keyOfPeriod({ budgetId, startsMs }))?.endsMs ?? Number.POSITIVE_INFINITY
    const mayBeBegun = budget !== null && budget.rollover !== 'none' && endsMs <= nowMs + CLOCK_SKEW_MS
    return mayBeBegun ? [{ budgetId, startsMs: endsMs }] : []
  })
  return lockPeriods(tx, orgId, ends)
}

/** What may be given of a window: what is left of it, but for what it has handed on and the next can no longer do without. */
export function givableOf(period: Period, budget: BudgetRow | null, next: ReadonlyMap<string, Period>): bigint {
  const remaining = remainingOf(period)
  const after = period.endsMs === null ? undefined : next.get(keyOfPeriod({ ...period, startsMs: period.endsMs }))
  if (budget === null || after === undefined) return remaining
  const carried = carriedFrom(period, budget)
  const spare = largestOf(0n, remainingOf(after))
  return carried <= spare ? remaining : smallestOf(remaining, leftToCarry(period) - carried + spare)
}
