import { usdOfNano } from '@/lib/money'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import { connectionOf, type Transaction } from '../../database'
import { systemActor, systemRequest } from '../../system'
import { applyChanges } from '../apply-changes'
import { tellLimitChanged } from '../limit-changed'
import { lockPeriods } from '../period'
import { budgetsById } from '../queries'

/** Ended at once; what is left over is ended at the next look. */
const ENDED_MAX = 200

type DueRaise = {
  id: string
  budget_id: string
  starts_at: Date
  ends_at: Date | null
  amount: string
  expires_at: Date
}

/**
 * Takes raises from their windows whose time is over. Whoever looks at what a budget allows calls this before, and before it
 * locks anything, since it locks the organisation's counters when there is one.
 */
export async function endDueRaises({ tx, actor: { orgId }, request }: Pick<Context, 'tx' | 'actor' | 'request'>) {
  const now = request.now.toISOString()
  const seen = await dueRaises(tx, orgId, now)
  if (seen.length === 0) return
  await connectionOf(tx).query('select from org_counters where org_id = $1 for update', [orgId])
  const due = await dueRaises(tx, orgId, now)
  const ended = new Map<string, { raise: DueRaise; endedAt: Date }>()
  for (const raise of due) {
    const isOutlived = raise.ends_at !== null && raise.ends_at <= raise.expires_at
    ended.set(raise.id, { raise, endedAt: isOutlived ? (raise.ends_at ?? raise.expires_at) : raise.expires_at })
  }
  // In a window that was over before, it stays: that is what the window allowed.
  const lowered = new Map<string, { budgetId: string; startsMs: number; raised: bigint }>()
  for (const { raise, endedAt } of ended.values()) {
    if (raise.ends_at !== null && endedAt.getTime() >= raise.ends_at.getTime()) continue
    const key = { budgetId: raise.budget_id, startsMs: raise.starts_at.getTime() }
    const name = `${key.budgetId} ${key.startsMs}`
    lowered.set(name, { ...key, raised: (lowered.get(name)?.raised ?? 0n) - BigInt(raise.amount) })
  }
  await lockPeriods(tx, orgId, lowered.values())
  const changed = await applyChanges(tx, orgId, [...lowered.values()])
  await connectionOf(tx).query(
    `update budget_raises r set ended_at = d.ended_at from unnest($2::text[], $3::timestamptz[]) as d (id, ended_at)
     where r.org_id = $1 and r.id = d.id`,
    [orgId, [...ended.keys()], [...ended.values()].map(({ endedAt }) => endedAt.toISOString())],
  )
  const ctx = { tx, actor: systemActor(orgId), request: systemRequest() }
  for (const { raise, endedAt } of ended.values()) {
    await appendAudit(ctx, {
      action: 'budget.raise_ended',
      target: { type: 'budget', id: raise.budget_id },
      after: { raise_id: raise.id, amount_usd: usdOfNano(BigInt(raise.amount)), ended_at: endedAt.toISOString() },
    })
  }
  const budgets = await budgetsById(
    tx,
    orgId,
    changed.map(({ after }) => after.budgetId),
  )
  const watched = changed.flatMap((one) => {
    const budget = budgets.get(one.after.budgetId)
    return budget === undefined || budget.deletedAt !== null ? [] : [{ ...one, budget }]
  })
  await tellLimitChanged(tx, orgId, watched)
}

/** Over by their own time, or with their window. */
async function dueRaises(tx: Transaction, orgId: string, now: string): Promise<DueRaise[]> {
  const { rows } = await connectionOf(tx).query<DueRaise>({
    name: 'due_budget_raises',
    text: `select r.id, r.budget_id, p.starts_at, p.ends_at, r.amount_nano_usd as amount, r.expires_at
      from budget_raises r
      join budget_periods p on p.org_id = $1 and p.budget_id = r.budget_id and p.starts_at = r.period_starts_at
      where r.org_id = $1 and r.ended_at is null and (r.expires_at <= $2 or p.ends_at <= $2)
      order by r.expires_at, r.id limit ${ENDED_MAX}`,
    values: [orgId, now],
  })
  return rows
}
