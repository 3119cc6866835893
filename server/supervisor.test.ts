import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '@/lib/free-port'

const ROOT = join(import.meta.dirname, '..')

/** One level below the root like `dist`, because migrations and packages are looked up from where the bundles lie. */
const programs = join(ROOT, `.programs-${process.pid}`)
let dataDirectory: string
let ports: { console: number; gateway: number }
const started: ChildProcess[] = []

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-start-'))
  await chmod(dataDirectory, 0o711)
  ports = { console: await freePort(), gateway: await freePort() }
  execFileSync(
    process.execPath,
    ['scripts/build.mjs', 'start', 'console', 'kt', 'parent-watch', '--outdir', programs],
    {
      cwd: ROOT,
    },
  )
}, 60_000)

afterAll(async () => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGTERM')
  await until(() => processes().length === 0)
  await rm(programs, { recursive: true, force: true })
  await rm(dataDirectory, { recursive: true, force: true })
})

/** One `npm start` without its pages, which need no supervisor to be tested. */
function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(programs, 'start.mjs')], {
    cwd: ROOT,
    env: {
      NODE_ENV: 'production',
      PATH: process.env.PATH,
      PORT: String(ports.console),
      KEEPTRUSTS_GATEWAY_PORT: String(ports.gateway),
      KEEPTRUSTS_DATA_DIR: dataDirectory,
      KEEPTRUSTS_PAGES: 'off',
      ...env,
    },
  })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ready = async () => {
    await until(() => output.includes('Ctrl-C stops everything') || child.exitCode !== null)
    if (child.exitCode !== null) throw new Error(`The start ended: ${output}`)
  }
  return { child, ended, ready, output: () => output }
}

const ask = (key?: string) =>
  fetch(`http://127.0.0.1:${ports.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  })

/** Everything that runs for this data directory, by command line. */
const processes = (directory = dataDirectory) =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(directory) || line.includes(programs))

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(50)
}

describe('npm start', { timeout: 60_000 }, () => {
  let key: string | undefined

  test('ends its first start with a banner whose key and request work', async () => {
    const { ready, output } = start()
    await ready()

    key = /Gateway key {4}(\S+)/.exec(output())?.[1]
    expect(output()).toMatch(/Administrator {2}admin@localhost\n {2}Password {7}\S{20}\n/)
    expect((await ask(key)).status).toBe(200)
    expect((await ask()).status).toBe(200)
    expect(existsSync(join(dataDirectory, 'first-start.json'))).toBe(false)
  })

  test('refuses a second start on the same data directory and names the holder', async () => {
    const second = start({ PORT: String(await freePort()), KEEPTRUSTS_GATEWAY_PORT: String(await freePort()) })

    expect(await second.ended).toBe(1)
    expect(second.output()).toContain(`${dataDirectory} is in use by process ${started[0]?.pid}, running since 20`)
    expect(second.output()).toContain(`at http://localhost:${ports.console}`)
  })

  test('starts a child again that was killed', async () => {
    const gateway = processes()
      .find((line) => line.includes('kt.mjs'))
      ?.trim()
      .split(' ')[0]
    process.kill(Number(gateway), 'SIGKILL')
    await until(() => processes().some((line) => line.includes('kt.mjs') && !line.includes(`${gateway} `)))
    await until(() => existsSync(join(dataDirectory, 'gateway')))

    const answer = await asked()
    expect(answer.status).toBe(200)
  })

  test('after kill -9 finds its database, stops it cleanly, and serves what it served before', async () => {
    started[0]?.kill('SIGKILL')
    const again = start()
    await again.ready()

    expect((await ask(key)).status).toBe(200)
    expect(again.output()).not.toContain('Password')
    expect(await readFile(join(dataDirectory, 'logs/postgres.log'), 'utf8')).not.toContain('was not properly shut down')
    expect(processes().filter((line) => line.includes('bin/postgres -D'))).toHaveLength(1)
  })

  test('leaves no process behind after SIGTERM, and gives the directory back', async () => {
    const running = started.at(-1)
    expect(running?.exitCode).toBeNull()
    const ended = new Promise((resolve) => running?.once('close', resolve))
    running?.kill('SIGTERM')

    expect(await ended).toBe(0)
    expect(processes()).toEqual([])
    expect(existsSync(join(dataDirectory, 'lock'))).toBe(false)
  })

  test('names a port that is taken and how to choose another, and leaves nothing running', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(ports.console, resolve))
    const refused = start()

    expect(await refused.ended).toBe(1)
    expect(refused.output()).toContain(`Port ${ports.console}, which the console needs, is taken`)
    expect(refused.output()).toContain(`PORT=${ports.console + 1} npm start`)
    expect(processes()).toEqual([])
    await new Promise((resolve) => squatter.close(resolve))
  })
})

test('a start that is ended while it makes its database leaves no process behind', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'keeptrusts-start-'))
  await chmod(elsewhere, 0o711)
  const { child, ended } = start({
    KEEPTRUSTS_DATA_DIR: elsewhere,
    PORT: String(await freePort()),
    KEEPTRUSTS_GATEWAY_PORT: String(await freePort()),
  })
  await until(() => existsSync(join(elsewhere, 'postgres.new')))
  child.kill('SIGTERM')

  expect(await ended).toBe(0)
  expect(processes(elsewhere)).toEqual([])
  await rm(elsewhere, { recursive: true })
})

test('a start whose own database is away says what it waits for, and nothing of the password', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'keeptrusts-start-'))
  const { child, ended, output } = start({
    KEEPTRUSTS_DATA_DIR: elsewhere,
    PORT: String(await freePort()),
    KEEPTRUSTS_GATEWAY_PORT: String(await freePort()),
    DATABASE_URL: `postgres://owner:a-secret@localhost:${await freePort()}/keeptrusts`,
  })
  await until(() => output().includes('Waiting for the database'))
  expect(output()).toContain('ECONNREFUSED')
  expect(output()).not.toContain('a-secret')
  child.kill('SIGTERM')

  expect(await ended).toBe(0)
  await rm(elsewhere, { recursive: true })
})

/** Asks until somebody listens again. */
async function asked(): Promise<Response> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer?.ok) return answer
    await delay(50)
  }
}
