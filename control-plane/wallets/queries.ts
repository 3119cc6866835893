import { and, eq, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { ledgerAccounts, spendSettings } from '@/drizzle/schema/ledger'
import { organizations } from '@/drizzle/schema/organizations'
import { toPage } from '@/lib/contract/page'
import {
  SPEND_DEFAULTS,
  type SpendSettings,
  WALLET_LOW_PERCENT,
  type Wallet,
  type wallets,
} from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import { executePrepared, type Transaction } from '../database'
import { accountOfWallet, type Holder, ORGANIZATION_WALLET, walletId } from '../ledger/accounts'
import { checkLedger } from '../ledger/queries'
import type { Input } from '../routes'
import { leasesHeld } from '../spend-leases/queries'

const Position = z.string().max(300)

/** The organisation's first, whether anything was ever put into it or not; then those of teams, then those of users. */
export async function listWallets(ctx: Context, input: Input<typeof wallets.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'wallets.list', input)
  const after = cursors.decode(Position)
  const rows = await walletsWhere(
    tx,
    actor,
    and(
      input.scope === undefined ? undefined : sql`w.scope = ${input.scope}`,
      // In the order of bytes `organization` comes before `team:` and that before `user:`.
      after === undefined ? undefined : sql`w.id collate "C" > ${accountOfWallet(after)}`,
    ),
    input.limit + 1,
  )
  const isFirst = after === undefined && actor.scope === 'org' && (input.scope ?? 'organization') === 'organization'
  if (isFirst && rows[0]?.scope !== 'organization') rows.unshift(await emptyWallet(tx, actor.orgId))
  return toPage(rows, input.limit, ({ id }) => cursors.encode(id))
}

/** In the order in which they pay. */
export async function walletBalance({ tx, actor }: Context, { user_id, team_id }: Input<typeof wallets.balance>) {
  const ids = [
    ...(user_id === undefined ? [] : [`user:${user_id}`]),
    ...(team_id === undefined ? [] : [`team:${team_id}`]),
    walletId(ORGANIZATION_WALLET),
  ]
  const found = await walletsWhere(
    tx,
    actor,
    sql`w.id = any(${sql.param(ids.map(accountOfWallet))}::text[])`,
    ids.length,
  )
  const cascade = ids.flatMap((id) => found.find((wallet) => wallet.id === id) ?? [])
  if (actor.scope === 'org' && !cascade.some(({ scope }) => scope === 'organization')) {
    cascade.push(await emptyWallet(tx, actor.orgId))
  }
  return {
    cascade,
    available_usd: usdOfNano(cascade.reduce((sum, { balance_usd }) => sum + nanoUsdOf(balance_usd), 0n)),
  }
}

export async function getWallet({ tx, actor, request }: Context, { id }: Input<typeof wallets.get>) {
  const wallet = await findWallet(tx, actor, id)
  return { ...wallet, held: await leasesHeld(tx, actor.orgId, accountOfWallet(id), [null], request.now) }
}

export async function findWallet(tx: Transaction, actor: Actor, id: string): Promise<Wallet> {
  const [wallet] = await walletsWhere(tx, actor, sql`w.id = ${accountOfWallet(id)}`, 1)
  if (wallet) return wallet
  if (id === walletId(ORGANIZATION_WALLET) && actor.scope === 'org') return emptyWallet(tx, actor.orgId)
  throw noSuchWallet(id)
}

export const noSuchWallet = (id: string): AppError => new AppError('not_found', `There is no wallet ${id}.`)

export async function walletCheck({ tx, actor, request }: Context) {
  if (actor.scope === 'team') throw new AppError('forbidden', 'The ledger belongs to the organisation, not to a team.')
  // All entries are read: whoever asks while they are waits, rather than reading them at the same time.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`ledger check ${actor.orgId}`}, 0))`)
  const { sum, differences } = await checkLedger(tx, actor.orgId)
  return {
    balanced: sum === 0n && differences.length === 0,
    checked_at: request.now.toISOString(),
    sum_usd: usdOfNano(sum),
    differences: differences.map(({ account, balance, entries }) => ({
      account,
      balance_usd: usdOfNano(balance),
      entries_usd: usdOfNano(entries),
    })),
  }
}

/** How spend is governed; defaults until somebody decides otherwise. */
export async function spendSettingsOf(tx: Transaction, orgId: string): Promise<SpendSettings> {
  const [row] = await tx
    .select({ settings: spendSettings, createdAt: organizations.createdAt })
    .from(organizations)
    .leftJoin(spendSettings, eq(spendSettings.orgId, organizations.orgId))
    .where(eq(organizations.orgId, orgId))
  if (!row) throw new Error(`There is no organisation ${orgId}.`)
  const { settings, createdAt } = row
  if (settings === null) return { ...SPEND_DEFAULTS, updated_at: createdAt }
  return {
    wallets_required: settings.walletsRequired,
    unknown_price: settings.unknownPrice,
    unknown_price_usd: usdOfNano(settings.unknownPriceUsd),
    time_zone: settings.timeZone,
    updated_at: settings.updatedAt,
  }
}

/** Whether the bounds of any month are settled for good. */
export async function hasClosedMonth(tx: Transaction, orgId: string): Promise<boolean> {
  const { rows } = await tx.execute(sql`select from ledger_months where org_id = ${orgId} limit 1`)
  return rows.length > 0
}

export const holderId = ({ team_id, user_id }: Holder): string =>
  team_id === undefined ? `user:${user_id}` : `team:${team_id}`

type WalletRow = {
  id: string
  scope: Wallet['scope']
  scope_id: string | null
  name: string | null
  balance: string
  held: string
  received: string
  created_at: string
}

/** Wallets that an actor sees, in order: one that speaks for a team sees that of its team only. */
async function walletsWhere(tx: Transaction, actor: Actor, where: SQL | undefined, limit: number): Promise<Wallet[]> {
  const seen = and(
    sql`w.org_id = ${actor.orgId} and w.kind = 'wallet'`,
    actor.scope === 'org' ? undefined : sql`w.id = ${accountOfWallet(`team:${actor.teamId}`)}`,
    where,
  )
  const query = sql`
    select substr(w.id, 8) as id, w.scope, w.scope_id, w.balance_nano_usd as balance, h.balance_nano_usd as held,
      w.received_nano_usd as received, to_json(w.created_at) #>> '{}' as created_at,
      case w.scope when 'organization' then o.name when 'team' then t.name else u.name end as name
    from ${ledgerAccounts} as w
    join ${ledgerAccounts} as h on h.org_id = w.org_id and h.id = 'held:' || substr(w.id, 8)
    join organizations as o on o.org_id = w.org_id
    left join teams as t on w.scope = 'team' and t.org_id = w.org_id and t.id = w.scope_id
    left join users as u on w.scope = 'user' and u.org_id = w.org_id and u.id = w.scope_id
    where ${seen}
    order by w.id collate "C" limit ${limit}`
  return (await executePrepared<WalletRow>(tx, query)).map(toWallet)
}

function toWallet({ id, scope, scope_id, name, created_at, ...amounts }: WalletRow): Wallet {
  const [balance, held, received] = [BigInt(amounts.balance), BigInt(amounts.held), BigInt(amounts.received)]
  return {
    id,
    scope,
    scope_id,
    name: name ?? scope_id ?? id,
    balance_usd: usdOfNano(balance),
    held_usd: usdOfNano(held),
    received_usd: usdOfNano(received),
    // What came in and is no longer there.
    spent_usd: usdOfNano(received - balance - held),
    status: statusOf(balance + held, received),
    created_at: new Date(created_at).toISOString(),
  }
}

function statusOf(left: bigint, received: bigint): Wallet['status'] {
  if (left <= 0n) return 'depleted'
  return left * 100n < received * BigInt(WALLET_LOW_PERCENT) ? 'low' : 'healthy'
}

async function emptyWallet(tx: Transaction, orgId: string): Promise<Wallet> {
  const [row] = await tx.select().from(organizations).where(eq(organizations.orgId, orgId))
  if (!row) throw new Error(`There is no organisation ${orgId}.`)
  const none = { balance: '0', held: '0', received: '0' }
  return toWallet({
    id: walletId(ORGANIZATION_WALLET),
    scope: 'organization',
    scope_id: null,
    name: row.name,
    created_at: row.createdAt,
    ...none,
  })
}
