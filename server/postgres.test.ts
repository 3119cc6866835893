import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFile } from './log-file'
import { prepareEmbeddedPostgres } from './postgres'

let root: string
const stops: (() => Promise<void>)[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keeptrusts-postgres-'))
  await chmod(root, 0o711)
})

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await rm(root, { recursive: true, force: true })
})

test('the embedded database listens at a socket in its own directory and at no port', async () => {
  const { directory, client } = await started('with space, comma, "quotes" and %41')
  const { rows } = await client.query('select inet_server_addr() as address, current_setting($1) as listens', [
    'listen_addresses',
  ])
  expect(rows).toEqual([{ address: null, listens: '' }])
  expect((await stat(join(directory, '.s.PGSQL.5432'))).isSocket()).toBe(true)
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
}, 60_000)

test('a password is asked for at the socket too', async () => {
  const { url } = await started('guarded')
  const guess = new URL(url)
  guess.password = 'guessed'
  await expect(new pg.Client({ connectionString: guess.href }).connect()).rejects.toMatchObject({ code: '28P01' })
}, 60_000)

test('in a directory whose path is too long for a socket it listens on the loopback address', async () => {
  const { client } = await started('d'.repeat(100))
  const { rows } = await client.query('select host(inet_server_addr()) as address')
  expect(rows).toEqual([{ address: '127.0.0.1' }])
}, 60_000)

test('the lock of a socket that a killed server left does not keep the next from starting, whoever has its number now', async () => {
  const { directory, stop } = await started('left')
  await stop()
  await writeFile(join(directory, '.s.PGSQL.5432.lock'), `${process.pid}\n`, { mode: 0o600 })
  const { client } = await started('left')
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
}, 60_000)

async function started(name: string) {
  const dataDirectory = join(root, name)
  await mkdir(dataDirectory, { recursive: true })
  await chmod(dataDirectory, 0o711)
  const log = new LogFile(join(root, 'postgres.log'))
  const { url, directory, launch } = await prepareEmbeddedPostgres({ dataDirectory, log, say: () => undefined })
  const running = launch()
  const client = await connected(url)
  const stop = async () => {
    if (running.exitCode !== null) return
    await client.end()
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGINT')
    await gone
  }
  stops.push(stop)
  return { url, directory, client, stop }
}

async function connected(url: string): Promise<pg.Client> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return client
    } catch (error) {
      if (attempt === 100) throw error
      await delay(100)
    }
  }
}
