import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { FakeControlPlane } from '../fake-control-plane'
import { postChat } from '../testing'
import { windowOf } from './fake-budgets'
import { budget, priceBook } from './spend-testing'

/** What `kt run --managed` does, without the command line around it. */
const MAIN = `
import { runManagedGateway } from './gateway/run'
await runManagedGateway(JSON.parse(process.argv[2] ?? ''))
`
// Every worker is a process that has to start; on a busy machine that takes seconds, and no guarantee is about time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const ROOT = join(import.meta.dirname, '../..')
let root = ''
let script = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-spend-'))
  script = join(root, 'gateway.mjs')
  await build({
    stdin: { contents: MAIN, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    alias: { '@': ROOT },
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('${import.meta.url}');` },
    logLevel: 'error',
  })
})
afterAll(() => rm(root, { recursive: true, force: true }))

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const ORG = windowOf('bud_org')

const NOTHING = { unknown_price: 'flag' as const, unknown_price_usd: '0.000000000', budgets: [], wallets: null }

async function newPlane() {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close().catch(() => undefined))
  plane.prices = priceBook({ input: '0', output: '0', request: '100' }, 'sandbox').table
  plane.spend = { ...NOTHING, budgets: [budget('bud_org')] }
  plane.budgets.limit(ORG, '10')
  return { plane, secret: plane.addKey() }
}

async function run(plane: FakeControlPlane, name: string, change: object = {}) {
  const options = {
    listen: '127.0.0.1:0',
    gatewayId: 'gw_test',
    apiUrl: plane.url,
    token: plane.gatewayToken,
    dataDirectory: join(root, name),
    pollIntervalSeconds: 300,
    ...change,
  }
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  undo.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const port = await new Promise<number>((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /"port":(\d+).*gateway listening/.exec(text)?.[1]
      if (found) resolve(Number(found))
    })
  })
  return { child, ended, url: `http://127.0.0.1:${port}` }
}

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }
async function call(url: string, secret: string) {
  // Each over a connection of its own: they go to the workers in turn.
  const response = await postChat(url, secret, CHAT, { headers: { connection: 'close' } })
  const { error } = (await response.json()) as { error?: { code: string } }
  return { status: response.status, code: error?.code }
}

async function soon(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const instances = (plane: FakeControlPlane) => new Set(plane.budgets.asks.map(({ instance }) => instance))

test('after kill -9 another life holds for itself; what the first one held is not its own', async () => {
  const { plane, secret } = await newPlane()
  const first = await run(plane, 'killed')
  expect((await call(first.url, secret)).status).toBe(200)
  await soon(() => plane.events.size === 1)
  expect(plane.budgets.heldOf(ORG)).toBe('0.900000000')
  first.child.kill('SIGKILL')
  await first.ended
  const second = await run(plane, 'killed')
  expect((await call(second.url, secret)).status).toBe(200)
  expect(instances(plane).size).toBe(2)
  await soon(() => plane.events.size === 2)
  second.child.kill('SIGTERM')
  await second.ended
  expect(plane.budgets.heldOf(ORG)).toBe('0.900000000') // of the one that was killed
  expect(plane.budgets.spentOf(ORG)).toBe('0.200000000')
})

test('a gateway that starts while its control plane is away knows its budgets, and holds nothing of them', async () => {
  const { plane, secret } = await newPlane()
  const first = await run(plane, 'away')
  expect((await call(first.url, secret)).status).toBe(200)
  first.child.kill('SIGTERM')
  await first.ended
  await plane.close()
  const second = await run(plane, 'away')
  expect(await call(second.url, secret)).toEqual({ status: 503, code: 'budget_unavailable' })
})

test('every worker holds for itself, is told of new limits and of recalls, and gives back when it ends', async () => {
  const { plane, secret } = await newPlane()
  const { url, child, ended } = await run(plane, 'workers', { workers: 2 })
  for (let n = 0; n < 8; n++) expect((await call(url, secret)).status).toBe(200)
  expect(instances(plane).size).toBe(2)
  await soon(() => plane.streams.size === 1 && plane.events.size === 8)
  // While they are in use, they give nothing back by themselves.
  plane.budgets.limit(ORG, '1000')
  plane.push({ kind: 'recall', sources: ['bud_org'] })
  for (let calls = 9; ; calls++) {
    expect((await call(url, secret)).status).toBe(200)
    await soon(() => plane.events.size === calls)
    if (plane.budgets.heldOf(ORG) === '0.000000000') break
  }

  plane.spend = NOTHING
  plane.push({ kind: 'resync' })
  plane.budgets.limit(ORG, '0')
  await soon(() => plane.beats.length > 1)
  for (let n = 0; n < 4; n++) {
    let answer = await call(url, secret)
    while (answer.status === 402) answer = await call(url, secret)
    expect(answer.status).toBe(200)
  }
  child.kill('SIGTERM')
  await ended
  expect(plane.budgets.heldOf(ORG)).toBe('0.000000000')
})

test('a worker that takes a slice and hears that there is news makes its gateway ask for it, without any push', async () => {
  const { plane, secret } = await newPlane()
  plane.spend = { ...(plane.spend ?? NOTHING), revision: '1' }
  plane.budgets.revision = '1'
  const { url } = await run(plane, 'behind', { workers: 2 })
  expect((await call(url, secret)).status).toBe(200)
  // Once when it starts, once when its workers are there, and once when the stream is open.
  const polls = () => plane.requests.filter(({ route }) => route.endsWith('runtime-state')).length
  await soon(() => polls() === 3 && plane.beats.length >= 2)
  plane.budgets.limit(windowOf('bud_new'), '0.05')
  plane.budgets.revision = '2'
  plane.spend = { ...NOTHING, revision: '2', budgets: [budget('bud_org'), budget('bud_new')] }
  plane.budgets.limit(ORG, '1000')
  let answer = await call(url, secret)
  while (answer.status === 200) answer = await call(url, secret)
  expect(answer).toEqual({ status: 402, code: 'budget_exceeded' })
})
