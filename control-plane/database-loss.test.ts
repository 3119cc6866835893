import { afterAll, expect, inject, test } from 'vitest'
import { tokens } from '@/lib/contract/tokens'
import { isUnavailable } from './database'
import { sqlAt } from './postgres-testing'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
const database = new URL(plane.databaseUrl).pathname.slice(1)
const admin = sqlAt(new URL('/postgres', inject('templateUrl')).href)
afterAll(async () => {
  await admin.end()
  await plane.stop()
})
const organization = await plane.organization()
const owner = await organization.as('role_owner')

const disconnect = () =>
  admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database} and usename = 'keeptrusts_app'`

test('losing every connection in the middle of work loses and doubles nothing that was acknowledged', async () => {
  const acknowledged: string[] = []
  const statuses = new Set<number>()
  const work = Array.from({ length: 8 }, async (_, worker) => {
    for (let i = 0; i < 12; i++) {
      const name = `key ${worker}-${i}`
      const answer = await plane.send('POST', '/v1/tokens', {
        token: owner.token,
        body: JSON.stringify({ name, token_type: 'gateway' }),
      })
      statuses.add(answer.status)
      if (answer.status === 201) acknowledged.push(name)
      else expect(answer.json).toMatchObject({ code: 'unavailable', status: 503 })
    }
  })
  const cuts = (async () => {
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 40))
      await disconnect()
    }
  })()
  await Promise.all([...work, cuts])
  expect(acknowledged.length).toBeGreaterThan(0)

  await expect.poll(async () => (await plane.send('GET', '/readyz')).status).toBe(200)
  const { items } = await owner(tokens.list, { type: 'gateway', limit: 200 })
  const names = items.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(expect.arrayContaining(acknowledged))
  const recorded = await organization.recorded()
  expect(recorded).toHaveLength(names.length)
})

test('a database that is away answers 503 until it is back, by itself; being alive does not depend on it', async () => {
  await admin.unsafe(`alter database ${database} allow_connections false`)
  await disconnect()
  for (let i = 0; i < 10; i++) {
    const { status, json, headers } = await plane.send('GET', '/v1/whoami', { token: owner.token })
    expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
    // The console shows it to people as it stands.
    expect(json.detail).toBe('The database cannot take this now. Try again in a moment.')
  }
  expect((await plane.send('GET', '/readyz')).status).toBe(503)
  expect((await plane.send('GET', '/healthz')).status).toBe(200)

  await admin.unsafe(`alter database ${database} allow_connections true`)
  await expect
    .poll(async () => (await plane.send('GET', '/v1/whoami', { token: owner.token })).status, { timeout: 10_000 })
    .toBe(200)
  expect((await plane.send('GET', '/readyz')).status).toBe(200)
})

test.each(['ECONNREFUSED', 'EAGAIN', 'EAI_AGAIN', 'ENOTFOUND', 'ENETUNREACH', 'EHOSTUNREACH'])(
  'no connection because of %s is an absence of the database, not a mistake',
  (code) => {
    expect(isUnavailable(Object.assign(new Error(`connect ${code}`), { code }))).toBe(true)
  },
)
