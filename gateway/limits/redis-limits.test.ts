import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '@/lib/free-port'
import { type CompiledConfig, compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { HAS_REDIS, startRedis } from '../redis-testing'
import type { Hold, Limit } from './limiter'
import { RateLimits } from './rate-limits'
import { RedisLimits } from './redis-limits'

/** Machines that run tests have much else to do. */
const SOON = { timeout: 10_000 }

const errors: unknown[] = []
let port = 0
let stop: (() => Promise<void>) | undefined
const open: RedisLimits[] = []
async function connected(): Promise<RedisLimits> {
  const limits = new RedisLimits(`redis://127.0.0.1:${port}`, (cause) => errors.push(cause))
  open.push(limits)
  await expect.poll(() => limits.isReady, { timeout: 15_000 }).toBe(true)
  return limits
}
beforeAll(async () => {
  if (!HAS_REDIS) return
  port = await freePort()
  stop = await startRedis(port)
})
afterAll(async () => {
  for (const limits of open) limits.close()
  await stop?.()
})

const MINUTE = 60_000
let holders = 0
const limit = (counts: Limit['counts'], max: number, windowMs = counts === 'parallel' ? 0 : MINUTE): Limit => ({
  name: `key-${counts}`,
  holder: `tok_${holders++}`,
  counts,
  max,
  windowMs,
})
const held = (hold: Hold | null): Hold => {
  if (hold === null) throw new Error('refused')
  return hold
}

/** A window that does not end while the test runs. */
async function freshWindow(): Promise<void> {
  const leftMs = MINUTE - (Date.now() % MINUTE)
  if (leftMs < 3_000) await sleep(leftMs + 5)
}

describe.skipIf(!HAS_REDIS)('limits in Redis', () => {
  test('are kept by gateways together to the request, however many ask at once', async () => {
    await freshWindow()
    const gateways = [await connected(), await connected()]
    const one = limit('requests', 25)
    const taken = await Promise.all(Array.from({ length: 80 }, (_, at) => gateways[at % 2]?.take('org_1', [one], 0)))
    expect(taken.filter((it) => it?.hold !== null)).toHaveLength(25)
    const refused = taken.find((it) => it?.exceeded)
    expect(refused?.exceeded).toMatchObject({ limit: one, remaining: 0 })
    expect(refused?.exceeded?.resetMs).toBeGreaterThan(0)
    expect((await gateways[0]?.take('org_2', [one], 0))?.hold).not.toBeNull()
  })

  test('take from all or from none', async () => {
    await freshWindow()
    const redis = await connected()
    const [wide, narrow] = [limit('requests', 10), limit('requests', 1)]
    const first = held((await redis.take('o', [wide, narrow], 0)).hold)
    expect(first.shared?.statuses.map(({ remaining }) => remaining)).toEqual([9, 0])
    for (let i = 0; i < 3; i++) expect((await redis.take('o', [wide, narrow], 0)).exceeded?.limit).toBe(narrow)
    expect((await redis.take('o', [wide], 0)).hold?.shared?.statuses[0]?.remaining).toBe(8)
  })

  test('begin anew with every window', async () => {
    const redis = await connected()
    const one = limit('requests', 1, 1_000)
    await sleep(1_000 - (Date.now() % 1_000) + 20)
    expect((await redis.take('o', [one], 0)).hold).not.toBeNull()
    expect((await redis.take('o', [one], 0)).hold).toBeNull()
    await sleep(1_000)
    expect((await redis.take('o', [one], 0)).hold).not.toBeNull()
  })

  test('count tokens as they were and not as they were thought to be', async () => {
    await freshWindow()
    const redis = await connected()
    const one = limit('tokens', 100)
    const hold = held((await redis.take('o', [one], 80)).hold)
    expect((await redis.take('o', [one], 30)).hold).toBeNull()
    redis.release(hold, 10)
    const again = held((await redis.take('o', [one], 90)).hold)
    expect(again.shared?.statuses[0]?.remaining).toBe(0)
    redis.release(again, null)
    expect((await redis.take('o', [one], 1)).hold).toBeNull()
  })

  test('let a request that is larger than the window pass an untouched one only', async () => {
    await freshWindow()
    const redis = await connected()
    const one = limit('tokens', 100)
    expect((await redis.take('o', [one], 1_000)).hold).not.toBeNull()
    expect((await redis.take('o', [one], 1)).hold).toBeNull()
  })

  test('count calls under way until they are over, by whichever gateway', async () => {
    const [a, b] = [await connected(), await connected()]
    const one = limit('parallel', 2)
    const first = held((await a.take('o', [one], 0)).hold)
    expect((await b.take('o', [one], 0)).hold).not.toBeNull()
    expect((await b.take('o', [one], 0)).exceeded?.limit).toBe(one)
    a.release(first, null)
    await expect.poll(async () => (await b.take('o', [one], 0)).hold, SOON).not.toBeNull()
  })
})

test.skipIf(!HAS_REDIS)(
  'a gateway counts by itself while Redis is away, and there again when it is back',
  async () => {
    await freshWindow()
    const ownPort = await freePort()
    const { config } = lintPolicyConfig(
      'pack: {name: t, version: 1.0.0, enabled: true}\npolicies: {chain: []}\nlimits: {backend: redis}\ngateway: {redis: {secret_key_ref: {env: R}}}',
    )
    if (config === null) throw new Error('no configuration')
    const compiled: CompiledConfig = compileConfig(config, { R: `redis://127.0.0.1:${ownPort}` })
    const warnings: string[] = []
    const log = { warn: (_: object, message: string) => void warnings.push(message), error: () => {} }
    const limits = new RateLimits(log, null, { desk: null, processes: 1 })
    const one = limit('requests', 2)
    const take = async () => (await limits.take({ config: compiled, orgId: 'o' }, [one], 0, Date.now())).hold
    expect([await take(), await take(), await take()].map((hold) => hold?.shared)).toEqual([null, null, undefined])
    await expect.poll(() => warnings, SOON).toEqual(['Redis does not count limits: this gateway does'])
    const stopOwn = await startRedis(ownPort)
    try {
      await expect.poll(async () => (await take())?.shared ?? null, { timeout: 15_000 }).not.toBeNull()
    } finally {
      limits.close()
      await stopOwn()
    }
  },
  30_000,
)
