import { afterAll, expect, test } from 'vitest'
import { startControlPlane } from '@/control-plane/testing'
import { LimitLeases } from '@/gateway/limits/limit-leases'
import { type Limit, Limiter } from '@/gateway/limits/limiter'
import { gateways } from '@/lib/contract/gateways'
import { limits } from '@/lib/contract/limits'

/** Machines that run tests have much else to do. */
const SOON = { timeout: 10_000 }

const plane = await startControlPlane()
afterAll(() => plane.stop())

const MINUTE = 60_000
const limit = (max: number): Limit => ({
  name: 'key-requests',
  holder: 'tok_1',
  counts: 'requests',
  max,
  windowMs: MINUTE,
})

/** The limiters of gateways of one organisation, joined by a real control plane. */
async function joined(ids: string[]) {
  const org = await plane.organization()
  const owner = await org.as('role_owner')
  const clients = []
  for (const id of ids) {
    await owner(gateways.register, { id })
    const client = await org.as([], { gatewayId: id })
    await client(gateways.heartbeat, { ...gateways.heartbeat.example.input, id })
    clients.push({ id, client })
  }
  const failures: unknown[] = []
  const made = clients.map(({ id, client }) => {
    const link = { isDown: false, clockMs: 0 }
    const leases = new LimitLeases(
      (asks) => (link.isDown ? Promise.reject(new Error('away')) : client(limits.lease, { id, asks: [...asks] })),
      1,
      (cause) => failures.push(cause),
      () => link.clockMs,
    )
    return { link, leases, limiter: new Limiter(leases) }
  })
  for (const { leases } of made) await leases.start()
  return { made, failures }
}

/** Tries again and again, a little later each time, until nothing has passed for a while. */
async function admittedBy(made: { limiter: Limiter; leases: LimitLeases }[], one: Limit): Promise<number[]> {
  const nowMs = Date.now()
  const admitted = made.map(() => 0)
  for (let idle = 0; idle < 10; ) {
    const before = admitted.reduce((sum, count) => sum + count, 0)
    for (const [at, { limiter }] of made.entries()) {
      for (let i = 0; i < 20; i++)
        if (limiter.take([one], 0, nowMs).hold !== null) admitted[at] = (admitted[at] ?? 0) + 1
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const { leases } of made) leases.sweep(nowMs)
    idle = admitted.reduce((sum, count) => sum + count, 0) === before ? idle + 1 : 0
  }
  return admitted
}

/** A window that does not end while the test runs. */
async function freshWindow(): Promise<void> {
  const leftMs = MINUTE - (Date.now() % MINUTE)
  if (leftMs < 15_000) await new Promise((resolve) => setTimeout(resolve, leftMs + 5))
}

test.each([3, 10, 97, 600])(
  'two gateways under one limit of %i let through exactly that many together',
  async (max) => {
    await freshWindow()
    const { made, failures } = await joined(['gw-a', 'gw-b'])
    const admitted = await admittedBy(made, limit(max))
    expect(admitted.reduce((sum, count) => sum + count, 0)).toBe(max)
    expect(Math.min(...admitted)).toBeGreaterThan(0)
    expect(failures).toEqual([])
  },
  60_000,
)

test('a refusal that more of the window may follow says to come again in a second', async () => {
  await freshWindow()
  const { made } = await joined(['gw-a', 'gw-b'])
  const [one] = made
  const taken = Array.from({ length: 20 }, () => one?.limiter.take([limit(100)], 0, Date.now()))
  expect(taken.filter((it) => it?.hold)).toHaveLength(12)
  expect(taken.at(-1)?.exceeded?.resetMs).toBe(1_000)
  await expect.poll(() => one?.limiter.take([limit(100)], 0, Date.now()).hold ?? null, SOON).not.toBeNull()
})

test('a gateway alone lets all of a limit through at once, without asking', async () => {
  const { made } = await joined(['gw-a'])
  const [only] = made
  const passed = Array.from({ length: 100 }, () => only?.limiter.take([limit(40)], 0, Date.now()).hold).filter(Boolean)
  expect(passed).toHaveLength(40)
})

test('gateways that lose the control plane keep to an equal share each', async () => {
  await freshWindow()
  const { made } = await joined(['gw-a', 'gw-b'])
  for (const { link } of made) {
    link.isDown = true
    link.clockMs = 60_000
  }
  expect(await admittedBy(made, limit(100))).toEqual([50, 50])
}, 60_000)
