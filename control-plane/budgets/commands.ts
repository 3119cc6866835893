import { and, count, eq, isNull } from 'drizzle-orm'
import { budgets } from '@/drizzle/schema/budgets'
import { orgCounters } from '@/drizzle/schema/organizations'
import { BUDGETS_MAX, type Budget, type budgets as contract } from '@/lib/contract/budgets'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { nanoUsdOf } from '@/lib/money'
import { windowAt } from '@/lib/spend/windows'
import { appendAudit } from '../audit/append'
import { changesBetween } from '../audit/changes'
import type { Context } from '../context'
import { announce } from '../push'
import type { Input } from '../routes'
import { beginAhead } from './begin-ahead'
import { definitionShape, scopeOf } from './budget-shape'
import { assertFewEnough } from './counted-together'
import { ruleOf } from './ensure-periods'
import { recallReplaced, tellLimitChanged } from './limit-changed'
import { beginWindow, changeLimit, keepWindowBefore } from './open-window'
import { lockBudgets } from './period'
import { type BudgetRow, findBudget, noSuchBudget, toBudget } from './queries'
import { endDueRaises } from './raises/end-due'
import { costSoFar, recordedCost } from './recorded-cost'
import { tellThresholds } from './thresholds'

/** Counts what its window has cost so far. Gateways are told at once. */
export async function createBudget(ctx: Context, input: Input<typeof contract.create>): Promise<Budget> {
  const { tx, actor, request } = ctx
  const now = request.now.toISOString()
  const row: BudgetRow = {
    orgId: actor.orgId,
    id: newId('bud'),
    ...columnsOf(input),
    version: 1,
    createdAt: now,
    createdById: actor.id,
    createdByName: actor.name,
    updatedAt: now,
    deletedAt: null,
  }
  assertSensible(row)
  assertMayGovern(ctx, row)
  const window = windowAt(ruleOf(row), request.now.getTime())
  const before = await costSoFar(tx, actor.orgId, scopeOf(row), window)
  await lockCounters(ctx)
  const [known] = await tx
    .select({ total: count() })
    .from(budgets)
    .where(and(eq(budgets.orgId, actor.orgId), isNull(budgets.deletedAt)))
  if ((known?.total ?? 0) >= BUDGETS_MAX) {
    throw new AppError('unprocessable', `An organisation may have ${BUDGETS_MAX} budgets.`)
  }
  const [added] = await tx.insert(budgets).values(row).onConflictDoNothing().returning()
  if (!added) throw nameTaken(row.name)
  if (added.hard) await assertFewEnough(ctx)
  const spent = await recordedCost(tx, actor.orgId, scopeOf(row), window, before)
  const begun = await beginWindow(tx, row, window, spent, request.now)
  await beginAhead(tx, row, window, request.now)
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, {
    action: 'budget.created',
    target: { type: 'budget', id: row.id, name: row.name },
    after: definitionShape(row),
  })
  await tellThresholds(tx, actor.orgId, [{ budget: added, before: { ...begun, spent: 0n }, after: begun }])
  return toBudget(ctx, added)
}

/**
 * Refused when somebody else was faster. A limit holds from now on; another scope, window, zone or anchor begins a window,
 * with what the record says that it has cost.
 */
export async function updateBudget(
  ctx: Context,
  { id, version, ...input }: Input<typeof contract.update>,
): Promise<Budget> {
  const { tx, actor, request } = ctx
  await endDueRaises(ctx)
  const seen = await findBudget(ctx, id)
  const wanted: BudgetRow = { ...seen, ...changedColumnsOf(input) }
  assertSensible(wanted)
  assertMayGovern(ctx, wanted)
  const window = windowAt(ruleOf(wanted), request.now.getTime())
  const isNewWindow = countsOtherwise(seen, wanted)
  const soFar = isNewWindow ? await costSoFar(tx, actor.orgId, scopeOf(wanted), window) : null
  await lockCounters(ctx)
  await lockBudgets(tx, actor.orgId)
  const before = await lockBudget(ctx, id)
  if (before.version !== version || before.version !== seen.version) {
    throw new AppError(
      'conflict',
      `Somebody changed it meanwhile: the newest version is ${before.version}. Look at it first.`,
    )
  }
  const changes = changesBetween(definitionShape(before), definitionShape(wanted))
  if (!changes) return toBudget(ctx, before)

  const isNameTaken = wanted.name !== before.name && (await hasName(ctx, wanted.name))
  if (isNameTaken) throw nameTaken(wanted.name)
  await keepWindowBefore(tx, before, request.now)
  const [after] = await tx
    .update(budgets)
    .set({ ...changedColumnsOf(input), version: before.version + 1, updatedAt: request.now.toISOString() })
    .where(and(eq(budgets.orgId, actor.orgId), eq(budgets.id, id)))
    .returning()
  if (!after) throw noSuchBudget()
  if (after.hard && (isNewWindow || !before.hard)) await assertFewEnough(ctx)
  const spent = isNewWindow ? await recordedCost(tx, actor.orgId, scopeOf(after), window, soFar) : 0n
  const open = isNewWindow
    ? await beginWindow(tx, after, window, spent, request.now)
    : await changeLimit(tx, before, after, window, request.now)
  if (isNewWindow) {
    await beginAhead(tx, after, window, request.now)
    await recallReplaced(tx, actor.orgId, open)
  }
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, {
    action: 'budget.updated',
    target: { type: 'budget', id, name: after.name },
    ...changes,
  })
  await tellLimitChanged(tx, actor.orgId, [{ budget: after, before: { ...open, spent: 0n }, after: open }])
  return toBudget(ctx, after)
}

/** From now on it refuses nothing. What it counted stays. */
export async function deleteBudget(ctx: Context, { id }: Input<typeof contract.delete>) {
  const { tx, actor, request } = ctx
  const seen = await findBudget(ctx, id)
  assertMayGovern(ctx, seen)
  await lockCounters(ctx)
  const row = await lockBudget(ctx, id)
  await tx
    .update(budgets)
    .set({ deletedAt: request.now.toISOString() })
    .where(and(eq(budgets.orgId, actor.orgId), eq(budgets.id, id)))
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, {
    action: 'budget.deleted',
    target: { type: 'budget', id, name: row.name },
    before: definitionShape(row),
  })
  return { id }
}

/** Before anything else is locked: whoever records events holds them first, too. */
export const lockCounters = ({ tx, actor }: Pick<Context, 'tx' | 'actor'>) =>
  tx.select({ held: orgCounters.orgId }).from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')

async function lockBudget({ tx, actor }: Context, id: string): Promise<BudgetRow> {
  const [row] = await tx
    .select()
    .from(budgets)
    .where(and(eq(budgets.orgId, actor.orgId), eq(budgets.id, id), isNull(budgets.deletedAt)))
    .for('update')
  if (!row) throw noSuchBudget()
  return row
}

/** A key of a team governs what is about its team, and nothing else. */
export function assertMayGovern({ actor }: Context, { teamId }: Pick<BudgetRow, 'teamId'>): void {
  if (actor.scope !== 'team' || (teamId !== null && teamId === actor.teamId)) return
  throw new AppError('forbidden', 'A key of a team may only make and change budgets of its team.')
}

function assertSensible({ rollover, rolloverCap, window }: BudgetRow): void {
  if (rollover === 'cap' && rolloverCap === null)
    throw unfit('rollover_cap_usd', 'is missing: how much may be carried over?')
  if (rollover !== 'cap' && rolloverCap !== null) throw unfit('rollover_cap_usd', 'is for the rollover `cap` only')
  if (rollover !== 'none' && window === 'lifetime') throw unfit('rollover', 'a lifetime has no next window')
}

const unfit = (path: string, message: string) =>
  new AppError('unprocessable', `${path}: ${message}`, { errors: [{ path, message }] })

const nameTaken = (name: string) =>
  new AppError('name_taken', `There is a budget "${name}" already.`, {
    errors: [{ path: 'name', message: 'belongs to a budget already' }],
  })

async function hasName({ tx, actor }: Context, name: string): Promise<boolean> {
  const rows = await tx
    .select({ id: budgets.id })
    .from(budgets)
    .where(and(eq(budgets.orgId, actor.orgId), eq(budgets.name, name), isNull(budgets.deletedAt)))
    .limit(1)
  return rows.length > 0
}

/** Whether other requests count, or others' windows: what was counted so far is then of no use. */
const countsOtherwise = (before: BudgetRow, after: BudgetRow): boolean =>
  changesBetween(whatCounts(before), whatCounts(after)) !== undefined

const whatCounts = (row: BudgetRow) => ({ scope: scopeOf(row), ...ruleOf(row) })

type Definition = Pick<Input<typeof contract.create>, keyof ReturnType<typeof definitionShape>>

const columnsOf = (given: Definition) => ({
  name: given.name,
  ...scopeColumnsOf(given.scope),
  limit: nanoUsdOf(given.limit_usd),
  hard: given.hard,
  window: given.window,
  timeZone: given.time_zone,
  anchor: given.anchor,
  rollover: given.rollover,
  rolloverCap: given.rollover_cap_usd === null ? null : nanoUsdOf(given.rollover_cap_usd),
  thresholds: given.thresholds,
  onUnavailable: given.on_unavailable,
})

type Columns = ReturnType<typeof columnsOf>

/** Only what was given. A cap goes with its rollover, unless it was given, too. */
function changedColumnsOf(given: Partial<Definition>): Partial<Columns> {
  const { name, scope, limit_usd, hard, window, time_zone, anchor, rollover, rollover_cap_usd, thresholds } = given
  const cap = rollover_cap_usd === undefined && rollover !== undefined && rollover !== 'cap' ? null : rollover_cap_usd
  return {
    ...(name === undefined ? {} : { name }),
    ...(scope === undefined ? {} : scopeColumnsOf(scope)),
    ...(limit_usd === undefined ? {} : { limit: nanoUsdOf(limit_usd) }),
    ...(hard === undefined ? {} : { hard }),
    ...(window === undefined ? {} : { window }),
    ...(time_zone === undefined ? {} : { timeZone: time_zone }),
    ...(anchor === undefined ? {} : { anchor }),
    ...(rollover === undefined ? {} : { rollover }),
    ...(cap === undefined ? {} : { rolloverCap: cap === null ? null : nanoUsdOf(cap) }),
    ...(thresholds === undefined ? {} : { thresholds }),
    ...(given.on_unavailable === undefined ? {} : { onUnavailable: given.on_unavailable }),
  }
}

const scopeColumnsOf = (scope: Definition['scope']) => ({
  teamId: scope.team_id ?? null,
  userId: scope.user_id ?? null,
  agentId: scope.agent_id ?? null,
  tokenId: scope.token_id ?? null,
  model: scope.model ?? null,
  provider: scope.provider ?? null,
})
