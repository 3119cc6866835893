import type { PeriodChange } from '../budgets/apply-changes'
import { keyOfPeriod } from '../budgets/period'
import type { Lease } from './lease'

/** What windows no longer count as held, given by how much less is left of leases. Wallets have no windows. */
export function freedOf(amounts: ReadonlyMap<Lease, bigint>): PeriodChange[] {
  const freed = new Map<string, PeriodChange & { leased: bigint }>()
  for (const [{ sourceId, periodMs }, amount] of amounts) {
    if (periodMs === null) continue
    const key = { budgetId: sourceId, startsMs: periodMs }
    const sum = freed.get(keyOfPeriod(key)) ?? { ...key, leased: 0n }
    sum.leased -= amount
    freed.set(keyOfPeriod(key), sum)
  }
  return [...freed.values()]
}
