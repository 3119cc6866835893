import type { DecisionEvent } from '@/lib/contract/events'
import { newId } from '@/lib/ids'
import { type NanoUsd, NO_MONEY, nanoUsd } from '@/lib/money'
import { chargeBudgets } from '../../../budgets/charge'
import { connectionOf, type Transaction } from '../../../database'
import { rollupKeysOf } from '../../../events/rollups'
import { SPEND, UNFUNDED, walletBehind } from '../../../ledger/accounts'
import { type Leg, lockWallets, post, type WalletState } from '../../../ledger/commands'
import type { RepricingRow } from '../queries'

/** A call that costs something else than it was thought to. `before` is null when nobody knew. */
export type Adjustment = { at: string; event: DecisionEvent; before: NanoUsd | null; after: NanoUsd }

/**
 * Corrects what calls cost, wherever it is summed up: in the ledger, in usage, and in the windows of budgets. Their events
 * stay as they were recorded. The caller holds the organisation's counters.
 *
 * What a wallet paid too much for goes back to it; what it paid too little for comes from it as far as it can, as costs
 * without a lease do.
 */
export async function adjust(tx: Transaction, row: RepricingRow, adjustments: readonly Adjustment[]): Promise<void> {
  const { orgId } = row
  await adjustRollups(tx, orgId, adjustments)
  const charges = adjustments.map((one) => ({ ...chargeOf(one.event, one.at), cost: differenceOf(one) }))
  await chargeBudgets(tx, orgId, charges)
  await adjustLedger(tx, row, adjustments)
}

const differenceOf = ({ before, after }: Adjustment): NanoUsd => nanoUsd(after - (before ?? 0n))

const chargeOf = (event: DecisionEvent, at: string) => ({
  eventId: event.event_id,
  occurredAt: at,
  teamId: event.team_id,
  userId: event.user_id,
  agentId: event.agent_id,
  tokenId: event.token_id,
  model: event.model_requested,
  provider: event.provider,
  gatewayId: event.gateway_id,
  leases: [],
})

async function adjustLedger(tx: Transaction, row: RepricingRow, adjustments: readonly Adjustment[]): Promise<void> {
  const payers = await payersOf(tx, row.orgId, adjustments)
  const accounts = [...new Set([...payers.values()].map(({ wallet }) => wallet))]
  const wallets = await lockWallets(tx, row.orgId, accounts)
  const actor = { id: row.createdById, name: row.createdByName }
  const postings = adjustments.map((one) => ({
    id: newId('ltx'),
    kind: 'adjust' as const,
    reference: `${row.id} ${one.event.event_id}`,
    occurredAt: one.at,
    eventId: one.event.event_id,
    note: row.note,
    actor,
    legs: legsOf(differenceOf(one), payers.get(one.event.event_id) ?? null, wallets),
  }))
  await post(tx, row.orgId, postings)
}

/** Which wallet paid for a call, and how much of it, adjustments included. */
type Payer = { wallet: string; paid: NanoUsd }

async function payersOf(
  tx: Transaction,
  orgId: string,
  adjustments: readonly Adjustment[],
): Promise<Map<string, Payer>> {
  const ids = adjustments.map(({ event }) => event.event_id)
  const { rows } = await connectionOf(tx).query<{ event_id: string; account_id: string; amount: string }>(
    `with asked as (select unnest($2::text[]) as event_id), posted as (
       select event_id, 'ltx_' || substr(event_id, 5) as id from asked
       union all
       select t.event_id, t.id from asked
       join ledger_transactions t on t.org_id = $1 and t.event_id = asked.event_id and t.kind = 'adjust'
     )
     select posted.event_id, e.account_id, e.amount_nano_usd as amount from posted
     join ledger_entries e on e.org_id = $1 and e.transaction_id = posted.id and e.account_id not in ($3, $4)`,
    [orgId, ids, SPEND, UNFUNDED],
  )
  const payers = new Map<string, Payer>()
  for (const { event_id, account_id, amount } of rows) {
    const wallet = walletBehind(account_id)
    if (wallet === null) continue
    payers.set(event_id, { wallet, paid: nanoUsd((payers.get(event_id)?.paid ?? NO_MONEY) - BigInt(amount)) })
  }
  return payers
}

/** Keeps count of what is left in the wallets. */
function legsOf(difference: NanoUsd, payer: Payer | null, wallets: ReadonlyMap<string, WalletState>): Leg[] {
  const state = payer === null ? undefined : wallets.get(payer.wallet)
  if (payer === null || state === undefined) {
    return [
      { account: UNFUNDED, amount: nanoUsd(-difference) },
      { account: SPEND, amount: difference },
    ]
  }
  const most = difference > 0n ? state.balance : payer.paid
  const size = difference > 0n ? difference : -difference
  const ofWallet = nanoUsd(size < most ? size : most)
  const moved = nanoUsd(difference > 0n ? -ofWallet : ofWallet)
  state.balance = nanoUsd(state.balance + moved)
  return [
    { account: payer.wallet, amount: moved },
    { account: UNFUNDED, amount: nanoUsd(-difference - moved) },
    { account: SPEND, amount: difference },
  ].filter(({ amount }) => amount !== 0n)
}

/** Requests whose price is known by now are no longer counted as those without one. */
async function adjustRollups(tx: Transaction, orgId: string, adjustments: readonly Adjustment[]): Promise<void> {
  const rows = adjustments.map((one) => ({
    ...rollupKeysOf(one.event, Date.parse(one.at)),
    cost: differenceOf(one).toString(),
    priced: one.before === null && one.event.tokens !== null ? 1 : 0,
  }))
  for (const [table, unit] of ROLLUPS) {
    await connectionOf(tx).query(
      `update ${table} u set cost_nano_usd = capped(u.cost_nano_usd) + r.cost, unpriced = u.unpriced - r.priced
       from (
         select date_trunc('${unit}', at, 'UTC') as at, token_id, token_name, model, verdict, reason_code, provider, agent_id,
           team_id, user_id, capped(sum(cost)) as cost, sum(priced) as priced
         from json_to_recordset($2) as given (at timestamptz, token_id text, token_name text, model text, verdict text,
           reason_code text, provider text, agent_id text, team_id text, user_id text, cost numeric, priced bigint)
         group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
       ) r
       where u.org_id = $1 and u.at = r.at and u.token_id = r.token_id and u.token_name = r.token_name
         and u.model = r.model and u.verdict = r.verdict and u.reason_code = r.reason_code and u.provider = r.provider
         and u.agent_id = r.agent_id and u.team_id = r.team_id and u.user_id = r.user_id`,
      [orgId, JSON.stringify(rows)],
    )
  }
}

const ROLLUPS = [
  ['usage_hourly', 'hour'],
  ['usage_daily', 'day'],
] as const
