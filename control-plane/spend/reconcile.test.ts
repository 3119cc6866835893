import { afterAll, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { ledger } from '@/lib/contract/ledger'
import { spendLeases } from '@/lib/contract/spend-leases'
import { teams } from '@/lib/contract/teams'
import { wallets } from '@/lib/contract/wallets'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const GATEWAYS = 4
const ROUNDS = 12
const EXAMPLE = events.get.example.output as DecisionEvent
/** Repeatable, and not the same for two gateways. */
const varied = (a: number, b: number, below: number) => (((a + 1) * 7919 + (b + 1) * 104_729) % 997) % below

test('while money is leased, used, given back, allocated and reclaimed by all at once, every cent is somewhere', async () => {
  const organization = await plane.organization()
  const { orgId } = organization
  const owner = await organization.as('role_owner')
  const { id: teamId } = await owner(teams.create, { name: 'Finance' })
  await owner(wallets.updateSettings, { wallets_required: true })
  await owner(wallets.credit, { amount_usd: '20' })
  await owner(wallets.allocate, { team_id: teamId, amount_usd: '5' })
  const budget = await owner(budgets.create, { name: 'All', limit_usd: '1000' })
  const window_start_ms = Date.parse(budget.current.starts_at)
  let cost = 0n

  async function gatewayRuns(n: number) {
    const { id, gateway, event } = await gatewayOf(organization, `gw_${n}`)
    const sources = [
      { kind: 'budget' as const, budget_id: budget.id, window_start_ms },
      { kind: 'wallet' as const, wallet_id: n % 2 === 0 ? 'organization' : `team:${teamId}` },
    ]
    const known = [0n, 0n]
    let [used, returned] = [0n, 0n]
    const sent: GatewayEvent[][] = []
    for (let round = 0; round < ROUNDS; round++) {
      const want = nanoUsdOf(`0.${100 + varied(n, round, 700)}`)
      const { groups } = await gateway(spendLeases.take, {
        id,
        instance: `instance-${n}`,
        groups: [
          sources.map((source, at) => ({
            source,
            known: String(known[at]),
            returned: String(returned),
            used: String(used),
            want: String(want),
            least: '1',
          })),
        ],
      })
      const leases = (groups[0]?.leases ?? []).flatMap((lease) => lease ?? [])
      for (const [at, { granted }] of leases.entries()) known[at] = BigInt(granted)
      const left = (known[1] ?? 0n) - used - returned
      // Sometimes more than was reserved, as when a provider counts more than it was asked for.
      const spent = varied(round, n, 5) === 0 ? left + 50_000_000n : (left * BigInt(varied(round, n, 9))) / 10n
      const batch = [
        event({
          event_cost_attribution: { ...EXAMPLE.event_cost_attribution, total_cost_usd: usdOfNano(spent) },
          spend: { reserved_usd: usdOfNano(want), leases: leases.map(({ lease_id }) => lease_id) },
        }),
      ]
      cost += spent
      used += spent < left ? spent : left
      sent.push(batch)
      // Twice, and something of before once more.
      const again = sent[varied(n, round, sent.length)] ?? batch
      await Promise.all([batch, batch, again].map((each) => gateway(events.ingest, { events: each })))
      if (varied(round, n, 3) === 0) returned += ((known[1] ?? 0n) - used - returned) / 2n
    }
  }

  async function adminMoves(n: number) {
    const finance = await organization.as('role_finance')
    for (let round = 0; round < ROUNDS; round++) {
      const amount_usd = `0.${100 + varied(n, round, 800)}`
      const move = varied(n, round, 2) === 0 ? wallets.allocate : wallets.reclaim
      await finance(move, { team_id: teamId, amount_usd }).catch((thrown) => {
        expect(thrown).toMatchObject({ code: 'conflict' })
      })
      expect(await finance(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })
    }
  }

  await Promise.all([...Array.from({ length: GATEWAYS }, (_, n) => gatewayRuns(n)), adminMoves(1), adminMoves(2)])

  const { items } = await owner(ledger.accounts, {})
  const balances = new Map(items.map(({ id, balance_usd }) => [id, nanoUsdOf(balance_usd)]))
  expect(usdOfNano(balances.get('spend') ?? 0n)).toBe(usdOfNano(cost))
  const inWallets = [...balances].flatMap(([id, balance]) => (/^(wallet|held):/.test(id) ? [balance] : []))
  const unfunded = -(balances.get('unfunded') ?? 0n)
  expect(unfunded >= 0n && unfunded < cost).toBe(true)
  expect(inWallets.reduce((sum, each) => sum + each, 0n) + cost - unfunded).toBe(nanoUsdOf('20'))
  expect(inWallets.every((balance) => balance >= 0n)).toBe(true)
  // What the ledger holds is what leases say is left of them.
  const left = await plane.owner<{ account: string; amount: string }[]>`
    select 'held:' || substr(source_id, 8) as account,
      sum(granted_nano_usd - returned_nano_usd - settled_nano_usd - released_nano_usd) as amount
    from spend_leases where org_id = ${orgId} and source_id like 'wallet:%' group by 1`
  expect(left).toHaveLength(2)
  for (const { account, amount } of left) expect([account, String(balances.get(account))]).toEqual([account, amount])
  const { current } = await owner(budgets.get, { id: budget.id })
  expect(current.committed_usd).toBe(usdOfNano(cost))
})
