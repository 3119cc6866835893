import { type Window, windowAt } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import { ensurePeriods, ruleOf, type WantedPeriod } from './ensure-periods'
import { byBudget, coveringPeriod, isoOf, PERIOD_COLUMNS, type Period, type PeriodRow, periodOf } from './period'
import type { BudgetRow } from './queries'

/** What counts for a budget: when it began, in milliseconds since 1970, and what it cost, in nano-dollars. */
export type Counted = { budget: BudgetRow; costs: { atMs: number; cost: bigint }[] }

/**
 * The windows of budgets to which costs belong, by budget; locked together with those of the leases that are named. Windows
 * begin with the first cost of theirs that is recorded, if nobody has looked at them before.
 */
export async function chargedPeriods(
  tx: Transaction,
  orgId: string,
  counted: readonly Counted[],
  leases: readonly string[],
): Promise<Map<string, Period[]>> {
  const seen = byBudget(await coveringPeriods(tx, orgId, counted, leases, { isLocking: false }))
  await ensurePeriods(tx, orgId, await missing(tx, orgId, counted, seen))
  return byBudget(await coveringPeriods(tx, orgId, counted, leases, { isLocking: true }))
}

/**
 * Windows that cover some time between the first cost and the last, and those of leases. Before they are locked, the budgets
 * are locked that carry over (period.ts).
 */
async function coveringPeriods(
  tx: Transaction,
  orgId: string,
  counted: readonly Counted[],
  leases: readonly string[],
  { isLocking }: { isLocking: boolean },
): Promise<Period[]> {
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  for (const { costs } of counted) {
    for (const { atMs } of costs) {
      first = Math.min(first, atMs)
      last = Math.max(last, atMs)
    }
  }
  const { rows } = await connectionOf(tx).query<PeriodRow>({
    ...(isLocking
      ? { name: 'lock_charged_periods', text: `${COVERING} order by p.budget_id, p.starts_at for update` }
      : { name: 'charged_periods', text: `${LOCK_CARRYING} ${COVERING} and (select count(*) from carrying) >= 0` }),
    values: [orgId, counted.map(({ budget }) => budget.id), isoOf(Math.min(first, last)), isoOf(last), leases],
  })
  return rows.map(periodOf)
}

const COVERING = `select ${PERIOD_COLUMNS} from budget_periods p
  where p.org_id = $1 and (p.budget_id = any($2::text[]) and p.starts_at <= $4 and (p.ends_at is null or p.ends_at > $3)
    or (p.budget_id, p.starts_at) in (
      select l.source_id, l.period_starts_at from spend_leases l where l.org_id = $1 and l.id = any($5::text[])))`

/** As `lockCarryingBudgets`. */
const LOCK_CARRYING = `with carrying as materialized (
    select b.id from budgets b where b.org_id = $1 and (b.rollover <> 'none' or b.version > 1) and (b.id = any($2::text[])
      or b.id in (select l.source_id from spend_leases l where l.org_id = $1 and l.id = any($5::text[])))
    order by b.id for no key update)`

/** Of a time before its budget was made, no window is missing. */
async function missing(
  tx: Transaction,
  orgId: string,
  counted: readonly Counted[],
  periods: ReadonlyMap<string, Period[]>,
): Promise<WantedPeriod[]> {
  const uncovered = counted.flatMap(({ budget, costs }) => {
    const own = periods.get(budget.id) ?? []
    const times = costs.map(({ atMs }) => atMs).filter((atMs) => coveringPeriod(own, atMs) === undefined)
    return times.length > 0 ? [{ budget, times }] : []
  })
  if (uncovered.length === 0) return []
  const begun = await firstStarts(
    tx,
    orgId,
    uncovered.map(({ budget }) => budget.id),
  )
  return uncovered.flatMap(({ budget, times }) => {
    const firstMs = begun.get(budget.id) ?? Number.POSITIVE_INFINITY
    const windows: Window[] = []
    for (const atMs of times) {
      if (atMs < firstMs || windows.some((window) => isWithin(window, atMs))) continue
      windows.push(windowAt(ruleOf(budget), atMs))
    }
    return windows.map(({ startsMs }) => ({ budget, atMs: startsMs }))
  })
}

const isWithin = ({ startsMs, endsMs }: Window, atMs: number): boolean =>
  startsMs <= atMs && (endsMs === null || atMs < endsMs)

/** When the first window of each budget began. */
async function firstStarts(tx: Transaction, orgId: string, budgetIds: string[]): Promise<Map<string, number>> {
  const { rows } = await connectionOf(tx).query<{ budget_id: string; first: Date }>(
    `select budget_id, min(starts_at) as first from budget_periods
     where org_id = $1 and budget_id = any($2::text[]) group by budget_id`,
    [orgId, budgetIds],
  )
  return new Map(rows.map(({ budget_id, first }) => [budget_id, first.getTime()]))
}
