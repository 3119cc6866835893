import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import type { PriceTable } from '@/lib/contract/price-shapes'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { catalogue } from '@/lib/prices/catalogue'
import { PriceBook } from '@/lib/prices/price-book'
import { FakeControlPlane, STARTER_YAML } from './fake-control-plane'
import { localPrices } from './local-prices'
import { startManagedGateway } from './run'
import { emptySnapshot, SnapshotStore } from './snapshot'
import { httpTarget, postChat, startTestGateway, startUpstream } from './testing'
import { changeBetween, takeChange } from './workers/shared-state'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kt-gateway-'))
  undo.push(() => rm(path, { recursive: true, force: true }))
  return path
}

const table = (version: string, usd: string): PriceTable => ({
  version,
  rows: [
    {
      provider: 'sandbox',
      model: '*',
      source: 'override',
      match: { starts_with: '' },
      terms: [{ effective_from: null, between: null, prices: { input: usd, output: usd }, tiers: [] }],
    },
  ],
})
const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }

async function soon<T>(read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a gateway charges by what its control plane told last, also from its disk when there is no control plane', async () => {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close().catch(() => undefined))
  plane.prices = table('told/1', '1000')
  const secret = plane.addKey()
  const dataDirectory = await newDirectory()
  const start = async (apiUrl = plane.url) => {
    const gateway = await startManagedGateway({
      listen: '127.0.0.1:0',
      gatewayId: 'gw_test',
      apiUrl,
      token: plane.gatewayToken,
      pollIntervalSeconds: 300,
      environment: {},
      log: pino({ level: 'silent' }),
      dataDirectory,
    })
    return { ...gateway, url: `http://127.0.0.1:${gateway.port}` }
  }
  const costsSoon = async (count: number) => {
    const all = await soon(
      () => [...plane.events.values()],
      (events) => events.length >= count,
    )
    return all.map((event) => (event as { event_cost_attribution: object }).event_cost_attribution)
  }
  const first = await start()
  await postChat(first.url, secret, CHAT)
  expect(await costsSoon(1)).toMatchObject([{ price_book_version: 'told/1', price_status: 'priced' }])

  plane.prices = table('told/2', '2000')
  plane.push({ kind: 'resync' })
  await soon(
    () => postChat(first.url, secret, CHAT),
    () => [...plane.events.values()].some((event) => JSON.stringify(event).includes('told/2')),
  )
  await first.stop('test')

  const before = plane.events.size
  const again = await start('http://127.0.0.1:9')
  await postChat(again.url, secret, CHAT)
  await again.stop('test')
  // What was recorded without a control plane is delivered by the next that has one.
  const last = await start()
  undo.push(() => last.stop('test'))
  expect((await costsSoon(before + 1)).at(-1)).toMatchObject({ price_book_version: 'told/2', price_status: 'priced' })
})

test('a gateway with a file alone has the public prices of its providers, and no others', async () => {
  const { config } = lintPolicyConfig(STARTER_YAML('0.1.0'))
  if (config === null) throw new Error('It does not compile.')
  const compiled = compileConfig(config, {})
  const prices = await localPrices({ ...compiled, targets: [httpTarget('http://127.0.0.1:9/v1'), ...compiled.targets] })
  expect(prices.version).toBe(catalogue().version)
  expect(new Set(prices.table.rows.map(({ provider }) => provider))).toEqual(new Set(['openai', 'sandbox']))
  expect(prices.priceOf('openai', ['gpt-5.4-mini'], Date.now())).not.toBeNull()
})

test('workers are told prices when they change and not again', async () => {
  const primary = new SnapshotStore({ ...emptySnapshot(), prices: new PriceBook(table('told/1', '1')) })
  const worker = new SnapshotStore(emptySnapshot())
  const compiling = { environment: {}, upstreamUrl: undefined }
  const known = primary.current
  await takeChange(worker, JSON.parse(JSON.stringify(changeBetween(null, known))), compiling)
  expect(worker.current.prices?.version).toBe('told/1')
  const kept = worker.current.prices
  primary.swap({ orgId: 'org_test' })
  const same = changeBetween(known, primary.current)
  expect(same).not.toHaveProperty('prices')
  await takeChange(worker, same, compiling)
  expect(worker.current.prices).toBe(kept)
  primary.swap({ prices: new PriceBook(table('told/2', '2')) })
  await takeChange(worker, JSON.parse(JSON.stringify(changeBetween(known, primary.current))), compiling)
  expect(worker.current.prices?.version).toBe('told/2')
})

test('with the whole catalogue a call of a known model is priced, whatever it was called', async () => {
  const { version, rows } = catalogue()
  const answer = {
    object: 'chat.completion',
    model: 'gpt-5.4-mini-2026-03-17',
    choices: [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1_000_000, completion_tokens: 0 },
  }
  const upstream = await startUpstream((response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const gateway = await startTestGateway({
    prices: new PriceBook({ version, rows: [...rows] }),
    targets: [httpTarget(upstream.url)],
  })
  undo.push(upstream.close, gateway.close)
  await postChat(gateway.url, gateway.addKey(), { ...CHAT, model: 'ours' })
  expect(gateway.events()[0]?.event_cost_attribution).toMatchObject({
    total_cost_usd: '0.750000000',
    price_book_version: version,
  })
})
