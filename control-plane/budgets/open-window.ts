import type { Window } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import { carryOn } from './apply-changes'
import { ensurePeriods } from './ensure-periods'
import { isoOf, lockPeriods, PERIOD_COLUMNS, type Period, type PeriodRow, periodOf } from './period'
import type { BudgetRow } from './queries'

/**
 * Begins a window of a budget that is new, or that counts otherwise from now on: with what the record says that it has cost,
 * with the raises that stand, and with nothing carried over. Windows that were open until now end now, and those that lie
 * ahead before they begin. What gateways hold of them is held there until it is settled or given back.
 */
export async function beginWindow(
  tx: Transaction,
  budget: BudgetRow,
  { startsMs, endsMs }: Window,
  spent: bigint,
  now: Date,
): Promise<Period> {
  const connection = connectionOf(tx)
  const at = now.toISOString()
  await connection.query(
    `select from budget_periods where org_id = $1 and budget_id = $2 and (ends_at is null or ends_at > $3 or starts_at = $4)
     order by starts_at for update`,
    [budget.orgId, budget.id, at, isoOf(startsMs)],
  )
  await connection.query(
    `update budget_periods set ends_at = greatest(starts_at, $3::timestamptz)
     where org_id = $1 and budget_id = $2 and (ends_at is null or ends_at > $3) and starts_at <> $4`,
    [budget.orgId, budget.id, at, isoOf(startsMs)],
  )
  await connection.query(
    `update budget_raises set period_starts_at = $3 where org_id = $1 and budget_id = $2 and ended_at is null`,
    [budget.orgId, budget.id, isoOf(startsMs)],
  )
  const { rows } = await connection.query<PeriodRow>(
    `insert into budget_periods as p (org_id, budget_id, starts_at, ends_at, base_nano_usd, raised_nano_usd, spent_nano_usd,
       excess_nano_usd, created_at)
     select $1, $2, $3, $4, $5::bigint, r.raised, $6::bigint, greatest(0, $6::bigint - $5::bigint - r.raised), clock_timestamp()
     from (select coalesce(sum(amount_nano_usd), 0)::bigint as raised from budget_raises
       where org_id = $1 and budget_id = $2 and ended_at is null) as r
     on conflict (org_id, budget_id, starts_at) do update set ends_at = excluded.ends_at, base_nano_usd = excluded.base_nano_usd,
       carried_nano_usd = 0, raised_nano_usd = excluded.raised_nano_usd, spent_nano_usd = excluded.spent_nano_usd,
       excess_nano_usd = greatest(0,
         excluded.spent_nano_usd + p.leased_nano_usd - excluded.base_nano_usd - excluded.raised_nano_usd),
       created_at = excluded.created_at
     returning ${PERIOD_COLUMNS}`,
    [
      budget.orgId,
      budget.id,
      isoOf(startsMs),
      endsMs === null ? null : isoOf(endsMs),
      String(budget.limit),
      String(spent),
    ],
  )
  const [row] = rows
  if (!row) throw new Error('The window was not stored.')
  return periodOf(row)
}

/** The limit of the window that is open, and of those after it; what was let through is not taken back. */
export async function changeLimit(
  tx: Transaction,
  budget: BudgetRow,
  { startsMs }: Window,
  now: Date,
): Promise<Period> {
  await ensurePeriods(tx, budget.orgId, [{ budget, atMs: startsMs }])
  const before = (await lockPeriods(tx, budget.orgId, [{ budgetId: budget.id, startsMs }])).values().next().value
  const { rows } = await connectionOf(tx).query<PeriodRow>(
    `update budget_periods p set base_nano_usd = $4::bigint, excess_nano_usd =
       greatest(0, p.spent_nano_usd + p.leased_nano_usd - $4::bigint - p.carried_nano_usd - p.raised_nano_usd)
     where p.org_id = $1 and p.budget_id = $2 and p.starts_at >= $3 and (p.ends_at is null or p.ends_at > $5)
     returning ${PERIOD_COLUMNS}`,
    [budget.orgId, budget.id, isoOf(startsMs), String(budget.limit), now.toISOString()],
  )
  const after = rows.map(periodOf).find((period) => period.startsMs === startsMs)
  if (before === undefined || after === undefined) throw new Error('The window that is open was not found.')
  await carryOn(tx, budget.orgId, [{ before, after }])
  return after
}
