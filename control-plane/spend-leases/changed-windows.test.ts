import { afterAll, expect, test, vi } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
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
async function scene(given: { window: 'day' | 'month'; time_zone: string }, nowMs: number) {
  vi.setSystemTime(nowMs)
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const gateway = await gatewayOf(organization)
  const made = await owner(budgets.create, { name: newId('bud'), limit_usd: '1', thresholds: [], ...given })
  const ask = async (
    { window, time_zone: timeZone }: { window: WindowRule['window']; time_zone: string },
    atMs: number,
  ) => {
    const { startsMs } = windowAt({ window, timeZone, anchor: null }, atMs)
    const asked: LeaseAsk = {
      source: { kind: 'budget', budget_id: made.id, window_start_ms: startsMs },
      known: '0',
      returned: '0',
      used: '0',
      want: String(DOLLAR),
      least: String(DOLLAR),
    }
    const { groups } = await gateway.gateway(spendLeases.take, {
      id: gateway.id,
      instance: newId('lse'),
      groups: [[asked]],
    })
    return groups[0]?.leases[0]
  }
  const change = (to: object) => owner(budgets.update, { id: made.id, version: made.version, ...to })
  return { ask, change }
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
