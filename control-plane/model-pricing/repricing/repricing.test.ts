import { afterAll, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { modelPricing } from '@/lib/contract/model-pricing'
import { spendLeases } from '@/lib/contract/spend-leases'
import { teams } from '@/lib/contract/teams'
import { trail } from '@/lib/contract/trail'
import { usage } from '@/lib/contract/usage'
import { wallets } from '@/lib/contract/wallets'
import { gatewayOf } from '../../events/testing'
import { startControlPlane } from '../../testing'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())

const COST: GatewayEvent['event_cost_attribution'] = {
  total_cost_usd: '0.003000000',
  input_cost_usd: '0.001000000',
  output_cost_usd: '0.002000000',
  currency: 'USD',
  price_book_version: 'test',
  price_status: 'priced',
  source_spend_log_id: null,
  units: [],
}
const UNKNOWN = {
  ...COST,
  total_cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  price_book_version: null,
  price_status: 'unknown' as const,
}
const SET = { provider: 'acme', model: 'one', effective_from: '2020-01-01', prices: { input: '1', output: '10' } }
/** 1,000 tokens in and 100 out: $0.002. */
const tokens = { input: 1_000, output: 100, cached: 0, reasoning: 0 }

async function organization() {
  const org = await plane.organization()
  const owner = await org.as('role_owner')
  const { id, gateway, event } = await gatewayOf(org)
  const call = (given: Partial<GatewayEvent> = {}) =>
    event({ provider: 'acme', model: 'one', model_requested: 'one', tokens, event_cost_attribution: COST, ...given })
  const record = async (...sent: GatewayEvent[]) => {
    expect(await gateway(events.ingest, { events: sent })).toMatchObject({ accepted: sent.length, rejected: [] })
  }
  const repriced = async (input: Partial<Parameters<typeof owner<typeof modelPricing.reprice>>[1]> = {}) => {
    const { id } = await owner(modelPricing.reprice, { since: '1h', ...input })
    await expect
      .poll(async () => (await owner(modelPricing.getRepricing, { id })).state, { timeout: 20_000 })
      .toBe('done')
    return owner(modelPricing.getRepricing, { id })
  }
  const spent = async () => (await owner(usage.read, { since: '1h', interval: 'all' })).total
  return { org, owner, id, gateway, call, record, repriced, spent }
}

test('what other prices would have cost is told by model, and changes nothing', async () => {
  const { owner, call, record, repriced, spent } = await organization()
  await record(call(), call(), call({ model: 'two', model_requested: 'two' }))
  const before = await spent()
  const told = await repriced({ set: [SET] })
  expect(told).toMatchObject({
    dry_run: true,
    events_done: 3,
    events_total: 3,
    changed: 2,
    before_usd: '0.009000000',
    after_usd: '0.007000000',
    models: [
      { model: 'one', requests: 2, changed: 2, before_usd: '0.006000000', after_usd: '0.004000000' },
      { model: 'two', requests: 1, changed: 0, before_usd: '0.003000000', after_usd: '0.003000000' },
    ],
  })
  expect(await spent()).toEqual(before)
  expect((await owner(wallets.check, {})).balanced).toBe(true)
})

test('a price set for a time that has passed is adjusted in usage, in the ledger and in budgets, and only once', async () => {
  const { org, owner, call, record, repriced, spent } = await organization()
  const budget = await owner(budgets.create, { name: 'all', limit_usd: '10', window: 'lifetime' })
  const committed = async () => (await owner(budgets.get, { id: budget.id })).current.committed_usd
  await record(call(), call(), call({ event_cost_attribution: UNKNOWN }))
  expect(await spent()).toMatchObject({ cost_usd: '0.006000000', unpriced: 1 })
  await owner(modelPricing.createVersion, { set: [SET] })
  expect(await repriced({ dry_run: false })).toMatchObject({
    changed: 3,
    before_usd: '0.006000000',
    after_usd: '0.006000000',
    models: [{ unpriced_before: 1, unpriced_after: 0 }],
  })
  expect(await spent()).toMatchObject({ cost_usd: '0.006000000', unpriced: 0 })
  expect(await committed()).toBe('0.006000000')
  await record(call())
  expect(await committed()).toBe('0.009000000')
  expect(await repriced({ dry_run: false })).toMatchObject({ changed: 1 })
  expect(await repriced({ dry_run: false })).toMatchObject({ changed: 0, after_usd: '0.008000000' })
  expect(await spent()).toMatchObject({ cost_usd: '0.008000000' })
  expect(await committed()).toBe('0.008000000')
  expect(await owner(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })

  const verified = async () =>
    (await owner(trail.verify, { start_time: '1h', deep_verify: true, wait: true })).result?.findings
  expect(await verified()).toEqual([])
  await plane.owner`update usage_daily set cost_nano_usd = cost_nano_usd + 1 where org_id = ${org.orgId}`
  expect(await verified()).toMatchObject([{ state: 'EVENT_MODIFIED' }])
})

test('events keep what they were recorded with', async () => {
  const { owner, call, record, repriced } = await organization()
  const one = call()
  await record(one)
  await owner(modelPricing.createVersion, { set: [SET] })
  await repriced({ dry_run: false })
  const kept = await owner(events.get, { id: one.event_id })
  expect(kept.event_cost_attribution.total_cost_usd).toBe('0.003000000')
})

test('what a configuration states the price of, and answers that were there already, are left as they are', async () => {
  const { call, record, repriced } = await organization()
  await record(
    call({ event_cost_attribution: { ...COST, price_book_version: 'target:starter@0.1.0' } }),
    call({ cache: { hit: true, avoided_cost_usd: null }, event_cost_attribution: { ...COST, total_cost_usd: '0' } }),
    call({ api_shape: 'mcp' }),
  )
  expect(await repriced({ set: [SET] })).toMatchObject({ events_done: 3, changed: 0, models: [] })
})

test('each call costs what was in force when it was made', async () => {
  const { owner, call, record, repriced } = await organization()
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
  await record(call({ timestamp: ago(40) }), call({ timestamp: ago(10) }))
  const dearer = { ...SET, effective_from: ago(25), prices: { input: '10', output: '100' } }
  await owner(modelPricing.createVersion, { set: [SET, dearer] })
  expect(await repriced()).toMatchObject({ before_usd: '0.006000000', after_usd: '0.022000000' })
})

test('a call that was answered at another service tier costs what that costs, or what it did where nobody knows', async () => {
  const { call, record, repriced } = await organization()
  const at = (tier: string) => call({ event_cost_attribution: { ...COST, price_book_version: `test#${tier}` } })
  await record(at('priority'), at('scale'))
  const priority = { service_tier: 'priority', above_input_tokens: 0, prices: { output: '40' } }
  expect(await repriced({ set: [{ ...SET, tiers: [priority] }] })).toMatchObject({
    changed: 1,
    after_usd: '0.008000000',
    models: [{ requests: 2, changed: 1, before_usd: '0.006000000' }],
  })
})

test('what turns out to be free, and what nobody knows by now, is adjusted by nothing', async () => {
  const { owner, call, record, repriced, spent } = await organization()
  await record(call({ event_cost_attribution: UNKNOWN }), call({ model: 'two', model_requested: 'two' }))
  await owner(modelPricing.createVersion, { set: [{ ...SET, prices: { input: '0', output: '0' } }] })
  const before = await spent()
  expect(await repriced({ dry_run: false })).toMatchObject({ events_done: 2, changed: 0 })
  expect(await spent()).toEqual(before)
})

test('a wallet gets back what it paid too much, never more than it paid, and pays what is missing as far as it can', async () => {
  const { owner, id, gateway, call, record, repriced } = await organization()
  await owner(wallets.updateSettings, { wallets_required: true })
  await owner(wallets.credit, { amount_usd: '0.003' })
  const { id: team_id } = await owner(teams.create, { name: 'Finance' })
  await owner(wallets.allocate, { team_id, amount_usd: '0.003' })
  const source = { kind: 'wallet' as const, wallet_id: `team:${team_id}` }
  const asked = { source, known: '0', returned: '0', used: '0', want: '3000000', least: '3000000' }
  const { groups } = await gateway(spendLeases.take, { id, instance: 'process-1', groups: [[asked]] })
  const lease = groups[0]?.leases[0]?.lease_id ?? ''
  await record(call({ team_id, spend: { reserved_usd: '0.003000000', leases: [lease] } }))
  const balance = async () => (await owner(wallets.get, { id: `team:${team_id}` })).balance_usd
  const costs = async (input: string) => {
    await owner(modelPricing.createVersion, { set: [{ ...SET, prices: { input, output: '0' } }] })
    expect(await repriced({ dry_run: false })).toMatchObject({ changed: 1 })
    expect(await owner(wallets.check, {})).toMatchObject({ balanced: true, sum_usd: '0.000000000' })
    return balance()
  }
  expect(await balance()).toBe('0.000000000')
  expect(await costs('1')).toBe('0.002000000')
  expect(await costs('2')).toBe('0.001000000')
  expect(await costs('1')).toBe('0.002000000')
  // Once it is empty, nobody pays for what is missing; and that goes back to nobody.
  await owner(wallets.reclaim, { team_id, amount_usd: '0.002' })
  expect(await costs('21')).toBe('0.000000000')
  expect(await costs('0')).toBe('0.001000000')
})

test('nobody adjusts by prices that nobody has set, nor more time than a year and a month', async () => {
  const { owner } = await organization()
  const asked = (input: object) => owner(modelPricing.reprice, { since: '1h', ...input })
  await expect(asked({ dry_run: false, set: [SET] })).rejects.toMatchObject({ code: 'unprocessable' })
  await expect(asked({ since: '2020-01-01' })).rejects.toMatchObject({ code: 'unprocessable' })
  await expect(asked({ since: '0s', until: '1h' })).rejects.toMatchObject({ code: 'unprocessable' })
  const euros = { ...SET, currency: 'EUR' }
  await expect(asked({ set: [euros] })).rejects.toMatchObject({ code: 'unprocessable' })
})

test('a repricing is seen by its own organisation only', async () => {
  const { owner } = await organization()
  const { id } = await owner(modelPricing.reprice, { since: '1h' })
  const other = await organization()
  await expect(other.owner(modelPricing.getRepricing, { id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await other.owner(modelPricing.listRepricings, {})).items).toEqual([])
})

test('a key of a team neither changes prices nor sees or adjusts what others paid', async () => {
  const { org, owner } = await organization()
  const { id } = await owner(modelPricing.reprice, { since: '1h' })
  const ofTeam = await org.as('role_finance', { teamId: 'team_b' })
  const refused = { code: 'forbidden' }
  await expect(ofTeam(modelPricing.createVersion, { set: [SET] })).rejects.toMatchObject(refused)
  await expect(ofTeam(modelPricing.reprice, { since: '1h' })).rejects.toMatchObject(refused)
  await expect(ofTeam(modelPricing.getRepricing, { id })).rejects.toMatchObject(refused)
  await expect(ofTeam(modelPricing.listRepricings, {})).rejects.toMatchObject(refused)
})
