import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { FakeControlPlane, STARTER_YAML } from './fake-control-plane'
import { type RunningGateway, startManagedGateway } from './run'
import { postChat } from './testing'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const HOUR = 3_600_000
const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }

async function soon<T>(read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Both clocks of this process, which go on by themselves and can be set ahead. */
function simulatedClock() {
  let aheadMs = 0
  const [monotonic, wall] = [performance.now.bind(performance), Date.now]
  const spies = [
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + aheadMs),
    vi.spyOn(Date, 'now').mockImplementation(() => wall() + aheadMs),
  ]
  undo.push(() => {
    for (const spy of spies) spy.mockRestore()
  })
  return {
    advance(ms: number) {
      aheadMs += ms
    },
  }
}

async function newPlane(maxOfflineKeyAgeSeconds = 86_400): Promise<FakeControlPlane> {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close().catch(() => undefined))
  plane.settings = { payload_capture: 'none', max_offline_key_age_seconds: maxOfflineKeyAgeSeconds }
  plane.bundle = plane.signer.bundle({}, STARTER_YAML('0.1.0', 'gateway:\n  anonymous: loopback\n'))
  return plane
}

async function start(plane: FakeControlPlane): Promise<RunningGateway & { url: string }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'kt-away-'))
  undo.push(() => rm(dataDirectory, { recursive: true, force: true }))
  const gateway = await startManagedGateway({
    listen: '127.0.0.1:0',
    gatewayId: 'gw_test',
    apiUrl: plane.url,
    token: plane.gatewayToken,
    pollIntervalSeconds: 0.05,
    environment: {},
    dataDirectory,
    log: pino({ level: 'silent' }),
  })
  undo.push(() => gateway.stop('test'))
  return { ...gateway, url: `http://127.0.0.1:${gateway.port}` }
}

/** Statuses of `count` calls, `width` at a time, and the ids of their events. */
async function calls(url: string, secret: string | null, count: number, width = 16) {
  const statuses = new Map<number, number>()
  const eventIds: string[] = []
  let left = count
  const caller = async () => {
    while (left-- > 0) {
      const response = await postChat(url, secret, CHAT)
      await response.text()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      eventIds.push(response.headers.get('x-keeptrusts-event-id') ?? '')
    }
  }
  await Promise.all(Array.from({ length: width }, caller))
  return { statuses: Object.fromEntries(statuses), eventIds }
}

test('for 72 hours without a control plane every request is served when keys may be that old, and every event arrives once', async () => {
  const clock = simulatedClock()
  const plane = await newPlane(7 * 86_400)
  const secret = plane.addKey()
  const gateway = await start(plane)
  await plane.close()

  const eventIds: string[] = []
  for (let hour = 1; hour <= 72; hour++) {
    clock.advance(HOUR)
    const answered = await calls(gateway.url, secret, 40)
    expect(answered.statuses, `hour ${hour}`).toEqual({ 200: 40 })
    eventIds.push(...answered.eventIds)
  }
  await plane.listen()
  await soon(
    () => plane.events.size,
    (size) => size === eventIds.length,
  )
  expect([...plane.events.keys()].sort()).toEqual(eventIds.sort())
  const sequence = [...plane.events.values()].map((event) => event.gateway_seq).sort((a, b) => a - b)
  expect(sequence).toEqual(eventIds.map((_, index) => index + 1))
}, 60_000)

test('unless the organisation says otherwise keys end after 24 hours of silence, with the reason, and not before; callers without a key are served on', async () => {
  const clock = simulatedClock()
  const plane = await newPlane()
  const secret = plane.addKey()
  const gateway = await start(plane)
  await plane.close()

  for (let hour = 1; hour <= 23; hour++) {
    clock.advance(HOUR)
    expect((await calls(gateway.url, secret, 8)).statuses, `hour ${hour}`).toEqual({ 200: 8 })
  }
  clock.advance(HOUR + 1_000)
  const refused = await postChat(gateway.url, secret, CHAT)
  const { error } = (await refused.json()) as { error: { code: string; message: string } }
  expect(refused.status).toBe(503)
  expect(error.code).toBe('not_ready')
  expect(error.message).toContain('has not heard from its control plane for too long')

  clock.advance(48 * HOUR)
  expect((await calls(gateway.url, null, 8)).statuses).toEqual({ 200: 8 })

  await plane.listen()
  await soon(
    async () => (await postChat(gateway.url, secret, CHAT)).status,
    (status) => status === 200,
  )
})

test('under load nothing fails while the control plane goes away and comes back, again and again', async () => {
  const plane = await newPlane()
  const secret = plane.addKey()
  const gateway = await start(plane)
  let isOver = false
  const outage = (async () => {
    while (!isOver) {
      await plane.close()
      await new Promise((resolve) => setTimeout(resolve, 20))
      plane.failWith = plane.failWith === null ? 500 : null
      await plane.listen()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    plane.failWith = null
  })()
  const { statuses, eventIds } = await calls(gateway.url, secret, 6_000)
  isOver = true
  await outage
  expect(statuses).toEqual({ 200: 6_000 })
  await soon(
    () => plane.events.size,
    (size) => size === 6_000,
  )
  expect([...plane.events.keys()].sort()).toEqual(eventIds.sort())
}, 60_000)

test('no request waits for a control plane that takes calls and answers none of them', async () => {
  const plane = await newPlane()
  const secret = plane.addKey()
  const gateway = await start(plane)
  await soon(
    () => plane.streams.size,
    (size) => size === 1,
  )
  plane.hang = true
  for (const stream of plane.streams) stream.destroy()
  await soon(
    () => plane.hanging,
    (count) => count >= 2,
  )

  // Nothing that the control plane could say is there to be waited for: each of these needs none of it.
  expect((await calls(gateway.url, secret, 2_000)).statuses).toEqual({ 200: 2_000 })
  expect(plane.events.size).toBeLessThan(2_000)
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
})
