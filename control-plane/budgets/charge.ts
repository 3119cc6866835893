import { SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import { searchable } from '@/lib/filter'
import type { Transaction } from '../database'
import type { Charge } from '../spend/charge'
import { applyChanges } from './apply-changes'
import { type Counted, chargedPeriods } from './charged-periods'
import { coveringPeriod, keyOfPeriod, type Period } from './period'
import { type BudgetRow, budgetsThatMayCount } from './queries'
import { tellThresholds } from './thresholds'

/**
 * Adds what recorded events cost to every window that counts them: that of the time at which the request began, however late
 * its event comes. An organisation without budgets pays one statement for it.
 *
 * Runs in the transaction that recorded the events, under the lock of the organisation's counters: a budget that is made at
 * the same time counts an event in what it begins with, or gets it here, never both. Also locks the windows of the leases
 * that are named, so that settling them (control-plane/spend-leases/settle.ts) locks nothing out of order.
 */
export async function chargeBudgets(tx: Transaction, orgId: string, charges: readonly Charge[]): Promise<void> {
  if (charges.length === 0) return
  const groups = groupsOf(charges)
  const budgets = await budgetsThatMayCount(tx, orgId, valuesOf(groups))
  const leases = [...new Set(charges.flatMap((charge) => charge.leases))]
  if (budgets.length === 0 && leases.length === 0) return
  const counted = budgets.flatMap((budget): Counted[] => {
    const own = groups.filter(({ of }) => isCounted(budget, of)).flatMap(({ costs }) => costs)
    return own.length > 0 ? [{ budget, costs: own }] : []
  })
  const periods = await chargedPeriods(tx, orgId, counted, leases)
  const sums = new Map<string, { period: Period; budget: BudgetRow; spent: bigint }>()
  for (const { budget, costs } of counted) {
    const own = periods.get(budget.id) ?? []
    for (const { atMs, cost } of costs) {
      const period = coveringPeriod(own, atMs)
      // It began before anybody made this budget.
      if (period === undefined) continue
      const key = keyOfPeriod(period)
      const sum = sums.get(key) ?? { period, budget, spent: 0n }
      sum.spent += cost
      sums.set(key, sum)
    }
  }
  const changed = await applyChanges(
    tx,
    orgId,
    [...sums.values()].map(({ period: { budgetId, startsMs }, spent }) => ({ budgetId, startsMs, spent })),
  )
  await tellThresholds(
    tx,
    orgId,
    changed.flatMap((each) => {
      const budget = sums.get(keyOfPeriod(each.after))?.budget
      return budget ? [{ budget, ...each }] : []
    }),
  )
}

const VALUE_OF = {
  team_id: 'teamId',
  user_id: 'userId',
  agent_id: 'agentId',
  token_id: 'tokenId',
  model: 'model',
  provider: 'provider',
} as const satisfies Record<keyof SpendScope, keyof Charge>

/** Costs of which all parts of a scope are the same: many requests are alike. */
type Group = { of: Charge; costs: Cost[] }
type Cost = Counted['costs'][number]

function groupsOf(charges: readonly Charge[]): Group[] {
  const groups = new Map<string, Group>()
  for (const charge of charges) {
    const key = JSON.stringify(SCOPE_PARTS.map((part) => charge[VALUE_OF[part]]))
    const cost = { atMs: Date.parse(charge.occurredAt), cost: charge.cost }
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { of: charge, costs: [cost] })
    else group.costs.push(cost)
  }
  return [...groups.values()]
}

/** The names that occur, for each part of a scope. */
const valuesOf = (groups: readonly Group[]): Record<keyof SpendScope, string[]> => ({
  team_id: distinct(groups, 'teamId'),
  user_id: distinct(groups, 'userId'),
  agent_id: distinct(groups, 'agentId'),
  token_id: distinct(groups, 'tokenId'),
  model: distinct(groups, 'model'),
  provider: distinct(groups, 'provider'),
})

const distinct = (groups: readonly Group[], name: (typeof VALUE_OF)[keyof SpendScope]): string[] => [
  ...new Set(groups.flatMap(({ of }) => (of[name] === null ? [] : searchable(of[name])))),
]

const isCounted = (budget: BudgetRow, charge: Charge): boolean =>
  SCOPE_PARTS.every((part) => {
    const wanted = budget[VALUE_OF[part]]
    return wanted === null || wanted === charge[VALUE_OF[part]]
  })
