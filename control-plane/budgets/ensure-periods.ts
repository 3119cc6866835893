import { type Window, type WindowRule, windowAt } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import {
  AMOUNT_MAX,
  carriedFrom,
  isoOf,
  keyOfPeriod,
  lockCarryingBudgets,
  lockPeriods,
  PERIOD_COLUMNS,
  type Period,
  type PeriodRow,
  periodOf,
} from './period'
import type { BudgetRow } from './queries'

export type WantedPeriod = { budget: BudgetRow; atMs: number }

/** As far back is looked for the window from which something is carried. */
const WINDOWS_BACK_MAX = 400

/**
 * Makes windows that are not there yet, with what is carried into them. A new window has cost nothing: what is recorded from
 * the time on at which its budget was made has been charged. Locks what it makes, and of budgets that carry over the budget
 * and the windows before (period.ts says in which order).
 *
 * @returns those that were wanted, each once
 */
export async function ensurePeriods(
  tx: Transaction,
  orgId: string,
  wanted: readonly WantedPeriod[],
): Promise<Period[]> {
  const all = wanted.map(({ budget, atMs }) => ({ budget, window: windowAt(ruleOf(budget), atMs) }))
  if (all.length === 0) return []
  const known = await readPeriods(tx, orgId, all)
  const there = new Set(known.filter((period) => !isOnHold(period)).map(keyOfPeriod))
  const missing = all.filter(
    ({ budget, window }) => !there.has(keyOfPeriod({ budgetId: budget.id, startsMs: window.startsMs })),
  )
  if (missing.length === 0) return known
  await lockCarryingBudgets(
    tx,
    orgId,
    missing.map(({ budget }) => budget.id),
  )
  await insertPeriods(
    tx,
    orgId,
    missing.filter(({ budget }) => budget.rollover === 'none'),
  )
  for (const { budget, window } of missing) {
    if (budget.rollover !== 'none') await insertWithCarried(tx, orgId, budget, window)
  }
  return readPeriods(tx, orgId, all)
}

/** One that gateways had begun ahead of time when the windows of its budget were changed (open-window.ts). */
const isOnHold = ({ startsMs, endsMs }: Period): boolean => startsMs === endsMs

export const ruleOf = ({ window, timeZone, anchor }: BudgetRow): WindowRule => ({ window, timeZone, anchor })

type NewPeriod = { budget: BudgetRow; window: Window; carried?: bigint }

async function insertPeriods(tx: Transaction, orgId: string, periods: readonly NewPeriod[]): Promise<void> {
  if (periods.length === 0) return
  await connectionOf(tx).query(
    `insert into budget_periods as p (org_id, budget_id, starts_at, ends_at, base_nano_usd, carried_nano_usd)
     select $1, * from unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[])
       as made (budget_id, starts_at, ends_at, base, carried)
     order by budget_id, starts_at
     on conflict (org_id, budget_id, starts_at) do update set ends_at = excluded.ends_at,
       base_nano_usd = excluded.base_nano_usd, carried_nano_usd = excluded.carried_nano_usd, created_at = clock_timestamp(),
       excess_nano_usd = greatest(0, p.spent_nano_usd + p.leased_nano_usd - excluded.base_nano_usd
         - excluded.carried_nano_usd - p.raised_nano_usd)
     where p.ends_at = p.starts_at`,
    [
      orgId,
      periods.map(({ budget }) => budget.id),
      periods.map(({ window }) => isoOf(window.startsMs)),
      periods.map(({ window }) => (window.endsMs === null ? null : isoOf(window.endsMs))),
      periods.map(({ budget }) => String(budget.limit)),
      periods.map(({ carried = 0n }) => String(carried)),
    ],
  )
}

/** From the last window that is there, one after another: also windows in which nothing happened hand on what they have. */
async function insertWithCarried(tx: Transaction, orgId: string, budget: BudgetRow, window: Window): Promise<void> {
  const rule = ruleOf(budget)
  const missing: Window[] = []
  let last: Period | undefined
  for (let at = window; missing.length < WINDOWS_BACK_MAX; ) {
    missing.unshift(at)
    if (at.startsMs === 0) break
    const before = windowAt(rule, at.startsMs - 1)
    const [found] = (await lockPeriods(tx, orgId, [{ budgetId: budget.id, startsMs: before.startsMs }])).values()
    last = found === undefined || isOnHold(found) ? undefined : found
    if (last !== undefined || !(await hasEarlier(tx, orgId, budget.id, before.startsMs))) break
    at = before
  }
  // Nothing came before: the budget is as old as this window.
  if (last === undefined) return insertPeriods(tx, orgId, [{ budget, window }])
  for (const next of missing) {
    const handsOnMax = handedOnAtMost(budget)
    await connectionOf(tx).query(
      'update budget_periods set hands_on_max_nano_usd = $4 where org_id = $1 and budget_id = $2 and starts_at = $3',
      [orgId, budget.id, isoOf(last.startsMs), String(handsOnMax)],
    )
    await insertPeriods(tx, orgId, [{ budget, window: next, carried: carriedFrom({ ...last, handsOnMax }) }])
    const [made] = await readPeriods(tx, orgId, [{ budget, window: next }])
    if (made === undefined) return
    last = made
  }
}

/** What a window of a budget hands on to the next, at most. */
export function handedOnAtMost({ rollover, rolloverCap }: Pick<BudgetRow, 'rollover' | 'rolloverCap'>): bigint {
  if (rollover === 'none') return 0n
  return (rollover === 'cap' ? rolloverCap : null) ?? AMOUNT_MAX
}

export async function hasEarlier(tx: Transaction, orgId: string, budgetId: string, startsMs: number): Promise<boolean> {
  const { rows } = await connectionOf(tx).query(
    'select from budget_periods where org_id = $1 and budget_id = $2 and starts_at < $3 limit 1',
    [orgId, budgetId, isoOf(startsMs)],
  )
  return rows.length > 0
}

async function readPeriods(
  tx: Transaction,
  orgId: string,
  wanted: readonly { budget: BudgetRow; window: Window }[],
): Promise<Period[]> {
  const { rows } = await connectionOf(tx).query<PeriodRow>(
    `select ${PERIOD_COLUMNS} from budget_periods p
     where p.org_id = $1 and (p.budget_id, p.starts_at) in (select * from unnest($2::text[], $3::timestamptz[]))`,
    [orgId, wanted.map(({ budget }) => budget.id), wanted.map(({ window }) => isoOf(window.startsMs))],
  )
  return rows.map(periodOf)
}
