import { and, asc, desc, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { budgetAlerts, budgetPeriods, budgetRaises, budgets } from '@/drizzle/schema/budgets'
import type { Budget, budgets as contract } from '@/lib/contract/budgets'
import { toPage } from '@/lib/contract/page'
import { SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import { AppError } from '@/lib/errors'
import { usdOfNano } from '@/lib/money'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { leasesHeld } from '../spend-leases/queries'
import { budgetShape, raiseShape } from './budget-shape'
import { ensurePeriods } from './ensure-periods'
import { heldOfReplaced, mayHaveReplaced, withReplaced } from './held-of-replaced'
import { holdBudgets, isoOf, keyOfPeriod, limitOf } from './period'
import { endDueRaises } from './raises/end-due'

export type BudgetRow = typeof budgets.$inferSelect
export type RaiseRow = typeof budgetRaises.$inferSelect

const Position = z.string().max(64)
const RAISES_SHOWN_MAX = 500

const SCOPE_COLUMNS = {
  team_id: budgets.teamId,
  user_id: budgets.userId,
  agent_id: budgets.agentId,
  token_id: budgets.tokenId,
  model: budgets.model,
  provider: budgets.provider,
} as const satisfies Record<keyof SpendScope, unknown>

/** Newest first. */
export async function listBudgets(ctx: Context, input: Input<typeof contract.list>) {
  const { limit } = input
  await endDueRaises(ctx)
  await holdBudgets(ctx.tx, ctx.actor.orgId)
  const cursors = cursorsOf(ctx, 'budgets.list', input)
  const after = cursors.decode(Position)
  const rows = await ctx.tx
    .select()
    .from(budgets)
    .where(and(budgetsOf(ctx.actor), after === undefined ? undefined : lt(budgets.id, after)))
    .orderBy(desc(budgets.id))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ id }) => cursors.encode(id))
  return { ...page, items: await toBudgets(ctx, page.items) }
}

export async function getBudget(ctx: Context, { id }: Input<typeof contract.get>) {
  await endDueRaises(ctx)
  await holdBudgets(ctx.tx, ctx.actor.orgId)
  const row = await findBudget(ctx, id)
  const budget = await toBudget(ctx, row)
  const { tx, actor, request } = ctx
  const raises = await tx
    .select()
    .from(budgetRaises)
    .where(
      and(
        eq(budgetRaises.orgId, actor.orgId),
        eq(budgetRaises.budgetId, id),
        eq(budgetRaises.periodStartsAt, budget.current.starts_at),
      ),
    )
    .orderBy(desc(budgetRaises.id))
    .limit(RAISES_SHOWN_MAX)
  const window = { budgetId: id, startsMs: Date.parse(budget.current.starts_at) }
  const replaced = await heldOfReplaced(tx, actor.orgId, mayHaveReplaced(row) ? [window] : [])
  const startsMs = [window, ...(replaced.get(keyOfPeriod(window)) ?? [])].map((one) => one.startsMs)
  const held = await leasesHeld(tx, actor.orgId, id, startsMs, request.now)
  return { ...budget, held, raises: raises.map(raiseShape) }
}

/** As far as anything was spent, reserved or looked at in them; newest first. */
export async function listWindows(ctx: Context, input: Input<typeof contract.windows>) {
  const { id, limit } = input
  const { tx, actor, request } = ctx
  await endDueRaises(ctx)
  const budget = await findBudget(ctx, id)
  const cursors = cursorsOf(ctx, 'budgets.windows', input)
  const before = cursors.decode(Position)
  const rows = await tx
    .select()
    .from(budgetPeriods)
    .where(
      and(
        eq(budgetPeriods.orgId, actor.orgId),
        eq(budgetPeriods.budgetId, id),
        before === undefined ? undefined : lt(budgetPeriods.startsAt, before),
      ),
    )
    .orderBy(desc(budgetPeriods.startsAt))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ startsAt }) => cursors.encode(startsAt))
  const keyOf = ({ startsAt }: (typeof rows)[number]) => ({ budgetId: id, startsMs: Date.parse(startsAt) })
  const open = page.items.filter(({ endsAt }) => endsAt === null || Date.parse(endsAt) > request.now.getTime())
  const heldBefore = await heldOfReplaced(tx, actor.orgId, mayHaveReplaced(budget) ? open.map(keyOf) : [])
  const items = page.items.map((row) => withReplaced(row, heldBefore.get(keyOfPeriod(keyOf(row)))))
  return {
    ...page,
    items: items.map((row) => ({
      // As the budget itself writes the bounds of the one that is open, so that it is found among them.
      starts_at: isoOf(Date.parse(row.startsAt)),
      resets_at: row.endsAt === null ? null : isoOf(Date.parse(row.endsAt)),
      limit_usd: usdOfNano(limitOf(row)),
      carried_usd: usdOfNano(row.carried),
      raised_usd: usdOfNano(row.raised),
      committed_usd: usdOfNano(row.spent),
      held_usd: usdOfNano(row.leased),
      excess_usd: usdOfNano(row.excess),
    })),
  }
}

export async function findBudget({ tx, actor }: Pick<Context, 'tx' | 'actor'>, id: string): Promise<BudgetRow> {
  const [row] = await tx
    .select()
    .from(budgets)
    .where(and(budgetsOf(actor), eq(budgets.id, id)))
  if (!row) throw noSuchBudget()
  return row
}

export const noSuchBudget = () => new AppError('not_found', 'There is no such budget.')

const standing = (orgId: string): SQL | undefined => and(eq(budgets.orgId, orgId), isNull(budgets.deletedAt))

/** A key of a team sees what is about its team. */
const budgetsOf = ({ orgId, scope, teamId }: Actor): SQL | undefined =>
  and(standing(orgId), scope === 'team' ? eq(budgets.teamId, teamId ?? '') : undefined)

/** Budgets of which every part of the scope is among the values that occur. */
export const budgetsThatMayCount = (
  tx: Transaction,
  orgId: string,
  values: Record<keyof SpendScope, string[]>,
): Promise<BudgetRow[]> =>
  tx
    .select()
    .from(budgets)
    .where(
      and(
        standing(orgId),
        ...SCOPE_PARTS.map((part) =>
          or(isNull(SCOPE_COLUMNS[part]), sql`${SCOPE_COLUMNS[part]} = any(${sql.param(values[part])}::text[])`),
        ),
      ),
    )
    .orderBy(asc(budgets.id))

/** Also those that were deleted. */
export async function budgetsById(tx: Transaction, orgId: string, ids: string[]): Promise<Map<string, BudgetRow>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .select()
    .from(budgets)
    .where(and(eq(budgets.orgId, orgId), inArray(budgets.id, ids)))
  return new Map(rows.map((row) => [row.id, row]))
}

/** Those that refuse, in the order of their ids. */
export const hardBudgets = (tx: Transaction, orgId: string, limit: number): Promise<BudgetRow[]> =>
  tx
    .select()
    .from(budgets)
    .where(and(standing(orgId), eq(budgets.hard, true)))
    .orderBy(asc(budgets.id))
    .limit(limit)

export async function toBudget(ctx: Context, row: BudgetRow): Promise<Budget> {
  const [budget] = await toBudgets(ctx, [row])
  if (!budget) throw noSuchBudget()
  return budget
}

/** With the windows that are open, which this begins when nobody has. */
async function toBudgets({ tx, actor, request }: Context, rows: readonly BudgetRow[]): Promise<Budget[]> {
  if (rows.length === 0) return []
  const nowMs = request.now.getTime()
  const periods = await ensurePeriods(
    tx,
    actor.orgId,
    rows.map((budget) => ({ budget, atMs: nowMs })),
  )
  const current = new Map(periods.map((period) => [period.budgetId, period]))
  const replacing = rows.filter(mayHaveReplaced).flatMap(({ id }) => current.get(id) ?? [])
  const heldBefore = await heldOfReplaced(tx, actor.orgId, replacing)
  const alerts = await tx
    .select()
    .from(budgetAlerts)
    .where(
      and(
        eq(budgetAlerts.orgId, actor.orgId),
        inArray(
          budgetAlerts.budgetId,
          rows.map(({ id }) => id),
        ),
        sql`(${budgetAlerts.budgetId}, ${budgetAlerts.periodStartsAt}) in (select * from unnest(
          ${sql.param(periods.map(({ budgetId }) => budgetId))}::text[],
          ${sql.param(periods.map(({ startsMs }) => isoOf(startsMs)))}::timestamptz[]))`,
      ),
    )
    .orderBy(asc(budgetAlerts.percent))
  return rows.flatMap((row) => {
    const period = current.get(row.id)
    if (period === undefined) return []
    const reached = alerts
      .filter(({ budgetId }) => budgetId === row.id)
      .map(({ percent, reachedAt }) => ({ percent, at: reachedAt }))
    return [budgetShape(row, withReplaced(period, heldBefore.get(keyOfPeriod(period))), reached, nowMs)]
  })
}
