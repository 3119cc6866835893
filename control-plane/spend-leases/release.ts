import { newIdAt } from '@/lib/ids'
import { nanoUsd } from '@/lib/money'
import { applyChanges } from '../budgets/apply-changes'
import { lockPeriods } from '../budgets/period'
import { connectionOf, type Transaction } from '../database'
import { isWallet } from '../ledger/accounts'
import { lockWallets, moveHeld } from '../ledger/commands'
import { freedOf } from './freed'
import { LEASE_COLUMNS, type Lease, type LeaseRow, leaseOf, leftOf } from './lease'

export type DueLease = Pick<Lease, 'id' | 'sourceId' | 'periodMs'>

/** Leases whose money nobody came for until the time that it was held. Nothing is locked. */
export async function dueLeases(tx: Transaction, orgId: string, nowMs: number, limit: number): Promise<DueLease[]> {
  const { rows } = await connectionOf(tx).query<LeaseRow>({
    name: 'due_leases',
    text: `select ${LEASE_COLUMNS} from spend_leases l
      where l.org_id = $1 and l.closed_at is null and l.held_until <= $2 order by l.held_until limit $3`,
    values: [orgId, new Date(nowMs).toISOString(), limit],
  })
  return rows.map(leaseOf)
}

/**
 * Takes back what is left of leases, and closes them. Of those that were asked for again in the meantime nothing is taken.
 * Should events of theirs still come, they are charged all the same.
 *
 * @param early whether somebody decided not to wait for the end of the time that it is held
 * @returns what was taken back, in nano-dollars
 */
export async function releaseDue(
  tx: Transaction,
  orgId: string,
  due: readonly DueLease[],
  nowMs: number,
  { early = false } = {},
): Promise<bigint> {
  if (due.length === 0) return 0n
  await lockPeriods(
    tx,
    orgId,
    due.flatMap(({ sourceId, periodMs }) => (periodMs === null ? [] : [{ budgetId: sourceId, startsMs: periodMs }])),
  )
  const { rows } = await connectionOf(tx).query<LeaseRow>({
    name: 'lock_due_leases',
    text: `select ${LEASE_COLUMNS} from spend_leases l
      where l.org_id = $1 and l.id = any($2::text[]) and l.closed_at is null
        and case when $4 then l.expires_at else l.held_until end <= $3
      order by l.id for update`,
    values: [orgId, due.map(({ id }) => id), new Date(nowMs).toISOString(), early],
  })
  const amounts = new Map(rows.map(leaseOf).map((lease) => [lease, leftOf(lease)]))
  if (amounts.size === 0) return 0n
  await connectionOf(tx).query(
    `update spend_leases l set released_nano_usd = l.released_nano_usd + d.amount, closed_at = now()
     from unnest($2::text[], $3::bigint[]) as d (id, amount) where l.org_id = $1 and l.id = d.id`,
    [orgId, [...amounts.keys()].map(({ id }) => id), [...amounts.values()].map(String)],
  )
  await applyChanges(tx, orgId, freedOf(amounts))
  await lockWallets(
    tx,
    orgId,
    [...amounts.keys()].flatMap(({ sourceId }) => (isWallet(sourceId) ? [sourceId] : [])),
  )
  let taken = 0n
  for (const [{ id, sourceId }, amount] of amounts) {
    taken += amount
    if (!isWallet(sourceId) || amount === 0n) continue
    const move = { walletAccount: sourceId, amount: nanoUsd(amount), kind: 'expire', leaseId: id } as const
    const isMoved = await moveHeld(tx, orgId, { ...move, reference: `${id} expired` })
    if (!isMoved) throw new Error(`Less is held of ${sourceId} than lease ${id} says.`)
  }
  return taken
}

/** As long is looked up what a gateway held that has nothing left. */
const KEPT_MS = 60 * 86_400_000

/** Forgets leases that are over, some at once. Their ids say when they began. */
export async function forgetOld(tx: Transaction, orgId: string, nowMs: number, limit: number): Promise<void> {
  const before = newIdAt('lse', nowMs - KEPT_MS).slice(0, 'lse_'.length + TIME_DIGITS)
  await connectionOf(tx).query({
    name: 'forget_old_leases',
    text: `delete from spend_leases where org_id = $1 and id = any(array(
      select id from spend_leases where org_id = $1 and id < $2 and closed_at is not null
      order by id limit $3 for update skip locked))`,
    values: [orgId, before, limit],
  })
}

/** Milliseconds in a UUIDv7. */
const TIME_DIGITS = 12
