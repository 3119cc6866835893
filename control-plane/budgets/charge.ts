import { SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import { searchable } from '@/lib/filter'
import { windowAt } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import type { Charge } from '../spend/charge'
import { applyChanges } from './apply-changes'
import { ensurePeriods, ruleOf, type WantedPeriod } from './ensure-periods'
import { coveringPeriod, keyOfPeriod, PERIOD_COLUMNS, type Period, type PeriodRow, periodOf } from './period'
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
  const budgets = await budgetsThatMayCount(tx, orgId, valuesOf(charges))
  const leases = [...new Set(charges.flatMap((charge) => charge.leases))]
  if (budgets.length === 0 && leases.length === 0) return
  const known = await lockedPeriods(tx, orgId, budgets, charges, leases)
  const counted = budgets.flatMap((budget) => {
    const own = charges.filter((charge) => isCounted(budget, charge))
    return own.length > 0 ? [{ budget, charges: own }] : []
  })
  await makeMissing(tx, orgId, counted, known)

  const sums = new Map<string, { period: Period; budget: BudgetRow; spent: bigint }>()
  for (const { budget, charges: own } of counted) {
    const periods = known.get(budget.id) ?? []
    for (const { occurredAt, cost } of own) {
      const period = coveringPeriod(periods, Date.parse(occurredAt))
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

/** The names that occur, for each part of a scope. */
const valuesOf = (charges: readonly Charge[]): Record<keyof SpendScope, string[]> => ({
  team_id: distinct(charges, 'teamId'),
  user_id: distinct(charges, 'userId'),
  agent_id: distinct(charges, 'agentId'),
  token_id: distinct(charges, 'tokenId'),
  model: distinct(charges, 'model'),
  provider: distinct(charges, 'provider'),
})

const distinct = (charges: readonly Charge[], name: (typeof VALUE_OF)[keyof SpendScope]): string[] => [
  ...new Set(charges.flatMap((charge) => (charge[name] === null ? [] : searchable(charge[name])))),
]

const isCounted = (budget: BudgetRow, charge: Charge): boolean =>
  SCOPE_PARTS.every((part) => {
    const wanted = budget[VALUE_OF[part]]
    return wanted === null || wanted === charge[VALUE_OF[part]]
  })

/** Windows of these budgets that cover any of the charges, by budget; locked together with those of the leases. */
async function lockedPeriods(
  tx: Transaction,
  orgId: string,
  budgets: readonly BudgetRow[],
  charges: readonly Charge[],
  leases: readonly string[],
): Promise<Map<string, Period[]>> {
  // RFC 3339 in UTC, all with as many digits: texts compare as times do.
  const times = charges.map(({ occurredAt }) => occurredAt).toSorted()
  const { rows } = await connectionOf(tx).query<PeriodRow>({
    name: 'lock_charged_periods',
    text: `select ${PERIOD_COLUMNS} from budget_periods p
      where p.org_id = $1 and (p.budget_id = any($2::text[]) and p.starts_at <= $4 and (p.ends_at is null or p.ends_at > $3)
        or (p.budget_id, p.starts_at) in (
          select l.source_id, l.period_starts_at from spend_leases l where l.org_id = $1 and l.id = any($5::text[])))
      order by p.budget_id, p.starts_at for update`,
    values: [orgId, budgets.map(({ id }) => id), times.at(0), times.at(-1), leases],
  })
  const known = new Map<string, Period[]>()
  for (const period of rows.map(periodOf)) known.set(period.budgetId, [...(known.get(period.budgetId) ?? []), period])
  return known
}

/** Windows begin with the first request of theirs that is recorded, if nobody has looked at them before. */
async function makeMissing(
  tx: Transaction,
  orgId: string,
  counted: readonly { budget: BudgetRow; charges: readonly Charge[] }[],
  known: Map<string, Period[]>,
): Promise<void> {
  const wanted = new Map<string, WantedPeriod>()
  for (const { budget, charges } of counted) {
    for (const { occurredAt } of charges) {
      const atMs = Date.parse(occurredAt)
      if (coveringPeriod(known.get(budget.id) ?? [], atMs)) continue
      const { startsMs } = windowAt(ruleOf(budget), atMs)
      wanted.set(`${budget.id} ${startsMs}`, { budget, atMs })
    }
  }
  if (wanted.size === 0) return
  const begun = await firstStarts(
    tx,
    orgId,
    [...wanted.values()].map(({ budget }) => budget.id),
  )
  const due = [...wanted.values()].filter(
    ({ budget, atMs }) => atMs >= (begun.get(budget.id) ?? Number.POSITIVE_INFINITY),
  )
  for (const period of await ensurePeriods(tx, orgId, due)) {
    known.set(period.budgetId, [...(known.get(period.budgetId) ?? []), period])
  }
}

/** When the first window of each budget began. */
async function firstStarts(tx: Transaction, orgId: string, budgetIds: string[]): Promise<Map<string, number>> {
  const { rows } = await connectionOf(tx).query<{ budget_id: string; first: Date }>(
    `select budget_id, min(starts_at) as first from budget_periods
     where org_id = $1 and budget_id = any($2::text[]) group by budget_id`,
    [orgId, budgetIds],
  )
  return new Map(rows.map(({ budget_id, first }) => [budget_id, first.getTime()]))
}
