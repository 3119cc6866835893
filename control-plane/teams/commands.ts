import { and, count, eq, gt, isNull, ne, or } from 'drizzle-orm'
import { teams, users } from '@/drizzle/schema/members'
import { orgCounters } from '@/drizzle/schema/organizations'
import { tokens } from '@/drizzle/schema/tokens'
import { type teams as contract, TEAMS_MAX, type Team } from '@/lib/contract/teams'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { shortUsdOfNano } from '@/lib/money'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import { accountOfWallet } from '../ledger/accounts'
import { lockWallets } from '../ledger/commands'
import type { Input } from '../routes'
import { type TeamRow, toTeam } from './queries'

export async function createTeam(ctx: Context, { name }: Input<typeof contract.create>): Promise<Team> {
  const { tx, actor } = ctx
  await lockCounters(ctx)
  const [known] = await tx.select({ teams: count() }).from(teams).where(eq(teams.orgId, actor.orgId))
  if (known && known.teams >= TEAMS_MAX) {
    throw new AppError('unprocessable', `An organisation has at most ${TEAMS_MAX} teams.`)
  }
  const [row] = await tx
    .insert(teams)
    .values({ orgId: actor.orgId, id: newId('team'), name })
    .onConflictDoNothing()
    .returning()
  if (!row) throw nameTaken()
  await appendAudit(ctx, { action: 'team.created', target: targetOf(row), after: { name } })
  return toTeam(row)
}

export async function renameTeam(ctx: Context, { id, name }: Input<typeof contract.rename>): Promise<Team> {
  const { tx, actor } = ctx
  await lockCounters(ctx)
  const before = await findTeam(ctx, id)
  if (before.name === name) return toTeam(before)
  const others = and(eq(teams.orgId, actor.orgId), eq(teams.name, name), ne(teams.id, id))
  const [other] = await tx.select({ id: teams.id }).from(teams).where(others)
  if (other) throw nameTaken()
  await tx
    .update(teams)
    .set({ name })
    .where(and(eq(teams.orgId, actor.orgId), eq(teams.id, id)))
  const row = { ...before, name }
  await appendAudit(ctx, {
    action: 'team.renamed',
    target: targetOf(row),
    before: { name: before.name },
    after: { name },
  })
  return toTeam(row)
}

/** What it did stays in the record, and what its wallet did in the ledger, under its id. */
export async function deleteTeam(ctx: Context, { id }: Input<typeof contract.delete>) {
  const { tx, actor } = ctx
  await lockCounters(ctx)
  const row = await findTeam(ctx, id)
  const reasons = [await membersOf(ctx, id), await keysOf(ctx, id), await moneyOf(ctx, id)].filter(
    (reason) => reason !== null,
  )
  if (reasons.length > 0) {
    throw new AppError('conflict', `Team ${row.name} cannot be deleted: ${reasons.join('; ')}.`)
  }
  await tx.delete(teams).where(and(eq(teams.orgId, actor.orgId), eq(teams.id, id)))
  await appendAudit(ctx, { action: 'team.deleted', target: targetOf(row), before: { name: row.name } })
  return { id }
}

async function membersOf({ tx, actor }: Context, id: string): Promise<string | null> {
  const mine = and(eq(users.orgId, actor.orgId), eq(users.teamId, id))
  const [found] = await tx.select({ members: count() }).from(users).where(mine)
  return found && found.members > 0 ? `it has ${plural(found.members, 'member')}` : null
}

async function keysOf({ tx, actor, request }: Context, id: string): Promise<string | null> {
  const live = and(
    eq(tokens.orgId, actor.orgId),
    eq(tokens.teamId, id),
    isNull(tokens.revokedAt),
    or(isNull(tokens.expiresAt), gt(tokens.expiresAt, request.now.toISOString())),
  )
  const [found] = await tx.select({ keys: count() }).from(tokens).where(live)
  return found && found.keys > 0 ? `it has ${plural(found.keys, 'live key')}, to be revoked first` : null
}

async function moneyOf({ tx, actor }: Context, id: string): Promise<string | null> {
  const account = accountOfWallet(`team:${id}`)
  const wallet = (await lockWallets(tx, actor.orgId, [account])).get(account)
  if (wallet === undefined) return null
  if (wallet.balance > 0n) {
    return `its wallet has ${shortUsdOfNano(wallet.balance)} US dollars, to be reclaimed first`
  }
  if (wallet.held > 0n) {
    return `gateways hold ${shortUsdOfNano(wallet.held)} US dollars of its wallet, which come back when they are not used`
  }
  return null
}

const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

async function findTeam({ tx, actor }: Context, id: string): Promise<TeamRow> {
  const [row] = await tx
    .select()
    .from(teams)
    .where(and(eq(teams.orgId, actor.orgId), eq(teams.id, id)))
    .for('update')
  if (!row) throw new AppError('not_found', 'There is no such team.')
  return row
}

/** Changes of teams, and of their money, follow one another in an organisation. */
async function lockCounters({ tx, actor }: Context): Promise<void> {
  await tx.select({ held: orgCounters.orgId }).from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
}

const targetOf = ({ id, name }: TeamRow) => ({ type: 'team', id, name })

const nameTaken = () =>
  new AppError('name_taken', 'There is a team with this name already.', {
    errors: [{ path: 'name', message: 'belongs to a team already' }],
  })
