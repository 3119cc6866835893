import { nanoUsd } from '@/lib/money'
import { smallestOf } from '@/lib/spend/extremes'
import { applyChanges } from '../budgets/apply-changes'
import { connectionOf, type Transaction } from '../database'
import { isWallet } from '../ledger/accounts'
import type { Charge, Cover } from '../spend/charge'
import { freedOf } from './freed'
import { LEASE_COLUMNS, type Lease, type LeaseRow, leaseOf, leftOf } from './lease'

/**
 * Settles the leases that recorded events name: each covers what the event cost, as far as anything is left of it. What a
 * lease covers is no longer held. Whoever calls it has charged the same events before (control-plane/budgets/charge.ts),
 * which locks the windows.
 *
 * @returns by event, out of which wallet's held money its cost is paid and how much of it
 */
export async function settleLeases(
  tx: Transaction,
  orgId: string,
  charges: readonly Charge[],
): Promise<Map<string, Cover>> {
  const covers = new Map<string, Cover>()
  const ids = [...new Set(charges.flatMap(({ leases }) => leases))]
  if (ids.length === 0) return covers
  const leases = await lockLeases(tx, orgId, ids)
  const settled = new Map<Lease, bigint>()
  for (const { eventId, gatewayId, cost, leases: named } of charges) {
    for (const id of new Set(named)) {
      const lease = leases.get(id)
      // What another gateway holds is not freed by naming it: that one still spends from it.
      if (lease === undefined || lease.gatewayId !== gatewayId || cost <= 0n) continue
      const isPaid = covers.has(eventId)
      // One wallet pays for a request.
      if (isWallet(lease.sourceId) && isPaid) continue
      const covered = smallestOf(cost, leftOf(lease))
      if (isWallet(lease.sourceId)) covers.set(eventId, { walletAccount: lease.sourceId, covered: nanoUsd(covered) })
      if (covered === 0n) continue
      lease.settled += covered
      settled.set(lease, (settled.get(lease) ?? 0n) + covered)
    }
  }
  if (settled.size === 0) return covers
  await connectionOf(tx).query({
    name: 'settle_leases',
    text: `update spend_leases l set
        settled_nano_usd = l.settled_nano_usd + d.settled,
        closed_at = case when l.expires_at <= now() and l.granted_nano_usd =
          l.returned_nano_usd + l.settled_nano_usd + d.settled + l.released_nano_usd then now() else l.closed_at end
      from unnest($2::text[], $3::bigint[]) as d (id, settled) where l.org_id = $1 and l.id = d.id`,
    values: [orgId, [...settled.keys()].map(({ id }) => id), [...settled.values()].map(String)],
  })
  await applyChanges(tx, orgId, freedOf(settled))
  return covers
}

/** In one order for everybody, and after the windows that they are of. */
async function lockLeases(tx: Transaction, orgId: string, ids: readonly string[]): Promise<Map<string, Lease>> {
  const { rows } = await connectionOf(tx).query<LeaseRow>({
    name: 'lock_settled_leases',
    text: `select ${LEASE_COLUMNS} from spend_leases l where l.org_id = $1 and l.id = any($2::text[]) order by l.id for update`,
    values: [orgId, ids],
  })
  return new Map(rows.map(leaseOf).map((lease) => [lease.id, lease]))
}
