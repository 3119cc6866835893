import { windowAt } from '@/lib/spend/windows'
import { ruleOf, type WantedPeriod } from '../budgets/ensure-periods'
import { isoOf, keyOfPeriod } from '../budgets/period'
import { connectionOf, type Transaction } from '../database'

/** `atMs` is when the window begins. */
export const keyOfWanted = ({ budget, atMs }: WantedPeriod): string =>
  keyOfPeriod({ budgetId: budget.id, startsMs: atMs })

/**
 * Windows that were over before their budget got them, because it had others until then: what began in their time is charged to
 * those, so nothing is given of these.
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
      where exists (select from budget_periods p where p.org_id = $1 and p.budget_id = w.budget_id
          and p.starts_at < w.ends_at and (p.ends_at is null or p.ends_at > greatest(p.starts_at, w.starts_at)))
        and not exists (select from budget_periods p where p.org_id = $1 and p.budget_id = w.budget_id
          and p.starts_at = w.starts_at and p.ends_at = w.ends_at)`,
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
