import type { NanoUsd } from '@/lib/money'

/** What one recorded event cost, and whom it is counted for. The cost is more than nothing. */
export type Charge = {
  eventId: string
  /** RFC 3339, of the time in the event's id: when the request started. */
  occurredAt: string
  cost: NanoUsd
  teamId: string | null
  userId: string | null
  agentId: string | null
  tokenId: string | null
  /** As it was asked for. */
  model: string | null
  /** The one that answered. */
  provider: string | null
  /** That let it through, and whose leases it can name. */
  gatewayId: string
  /** Leases that it was reserved from, in the order in which the gateway named them. */
  leases: readonly string[]
}

/** How much of an event's cost is paid out of what is held for a lease of a wallet. */
export type Cover = {
  /** `wallet:organization`, `wallet:team:<id>` or `wallet:user:<id>`. */
  walletAccount: string
  /** At most the cost; 0 when nothing was left of the lease. */
  covered: NanoUsd
}
