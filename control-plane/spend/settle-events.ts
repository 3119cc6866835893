import type { GatewayEvent } from '@/lib/contract/events'
import { searchable } from '@/lib/filter'
import { nanoUsd } from '@/lib/money'
import { smallestOf } from '@/lib/spend/extremes'
import { chargeBudgets } from '../budgets/charge'
import { connectionOf, type Transaction } from '../database'
import type { GoodEvent } from '../events/judge-event'
import { toInstant } from '../instant'
import { heldOf, SPEND, UNFUNDED } from '../ledger/accounts'
import { type Leg, lockWallets, type Posting, post, type WalletState } from '../ledger/commands'
import { settleLeases } from '../spend-leases/settle'
import type { Charge, Cover } from './charge'

/**
 * Charges what recorded events cost, in the transaction that records them: once per event, in whatever order and however
 * late they come. An organisation without budgets and wallets pays two statements for it, whatever the number of events.
 */
export async function settleEvents(tx: Transaction, orgId: string, events: readonly GoodEvent[]): Promise<void> {
  const costing = events.flatMap((each) => chargeOf(each) ?? [])
  const charges = await withoutPosted(tx, orgId, costing)
  if (charges.length === 0) return
  await chargeBudgets(tx, orgId, charges)
  const covers = await settleLeases(tx, orgId, charges)
  const wallets = await lockWallets(
    tx,
    orgId,
    [...covers.values()].map(({ walletAccount }) => walletAccount),
  )
  await post(tx, orgId, paid(charges, covers, wallets), wallets)
}

function chargeOf({ event, occurredMs, cost }: GoodEvent): Charge | null {
  if (cost === null || cost === 0n) return null
  return {
    eventId: event.event_id,
    occurredAt: toInstant(occurredMs),
    cost,
    teamId: storable(event.team_id),
    userId: storable(event.user_id),
    agentId: storable(event.agent_id),
    tokenId: storable(event.token_id),
    model: storable(event.model_requested),
    provider: storable(event.provider),
    gatewayId: event.gateway_id,
    leases: leasesOf(event),
  }
}

/** As the columns of the event hold it. */
const storable = (text: string | null): string | null => (text === null ? null : searchable(text))

/** Each once: a lease covers a request once, however often it is named. */
const leasesOf = ({ spend }: GatewayEvent): string[] => (spend === null ? [] : [...new Set(spend.leases)])

const DAY_MS = 86_400_000

/**
 * An event whose month was dropped by retention is recorded anew when it comes again; what it cost has been charged. The
 * younger ones are still there, and recorded once.
 */
async function withoutPosted(tx: Transaction, orgId: string, charges: Charge[]): Promise<Charge[]> {
  const before = toInstant(Date.now() - DAY_MS)
  const old = charges.filter(({ occurredAt }) => occurredAt < before)
  if (old.length === 0) return charges
  const { rows } = await connectionOf(tx).query<{ id: string }>(
    'select id from ledger_transactions where org_id = $1 and id = any($2::text[])',
    [orgId, old.map(({ eventId }) => transactionOf(eventId))],
  )
  const posted = new Set(rows.map(({ id }) => id))
  return charges.filter(({ eventId }) => !posted.has(transactionOf(eventId)))
}

/** As the gateway writes it into the event: what a request cost is found from the one and from the other. */
const transactionOf = (eventId: string): string => `ltx_${eventId.slice(4)}`

/**
 * What each event is paid from: what is held for it, then the wallet that it was held of, as far as it lasts, then nobody.
 */
function paid(
  charges: readonly Charge[],
  covers: ReadonlyMap<string, Cover>,
  wallets: ReadonlyMap<string, WalletState>,
): Posting[] {
  const left = new Map([...wallets].map(([account, state]) => [account, { ...state }]))
  return charges.map(({ eventId, occurredAt, cost }) => {
    const cover = covers.get(eventId)
    const wallet = cover && left.get(cover.walletAccount)
    const legs: Leg[] = [{ account: SPEND, amount: cost }]
    let unpaid: bigint = cost
    const pay = (account: string, amount: bigint) => {
      unpaid -= amount
      if (amount !== 0n) legs.push({ account, amount: nanoUsd(-amount) })
    }
    if (cover && wallet && cost > 0n) {
      const held = smallestOf(cover.covered, wallet.held, unpaid)
      pay(heldOf(cover.walletAccount), held)
      wallet.held = nanoUsd(wallet.held - held)
      const more = smallestOf(wallet.balance, unpaid)
      pay(cover.walletAccount, more)
      wallet.balance = nanoUsd(wallet.balance - more)
    }
    pay(UNFUNDED, unpaid)
    return { id: transactionOf(eventId), kind: 'spend', reference: eventId, occurredAt, eventId, legs }
  })
}
