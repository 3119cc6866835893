import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { pino } from 'pino'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { startControlPlane } from '@/control-plane/testing'
import { startManagedGateway } from '@/gateway/run'
import type { Client } from '@/lib/client'
import { budgets } from '@/lib/contract/budgets'
import { configurations } from '@/lib/contract/configurations'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { modelPricing } from '@/lib/contract/model-pricing'
import { tokens } from '@/lib/contract/tokens'
import { wallets } from '@/lib/contract/wallets'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const YAML = `pack: {name: starter, version: 0.1.0, enabled: true}
policies: {chain: []}
providers: {targets: [{id: sandbox, provider: sandbox}]}
`

/** An organisation in which every call costs ten cents, with gateways that serve it, all over HTTP. */
async function setUp<T>(count: number, make: (admin: Client) => Promise<T>, { isPushed = true } = {}) {
  const home = await plane.organization()
  const admin = await home.as('role_owner')
  const made = await make(admin)
  const prices = { request: '100', input: '0', output: '0' }
  await admin(modelPricing.createVersion, {
    set: [{ provider: 'sandbox', model: 'gpt-test', effective_from: '2020-01-01', prices }],
  })
  const { id: configuration_id } = await admin(configurations.create, { name: 'starter', yaml: YAML })
  const server = createServer(
    getRequestListener((request) => {
      if (!isPushed && new URL(request.url).pathname.endsWith('/stream')) return new Response(null, { status: 503 })
      return plane.fetch(request, { ip: '127.0.0.1' })
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cutOff = () => {
    server.closeAllConnections()
    server.close()
  }
  undo.push(cutOff)
  const { key } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
  const start = async (at: number) => {
    const id = `gw-${at}`
    await admin(gateways.register, { id })
    await admin(configurations.rollout, { gateway_ids: [id], version: '0.1.0', configuration_id })
    const { token } = await home.as([], { gatewayId: id })
    const dataDirectory = await mkdtemp(join(tmpdir(), 'kt-spend-'))
    undo.push(() => rm(dataDirectory, { recursive: true, force: true }))
    const gateway = await startManagedGateway({
      listen: '127.0.0.1:0',
      gatewayId: id,
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token,
      dataDirectory,
      environment: {},
      pollIntervalSeconds: 300,
      log: pino({ level: 'silent' }),
    })
    undo.push(() => gateway.stop('test'))
    await soon(
      () => admin(gateways.get, { id }),
      (seen) => seen.stream_connected === isPushed,
    )
    return gateway
  }
  const call = async (port: number, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify({ model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }),
    })
    const { error } = (await response.json()) as { error?: Record<string, unknown> }
    return { status: response.status, error }
  }
  const running = []
  for (let at = 0; at < count; at++) running.push(await start(at))
  const recorded = (costing: number) =>
    soon(
      () => admin(events.list, { filter: 'cost_usd>0', limit: 100 }),
      ({ items }) => items.length === costing,
    )
  return { admin, made, call, running, recorded, cutOff }
}

async function soon<T>(read: () => Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('of two gateways under one budget exactly as many calls pass as it has room for, and every cent is found again', async () => {
  const {
    admin,
    made: budget,
    call,
    running,
    recorded,
  } = await setUp(2, (admin) => admin(budgets.create, { name: 'All', limit_usd: '1' }))
  const ports = running.map(({ port }) => port)
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => call(ports[at % 2] ?? 0)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
  const refused = answers.filter(({ status }) => status !== 200)
  expect(new Set(refused.map(({ error }) => error?.code))).toEqual(new Set(['budget_exceeded']))
  expect(refused.at(-1)?.error).toMatchObject({
    scopes: [{ budget_id: budget.id, name: 'All', limit_usd: '1.000000000', resets_at: budget.current.resets_at }],
  })
  await recorded(10)
  const { current } = await admin(budgets.get, { id: budget.id })
  expect(current).toMatchObject({
    committed_usd: '1.000000000',
    held_usd: '0.000000000',
    remaining_usd: '0.000000000',
    excess_usd: '0.000000000',
  })
})

const passedOf = (answers: readonly { status: number }[]) => answers.filter(({ status }) => status === 200).length

test('of three gateways under as many budgets as a request can have exactly as many calls pass as the tightest have room for', async () => {
  const COUNT = 39
  const scopes = [{}, { model: 'gpt-test' }, { provider: 'sandbox' }]
  const { admin, call, running, recorded } = await setUp(3, async (admin) => {
    for (let n = 0; n < COUNT; n++) {
      const limit_usd = String(1 + ((n * 7) % 12) / 10)
      await admin(budgets.create, { name: `Budget ${n}`, limit_usd, scope: scopes[n % 3] })
    }
  })
  const ports = running.map(({ port }) => port)
  const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => call(ports[at % 3] ?? 0)))
  // On a busy machine a second may be over before the others have given back: then the rest is there for those who come next.
  for (let at = 0; passedOf(answers) < 10; at++) answers.push(await call(ports[at % 3] ?? 0))
  expect(passedOf(answers)).toBe(10)
  await recorded(10)
  for (const port of ports) {
    const { status, error } = await call(port)
    expect({ status, code: error?.code }).toEqual({ status: 402, code: 'budget_exceeded' })
    const told = error?.scopes as { committed_usd: string | null; held_usd: string | null }[]
    expect(told).toHaveLength(COUNT)
    expect(told.filter(({ committed_usd, held_usd }) => committed_usd === null || held_usd === null)).toEqual([])
  }
  for (const gateway of running) await gateway.stop('test')
  const { items } = await admin(budgets.list, { limit: 100 })
  expect(items).toHaveLength(COUNT)
  for (const { current } of items) {
    expect(current).toMatchObject({ committed_usd: '1.000000000', held_usd: '0.000000000', excess_usd: '0.000000000' })
  }
})

test('a limit that is lowered below what is spent lets nothing more through, whatever was handed out before', async () => {
  const {
    admin,
    made: { id },
    call,
    running,
  } = await setUp(1, (admin) => admin(budgets.create, { name: 'All', limit_usd: '100' }))
  const port = running[0]?.port ?? 0
  expect((await call(port)).status).toBe(200)
  expect((await call(port)).status).toBe(200)
  const handedOut = await soon(
    () => admin(budgets.get, { id }),
    ({ current }) => Number(current.held_usd) >= 0.5,
  )
  await admin(budgets.update, { id, version: handedOut.version, limit_usd: '0.01' })
  await soon(
    () => admin(budgets.get, { id }),
    ({ current }) => Number(current.held_usd) === 0,
  )
  expect(await call(port)).toMatchObject({ status: 402, error: { code: 'budget_exceeded' } })
})

describe('a gateway that hears nothing between two polls', () => {
  test.each([
    ['window', { window: 'lifetime' }],
    ['time zone', { time_zone: 'Asia/Kathmandu' }],
    ['anchor', { anchor: '2026-01-15' }],
  ] as const)('lets nothing through when another %s begins a window of a budget that is spent', async (_, change) => {
    const spent = { name: 'All', limit_usd: '0.05', window: 'month', time_zone: 'UTC' } as const
    const { admin, made, call, running } = await setUp(2, (admin) => admin(budgets.create, spent), { isPushed: false })
    const ports = running.map(({ port }) => port)
    for (const port of ports) expect((await call(port)).status).toBe(402)
    const { current } = await admin(budgets.update, { id: made.id, version: made.version, ...change })
    expect(current.resets_at).not.toBe(made.current.resets_at)
    const resets = `"resets_at":${JSON.stringify(current.resets_at)}`
    for (const port of ports) {
      const answers = Array.from({ length: 10 }, () => call(port))
      // Until it goes by the new window, for which it has to be told of it.
      const last = await soon(
        () => call(port),
        ({ status, error }) => status !== 402 || JSON.stringify(error).includes(resets),
      )
      expect(new Set([last, ...(await Promise.all(answers))].map(({ status }) => status))).toEqual(new Set([402]))
    }
    expect((await admin(budgets.get, { id: made.id })).current).toMatchObject({ committed_usd: '0.000000000' })
  })

  test('goes on in the new window when that has room', async () => {
    const { admin, made, call, running, recorded } = await setUp(
      1,
      (admin) => admin(budgets.create, { name: 'All', limit_usd: '0.15', window: 'month' }),
      { isPushed: false },
    )
    const port = running[0]?.port ?? 0
    expect([(await call(port)).status, (await call(port)).status]).toEqual([200, 402])
    await recorded(1)
    await admin(budgets.update, { id: made.id, version: made.version, window: 'lifetime', limit_usd: '0.35' })
    const statuses: number[] = []
    await soon(
      async () => statuses.push((await call(port)).status),
      () => statuses.lastIndexOf(402) > statuses.indexOf(200) && statuses.includes(200),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
  })

  test('hears of a new budget with the next slice that it takes of another', async () => {
    const { admin, call, running } = await setUp(
      1,
      (admin) => admin(budgets.create, { name: 'All', limit_usd: '1000' }),
      { isPushed: false },
    )
    const port = running[0]?.port ?? 0
    expect((await call(port)).status).toBe(200)
    await admin(budgets.create, { name: 'Another', limit_usd: '0.05' })
    const { error } = await soon(
      () => call(port),
      ({ status }) => status !== 200,
    )
    expect(error).toMatchObject({ code: 'budget_exceeded' })
  })

  test('lets requests through once their budget is deleted or refuses no longer', async () => {
    const { admin, made, call, running } = await setUp(
      1,
      async (admin) => ({
        deleted: await admin(budgets.create, { name: 'Deleted', limit_usd: '0.05', scope: { user_id: 'ada' } }),
        soft: await admin(budgets.create, { name: 'Soft', limit_usd: '0.05', scope: { user_id: 'bob' } }),
      }),
      { isPushed: false },
    )
    const port = running[0]?.port ?? 0
    for (const user of ['ada', 'bob']) expect((await call(port, { 'x-user-id': user })).status).toBe(402)
    await admin(budgets.delete, { id: made.deleted.id })
    await admin(budgets.update, { id: made.soft.id, version: made.soft.version, hard: false })
    for (const user of ['ada', 'bob']) {
      await soon(
        () => call(port, { 'x-user-id': user }),
        ({ status }) => status === 200,
      )
    }
  })
})

test('wallets pay in turn, and add up to nothing but what was spent', async () => {
  const { admin, call, running, recorded } = await setUp(1, async (admin) => {
    await admin(wallets.credit, { amount_usd: '0.5' })
    await admin(wallets.allocate, { user_id: 'ada', amount_usd: '0.2' })
    await admin(wallets.updateSettings, { wallets_required: true })
  })
  const port = running[0]?.port ?? 0
  const statuses: number[] = []
  for (let n = 0; n < 7; n++) statuses.push((await call(port, { 'x-user-id': 'ada' })).status)
  expect(statuses).toEqual([200, 200, 200, 200, 200, 402, 402])
  expect(await call(port, { 'x-user-id': 'ada' })).toMatchObject({ error: { code: 'wallet_depleted' } })
  await recorded(5)
  await running[0]?.stop('test')
  const { items } = await admin(wallets.list, {})
  expect(items.map(({ id, balance_usd, held_usd, spent_usd }) => ({ id, balance_usd, held_usd, spent_usd }))).toEqual(
    expect.arrayContaining([
      { id: 'organization', balance_usd: '0.000000000', held_usd: '0.000000000', spent_usd: '0.300000000' },
      { id: 'user:ada', balance_usd: '0.000000000', held_usd: '0.000000000', spent_usd: '0.200000000' },
    ]),
  )
  expect(await admin(wallets.check, {})).toMatchObject({ balanced: true })
})

test('a refusal says how every budget stands that had a say, and takes nothing from those with room', async () => {
  const { admin, made, call, running, recorded } = await setUp(1, async (admin) => ({
    all: await admin(budgets.create, { name: 'All', limit_usd: '100' }),
    ada: await admin(budgets.create, { name: 'Ada', limit_usd: '0.15', scope: { user_id: 'ada' } }),
    bob: await admin(budgets.create, { name: 'Bob', limit_usd: '0.15', scope: { user_id: 'bob' } }),
  }))
  const port = running[0]?.port ?? 0
  expect((await call(port, { 'x-user-id': 'ada' })).status).toBe(200)
  await recorded(1)
  const { status, error } = await call(port, { 'x-user-id': 'ada' })
  expect(status).toBe(402)
  expect(error).toMatchObject({
    scopes: [
      { name: 'All', limit_usd: '100.000000000', committed_usd: '0.100000000', resets_at: made.all.current.resets_at },
      { name: 'Ada', limit_usd: '0.150000000', committed_usd: '0.100000000', resets_at: made.ada.current.resets_at },
    ],
  })
  await running[0]?.stop('test')
  const { current } = await admin(budgets.get, { id: made.all.id })
  expect(current).toMatchObject({ committed_usd: '0.100000000', held_usd: '0.000000000' })
})

test('a raise is noticed at once, and what a gateway that stops does not use comes back', async () => {
  const {
    admin,
    made: budget,
    call,
    running,
    recorded,
  } = await setUp(1, (admin) => admin(budgets.create, { name: 'Small', limit_usd: '0.15', on_unavailable: 'deny' }))
  const port = running[0]?.port ?? 0
  expect((await call(port)).status).toBe(200)
  expect((await call(port)).status).toBe(402)
  const expires_at = new Date(Date.now() + 3_600_000).toISOString()
  await admin(budgets.raise, { id: budget.id, amount_usd: '10', reason: 'Demonstration', expires_at })
  await soon(
    () => call(port),
    ({ status }) => status === 200,
  )
  await recorded(2)
  await running[0]?.stop('test')
  const { current } = await admin(budgets.get, { id: budget.id })
  expect(current).toMatchObject({ committed_usd: '0.200000000', held_usd: '0.000000000' })
})

test('a gateway that is cut off spends what it holds, and then refuses what may not go on alone', async () => {
  const { admin, made, call, running, recorded, cutOff } = await setUp(1, async (admin) => ({
    strict: await admin(budgets.create, { name: 'Strict', limit_usd: '2', scope: { user_id: 'ada' } }),
    lax: await admin(budgets.create, {
      name: 'Lax',
      limit_usd: '2',
      scope: { user_id: 'bob' },
      on_unavailable: 'allow',
    }),
  }))
  const port = running[0]?.port ?? 0
  const as = (user: string) => call(port, { 'x-user-id': user })
  expect([(await as('ada')).status, (await as('bob')).status]).toEqual([200, 200])
  await recorded(2)
  const { current } = await admin(budgets.get, { id: made.strict.id })
  cutOff()
  const answers = []
  for (let n = 0; n < 30; n++) answers.push(await as('ada'))
  const passed = answers.filter(({ status }) => status === 200).length
  expect(passed).toBe(Math.floor(Number(current.held_usd) / 0.1 + 1e-9))
  expect(answers.at(-1)).toMatchObject({ status: 503, error: { code: 'budget_unavailable', retryable: true } })
  for (let n = 0; n < 30; n++) expect((await as('bob')).status).toBe(200)
})
