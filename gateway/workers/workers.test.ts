import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { Agent, request } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GatewayEvent } from '@/lib/contract/events'
import { freePort } from '@/lib/free-port'
import { FakeControlPlane, STARTER_YAML } from '../fake-control-plane'

/** What `kt run --managed --workers N` does, without the command line around it. */
const MAIN = `
import { runManagedGateway } from './gateway/run'
try {
  await runManagedGateway(JSON.parse(process.argv[2] ?? ''))
} catch (cause) {
  process.stderr.write(cause.message)
  process.exitCode = cause.exitCode ?? 70
}
`
// Every worker is a process that has to start; on a busy machine that takes seconds, and no guarantee is about time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

const ROOT = join(import.meta.dirname, '../..')
let root = ''
let script = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-workers-'))
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
  // It ends at once without options, and as it ends Node writes what it has compiled: one that is killed never does.
  spawnSync(process.execPath, [script], { env: environment() })
})
const environment = () => ({ ...process.env, NODE_COMPILE_CACHE: join(root, 'compiled') })
afterAll(() => rm(root, { recursive: true, force: true }))

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

type Line = { msg: string; pid?: number; worker?: number; port?: number }
type Running = {
  child: ChildProcess
  url: string
  lines: Line[]
  /** Ids of the worker processes that served, oldest first. */
  pids: () => number[]
  ended: Promise<{ code: number | null; errors: string }>
}

async function run(plane: FakeControlPlane, directory: string, change: object = {}): Promise<Running> {
  const options = {
    listen: '127.0.0.1:0',
    gatewayId: 'gw_test',
    apiUrl: plane.url,
    token: plane.gatewayToken,
    dataDirectory: join(root, directory),
    workers: 2,
    ...change,
  }
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const lines: Line[] = []
  const listening = Promise.withResolvers<number>()
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = `${rest}${chunk}`.split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const line: Line = JSON.parse(part)
      lines.push(line)
      if (line.msg === 'gateway listening') listening.resolve(line.port ?? 0)
    }
  })
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.once('close', (code: number | null) => resolve({ code, errors }))
  })
  undo.push(async () => {
    child.kill('SIGKILL')
    await ended // its pipes close when its workers are gone, too
  })
  const port = await Promise.race([listening.promise, ended.then(() => 0)])
  const pids = () => lines.flatMap(({ msg, pid }) => (msg === 'worker serves' && pid ? [pid] : []))
  return { child, url: `http://127.0.0.1:${port}`, lines, pids, ended }
}

async function newPlane(): Promise<FakeControlPlane> {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close().catch(() => undefined))
  return plane
}

async function soon<T>(read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const BODY = JSON.stringify({ model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] })

/** Callers that keep their connections, or open one per call: those go to the workers in turn. */
function newCaller(keepsConnections: boolean): Agent {
  const agent = new Agent(keepsConnections ? {} : { pipelining: 0 })
  undo.push(() => agent.destroy())
  return agent
}

async function call(url: string, secret: string, dispatcher: Agent) {
  const { statusCode, headers, body } = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: BODY,
    dispatcher,
    // A connection that was on its way to a worker when it was killed is never answered: callers have a patience of their own.
    headersTimeout: 10_000,
  })
  await body.text()
  const header = (name: string) => String(headers[name] ?? '')
  return { status: statusCode, event: header('x-keeptrusts-event-id'), version: header('x-keeptrusts-config-version') }
}

async function calls(url: string, secret: string, count: number) {
  const caller = newCaller(false)
  return Promise.all(Array.from({ length: count }, () => call(url, secret, caller)))
}

const json = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).json()
/** One that has ended but that nobody has asked for its status is not alive. */
const isAlive = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The numbers of the events of each spool, in order. */
function numbersBySpool(events: Iterable<GatewayEvent>): Map<number, number[]> {
  const spools = new Map<number, number[]>()
  for (const { gateway_seq } of events) {
    const slot = Math.floor(gateway_seq / 2 ** 40)
    spools.set(slot, [...(spools.get(slot) ?? []), gateway_seq % 2 ** 40])
  }
  for (const numbers of spools.values()) numbers.sort((a, b) => a - b)
  return spools
}

describe('a gateway of several processes', () => {
  test('shares its work, speaks as one, and numbers the records of each spool without gaps', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const { url, child, ended, pids } = await run(plane, 'shared', { workers: 3 })
    expect(new Set(pids()).size).toBe(3)
    const answers = await calls(url, secret, 60)
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])

    for (let n = 0; n < 6; n++) expect(await json(`${url}/health`)).toMatchObject({ requests_processed: 60 })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('keeptrusts_gateway_requests_total{verdict="allow",status="200"} 60')
    expect(metrics).toContain('keeptrusts_gateway_workers 3')
    expect(metrics).toContain('keeptrusts_gateway_ready 1')
    await soon(
      () => plane.events.size,
      (size) => size === 60,
    )
    const spools = numbersBySpool(plane.events.values())
    expect([...spools.keys()].sort()).toEqual([0, 1, 2])
    for (const numbers of spools.values()) expect(numbers).toEqual(numbers.map((_, index) => index + 1))

    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
    expect(plane.beats.at(-1)).toMatchObject({ ready: false, spool_depth: 0, requests_processed: 60 })
    expect(pids().filter(isAlive)).toEqual([])
    const streams = plane.requests.filter(({ route }) => route.endsWith('/runtime-state'))
    expect(streams.length).toBeLessThan(6) // one asks for all: the start, the opened stream, no more
  })

  test('takes no call before every worker is there and has what changed while they were started', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const other = plane.addKey()
    const port = await freePort()
    void run(plane, 'changed', { workers: 3, listen: `127.0.0.1:${port}` })
    await soon(
      () => plane.requests.length,
      (count) => count > 0, // it knows what there is, and starts its workers
    )
    plane.revoke(secret)
    plane.rollOut(2, '0.2.0')
    const url = `http://127.0.0.1:${port}`
    await soon(
      () => fetch(`${url}/readyz`, { headers: { connection: 'close' } }).catch(() => null),
      (answer) => answer?.status === 200,
    )
    const [revoked, served] = await Promise.all([calls(url, secret, 30), calls(url, other, 30)])
    expect(new Set(revoked.map(({ status }) => status))).toEqual(new Set([401]))
    expect(new Set(served.map(({ status, version }) => `${status} ${version}`))).toEqual(new Set(['200 0.2.0']))
  })

  test('keeps to a limit that is lower than the number of workers, to the request', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    plane.bundle = plane.signer.bundle({}, STARTER_YAML('0.1.0', 'limits: {per_key: {rpm: 2}}\n'))
    const { url } = await run(plane, 'limited', { workers: 4 })
    const intoWindowMs = Date.now() % 60_000
    if (intoWindowMs > 50_000) await new Promise((resolve) => setTimeout(resolve, 60_100 - intoWindowMs))
    const statuses = (await calls(url, secret, 40)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    expect(statuses.filter((status) => status === 429)).toHaveLength(38)
  })

  test('a rollout and a revocation are acknowledged when every worker has them', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const other = plane.addKey()
    const { url } = await run(plane, 'revoked', { workers: 3 })
    await soon(
      () => plane.streams.size,
      (size) => size === 1,
    )
    for (let generation = 2; generation <= 6; generation++) {
      plane.rollOut(generation, `0.${generation}.0`)
      await soon(
        () => plane.beats.at(-1),
        (beat) => beat?.running_generation === generation,
      )
      const versions = (await calls(url, secret, 12)).map(({ version }) => version)
      expect(new Set(versions)).toEqual(new Set([`0.${generation}.0`]))
    }
    plane.revoke(secret)
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.keys_revision === plane.keysRevision,
    )
    expect(new Set((await calls(url, secret, 30)).map(({ status }) => status))).toEqual(new Set([401]))
    expect(new Set((await calls(url, other, 30)).map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('a revocation that a worker has not taken yet is not acknowledged, and is as soon as it has', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const { pids } = await run(plane, 'stopped')
    await soon(
      () => plane.beats.at(-1),
      (beat) => plane.streams.size === 1 && beat?.keys_revision === plane.keysRevision,
    )
    const revision = plane.keysRevision
    const [stopped = 0] = pids()
    process.kill(stopped, 'SIGSTOP')
    undo.push(() => isAlive(stopped) && process.kill(stopped, 'SIGCONT'))
    const beats = plane.beats.length
    plane.revoke(secret)
    await soon(
      () => plane.beats.length,
      (length) => length > beats,
    )
    expect(plane.beats.at(-1)?.keys_revision).toBe(revision)
    process.kill(stopped, 'SIGCONT')
    await soon(
      () => plane.beats.at(-1),
      (beat) => beat?.keys_revision === plane.keysRevision,
    )
  })

  test('workers killed under load lose and double no event of an answered request, and are replaced', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const { url, child, ended, pids } = await run(plane, 'killed')
    const answered: string[] = []
    let isOver = false
    const callers = Array.from({ length: 8 }, async () => {
      const caller = newCaller(true)
      while (!isOver) {
        const answer = await call(url, secret, caller).catch(() => null) // of a worker that was killed
        if (answer?.status === 200) answered.push(answer.event)
      }
    })
    for (let kill = 0; kill < 5; kill++) {
      const before = pids().length
      const enough = answered.length + 20
      await soon(
        () => answered.length,
        (length) => length >= enough,
      )
      const living = pids().filter(isAlive)
      process.kill(living[kill % living.length] ?? 0, 'SIGKILL')
      await soon(
        () => pids().length,
        (count) => count > before,
      )
    }
    isOver = true
    await Promise.all(callers)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
    expect(answered.filter((id) => !plane.events.has(id))).toEqual([])
    for (const numbers of numbersBySpool(plane.events.values()).values()) {
      expect(new Set(numbers).size).toBe(numbers.length)
    }
  })

  test('workers are exchanged under load: no connection is refused, no request fails, no event is lost', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const { url, child, ended, pids, lines } = await run(plane, 'exchanged')
    const answers: Awaited<ReturnType<typeof call>>[] = []
    let isOver = false
    const callers = Array.from({ length: 8 }, async (_, n) => {
      const caller = newCaller(n % 2 === 0)
      while (!isOver) answers.push(await call(url, secret, caller))
    })
    const restarted = () => lines.filter(({ msg }) => msg === 'workers restarted').length
    for (let restart = 1; restart <= 3; restart++) {
      const old = pids().filter(isAlive)
      child.kill('SIGUSR2')
      await soon(restarted, (count) => count === restart)
      expect(old.filter(isAlive)).toEqual([])
      const enough = answers.length + 50
      await soon(
        () => answers.length,
        (length) => length >= enough,
      )
    }
    isOver = true
    await Promise.all(callers)
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(await json(`${url}/health`)).toMatchObject({ requests_processed: answers.length })
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
    expect(plane.events.size).toBe(answers.length)
    expect(pids().length).toBe(8)
  })

  test('records of workers that there are no more are delivered by the next start, with fewer workers or none', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const first = await run(plane, 'fewer', { workers: 3 })
    await soon(
      () => plane.streams.size,
      (size) => size === 1,
    )
    plane.failWith = 500
    const answers = await calls(first.url, secret, 30)
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    first.child.kill('SIGKILL')
    await first.ended
    await soon(
      () => first.pids().filter(isAlive).length,
      (count) => count === 0, // no worker outlives its primary
    )
    expect(plane.events.size).toBe(0)

    plane.failWith = null
    const second = await run(plane, 'fewer', { workers: undefined })
    await soon(
      () => plane.events.size,
      (size) => size === 30,
    )
    expect([...plane.events.keys()].sort()).toEqual(answers.map(({ event }) => event).sort())
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
  })

  test('does not start on a port that is taken, and says so', async () => {
    const plane = await newPlane()
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    undo.push(() => holder.close())
    const { port } = holder.address() as AddressInfo
    const { ended } = await run(plane, 'taken', { listen: `127.0.0.1:${port}` })
    expect(await ended).toMatchObject({ code: 1 })
    expect((await ended).errors).toContain(`127.0.0.1:${port} is used by another process`)
  })
})
