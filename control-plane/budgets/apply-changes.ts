import { connectionOf, type Transaction } from '../database'
import { carriedFrom, isoOf, PERIOD_COLUMNS, type Period, type PeriodKey, type PeriodRow, periodOf } from './period'

/** What has happened to a window: by how much each part of it became more, or less. */
export type PeriodChange = PeriodKey & { spent?: bigint; leased?: bigint; raised?: bigint }
export type ChangedPeriod = { before: Period; after: Period }

/** Windows to which what comes back is carried from those before: far more than anybody looks back. */
const CARRIED_ON_MAX = 1_000

/**
 * Applies what has happened to windows, one change for each, and says by how much they are beyond their limits now. Nothing
 * is refused: what happened, happened. The windows are locked by then (`lockPeriods`).
 *
 * What becomes free or is spent in a window that is over changes what was carried into those after it.
 */
export async function applyChanges(
  tx: Transaction,
  orgId: string,
  changes: readonly PeriodChange[],
): Promise<ChangedPeriod[]> {
  if (changes.length === 0) return []
  const { rows } = await connectionOf(tx).query<PeriodRow & { d_spent: string; d_leased: string; d_raised: string }>({
    name: 'apply_budget_changes',
    text: APPLY,
    values: [
      orgId,
      changes.map(({ budgetId }) => budgetId),
      changes.map(({ startsMs }) => isoOf(startsMs)),
      changes.map(({ spent = 0n }) => String(spent)),
      changes.map(({ leased = 0n }) => String(leased)),
      changes.map(({ raised = 0n }) => String(raised)),
    ],
  })
  const changed = rows.map((row) => {
    const after = periodOf(row)
    const before = {
      ...after,
      spent: after.spent - BigInt(row.d_spent),
      leased: after.leased - BigInt(row.d_leased),
      raised: after.raised - BigInt(row.d_raised),
    }
    return { before, after }
  })
  await carryOn(tx, orgId, changed)
  return changed
}

/** `capped`: no sum of absurd costs may keep events from being recorded (drizzle/functions.sql). */
const APPLY = `
  update budget_periods p set
    spent_nano_usd = capped(p.spent_nano_usd::numeric + d.spent),
    leased_nano_usd = p.leased_nano_usd + d.leased,
    raised_nano_usd = p.raised_nano_usd + d.raised,
    excess_nano_usd = greatest(0, capped(p.spent_nano_usd::numeric + d.spent) + p.leased_nano_usd + d.leased
      - p.base_nano_usd - p.carried_nano_usd - p.raised_nano_usd - d.raised)
  from unnest($2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[])
    as d (budget_id, starts_at, spent, leased, raised)
  where p.org_id = $1 and p.budget_id = d.budget_id and p.starts_at = d.starts_at
  returning ${PERIOD_COLUMNS}, d.spent as d_spent, d.leased as d_leased, d.raised as d_raised`

/**
 * What windows have handed on follows what is left of them, be they over or not: the next one may have been begun ahead of time
 * by a gateway whose clock is off.
 */
export async function carryOn(tx: Transaction, orgId: string, changed: readonly ChangedPeriod[]): Promise<void> {
  let due = changed
  for (let round = 0; round < CARRIED_ON_MAX; round++) {
    const moved = due.filter(({ before, after }) => carriedFrom(before) !== carriedFrom(after))
    if (moved.length === 0) return
    const { rows } = await connectionOf(tx).query<PeriodRow & { was: string }>({
      name: 'carry_budgets_on',
      text: CARRY_ON,
      values: [
        orgId,
        moved.map(({ after }) => after.budgetId),
        moved.map(({ after: { endsMs } }) => (endsMs === null ? null : isoOf(endsMs))),
        moved.map(({ after }) => String(carriedFrom(after))),
      ],
    })
    due = rows.map((row) => {
      const after = periodOf(row)
      return { before: { ...after, carried: BigInt(row.was) }, after }
    })
  }
}

const CARRY_ON = `
  with moved as (
    select n.budget_id, n.starts_at, n.carried_nano_usd as was, d.carried
    from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as d (budget_id, ends_at, carried)
    join budget_periods n on n.org_id = $1 and n.budget_id = d.budget_id and n.starts_at = d.ends_at
    order by n.budget_id, n.starts_at for update of n)
  update budget_periods p set
    carried_nano_usd = m.carried,
    excess_nano_usd = greatest(0, p.spent_nano_usd + p.leased_nano_usd - p.base_nano_usd - m.carried - p.raised_nano_usd)
  from moved m
  where p.org_id = $1 and p.budget_id = m.budget_id and p.starts_at = m.starts_at and m.carried <> m.was
  returning ${PERIOD_COLUMNS}, m.was`
