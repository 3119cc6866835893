import { type Window, windowAt } from '@/lib/spend/windows'
import type { Transaction } from '../database'
import { CLOCK_LEAD_MAX_MS } from '../events/judge-event'
import { applyChanges } from './apply-changes'
import { scopeOf } from './budget-shape'
import { ensurePeriods, ruleOf } from './ensure-periods'
import { lockPeriods } from './period'
import type { BudgetRow } from './queries'
import { recordedCost } from './recorded-cost'

/**
 * Begins the windows after one that was begun just now of which something is in the record already, because the clock of a
 * gateway is ahead: whoever begins them later takes it that they have cost nothing. The organisation's counters are locked.
 */
export async function beginAhead(tx: Transaction, budget: BudgetRow, { endsMs }: Window, now: Date): Promise<void> {
  const { orgId, id: budgetId } = budget
  const untilMs = now.getTime() + CLOCK_LEAD_MAX_MS
  for (let startsMs = endsMs; startsMs !== null && startsMs <= untilMs; ) {
    const window = windowAt(ruleOf(budget), startsMs)
    const spent = await recordedCost(tx, orgId, scopeOf(budget), window, { seq: 0, cost: 0n })
    if (spent !== 0n) {
      await ensurePeriods(tx, orgId, [{ budget, atMs: startsMs }])
      await lockPeriods(tx, orgId, [{ budgetId, startsMs }])
      await applyChanges(tx, orgId, [{ budgetId, startsMs, spent }])
    }
    startsMs = window.endsMs
  }
}
