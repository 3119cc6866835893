import type { Held } from '@/lib/contract/budgets'
import { usdOfNano } from '@/lib/money'
import { connectionOf, type Transaction } from '../database'
import { LEASE_COLUMNS, type LeaseRow, leaseOf, leftOf, periodText } from './lease'

/** As many are shown of one source. */
const HELD_SHOWN_MAX = 500

/**
 * What gateways hold of windows of a budget, or of a wallet, the most first.
 *
 * @param sourceId a budget's id, or a wallet's account
 * @param periodsMs when the windows begin, in milliseconds since 1970; null for a wallet
 */
export async function leasesHeld(
  tx: Transaction,
  orgId: string,
  sourceId: string,
  periodsMs: readonly (number | null)[],
  now: Date,
): Promise<Held[]> {
  const { rows } = await connectionOf(tx).query<LeaseRow>(
    `select ${LEASE_COLUMNS} from spend_leases l
     where l.org_id = $1 and l.source_id = $2 and l.period_starts_at = any($3::timestamptz[]) and l.closed_at is null
       and l.granted_nano_usd > l.returned_nano_usd + l.settled_nano_usd + l.released_nano_usd
     order by l.granted_nano_usd - l.returned_nano_usd - l.settled_nano_usd - l.released_nano_usd desc, l.id
     limit ${HELD_SHOWN_MAX}`,
    [orgId, sourceId, periodsMs.map(periodText)],
  )
  return rows.map(leaseOf).map((lease) => ({
    lease_id: lease.id,
    gateway_id: lease.gatewayId,
    amount_usd: usdOfNano(leftOf(lease)),
    expires_at: new Date(lease.expiresMs).toISOString(),
    held_until: new Date(lease.heldUntilMs).toISOString(),
    state: lease.expiresMs > now.getTime() ? 'open' : 'expired',
  }))
}
