import { afterAll, expect, test, vi } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events } from '@/lib/contract/events'
import { type LeaseAsk, spendLeases } from '@/lib/contract/spend-leases'
import { newId } from '@/lib/ids'
import { type WindowRule, windowAt } from '@/lib/spend/windows'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(plane.stop)
afterAll(() => void vi.useRealTimers())
vi.useFakeTimers({ toFake: ['Date'] })

const DOLLAR = 1_000_000_000n
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** A gateway asks for all of the window that its budget has at a time. */
async function scene(given: { window: 'day' | 'month'; time_zone: string; rollover?: 'carry' }, nowMs: number) {
  vi.setSystemTime(nowMs)
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const gateway = await gatewayOf(organization)
  const made = await owner(budgets.create, { name: newId('bud'), limit_usd: '1', thresholds: [], ...given })
  const ask = async (
    { window, time_zone: timeZone }: { window: WindowRule['window']; time_zone: string },
    atMs: number,
    want = DOLLAR,
    instance: string = newId('lse'),
  ) => {
    const { startsMs } = windowAt({ window, timeZone, anchor: null }, atMs)
    const asked: LeaseAsk = {
      source: { kind: 'budget', budget_id: made.id, window_start_ms: startsMs },
      known: '0',
      returned: '0',
      used: '0',
      want: String(want),
      least: String(want),
    }
    const { groups } = await gateway.gateway(spendLeases.take, {
      id: gateway.id,
      instance,
      groups: [[asked]],
    })
    return groups[0]?.leases[0]
  }
  const change = (to: object) => owner(budgets.update, { id: made.id, version: made.version, ...to })
  const changeBack = (to: object) => owner(budgets.update, { id: made.id, version: made.version + 1, ...to })
  return { ask, change, changeBack, budget: made, owner, gateway, orgId: organization.orgId }
}

const TODAY_MS = windowAt({ window: 'day', timeZone: 'UTC', anchor: null }, Date.now()).startsMs
const NEXT_MONTH_MS = windowAt({ window: 'month', timeZone: 'UTC', anchor: null }, Date.now()).endsMs ?? 0
const DAYS = { window: 'day', time_zone: 'UTC' } as const

test.each([
  // There the day has begun five minutes ago.
  ['another zone', { ...DAYS, time_zone: 'Asia/Kathmandu' }, TODAY_MS + (18 * 60 + 20) * MINUTE_MS],
  ['longer windows', { ...DAYS, window: 'month' }, NEXT_MONTH_MS + 5 * MINUTE_MS],
] as const)('nothing is given of a window that was over before %s gave it to a budget', async (_, to, nowMs) => {
  const { ask, change } = await scene(DAYS, nowMs - 20 * MINUTE_MS)
  vi.setSystemTime(nowMs)
  await change(to)
  expect(await ask(to, nowMs - 9 * MINUTE_MS)).toMatchObject({ granted: '0', is_closed: true })
  expect(await ask(to, nowMs)).toMatchObject({ granted: String(DOLLAR), is_closed: false })
})

test('of a window that is over and in which nothing happened is given, for requests that began in it', async () => {
  const nowMs = TODAY_MS + 5 * MINUTE_MS
  const { ask } = await scene(DAYS, nowMs - 50 * HOUR_MS)
  vi.setSystemTime(nowMs)
  expect(await ask(DAYS, nowMs - 9 * MINUTE_MS)).toMatchObject({ granted: String(DOLLAR), is_closed: false })
})

test.each([
  ['another zone', { time_zone: 'Asia/Kathmandu' }],
  ['longer windows', { window: 'month' }],
  ['one without an end', { window: 'lifetime' }],
] as const)(
  'nothing is given of a window whose time was counted in that of %s before its budget was changed back',
  async (_, to) => {
    const nowMs = TODAY_MS + 24 * HOUR_MS + 2 * MINUTE_MS
    const { ask, change, changeBack } = await scene(DAYS, nowMs - 6 * MINUTE_MS)
    expect(await ask(DAYS, nowMs - 6 * MINUTE_MS, DOLLAR / 2n)).toMatchObject({ granted: String(DOLLAR / 2n) })
    vi.setSystemTime(nowMs)
    await change(to)
    vi.setSystemTime(nowMs + MINUTE_MS)
    await changeBack(DAYS)
    expect(await ask(DAYS, nowMs - 6 * MINUTE_MS, DOLLAR / 2n)).toMatchObject({ granted: '0', is_closed: true })
    expect(await ask(DAYS, nowMs + MINUTE_MS)).toMatchObject({ granted: String(DOLLAR), is_closed: false })
  },
)

test.each([
  ['limit', { limit_usd: '2' }],
  ['rollover', { rollover: 'carry' }],
] as const)(
  'a window that is over and in which nothing happened keeps its limit when the %s is changed after it',
  async (_, to) => {
    const nowMs = TODAY_MS + 5 * MINUTE_MS
    const { ask, change } = await scene(DAYS, nowMs - 50 * HOUR_MS)
    vi.setSystemTime(nowMs)
    await change(to)
    expect(await ask(DAYS, nowMs - 9 * MINUTE_MS, 2n * DOLLAR)).toMatchObject({ granted: '0' })
    expect(await ask(DAYS, nowMs - 9 * MINUTE_MS)).toMatchObject({ granted: String(DOLLAR), is_closed: false })
  },
)

test.each([
  ['another zone', { time_zone: 'Asia/Kathmandu' }, { ...DAYS, time_zone: 'Asia/Kathmandu' }],
  ['longer windows', { window: 'month' }, { ...DAYS, window: 'month' }],
  ['one without an end', { window: 'lifetime' }, { ...DAYS, window: 'lifetime' }],
] as const)('what gateways hold of a window is held of the one that replaces it, too, with %s', async (_, to, rule) => {
  const nowMs = TODAY_MS + 12 * HOUR_MS
  const { ask, change, budget, owner, gateway } = await scene(DAYS, nowMs)
  const held = await ask(DAYS, nowMs, (6n * DOLLAR) / 10n)
  await change(to)
  const current = async () => (await owner(budgets.get, { id: budget.id })).current
  const get = await owner(budgets.get, { id: budget.id })
  expect(get.current).toMatchObject({
    committed_usd: '0.000000000',
    held_usd: '0.600000000',
    remaining_usd: '0.400000000',
  })
  expect(get.held).toMatchObject([{ lease_id: held?.lease_id, amount_usd: '0.600000000' }])
  expect(await ask(rule, nowMs, DOLLAR / 2n)).toMatchObject({ granted: '0', is_closed: false })
  const { event_cost_attribution: cost, ...event } = gateway.event({ timestamp: new Date(nowMs).toISOString() })
  const spend = { reserved_usd: '0.6', leases: [held?.lease_id ?? ''] }
  const total = { ...cost, total_cost_usd: '0.500000000' }
  await gateway.gateway(events.ingest, { events: [{ ...event, event_cost_attribution: total, spend }] })
  expect(await current()).toMatchObject({
    committed_usd: '0.500000000',
    held_usd: '0.100000000',
    remaining_usd: '0.400000000',
  })
  expect(await ask(rule, nowMs, DOLLAR / 2n)).toMatchObject({ granted: '0' })
  expect(await ask(rule, nowMs, (4n * DOLLAR) / 10n)).toMatchObject({ granted: String((4n * DOLLAR) / 10n) })
  expect(await current()).toMatchObject({ remaining_usd: '0.000000000', excess_usd: '0.000000000' })
})

const KATHMANDU = { ...DAYS, time_zone: 'Asia/Kathmandu' } as const

test('what a gateway gives back of a window that was replaced is there for what it asks for at once', async () => {
  const nowMs = TODAY_MS + 12 * HOUR_MS
  const { ask, change, budget, gateway } = await scene(DAYS, nowMs)
  const instance = newId('lse')
  const held = await ask(DAYS, nowMs, (6n * DOLLAR) / 10n, instance)
  await change({ time_zone: 'Asia/Kathmandu' })
  const none = { known: '0', returned: '0', used: '0', want: '0', least: '0' }
  const sourceOf = (rule: { window: WindowRule['window']; time_zone: string }) => ({
    kind: 'budget' as const,
    budget_id: budget.id,
    window_start_ms: windowAt({ window: rule.window, timeZone: rule.time_zone, anchor: null }, nowMs).startsMs,
  })
  const back = { ...none, source: sourceOf(DAYS), lease_id: held?.lease_id ?? '', known: held?.granted ?? '' }
  const { groups } = await gateway.gateway(spendLeases.take, {
    id: gateway.id,
    instance,
    groups: [
      [{ ...none, source: sourceOf(KATHMANDU), want: String(DOLLAR), least: String(DOLLAR) }],
      [{ ...back, returned: back.known }],
    ],
  })
  expect(groups[0]).toMatchObject({ leases: [{ granted: String(DOLLAR) }], short: [] })
})

test('what is held of a window that was replaced is not handed on by the one that replaces it', async () => {
  const nowMs = TODAY_MS + 12 * HOUR_MS
  const { ask, change, budget, owner, gateway } = await scene({ ...DAYS, rollover: 'carry' }, nowMs)
  const held = await ask(DAYS, nowMs, (6n * DOLLAR) / 10n)
  await change({ time_zone: 'Asia/Kathmandu' })
  const laterMs = TODAY_MS + 20 * HOUR_MS
  vi.setSystemTime(laterMs)
  const current = async () => (await owner(budgets.get, { id: budget.id })).current
  expect(await current()).toMatchObject({ limit_usd: '2.000000000', remaining_usd: '1.400000000' })
  expect(await ask(KATHMANDU, laterMs, (15n * DOLLAR) / 10n)).toMatchObject({ granted: '0' })
  expect(await ask(KATHMANDU, laterMs, (14n * DOLLAR) / 10n)).toMatchObject({ granted: String((14n * DOLLAR) / 10n) })
  const { event_cost_attribution: cost, ...event } = gateway.event({ timestamp: new Date(nowMs).toISOString() })
  const spend = { reserved_usd: '0.6', leases: [held?.lease_id ?? ''] }
  const total = { ...cost, total_cost_usd: '0.600000000' }
  await gateway.gateway(events.ingest, { events: [{ ...event, event_cost_attribution: total, spend }] })
  expect(await current()).toMatchObject({ carried_usd: '0.400000000', excess_usd: '0.000000000' })
})

test('a limit that is lower than what is held of a window that was replaced is said to be passed', async () => {
  const nowMs = TODAY_MS + 12 * HOUR_MS
  const { ask, change, changeBack: changeAgain, budget, owner } = await scene(DAYS, nowMs)
  await ask(DAYS, nowMs, (6n * DOLLAR) / 10n)
  await change({ time_zone: 'Asia/Kathmandu' })
  await changeAgain({ limit_usd: '0.5' })
  const { current } = await owner(budgets.get, { id: budget.id })
  expect(current).toMatchObject({ held_usd: '0.600000000', remaining_usd: '0.000000000', excess_usd: '0.100000000' })
  const { items } = await owner(budgets.windows, { id: budget.id })
  const shown = items.find(({ starts_at }) => starts_at === current.starts_at)
  expect(shown).toMatchObject({ held_usd: '0.600000000', excess_usd: '0.100000000' })
})

async function waiting(): Promise<number> {
  const [row] = await plane.owner<{ n: number }[]>`
    select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return row?.n ?? 0
}

test('a limit that is lowered while a gateway is about to begin the next window is the limit of that one, too', async () => {
  const nowMs = TODAY_MS + 24 * HOUR_MS - 5 * MINUTE_MS
  const { change, budget, owner, gateway, orgId } = await scene(DAYS, nowMs)
  const other = await owner(budgets.create, {
    name: 'Another',
    limit_usd: '1',
    rollover: 'carry',
    thresholds: [],
    ...DAYS,
  })
  const window_start_ms = TODAY_MS + 24 * HOUR_MS
  const group = [budget, other].map(({ id }): LeaseAsk => {
    const none = { known: '0', returned: '0', used: '0', want: '1', least: '1' }
    return { source: { kind: 'budget', budget_id: id, window_start_ms }, ...none }
  })
  const both: Promise<unknown>[] = []
  await plane.owner.begin(async (sql) => {
    await sql`select from budgets where org_id = ${orgId} and id = ${other.id} for update`
    // Has read both budgets, and waits for the other one.
    both.push(gateway.gateway(spendLeases.take, { id: gateway.id, instance: newId('lse'), groups: [group] }))
    await expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBe(1)
    const changed = change({ limit_usd: '0.1' })
    both.push(changed)
    await Promise.race([changed, expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBe(2)])
  })
  await Promise.all(both)
  const { items } = await owner(budgets.windows, { id: budget.id })
  expect(items.map(({ starts_at, limit_usd }) => [Date.parse(starts_at), limit_usd])).toEqual([
    [window_start_ms, '0.100000000'],
    [TODAY_MS, '0.100000000'],
  ])
})
