import { usdOfNano } from '@/lib/money'
import { appendAudit } from '../audit/append'
import { connectionOf, type Transaction } from '../database'
import { systemActor, systemRequest } from '../system'
import type { ChangedPeriod } from './apply-changes'
import { isoOf, limitOf, type Period } from './period'
import type { BudgetRow } from './queries'

type Watched = ChangedPeriod & { budget: BudgetRow }

/**
 * Tells of thresholds that were passed: each once for a window, however often it is passed. Appends to the organisation's
 * record, so its counters are locked by then.
 */
export async function tellThresholds(tx: Transaction, orgId: string, watched: readonly Watched[]): Promise<void> {
  const passed = watched.flatMap(({ budget, before, after }) =>
    budget.thresholds
      .filter((percent) => isReached(percent, after) && !isReached(percent, before))
      .map((percent) => ({ budget, after, percent })),
  )
  if (passed.length === 0) return
  const at = new Date().toISOString()
  const { rows } = await connectionOf(tx).query<{ budget_id: string; starts_at: Date; percent: number }>(
    `insert into budget_alerts (org_id, budget_id, period_starts_at, percent, reached_at)
     select $1, *, $5 from unnest($2::text[], $3::timestamptz[], $4::integer[])
     on conflict do nothing returning budget_id, period_starts_at as starts_at, percent`,
    [
      orgId,
      passed.map(({ budget }) => budget.id),
      passed.map(({ after }) => isoOf(after.startsMs)),
      passed.map(({ percent }) => percent),
      at,
    ],
  )
  const told = new Set(
    rows.map(({ budget_id, starts_at, percent }) => `${budget_id} ${starts_at.getTime()} ${percent}`),
  )
  const ctx = { tx, actor: systemActor(orgId), request: systemRequest() }
  for (const { budget, after, percent } of passed) {
    if (!told.has(`${budget.id} ${after.startsMs} ${percent}`)) continue
    await appendAudit(ctx, {
      action: 'budget.threshold_reached',
      target: { type: 'budget', id: budget.id, name: budget.name },
      after: {
        percent,
        committed_usd: usdOfNano(after.spent),
        limit_usd: usdOfNano(limitOf(after)),
        window_starts_at: isoOf(after.startsMs),
        hard: budget.hard,
      },
    })
  }
}

/** Of a limit of nothing, anything is all. */
const isReached = (percent: number, period: Period): boolean =>
  period.spent > 0n && period.spent * 100n >= limitOf(period) * BigInt(percent)
