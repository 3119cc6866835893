import { and, count, eq } from 'drizzle-orm'
import { ledgerAccounts, ledgerTransactions, spendSettings } from '@/drizzle/schema/ledger'
import { teams, users } from '@/drizzle/schema/members'
import { orgCounters } from '@/drizzle/schema/organizations'
import { GATEWAY_WALLETS_MAX } from '@/lib/contract/spend-shapes'
import type { Movement, TransactionKind, wallets } from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { type NanoUsd, NO_MONEY, nanoUsd, nanoUsdOf, shortUsdOfNano, usdOfNano } from '@/lib/money'
import { appendAudit } from '../audit/append'
import { changesBetween } from '../audit/changes'
import type { Context } from '../context'
import { accountOfWallet, FUNDING, type Holder, isWallet, ORGANIZATION_WALLET, walletId } from '../ledger/accounts'
import { lockWallets, post } from '../ledger/commands'
import { announce } from '../push'
import type { Input } from '../routes'
import { findWallet, hasClosedMonth, holderId, noSuchWallet, spendSettingsOf } from './queries'

/** Of all wallets and what is held of them together: four billion dollars. Sums of sums have to fit into 63 bits. */
const CREDITED_MAX = nanoUsdOf('4000000000')

export async function creditWallet(ctx: Context, input: Input<typeof wallets.credit>) {
  assertSeesAll(ctx)
  await lockCounters(ctx)
  const amount = nanoUsdOf(input.amount_usd)
  const [funding] = await ctx.tx
    .select({ balance: ledgerAccounts.balance })
    .from(ledgerAccounts)
    .where(and(eq(ledgerAccounts.orgId, ctx.actor.orgId), eq(ledgerAccounts.id, FUNDING)))
  if (amount - (funding?.balance ?? 0n) > CREDITED_MAX) {
    throw new AppError('unprocessable', 'amount_usd: with it, more than four billion dollars would have been put in.')
  }
  return move(ctx, {
    kind: 'credit',
    action: 'wallet.credited',
    from: FUNDING,
    to: ORGANIZATION_WALLET,
    ...rest(input),
  })
}

/** Takes back what was put in by mistake, or is paid out. */
export async function debitWallet(ctx: Context, input: Input<typeof wallets.debit>) {
  assertSeesAll(ctx)
  await lockCounters(ctx)
  return move(ctx, {
    kind: 'debit',
    action: 'wallet.debited',
    from: ORGANIZATION_WALLET,
    to: FUNDING,
    ...rest(input),
  })
}

export async function allocate(ctx: Context, input: Input<typeof wallets.allocate>) {
  assertSeesAll(ctx)
  await lockCounters(ctx)
  const from = accountOfWallet(input.from ?? walletId(ORGANIZATION_WALLET))
  const to = accountOfWallet(holderId(oneHolder(input)))
  await assertExists(ctx, input)
  await assertPath(ctx, { upper: from, lower: to, field: 'from' })
  return move(ctx, { kind: 'allocate', action: 'wallet.allocated', from, to, ...rest(input) })
}

export async function reclaim(ctx: Context, input: Input<typeof wallets.reclaim>) {
  assertSeesAll(ctx)
  await lockCounters(ctx)
  const from = accountOfWallet(holderId(oneHolder(input)))
  const to = accountOfWallet(input.to ?? walletId(ORGANIZATION_WALLET))
  await assertPath(ctx, { upper: to, lower: from, field: 'to' })
  return move(ctx, { kind: 'reclaim', action: 'wallet.reclaimed', from, to, ...rest(input) })
}

/** Acts at once: gateways are told, and months are counted by it from the next cost on. */
export async function updateSpendSettings(ctx: Context, changes: Input<typeof wallets.updateSettings>) {
  const { tx, actor, request } = ctx
  assertSeesAll(ctx)
  // Two changes at once follow each other, so that each entry's `before` is what was in force.
  await lockCounters(ctx)
  const { updated_at: _, ...before } = await spendSettingsOf(tx, actor.orgId)
  const wanted = { ...before, ...changes }
  const after = { ...wanted, unknown_price_usd: usdOfNano(nanoUsdOf(wanted.unknown_price_usd)) }
  const changed = changesBetween(before, after)
  if (!changed) return spendSettingsOf(tx, actor.orgId)
  if (after.unknown_price === 'hold_default' && nanoUsdOf(after.unknown_price_usd) === 0n) {
    throw new AppError(
      'unprocessable',
      'unknown_price_usd: must be more than zero, or what nobody knows would be free.',
    )
  }
  if (after.time_zone !== before.time_zone && (await hasClosedMonth(tx, actor.orgId))) {
    throw new AppError('conflict', `Months were closed in ${before.time_zone}: their bounds cannot move any more.`)
  }
  const values = {
    walletsRequired: after.wallets_required,
    unknownPrice: after.unknown_price,
    unknownPriceUsd: nanoUsdOf(after.unknown_price_usd),
    timeZone: after.time_zone,
    updatedAt: request.now.toISOString(),
  }
  await tx
    .insert(spendSettings)
    .values({ orgId: actor.orgId, ...values })
    .onConflictDoUpdate({ target: spendSettings.orgId, set: values })
  await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  await appendAudit(ctx, { action: 'settings.spend_updated', target: { type: 'settings', id: 'spend' }, ...changed })
  return spendSettingsOf(tx, actor.orgId)
}

/** What moves money follows one another in an organisation, and nothing is recorded meanwhile: the order of locks. */
async function lockCounters({ tx, actor }: Context): Promise<void> {
  await tx.select({ held: orgCounters.orgId }).from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
}

function assertSeesAll({ actor }: Context): void {
  if (actor.scope === 'org') return
  throw new AppError('forbidden', 'Money is moved by those who see the whole organisation.')
}

function oneHolder({ team_id, user_id }: Holder): Holder {
  if ((team_id === undefined) !== (user_id === undefined)) return { team_id, user_id }
  throw new AppError('invalid_request', 'Say whose wallet is meant: team_id or user_id, one of them.')
}

async function assertExists({ tx, actor }: Context, { team_id: id }: Holder): Promise<void> {
  if (id === undefined) return
  const [team] = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(and(eq(teams.orgId, actor.orgId), eq(teams.id, id)))
  if (!team) throw new AppError('not_found', `There is no team ${id}.`)
}

/** Money goes from the organisation to teams and users, from teams to their users, and the same way back. */
async function assertPath(
  { tx, actor }: Context,
  { upper, lower, field }: { upper: string; lower: string; field: 'from' | 'to' },
): Promise<void> {
  if (upper === ORGANIZATION_WALLET) return
  const [scope, teamId = ''] = walletId(upper).split(':')
  const [lowerScope, ...user] = walletId(lower).split(':')
  if (scope !== 'team' || lowerScope !== 'user') {
    throw new AppError('unprocessable', `${field}: must be organization, or for a user the wallet of a team.`)
  }
  const [member] = await tx
    .select({ teamId: users.teamId })
    .from(users)
    .where(and(eq(users.orgId, actor.orgId), eq(users.id, user.join(':'))))
  if (member?.teamId && member.teamId !== teamId) {
    throw new AppError('unprocessable', `${field}: ${user.join(':')} is a member of another team.`)
  }
}

type Move = {
  kind: TransactionKind
  action: string
  from: string
  to: string
  amount: NanoUsd
  note: string | undefined
  dryRun: boolean
}

const rest = (input: { amount_usd: string; note?: string | undefined; dry_run?: boolean }) => ({
  amount: nanoUsdOf(input.amount_usd),
  note: input.note,
  dryRun: input.dry_run ?? false,
})

async function move(ctx: Context, { kind, action, from, to, amount, note, dryRun }: Move): Promise<Movement> {
  const { tx, actor, request } = ctx
  const states = await lockWallets(tx, actor.orgId, [from, to].filter(isWallet))
  const giver = states.get(from)
  if (isWallet(from) && giver === undefined) {
    if (from !== ORGANIZATION_WALLET) throw noSuchWallet(walletId(from))
    throw short(from, NO_MONEY, NO_MONEY)
  }
  if (giver !== undefined && giver.balance < amount) throw short(from, giver.balance, giver.held)

  const taker = states.get(to)
  if (isWallet(to) && taker === undefined) await assertFewEnough(ctx)
  const side = (account: string, before: NanoUsd, change: bigint) =>
    isWallet(account)
      ? {
          wallet_id: walletId(account),
          balance_before_usd: usdOfNano(before),
          balance_after_usd: usdOfNano(before + change),
        }
      : null
  const movement = {
    kind,
    amount_usd: usdOfNano(amount),
    from: side(from, giver?.balance ?? NO_MONEY, -amount),
    to: side(to, taker?.balance ?? NO_MONEY, amount),
  }
  if (dryRun) return { transaction_id: null, ...movement, posted_at: request.now.toISOString() }

  const id = newId('ltx')
  await post(tx, actor.orgId, [
    {
      id,
      kind,
      reference: id,
      occurredAt: request.now.toISOString(),
      note: note ?? null,
      actor: { id: actor.id, name: actor.name },
      legs: [
        { account: from, amount: nanoUsd(-amount) },
        { account: to, amount },
      ],
    },
  ])
  // Gateways know wallets by name: one that is new has to be told of.
  if (isWallet(to) && taker === undefined) await announce(tx, { orgId: actor.orgId, kind: 'settings' })
  const moved = await findWallet(tx, actor, walletId(isWallet(from) && kind !== 'allocate' ? from : to))
  await appendAudit(ctx, {
    action,
    target: { type: 'wallet', id: moved.id, name: moved.name },
    after: { transaction_id: id, ...movement, note: note ?? null },
  })
  return { transaction_id: id, ...movement, posted_at: await postedAt(ctx, id) }
}

/** Gateways are told of so many: of any other wallet nobody would ask what it has. */
async function assertFewEnough({ tx, actor }: Context): Promise<void> {
  const [known] = await tx
    .select({ total: count() })
    .from(ledgerAccounts)
    .where(and(eq(ledgerAccounts.orgId, actor.orgId), eq(ledgerAccounts.kind, 'wallet')))
  if ((known?.total ?? 0) < GATEWAY_WALLETS_MAX) return
  throw new AppError('unprocessable', `An organisation may have ${GATEWAY_WALLETS_MAX} wallets.`)
}

const short = (account: string, balance: NanoUsd, held: NanoUsd): AppError => {
  const left = shortUsdOfNano(balance)
  const also = held > 0n ? ` Gateways hold ${shortUsdOfNano(held)} more, which comes back when it is not used.` : ''
  const words = `wallet ${walletId(account)} has ${left} US dollars to give.${also}`
  // Beside the field everybody sees which wallet it is.
  const errors = [{ path: 'amount_usd', message: `must be at most ${left} US dollars.${also}` }]
  return new AppError('conflict', `amount_usd: ${words}`, { errors })
}

async function postedAt({ tx, actor }: Context, id: string): Promise<string> {
  const [row] = await tx
    .select({ at: ledgerTransactions.postedAt })
    .from(ledgerTransactions)
    .where(and(eq(ledgerTransactions.orgId, actor.orgId), eq(ledgerTransactions.id, id)))
  if (!row) throw new Error('What was posted is not there.')
  return row.at
}
