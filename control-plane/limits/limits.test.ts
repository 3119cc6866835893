import { afterAll, describe, expect, test } from 'vitest'
import { gateways } from '@/lib/contract/gateways'
import { type LimitLeaseAsk, limits, ownShareOf } from '@/lib/contract/limits'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

const MINUTE = 60_000
const windowOf = () => Date.now() - (Date.now() % MINUTE)
const asked = (change: Partial<LimitLeaseAsk> = {}): LimitLeaseAsk => ({
  name: 'key-requests',
  holder: 'tok_1',
  window_ms: MINUTE,
  window_start_ms: windowOf(),
  max: 100,
  wanted: 1_000,
  ...change,
})

async function organization(gatewayIds: string[]) {
  const org = await plane.organization()
  const owner = await org.as('role_owner')
  const speaking = []
  for (const id of gatewayIds) {
    await owner(gateways.register, { id })
    const client = await org.as([], { gatewayId: id })
    await client(gateways.heartbeat, { ...gateways.heartbeat.example.input, id })
    speaking.push((...asks: LimitLeaseAsk[]) => client(limits.lease, { id, asks }))
  }
  return { org, speaking }
}

describe('slices of a window', () => {
  test('never come to more than the limit, however many ask at once, and in the end to all of it', async () => {
    const { speaking } = await organization(['gw-a', 'gw-b'])
    const [a, b] = speaking
    if (!a || !b) throw new Error('two gateways')
    let leased = 0
    for (let round = 0; round < 6; round++) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? a : b)(asked({ wanted: 7 }))),
      )
      for (const { granted } of answers) leased += granted[0] ?? 0
    }
    expect(leased + 2 * ownShareOf(100, 2)).toBe(100)
    expect((await a(asked())).granted).toEqual([0])
  })

  test('become smaller as the limit nears', async () => {
    const { speaking } = await organization(['gw-a', 'gw-b'])
    const slices: number[] = []
    for (let i = 0; i < 4; i++) slices.push((await speaking[0]?.(asked({ max: 1_000 })))?.granted[0] ?? 0)
    expect(slices[0]).toBe(188) // a quarter of 750, of which nobody has anything yet
    expect(slices).toEqual(slices.toSorted((x, y) => y - x))
    expect(new Set(slices).size).toBe(4)
  })

  test('are of one holder, one window and one organisation', async () => {
    const { speaking } = await organization(['gw-a'])
    const other = await organization(['gw-a'])
    const one = asked({ max: 1, wanted: 1 })
    const leased = async (ask: LimitLeaseAsk) => (await speaking[0]?.(ask))?.granted[0]
    // With one gateway the only one is its own without asking.
    expect(await leased(one)).toBe(0)
    expect(await leased(asked({ max: 2, wanted: 1 }))).toBe(1)
    expect(await leased(asked({ max: 2, wanted: 1, holder: 'tok_2' }))).toBe(1)
    expect(await leased(asked({ max: 2, wanted: 1, window_start_ms: windowOf() + MINUTE }))).toBe(1)
    expect((await other.speaking[0]?.(asked({ max: 2, wanted: 1 })))?.granted).toEqual([1])
  })

  test('come in the order in which they were asked for, with the number of gateways', async () => {
    const { speaking } = await organization(['gw-a', 'gw-b', 'gw-c'])
    const answer = await speaking[0]?.(
      asked({ holder: 'z', wanted: 3 }),
      asked({ holder: 'a', wanted: 5 }),
      asked({ holder: 'm', max: 0, wanted: 1 }),
    )
    expect(answer).toMatchObject({ granted: [3, 5, 0], gateways: 3 })
  })

  test('are given for windows of now only', async () => {
    const { speaking } = await organization(['gw-a'])
    for (const window_start_ms of [windowOf() + 1, windowOf() - 10 * MINUTE, windowOf() + 10 * MINUTE]) {
      await expect(speaking[0]?.(asked({ window_start_ms }))).rejects.toMatchObject({ code: 'unprocessable' })
    }
  })

  test('are given to the gateway itself only', async () => {
    const { org } = await organization(['gw-a', 'gw-b'])
    const stranger = await org.as([], { gatewayId: 'gw-b' })
    await expect(stranger(limits.lease, { id: 'gw-a', asks: [] })).rejects.toMatchObject({ code: 'not_found' })
    const owner = await org.as('role_owner')
    await expect(owner(limits.lease, { id: 'gw-a', asks: [] })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('cannot be more than the limit in the database either', async () => {
    const { org, speaking } = await organization(['gw-a'])
    await speaking[0]?.(asked())
    const forced = plane.owner`update limit_leases set granted = window_limit + 1 where org_id = ${org.orgId}`
    await expect(forced).rejects.toMatchObject({ code: '23514' })
  })
})
