import type postgres from 'postgres'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { type LeaseAsk, type LeaseSource, spendLeases } from '@/lib/contract/spend-leases'
import { teams } from '@/lib/contract/teams'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'
import { endWhatIsOver } from './work'

const plane = await startControlPlane()
afterAll(plane.stop)

const CENT = 10_000_000n
const LIMIT = { limit_usd: '1000', thresholds: [] }

/** An organisation that pays from wallets, two gateways of it, and leases of every kind. */
async function scene() {
  const organization = await plane.organization()
  const { orgId } = organization
  const owner = await organization.as('role_owner')
  await owner(wallets.updateSettings, { wallets_required: true })
  await owner(wallets.credit, { amount_usd: '1000' })
  const { id: team_id } = await owner(teams.create, { name: 'Finance' })
  await owner(wallets.allocate, { team_id, amount_usd: '100' })
  // In the order of their ids: one that carries over between two that do not.
  const made = []
  for (const rollover of ['none', 'carry', 'none'] as const) {
    made.push(await owner(budgets.create, { name: newId('bud'), window: 'day', rollover, ...LIMIT }))
  }
  const one = await gatewayOf(organization, 'gw_one')
  const two = await gatewayOf(organization, 'gw_two')
  const ofBudget = made.map(({ id, current }) => ({
    kind: 'budget' as const,
    budget_id: id,
    window_start_ms: Date.parse(current.starts_at),
  }))
  const ofWallet = ['organization', `team:${team_id}`].map((wallet_id) => ({ kind: 'wallet' as const, wallet_id }))
  const take = async (gateway: typeof one, sources: LeaseSource[], want = CENT, known: string[] = []) => {
    const group = sources.map((source, at): LeaseAsk => {
      const asked = { known: known[at] ?? '0', returned: '0', used: '0', want: String(want), least: '0' }
      return { source, ...asked }
    })
    const { groups } = await gateway.gateway(spendLeases.take, {
      id: gateway.id,
      instance: 'process-1',
      groups: [group],
    })
    return (groups[0]?.leases ?? []).flatMap((lease) => (lease === null ? [] : [lease]))
  }
  const costing = (gateway: typeof one, leases: { lease_id: string }[], cost = CENT / 10n): GatewayEvent => {
    const event = gateway.event({ team_id })
    return {
      ...event,
      event_cost_attribution: { ...event.event_cost_attribution, total_cost_usd: usdOfNano(cost) },
      spend: { reserved_usd: usdOfNano(cost), leases: leases.map(({ lease_id }) => lease_id) },
    }
  }
  const expire = (gatewayId: string) => plane.owner`
    update spend_leases set expires_at = now() - interval '1 second', held_until = now() - interval '1 second'
    where org_id = ${orgId} and gateway_id = ${gatewayId}`
  const record = (gateway: typeof one, sent: GatewayEvent) => gateway.gateway(events.ingest, { events: [sent] })
  return { orgId, owner, team_id, one, two, ofBudget, ofWallet, take, costing, record, expire }
}

let it: Awaited<ReturnType<typeof scene>>
beforeEach(async () => {
  it = await scene()
})

type Locks = (sql: postgres.TransactionSql) => Promise<unknown>

/**
 * Somebody waits for `first`, and so must not have locked `later` yet: whoever held the first and now took the other would
 * otherwise wait for one that waits for them.
 */
async function expectBefore(first: Locks, later: Locks, run: () => Promise<unknown>): Promise<void> {
  let running: Promise<unknown> = Promise.resolve()
  await plane.owner.begin(async (sql) => {
    await first(sql)
    running = run()
    running.catch(() => undefined)
    await expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBe(1)
    await later(sql)
  })
  await running
}

async function waiting(): Promise<number> {
  const [row] = await plane.owner<{ n: number }[]>`
    select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return row?.n ?? 0
}

describe('everybody locks in one order', () => {
  test('leases before wallets, also where leases of others are taken back on the way', async () => {
    const own = await it.take(it.one, [it.ofWallet[0] as LeaseSource])
    await it.take(it.two, it.ofWallet)
    await it.expire('gw_two')
    await expectBefore(
      (sql) => sql`select from spend_leases where org_id = ${it.orgId} and id = ${own[0]?.lease_id ?? ''} for update`,
      (sql) =>
        sql`select from ledger_accounts where org_id = ${it.orgId} and kind in ('wallet', 'held') for update nowait`,
      () => it.take(it.one, [it.ofWallet[0] as LeaseSource], CENT, [String(CENT)]),
    )
  })

  test('wallets by their accounts, whatever the order of the leases that are taken back', async () => {
    // The older lease is of the account that comes later.
    await it.take(it.two, [it.ofWallet[1] as LeaseSource])
    await it.take(it.two, [it.ofWallet[0] as LeaseSource])
    await it.expire('gw_two')
    await expectBefore(
      (sql) => sql`select from ledger_accounts where org_id = ${it.orgId} and id = 'held:organization' for update`,
      (sql) => sql`
        select from ledger_accounts where org_id = ${it.orgId} and kind in ('wallet', 'held') and id <> 'held:organization'
        for update nowait`,
      () => endWhatIsOver(plane.services, it.orgId),
    )
  })

  test.each([
    ['takes', () => it.take(it.one, it.ofBudget)],
    ['settles', () => it.record(it.one, it.costing(it.one, []))],
    ['takes back', () => endWhatIsOver(plane.services, it.orgId)],
  ])('budgets that carry over before any window: who %s', async (_, run) => {
    await it.take(it.two, it.ofBudget)
    await it.expire('gw_two')
    await expectBefore(
      (sql) => sql`select from budgets where org_id = ${it.orgId} and rollover = 'carry' for no key update`,
      (sql) => sql`select from budget_periods where org_id = ${it.orgId} for update nowait`,
      run,
    )
  })

  test.each([
    ['takes', () => it.take(it.one, it.ofBudget)],
    ['settles', () => it.record(it.one, it.costing(it.one, []))],
  ])('windows that have to be made before those that are there: who %s', async (_, run) => {
    const last = it.ofBudget[2]
    if (last === undefined) throw new Error('no budget')
    // Its window has not begun yet, but the one before.
    await plane.owner`
      update budget_periods set starts_at = starts_at - interval '1 day', ends_at = ends_at - interval '1 day'
      where org_id = ${it.orgId} and budget_id = ${last.budget_id}`
    await expectBefore(
      (sql) => sql`
        insert into budget_periods (org_id, budget_id, starts_at, ends_at, base_nano_usd)
        select org_id, budget_id, ends_at, ends_at + interval '1 day', base_nano_usd from budget_periods
        where org_id = ${it.orgId} and budget_id = ${last.budget_id}`,
      (sql) => sql`
        select from budget_periods where org_id = ${it.orgId} and budget_id <> ${last.budget_id} for update nowait`,
      run,
    )
  })
})

test('who grants, settles, gives back, takes back, allocates and raises at once never waits in a circle', async () => {
  const { owner, one, two, team_id, ofBudget, ofWallet, orgId } = it
  const all: LeaseSource[] = [...ofBudget, ...ofWallet]
  const refusals: unknown[] = []
  const known = async (wanted: Promise<unknown>) => {
    await wanted.catch((error: { code?: string }) => {
      if (error.code !== 'conflict') refusals.push(error)
    })
  }
  for (let round = 0; round < 8; round++) {
    const held = await it.take(one, all.toReversed())
    const gone = await it.take(two, all)
    await it.expire('gw_two')
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    await Promise.all([
      ...Array.from({ length: 4 }, () => known(it.record(one, it.costing(one, held)))),
      ...Array.from({ length: 4 }, () => known(it.record(two, it.costing(two, gone)))),
      known(it.take(one, all)),
      known(it.take(two, all.toReversed())),
      known(it.take(two, ofWallet)),
      known(endWhatIsOver(plane.services, orgId)),
      known(endWhatIsOver(plane.services, orgId)),
      known(owner(budgets.releaseHeld, { id: gone.at(-1)?.lease_id ?? '', reason: 'Gone' })),
      known(owner(wallets.allocate, { team_id, amount_usd: '0.01' })),
      known(owner(wallets.reclaim, { team_id, amount_usd: '0.01' })),
      known(owner(budgets.raise, { id: ofBudget[1]?.budget_id ?? '', amount_usd: '1', reason: 'More', expires_at })),
      known(owner(budgets.list, {})),
    ])
  }
  expect(refusals).toEqual([])
  expect(await owner(wallets.check, {})).toMatchObject({ balanced: true })
  const [row] = await plane.owner`select deadlocks::int from pg_stat_database where datname = current_database()`
  expect(row).toEqual({ deadlocks: 0 })
}, 30_000)
