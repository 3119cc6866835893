import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FakeControlPlane } from './fake-control-plane'
import { postChat } from './testing'

/** What `kt run --managed` does, without the command line around it. */
const MAIN = `
import { runManagedGateway } from './run'
try {
  await runManagedGateway(JSON.parse(process.argv[2] ?? ''))
} catch (cause) {
  process.stderr.write(cause.message)
  process.exitCode = cause.exitCode ?? 70
}
`
let root = ''
let script = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-process-'))
  script = join(root, 'gateway.mjs')
  await build({
    stdin: { contents: MAIN, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    alias: { '@': join(import.meta.dirname, '..') },
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('${import.meta.url}');` },
    logLevel: 'error',
  })
  // It ends at once without options, and as it ends Node writes what it has compiled: one that is killed never does.
  spawnSync(process.execPath, [script], { env: environment() })
})
const environment = () => ({ ...process.env, OPENAI_API_KEY: '', NODE_COMPILE_CACHE: join(root, 'compiled') })
afterAll(() => rm(root, { recursive: true, force: true }))

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

type Running = { child: ChildProcess; url: string; ended: Promise<{ code: number | null; errors: string }> }

/** Resolves when it listens or has ended. */
async function run(
  plane: FakeControlPlane,
  dataDirectory: string,
  change: object = {},
  withParent = false,
): Promise<Running> {
  const options = {
    listen: '127.0.0.1:0',
    gatewayId: 'gw_test',
    apiUrl: plane.url,
    token: plane.gatewayToken,
    dataDirectory,
    ...change,
  }
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe', withParent ? 'ipc' : 'ignore'],
    env: environment(),
  })
  undo.push(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    // After `disconnect` there is no 'close' any more.
    child.once(withParent ? 'exit' : 'close', (code: number | null) => resolve({ code, errors }))
  })
  const listening = new Promise<number>((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const port = /"port":(\d+).*gateway listening/.exec(text)?.[1]
      if (port) resolve(Number(port))
    })
  })
  const port = await Promise.race([listening, ended.then(() => 0)])
  return { child, url: `http://127.0.0.1:${port}`, ended }
}

async function newPlane(): Promise<FakeControlPlane> {
  const plane = await new FakeControlPlane().listen()
  undo.push(() => plane.close())
  return plane
}

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hi' }] }

describe('the gateway as a process', () => {
  test('killed 50 times under load loses and doubles no event of an answered request', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const directory = join(root, 'killed')
    const answered: string[] = []
    for (let kill = 0; kill < 50; kill++) {
      const { child, url, ended } = await run(plane, directory)
      let left = 4 + (kill % 20)
      const callers = Array.from({ length: 8 }, async () => {
        for (;;) {
          const id = await answeredEvent(url, secret)
          if (id === null) return
          answered.push(id)
          left -= 1
          if (left === 0) child.kill('SIGKILL')
        }
      })
      await Promise.all([ended, ...callers])
    }
    const { child, ended } = await run(plane, directory)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)

    expect(answered.length).toBeGreaterThan(200)
    expect(answered.filter((id) => !plane.events.has(id))).toEqual([])
    const sequence = [...plane.events.values()].map((event) => event.gateway_seq)
    expect(new Set(sequence).size).toBe(sequence.length)
  }, 300_000)

  test('told to stop, it finishes a stream that is under way, delivers its event and exits 0', async () => {
    const plane = await newPlane()
    const secret = plane.addKey()
    const { child, url, ended } = await run(plane, join(root, 'drained'))
    const response = await postChat(url, secret, { ...CHAT, stream: true })
    child.kill('SIGTERM')
    expect(await response.text()).toContain('[DONE]')
    expect((await ended).code).toBe(0)
    expect(plane.events.size).toBe(1)
    expect(plane.beats.at(-1)?.ready).toBe(false)
  })

  test('exits in order when its parent goes away', async () => {
    const plane = await newPlane()
    const { child, ended } = await run(plane, join(root, 'orphan'), { exitWithParent: true }, true)
    child.disconnect()
    expect((await ended).code).toBe(0)
  })

  test('exits with 5 and what to check on a first start without control plane', async () => {
    const plane = await newPlane()
    await plane.close()
    const { ended } = await run(plane, join(root, 'first'))
    undo.length = 0
    const { code, errors } = await ended
    expect(code).toBe(5)
    expect(errors).toMatch(/KEEPTRUSTS_API_URL reachable\? gateway token valid\? gateway id registered\?/)
  })

  test('takes over the data directory of a gateway that was killed, and refuses that of a living one', async () => {
    const plane = await newPlane()
    const directory = join(root, 'taken')
    const first = await run(plane, directory)
    first.child.kill('SIGKILL')
    await first.ended
    const second = await run(plane, directory)
    const third = await run(plane, directory)
    expect(await third.ended).toMatchObject({ code: 1 })
    expect((await third.ended).errors).toContain(`process ${second.child.pid}`)
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
  })
})

/** The id of the event when the whole answer arrived, null when the gateway is gone. */
async function answeredEvent(url: string, secret: string): Promise<string | null> {
  try {
    const response = await postChat(url, secret, CHAT)
    await response.text()
    return response.headers.get('x-keeptrusts-event-id')
  } catch {
    return null // killed: this request was not answered
  }
}
