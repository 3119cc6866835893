import { type Window, windowAt } from '@/lib/spend/windows'
import { connectionOf, type Transaction } from '../database'
import { replacedWindows } from '../spend-leases/replaced-windows'
import { carryOn } from './apply-changes'
import { ensurePeriods, handedOnAtMost, hasEarlier, ruleOf } from './ensure-periods'
import { isoOf, PERIOD_COLUMNS, type Period, type PeriodRow, periodOf } from './period'
import type { BudgetRow } from './queries'

/**
 * Makes the window before the open one, if nothing happened in it: some gateways are still there, and whoever begins it after a
 * change of its budget begins it with what that says then.
 */
export async function keepWindowBefore(tx: Transaction, was: BudgetRow, now: Date): Promise<void> {
  const { startsMs } = windowAt(ruleOf(was), now.getTime())
  if (!(await hasEarlier(tx, was.orgId, was.id, startsMs))) return
  const before = { budget: was, atMs: windowAt(ruleOf(was), startsMs - 1).startsMs }
  const replaced = await replacedWindows(tx, was.orgId, [before], now.getTime())
  if (replaced.size === 0) await ensurePeriods(tx, was.orgId, [before])
}

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
    `select from budget_periods where org_id = $1 and budget_id = $2 and (ends_at is null or ends_at > $3 or $4 in (starts_at, ends_at))
     order by starts_at for update`,
    [budget.orgId, budget.id, at, isoOf(startsMs)],
  )
  await connection.query(
    `update budget_periods set hands_on_max_nano_usd = 0,
       spent_nano_usd = case when starts_at > $3 then 0 else spent_nano_usd end,
       excess_nano_usd = case when starts_at > $3 then
         greatest(0, leased_nano_usd - base_nano_usd - carried_nano_usd - raised_nano_usd) else excess_nano_usd end
     where org_id = $1 and budget_id = $2 and (ends_at is null or ends_at > $3 or $4 in (starts_at, ends_at))`,
    [budget.orgId, budget.id, at, isoOf(startsMs)],
  )
  await connection.query(
    `update budget_periods set ends_at = greatest(starts_at, $3::timestamptz)
     where org_id = $1 and budget_id = $2 and (ends_at is null or ends_at > $3) and starts_at <> $4`,
    [budget.orgId, budget.id, at, isoOf(startsMs)],
  )
  // The one that begins may begin when another did, whose thresholds say nothing of it.
  await connection.query(
    `delete from budget_alerts where org_id = $1 and budget_id = $2 and (period_starts_at > $3 or period_starts_at = $4)`,
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

/**
 * The limit of the window that is open, and of those after it; what was let through is not taken back. What comes before them
 * keeps the limit and the rollover of then, also where nothing has happened since.
 */
export async function changeLimit(
  tx: Transaction,
  was: BudgetRow,
  budget: BudgetRow,
  { startsMs }: Window,
  now: Date,
): Promise<Period> {
  await ensurePeriods(tx, budget.orgId, [{ budget: was, atMs: startsMs }])
  const values = [budget.orgId, budget.id, isoOf(startsMs), now.toISOString()]
  const connection = connectionOf(tx)
  const { rows: known } = await connection.query<PeriodRow>(
    `select ${PERIOD_COLUMNS} from budget_periods p where ${FROM_OPEN} order by p.starts_at for update`,
    values,
  )
  const isOtherRollover = was.rollover !== budget.rollover || was.rolloverCap !== budget.rolloverCap
  const { rows } = await connection.query<PeriodRow>(
    `update budget_periods p set base_nano_usd = $5::bigint, excess_nano_usd =
       greatest(0, p.spent_nano_usd + p.leased_nano_usd - $5::bigint - p.carried_nano_usd - p.raised_nano_usd),
       hands_on_max_nano_usd = case when not $6 then p.hands_on_max_nano_usd when exists (select from budget_periods n
         where n.org_id = $1 and n.budget_id = $2 and n.starts_at = p.ends_at and n.ends_at > n.starts_at) then $7::bigint else 0 end
     where ${FROM_OPEN}
     returning ${PERIOD_COLUMNS}`,
    [...values, String(budget.limit), isOtherRollover, String(handedOnAtMost(budget))],
  )
  const before = new Map(known.map(periodOf).map((period) => [period.startsMs, period]))
  const changed = rows.map(periodOf).flatMap((after) => {
    const own = before.get(after.startsMs)
    return own === undefined ? [] : [{ before: own, after }]
  })
  const open = changed.find(({ after }) => after.startsMs === startsMs)
  if (open === undefined) throw new Error('The window that is open was not found.')
  await carryOn(tx, budget.orgId, changed)
  return open.after
}

/** The window that began at that time, and those that gateways have begun ahead of theirs. */
const FROM_OPEN = `p.org_id = $1 and p.budget_id = $2 and p.starts_at >= $3 and (p.ends_at is null or p.ends_at > $4)`
