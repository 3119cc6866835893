import type { Transaction } from '../database'
import { announce } from '../push'
import type { ChangedPeriod } from './apply-changes'
import { heldOfReplaced } from './held-of-replaced'
import type { Period } from './period'
import type { BudgetRow } from './queries'
import { tellThresholds } from './thresholds'

/**
 * What follows from another limit of a window: thresholds that it has reached by that are told, and what gateways hold beyond
 * it and do not need for requests under way is called back, so that a lower limit holds from now on.
 */
export async function tellLimitChanged(
  tx: Transaction,
  orgId: string,
  changed: readonly (ChangedPeriod & { budget: BudgetRow })[],
): Promise<void> {
  await tellThresholds(tx, orgId, changed)
  for (const { budget, after } of changed) {
    if (after.excess > 0n && after.leased > 0n) {
      await announce(tx, { orgId, kind: 'recall', except: null, sources: [budget.id] })
    }
  }
}

/** What gateways hold of windows that this one has replaced, and do not need for requests under way, is called back. */
export async function recallReplaced(tx: Transaction, orgId: string, window: Period): Promise<void> {
  const replaced = await heldOfReplaced(tx, orgId, [window])
  if (replaced.size > 0) await announce(tx, { orgId, kind: 'recall', except: null, sources: [window.budgetId] })
}
