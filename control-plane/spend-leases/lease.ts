import { isoOf } from '../budgets/period'

/** What one process of a gateway holds of a source, in nano-dollars. All but times only grow. */
export type Lease = {
  id: string
  gatewayId: string
  instance: string
  /** A budget's id, or a wallet's account. */
  sourceId: string
  /** Of the budget's window; null for a wallet. */
  periodMs: number | null
  granted: bigint
  returned: bigint
  settled: bigint
  released: bigint
  used: bigint
  expiresMs: number
  heldUntilMs: number
}

/** Neither returned nor settled nor taken back: part of what its source counts as held. */
export const leftOf = ({ granted, returned, settled, released }: Lease): bigint =>
  granted - returned - settled - released

export type LeaseRow = {
  id: string
  gateway_id: string
  instance: string
  source_id: string
  /** The driver reads `-infinity` as a number. */
  period_starts_at: Date | number
  granted: string
  returned: string
  settled: string
  released: string
  used: string
  expires_at: Date
  held_until: Date
}

/** Of `spend_leases l`. */
export const LEASE_COLUMNS = `l.id, l.gateway_id, l.instance, l.source_id, l.period_starts_at, l.granted_nano_usd as granted,
  l.returned_nano_usd as returned, l.settled_nano_usd as settled, l.released_nano_usd as released, l.used_nano_usd as used,
  l.expires_at, l.held_until`

export const leaseOf = (row: LeaseRow): Lease => ({
  id: row.id,
  gatewayId: row.gateway_id,
  instance: row.instance,
  sourceId: row.source_id,
  periodMs: row.period_starts_at instanceof Date ? row.period_starts_at.getTime() : null,
  granted: BigInt(row.granted),
  returned: BigInt(row.returned),
  settled: BigInt(row.settled),
  released: BigInt(row.released),
  used: BigInt(row.used),
  expiresMs: row.expires_at.getTime(),
  heldUntilMs: row.held_until.getTime(),
})

/** As the column holds it. */
export const periodText = (periodMs: number | null): string => (periodMs === null ? '-infinity' : isoOf(periodMs))
