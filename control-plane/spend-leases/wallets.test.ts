import { afterAll, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { type LeaseAsk, type LeaseSource, spendLeases } from '@/lib/contract/spend-leases'
import { wallets } from '@/lib/contract/wallets'
import { usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'
import { endWhatIsOver } from './work'

const plane = await startControlPlane()
afterAll(plane.stop)

const DOLLAR = 1_000_000_000n
const walletSource = (wallet_id: string): LeaseSource => ({ kind: 'wallet', wallet_id })

/** An organisation in which every request is paid from a wallet. */
async function paying() {
  const organization = await plane.organization()
  const gateway = await gatewayOf(organization)
  const owner = await organization.as('role_owner')
  await owner(wallets.updateSettings, { wallets_required: true })
  const take = async (sources: LeaseSource[], given: Partial<Record<keyof LeaseAsk, bigint>>) => {
    const { known = 0n, returned = 0n, used = 0n, want = 0n, least = want } = given
    const asks = sources.map((source) => ({
      source,
      known: String(known),
      returned: String(returned),
      used: String(used),
      want: String(want),
      least: String(least),
    }))
    const { groups } = await gateway.gateway(spendLeases.take, {
      id: gateway.id,
      instance: 'instance-1',
      groups: [asks],
    })
    const [group] = groups
    return {
      ids: group?.leases.map((lease) => lease?.lease_id ?? null) ?? [],
      granted: group?.leases.map((lease) => (lease ? BigInt(lease.granted) : null)),
      short: group?.short.map(({ source, limit_usd, held_usd }) => ({ source, limit_usd, held_usd })),
    }
  }
  const record = (cost: bigint, leases: string[], given: Partial<GatewayEvent> = {}) => {
    const event = gateway.event(given)
    const total_cost_usd = usdOfNano(cost)
    const sent = {
      ...event,
      event_cost_attribution: { ...event.event_cost_attribution, total_cost_usd },
      spend: { reserved_usd: total_cost_usd, leases },
    }
    return gateway.gateway(events.ingest, { events: [sent] })
  }
  const wallet = async (id = 'organization') => {
    const { balance_usd, held_usd, spent_usd } = await owner(wallets.get, { id })
    expect(await owner(wallets.check, {})).toMatchObject({ balanced: true })
    return { balance: balance_usd, held: held_usd, spent: spent_usd }
  }
  return { organization, owner, take, record, wallet }
}

test('what is leased of a wallet is held, pays for what it was leased for, and the rest comes back', async () => {
  const { owner, take, record, wallet } = await paying()
  await owner(wallets.credit, { amount_usd: '5' })
  const source = walletSource('organization')
  const { ids, granted } = await take([source], { want: 2n * DOLLAR })
  expect(granted).toEqual([2n * DOLLAR])
  expect(await wallet()).toEqual({ balance: '3.000000000', held: '2.000000000', spent: '0.000000000' })
  const lease = ids[0] ?? ''
  await record(DOLLAR / 2n, [lease])
  expect(await wallet()).toEqual({ balance: '3.000000000', held: '1.500000000', spent: '0.500000000' })
  const heldBy = async () =>
    (await owner(wallets.get, { id: 'organization' })).held.map(({ lease_id, amount_usd }) => [lease_id, amount_usd])
  expect(await heldBy()).toEqual([[lease, '1.500000000']])
  await take([source], { known: 2n * DOLLAR, used: DOLLAR / 2n, returned: DOLLAR })
  await take([source], { known: 2n * DOLLAR, used: DOLLAR / 2n, returned: DOLLAR })
  expect(await wallet()).toEqual({ balance: '4.000000000', held: '0.500000000', spent: '0.500000000' })
  // Dearer than what was reserved for it: the rest is taken from the wallet itself.
  await record(DOLLAR, [lease])
  expect(await wallet()).toEqual({ balance: '3.500000000', held: '0.000000000', spent: '1.500000000' })
  // A lease of which nothing is left holds nothing that could be taken back.
  expect(await heldBy()).toEqual([])
})

test('of a budget and a wallet together both give, or neither does', async () => {
  const { owner, take, wallet } = await paying()
  const budget = await owner(budgets.create, { name: 'All', limit_usd: '3' })
  await owner(wallets.credit, { amount_usd: '2' })
  const sources: LeaseSource[] = [
    { kind: 'budget', budget_id: budget.id, window_start_ms: Date.parse(budget.current.starts_at) },
    walletSource('organization'),
  ]
  expect(await take(sources, { want: 3n * DOLLAR })).toMatchObject({
    granted: [0n, 0n],
    short: [
      { source: sources[0], limit_usd: '3.000000000', held_usd: '0.000000000' },
      { source: walletSource('organization'), limit_usd: '2.000000000', held_usd: '0.000000000' },
    ],
  })
  expect(await wallet()).toMatchObject({ held: '0.000000000' })
  expect((await owner(budgets.get, { id: budget.id })).current.held_usd).toBe('0.000000000')
  expect(await take(sources, { want: 2n * DOLLAR })).toMatchObject({ granted: [2n * DOLLAR, 2n * DOLLAR], short: [] })
  expect(await wallet()).toMatchObject({ balance: '0.000000000', held: '2.000000000' })
})

test('the wallet of the organisation is short before anything is in it; one that nobody made is no source', async () => {
  const { take } = await paying()
  expect(await take([walletSource('organization')], { want: 1n })).toMatchObject({
    granted: [0n],
    short: [{ limit_usd: '0.000000000' }],
  })
  expect(await take([walletSource('team:team_none')], { want: 1n })).toMatchObject({ granted: [null], short: [] })
})

test('once nobody has to pay, nothing more is leased of wallets and what was comes back', async () => {
  const { owner, take, wallet } = await paying()
  await owner(wallets.credit, { amount_usd: '2' })
  await take([walletSource('organization')], { want: DOLLAR })
  await owner(wallets.updateSettings, { wallets_required: false })
  expect(await take([walletSource('organization')], { known: DOLLAR, want: DOLLAR })).toMatchObject({
    granted: [DOLLAR],
    short: [],
  })
  expect(await take([walletSource('organization')], { known: DOLLAR, returned: DOLLAR })).toMatchObject({
    granted: [null],
  })
  expect(await wallet()).toEqual({ balance: '2.000000000', held: '0.000000000', spent: '0.000000000' })
})

test('what came back while nobody had to pay is not given a second time to one that has forgotten its lease', async () => {
  const { owner, take, wallet } = await paying()
  await owner(wallets.credit, { amount_usd: '20' })
  const source = walletSource('organization')
  const first = await take([source], { want: 10n * DOLLAR })
  await owner(wallets.updateSettings, { wallets_required: false })
  expect(await take([source], { known: 10n * DOLLAR, returned: 10n * DOLLAR })).toMatchObject({ granted: [null] })
  await owner(wallets.updateSettings, { wallets_required: true })
  const second = await take([source], { want: DOLLAR })
  expect(second.granted).toEqual([DOLLAR])
  expect(second.ids).not.toEqual(first.ids)
  expect(await wallet()).toMatchObject({ held: '1.000000000' })
  // An answer that was lost is told again.
  expect(await take([source], { want: DOLLAR })).toMatchObject({ granted: [DOLLAR], ids: second.ids })
})

test('what a gateway that is gone held of a wallet is back in it once its time is over', async () => {
  const { organization, owner, take, record, wallet } = await paying()
  await owner(wallets.credit, { amount_usd: '2' })
  const { ids } = await take([walletSource('organization')], { want: 2n * DOLLAR })
  await record(DOLLAR / 4n, [ids[0] ?? ''])
  await plane.owner`update spend_leases set held_until = now() where org_id = ${organization.orgId}`
  await Promise.all(Array.from({ length: 4 }, () => endWhatIsOver(plane.services, organization.orgId)))
  expect(await wallet()).toEqual({ balance: '1.750000000', held: '0.000000000', spent: '0.250000000' })
  const [{ kinds } = { kinds: [] }] = await plane.owner<{ kinds: string[] }[]>`
    select array_agg(kind order by posted_at, id) as kinds from ledger_transactions where org_id = ${organization.orgId}`
  expect(kinds).toEqual(['credit', 'reserve', 'spend', 'expire'])
})
