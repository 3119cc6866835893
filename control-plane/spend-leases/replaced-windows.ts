import { windowAt } from '@/lib/spend/windows'
import { ruleOf, type WantedPeriod } from '../budgets/ensure-periods'
import { isoOf, keyOfPeriod } from '../budgets/period'
import { connectionOf, type Transaction } from '../database'

/** `atMs` is when the window begins. */
export const keyOfWanted = ({ budget, atMs }: WantedPeriod): string =>
  keyOfPeriod({ budgetId: budget.id, startsMs: atMs })

/**
 * Windows that are over and in whose time their budget had others, or was given others later on: what began then is charged to
 * those (`coveringPeriod`), so nothing is given of these.
 *
 * @returns those of the wanted, by `keyOfWanted`
 */
export async function replacedWindows(
  tx: Transaction,
  orgId: string,
  wanted: readonly WantedPeriod[],
  nowMs: number,
): Promise<Set<string>> {
  const over = wanted.flatMap(({ budget, atMs }) => {
    const { endsMs } = windowAt(ruleOf(budget), atMs)
    return endsMs !== null && endsMs <= nowMs ? [{ budgetId: budget.id, startsMs: atMs, endsMs }] : []
  })
  if (over.length === 0) return new Set()
  const { rows } = await connectionOf(tx).query<{ budget_id: string; starts_at: Date }>({
    name: 'replaced_windows',
    text: `select w.budget_id, w.starts_at
      from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as w (budget_id, starts_at, ends_at)
      left join budget_periods own on own.org_id = $1 and own.budget_id = w.budget_id
        and own.starts_at = w.starts_at and own.ends_at = w.ends_at
      where exists (select from budget_periods p where p.org_id = $1 and p.budget_id = w.budget_id
        and p.starts_at < w.ends_at and (p.ends_at is null or p.ends_at > greatest(p.starts_at, w.starts_at))
        and (own.created_at is null or (p.created_at, p.starts_at) > (own.created_at, own.starts_at)))`,
    values: [
      orgId,
      over.map(({ budgetId }) => budgetId),
      over.map(({ startsMs }) => isoOf(startsMs)),
      over.map(({ endsMs }) => isoOf(endsMs)),
    ],
  })
  return new Set(
    rows.map(({ budget_id, starts_at }) => keyOfPeriod({ budgetId: budget_id, startsMs: starts_at.getTime() })),
  )
}
