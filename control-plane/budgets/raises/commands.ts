import { and, eq, isNull } from 'drizzle-orm'
import { budgetRaises } from '@/drizzle/schema/budgets'
import { type budgets as contract, RAISE_DAYS_MAX, type Raise } from '@/lib/contract/budgets'
import { resolveWhen } from '@/lib/contract/fields'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import type { Input } from '../../routes'
import { applyChanges } from '../apply-changes'
import { raiseShape } from '../budget-shape'
import { assertMayGovern, lockCounters } from '../commands'
import { ensurePeriods } from '../ensure-periods'
import { tellLimitChanged } from '../limit-changed'
import { AMOUNT_MAX, keyOfPeriod, lockPeriods } from '../period'
import { findBudget } from '../queries'
import { endDueRaises } from './end-due'

const DAY_MS = 86_400_000

/** Raises the limit of the window that is open: until then, or until the window is over. */
export async function raiseBudget(ctx: Context, input: Input<typeof contract.raise>): Promise<Raise> {
  const { tx, actor, request } = ctx
  await endDueRaises(ctx)
  await lockCounters(ctx)
  const budget = await findBudget(ctx, input.id)
  assertMayGovern(ctx, budget)
  const expiresAt = timeAhead(input.expires_at, request.now)
  const [period] = await ensurePeriods(tx, actor.orgId, [{ budget, atMs: request.now.getTime() }])
  if (period === undefined) throw new Error('The window that is open was not begun.')
  const amount = nanoUsdOf(input.amount_usd)
  const locked = (await lockPeriods(tx, actor.orgId, [period])).get(keyOfPeriod(period)) ?? period
  if (locked.raised + amount > AMOUNT_MAX) {
    throw new AppError(
      'unprocessable',
      'amount_usd: with it, the window would be raised by more than a billion dollars.',
    )
  }
  await applyChanges(tx, actor.orgId, [{ budgetId: budget.id, startsMs: period.startsMs, raised: amount }])
  const [row] = await tx
    .insert(budgetRaises)
    .values({
      orgId: actor.orgId,
      id: newId('rse'),
      budgetId: budget.id,
      periodStartsAt: new Date(period.startsMs).toISOString(),
      amount,
      reason: input.reason,
      approvedBy: input.approved_by ?? null,
      createdAt: request.now.toISOString(),
      createdById: actor.id,
      createdByName: actor.name,
      expiresAt: expiresAt.toISOString(),
    })
    .returning()
  if (!row) throw new Error('The raise was not stored.')
  const raise = raiseShape(row)
  await appendAudit(ctx, {
    action: 'budget.raised',
    target: { type: 'budget', id: budget.id, name: budget.name },
    after: {
      raise_id: raise.id,
      amount_usd: raise.amount_usd,
      reason: raise.reason,
      approved_by: raise.approved_by,
      expires_at: raise.expires_at,
    },
  })
  return raise
}

/** One that is over already stays as it is. */
export async function endRaise(ctx: Context, input: Input<typeof contract.endRaise>): Promise<Raise> {
  const { tx, actor, request } = ctx
  await endDueRaises(ctx)
  await lockCounters(ctx)
  const budget = await findBudget(ctx, input.id)
  assertMayGovern(ctx, budget)
  const mine = and(
    eq(budgetRaises.orgId, actor.orgId),
    eq(budgetRaises.budgetId, budget.id),
    eq(budgetRaises.id, input.raise_id),
  )
  const [known] = await tx.select().from(budgetRaises).where(mine)
  if (!known) throw new AppError('not_found', 'There is no such raise.')
  if (known.endedAt !== null) return raiseShape(known)

  const key = { budgetId: budget.id, startsMs: Date.parse(known.periodStartsAt) }
  await lockPeriods(tx, actor.orgId, [key])
  const changed = await applyChanges(tx, actor.orgId, [{ ...key, raised: -known.amount }])
  const [row] = await tx
    .update(budgetRaises)
    .set({ endedAt: request.now.toISOString() })
    .where(and(mine, isNull(budgetRaises.endedAt)))
    .returning()
  if (!row) throw new Error('The raise was not ended.')
  await appendAudit(ctx, {
    action: 'budget.raise_ended',
    target: { type: 'budget', id: budget.id, name: budget.name },
    before: { raise_id: row.id, amount_usd: usdOfNano(row.amount), expires_at: row.expiresAt },
    after: { ended_at: row.endedAt },
  })
  await tellLimitChanged(
    tx,
    actor.orgId,
    changed.map((one) => ({ ...one, budget })),
  )
  return raiseShape(row)
}

/** `7d` is a week from now: nobody raises anything for the past. */
function timeAhead(text: string, now: Date): Date {
  const given = resolveWhen(text, now)
  const isRelative = /^\d{1,6}[smhdw]$/.test(text)
  const at = isRelative ? new Date(2 * now.getTime() - given.getTime()) : given
  if (at <= now) throw new AppError('unprocessable', 'expires_at: must lie ahead.')
  if (at.getTime() > now.getTime() + RAISE_DAYS_MAX * DAY_MS) {
    throw new AppError('unprocessable', `expires_at: at most ${RAISE_DAYS_MAX} days ahead.`)
  }
  return at
}
