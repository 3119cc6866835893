import { and, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { resolveWhen } from '@/lib/contract/fields'
import { toPage } from '@/lib/contract/page'
import type { TransactionKind, WalletTransaction, wallets } from '@/lib/contract/wallets'
import { usdOfNano } from '@/lib/money'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import { toInstant } from '../instant'
import { accountOfWallet, heldOf, isWallet, walletId } from '../ledger/accounts'
import type { Input } from '../routes'
import { findWallet } from './queries'

const Position = z.number().int().positive()

/** Newest first. Each transaction is one row, whether it moved the wallet, what is held of it, or both. */
export async function walletTransactions(ctx: Context, input: Input<typeof wallets.transactions>) {
  const { tx, actor, request } = ctx
  await findWallet(tx, actor, input.id)
  const cursors = cursorsOf(ctx, 'wallets.transactions', input)
  const before = cursors.decode(Position)
  const time = (text: string) => toInstant(resolveWhen(text, request.now))
  const rows = await movements(tx, {
    orgId: actor.orgId,
    wallet: accountOfWallet(input.id),
    where: and(
      before === undefined ? undefined : sql`e.position < ${before}`,
      input.since === undefined ? undefined : sql`t.posted_at >= ${time(input.since)}`,
      input.until === undefined ? undefined : sql`t.posted_at < ${time(input.until)}`,
      input.kind === undefined ? undefined : sql`t.kind = ${input.kind}`,
    ),
    limit: input.limit + 1,
  })
  const page = toPage(rows, input.limit, ({ position }) => cursors.encode(Number(position)))
  const others = await counterparts(tx, actor.orgId, accountOfWallet(input.id), page.items)
  return { ...page, items: page.items.map((row) => toTransaction(row, others.get(row.id))) }
}

type Row = {
  position: string
  id: string
  kind: TransactionKind
  posted_at: string
  amount: string
  held_change: string
  balance: string
  event_id: string | null
  lease_id: string | null
  reference: string
  note: string | null
  actor_id: string | null
  actor_name: string | null
}
type Asked = { orgId: string; wallet: string; where: SQL | undefined; limit: number }

/** Of each of the two accounts as many as are wanted of both, by the index that has them in order. */
async function movements(tx: Transaction, { orgId, wallet, where, limit }: Asked): Promise<Row[]> {
  const newest = (account: string) => sql`(
    select e.position, e.account_id, e.amount_nano_usd as amount, e.balance_after_nano_usd as balance, t.*
    from ledger_entries as e join ledger_transactions as t on t.org_id = e.org_id and t.id = e.transaction_id
    where ${and(sql`e.org_id = ${orgId} and e.account_id = ${account} and e.position is not null`, where)}
    order by e.position desc limit ${limit})`
  const { rows } = await tx.execute<Row>(sql`
    select position, id, kind, to_json(posted_at) #>> '{}' as posted_at, max(balance) as balance,
      coalesce(sum(amount) filter (where account_id = ${wallet}), 0) as amount,
      coalesce(sum(amount) filter (where account_id <> ${wallet}), 0) as held_change,
      event_id, lease_id, reference, note, actor_id, actor_name
    from (${newest(wallet)} union all ${newest(heldOf(wallet))}) as both_accounts
    group by position, id, kind, posted_at, event_id, lease_id, reference, note, actor_id, actor_name
    order by position desc limit ${limit}`)
  return rows
}

/** The other wallet of what was moved between two, by transaction. */
async function counterparts(tx: Transaction, orgId: string, wallet: string, rows: readonly Row[]) {
  const between = rows.filter(({ kind }) => kind === 'allocate' || kind === 'reclaim').map(({ id }) => id)
  if (between.length === 0) return new Map<string, string>()
  const found = await tx.execute<{ id: string; account: string }>(sql`
    select transaction_id as id, account_id as account from ledger_entries
    where org_id = ${orgId} and transaction_id = any(${sql.param(between)}::text[]) and account_id <> ${wallet}`)
  return new Map(found.rows.flatMap(({ id, account }) => (isWallet(account) ? [[id, walletId(account)]] : [])))
}

const OTHER_SIDE: Record<TransactionKind, string> = {
  credit: 'funding',
  debit: 'funding',
  allocate: 'organization',
  reclaim: 'organization',
  reserve: 'held',
  release: 'held',
  expire: 'held',
  spend: 'spend',
  adjust: 'spend',
}

const toTransaction = (row: Row, other: string | undefined): WalletTransaction => ({
  id: row.id,
  kind: row.kind,
  posted_at: toInstant(new Date(row.posted_at)),
  amount_usd: usdOfNano(BigInt(row.amount)),
  held_change_usd: usdOfNano(BigInt(row.held_change)),
  balance_usd: usdOfNano(BigInt(row.balance)),
  counterpart: other ?? OTHER_SIDE[row.kind],
  event_id: row.event_id,
  lease_id: row.lease_id,
  reference: row.reference,
  note: row.note,
  actor: row.actor_id === null ? null : { id: row.actor_id, name: row.actor_name ?? row.actor_id },
})
