import type { TransactionKind } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { type NanoUsd, nanoUsd } from '@/lib/money'
import { connectionOf, type Transaction } from '../database'
import { bigints, int8s, texts, timestamps } from '../events/binary-array'
import { queryLarge } from '../events/large-query'
import { monthsOf } from '../usage/months/calendar'
import { describeAccount, heldOf, walletBehind } from './accounts'
import { Entries } from './entries'
import { POST } from './post-statement'
import { reportZone } from './queries'

/** One side of a movement. What comes in is positive; an amount of nothing is left out. */
export type Leg = { account: string; amount: NanoUsd }

/** What is to be posted. Its legs come to zero; the database refuses it otherwise (drizzle/ledger.sql). */
export type Posting = {
  /** `ltx_` and 32 hex digits. */
  id: string
  kind: TransactionKind
  /** What may be posted once only; of a `spend` the id says that already. */
  reference: string
  /** RFC 3339. When what it is for happened; the month in which it is reported follows from it. */
  occurredAt: string
  eventId?: string | null
  leaseId?: string | null
  note?: string | null
  actor?: { id: string; name: string } | null
  legs: readonly Leg[]
}

/** How a wallet and what is held of it stand. */
export type WalletState = {
  balance: NanoUsd
  held: NanoUsd
  /** Transactions that moved either. */
  position: number
}

/**
 * Posts transactions in the order given and keeps the balances, in one statement.
 *
 * Wallets are locked, in the order of their accounts and before `funding`, `unfunded` and `spend`: whoever also locks the
 * organisation's counters, budgets or leases does so before. Wallets that are not there yet are made.
 *
 * @param locked how all wallets that are moved stand, when the caller has locked them itself (`lockWallets`)
 * @throws AppError `conflict` when a wallet, or what is held of it, would be overdrawn
 */
export async function post(
  tx: Transaction,
  orgId: string,
  postings: readonly Posting[],
  locked?: ReadonlyMap<string, WalletState>,
): Promise<void> {
  if (postings.length === 0) return
  const entries = new Entries(locked ?? (await openWallets(tx, orgId, walletsIn(postings))))
  for (const posting of postings) entries.add(posting)
  const times = postings.map(({ occurredAt }) => Date.parse(occurredAt))
  const months = monthsOf(times, await reportZone(tx, orgId))
  await queryLarge(connectionOf(tx), {
    name: 'post_ledger',
    text: POST,
    values: [
      orgId,
      ...transactionColumns(postings, times),
      ...entryColumns(entries),
      ...changeColumns(entries),
      texts(months),
    ],
  })
}

export type HeldMove = {
  walletAccount: string
  amount: NanoUsd
  /** `reserve`: from the wallet to what is held of it. `release`, `expire`: back. */
  kind: 'reserve' | 'release' | 'expire'
  leaseId: string
  /** What may be moved once only. */
  reference: string
}

/**
 * Moves money between a wallet and what gateways hold of it.
 *
 * @returns false, and nothing is moved, when there is not as much
 */
export async function moveHeld(tx: Transaction, orgId: string, move: HeldMove): Promise<boolean> {
  const { walletAccount, amount, kind, leaseId, reference } = move
  if (amount <= 0n) throw new Error('Only more than nothing can be moved.')
  const locked = await lockWallets(tx, orgId, [walletAccount])
  const wallet = locked.get(walletAccount)
  const given = kind === 'reserve' ? wallet?.balance : wallet?.held
  if (given === undefined || given < amount) return false
  const held = heldOf(walletAccount)
  const [from, to] = kind === 'reserve' ? [walletAccount, held] : [held, walletAccount]
  const legs = [
    { account: from, amount: nanoUsd(-amount) },
    { account: to, amount },
  ]
  const posting = { id: newId('ltx'), kind, reference, occurredAt: new Date().toISOString(), leaseId, legs }
  await post(tx, orgId, [posting], locked)
  return true
}

/**
 * Locks wallets and what is held of them until the transaction ends.
 *
 * @returns how they stand, by the wallet's account; those that do not exist are not among them
 */
export async function lockWallets(
  tx: Transaction,
  orgId: string,
  wallets: Iterable<string>,
  { isAllOrNone = false } = {},
): Promise<Map<string, WalletState>> {
  const accounts = [...new Set(wallets)].flatMap((wallet) => [heldOf(wallet), wallet])
  const states = new Map<string, WalletState>()
  if (accounts.length === 0) return states
  const { rows } = await connectionOf(tx).query<{ id: string; balance: string; position: string }>({
    ...(isAllOrNone
      ? { name: 'lock_all_wallets', text: `${LOCK_WALLETS} and ${ALL_ARE_THERE} order by id for update` }
      : { name: 'lock_wallets', text: `${LOCK_WALLETS} order by id for update` }),
    values: [orgId, accounts],
  })
  const balances = new Map(rows.map(({ id, balance }) => [id, nanoUsd(BigInt(balance))]))
  for (const { id, position } of rows) {
    const [balance, held] = [balances.get(id), balances.get(heldOf(id))]
    if (walletBehind(id) !== id || balance === undefined || held === undefined) continue
    states.set(id, { balance, held, position: Number(position) })
  }
  return states
}

const LOCK_WALLETS = `select id, balance_nano_usd as balance, position from ledger_accounts
  where org_id = $1 and id = any($2::text[])`
const ALL_ARE_THERE = `cardinality($2::text[]) =
  (select count(*) from ledger_accounts where org_id = $1 and id = any($2::text[]))`

/**
 * As `lockWallets`, of wallets that are made when they are not there: before any is locked, for whoever makes one waits for
 * others that make it.
 */
async function openWallets(tx: Transaction, orgId: string, wallets: Iterable<string>) {
  const wanted = [...new Set(wallets)]
  const known = await lockWallets(tx, orgId, wanted, { isAllOrNone: true })
  const missing = wanted.filter((wallet) => !known.has(wallet))
  if (missing.length === 0) return known
  const accounts = missing.flatMap((wallet) => [heldOf(wallet), wallet]).map((id) => ({ id, ...describeAccount(id) }))
  await connectionOf(tx).query(
    `insert into ledger_accounts (org_id, id, kind, scope, scope_id)
     select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as made (id, kind, scope, scope_id)
     order by id on conflict do nothing`,
    [
      orgId,
      accounts.map(({ id }) => id),
      accounts.map(({ kind }) => kind),
      accounts.map(({ scope }) => scope),
      accounts.map(({ scopeId }) => scopeId),
    ],
  )
  return lockWallets(tx, orgId, wanted)
}

const walletsIn = (postings: readonly Posting[]): Set<string> =>
  new Set(postings.flatMap(({ legs }) => legs.flatMap(({ account }) => walletBehind(account) ?? [])))

function transactionColumns(postings: readonly Posting[], times: readonly number[]): Buffer[] {
  const column = (of: (posting: Posting) => string | null | undefined) =>
    texts(postings.map((posting) => of(posting) ?? null))
  return [
    column(({ id }) => id),
    column(({ kind }) => kind),
    column(({ reference }) => reference),
    timestamps(times),
    column(({ eventId }) => eventId),
    column(({ leaseId }) => leaseId),
    column(({ note }) => note),
    column(({ actor }) => actor?.id),
    column(({ actor }) => actor?.name),
  ]
}

const entryColumns = ({ entries }: Entries): Buffer[] => [
  texts(entries.map(({ transactionId }) => transactionId)),
  texts(entries.map(({ account }) => account)),
  bigints(entries.map(({ amount }) => amount)),
  int8s(entries.map(({ position }) => position)),
  bigints(entries.map(({ balanceAfter }) => balanceAfter)),
]

/** As texts: sums may be wider than eight bytes. */
function changeColumns({ changes }: Entries): Buffer[] {
  const all = [...changes]
  return [
    texts(all.map(([account]) => account)),
    texts(all.map(([, { amount }]) => String(amount))),
    texts(all.map(([, { received }]) => String(received))),
    int8s(all.map(([, { position }]) => position)),
  ]
}
