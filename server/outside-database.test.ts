import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { migrate } from '@/control-plane/migrate'
import { startControlPlane } from '@/control-plane/testing'
import { events } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { freePort } from '@/lib/free-port'
import { gatewayOf } from '../control-plane/events/testing'
import { ensureInstallation } from '../control-plane/installation/commands'
import { databaseUser } from './postgres-binaries'

const DEBIAN = '/usr/lib/postgresql'
const [version] = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .filter((name) => existsSync(join(DEBIAN, name, 'bin/postgres')))
      .toSorted((a, b) => Number(b) - Number(a))
  : []
const isRequired = process.env.CI === 'true'
const isSkipped = !version && !isRequired
if (isSkipped) {
  process.stderr.write(
    `SKIPPED: nothing was tested against an outside PostgreSQL, because ${DEBIAN} holds none (Debian: apt-get install postgresql).\n`,
  )
}

describe.skipIf(isSkipped)(
  'PostgreSQL of the Debian packages, owned by a role that is no superuser',
  { timeout: 60_000 },
  () => {
    let server: Awaited<ReturnType<typeof startServer>>
    beforeAll(async () => {
      if (!version) throw new Error(`CI tests an outside PostgreSQL, and ${DEBIAN} holds none: install postgresql.`)
      server = await startServer(join(DEBIAN, version, 'bin'))
    }, 60_000)
    afterAll(() => server?.stop())

    const NONE = { rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false }
    const rightsOf = async (role: string) => {
      const [rights] = await server.superuser`
      select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = ${role}`
      return rights
    }

    test('is migrated, and migrated again, by an owner with no more than CREATEDB and CREATEROLE', async () => {
      await migrate(server.ownerUrl, { appPassword: inject('appPassword') })
      await migrate(server.ownerUrl, { appPassword: inject('appPassword') })

      expect(await rightsOf('installer')).toMatchObject({ rolsuper: false, rolbypassrls: false })
      expect(await rightsOf('keeptrusts_app')).toEqual(NONE)
    })

    test('takes from the application role what it should not have', async () => {
      await server.superuser`alter role keeptrusts_app superuser bypassrls createrole createdb`
      await expect(migrate(server.ownerUrl, { appPassword: inject('appPassword') })).rejects.toThrow('superuser')
      await server.superuser`alter role keeptrusts_app nosuperuser nobypassrls`
      await migrate(server.ownerUrl, { appPassword: inject('appPassword') })

      expect(await rightsOf('keeptrusts_app')).toEqual(NONE)
    })

    test('forces row-level security both ways on every table that has an organisation', async () => {
      const database = postgres(server.ownerUrl, { max: 1 })
      const tables = await database<{ name: string; forced: boolean; rules: string[] }[]>`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
             array[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)] as rules
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
      left join pg_policy p on p.polrelid = c.oid and p.polname = 'tenant'
      where c.relkind in ('r', 'p')`
      await database.end()
      expect(tables.length).toBeGreaterThan(12)
      const rule = "(org_id = current_setting('app.org_id'::text, true))"
      for (const table of tables) expect(table).toEqual({ name: table.name, forced: true, rules: [rule, rule] })
    })

    test('carries an installation, keys and events, and keeps organisations apart', async () => {
      const plane = await startControlPlane({ templateUrl: server.ownerUrl })
      try {
        const installed = await ensureInstallation(plane.services, {
          adminEmail: 'ada@example.com',
          adminPassword: 'a password of this test',
        })
        expect(installed.orgId).toMatch(/^org_/)
        const [home, away] = [await plane.organization('Home'), await plane.organization('Away')]
        const { admin, gateway, event } = await gatewayOf(home)
        const sent = [event(), event()]
        expect(await gateway(events.ingest, { events: sent })).toMatchObject({ accepted: 2 })
        expect(await gateway(events.ingest, { events: sent })).toMatchObject({ accepted: 0, duplicates: 2 })
        const made = await admin(tokens.create, { name: 'app', token_type: 'gateway' })

        const seen = (await admin(events.list, {})).items.map(({ event_id }) => event_id)
        expect(seen.toSorted()).toEqual(sent.map(({ event_id }) => event_id).toSorted())
        expect((await admin(tokens.list, { type: 'gateway' })).items.map(({ id }) => id)).toEqual([made.token.id])
        const stranger = await away.as('role_admin')
        expect((await stranger(events.list, {})).items).toEqual([])
        expect((await stranger(tokens.list, { type: 'gateway' })).items).toEqual([])
      } finally {
        await plane.stop()
      }
    })

    test.each(['fsync', 'synchronous_commit'])('is refused with %s off, unless told --unsafe', async (setting) => {
      await server.restart({ [setting]: 'off' })
      const attempt = migrate(server.ownerUrl, { appPassword: inject('appPassword') })
      await expect(attempt).rejects.toThrow(new RegExp(`${setting}=off.*start with --unsafe to accept the loss`))

      await migrate(server.ownerUrl, { appPassword: inject('appPassword'), unsafe: true })
    })
  },
)

/** A server with a cluster of its own, as an administrator would hand it over: one database and its owner. */
async function startServer(programs: string) {
  const user = await databaseUser()
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-outside-'))
  await chmod(directory, 0o711)
  const data = join(directory, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, LC_ALL: 'C', NODE_ENV: process.env.NODE_ENV }
  const args = [`--pgdata=${data}`, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync']
  const made = spawnSync(join(programs, 'initdb'), args, { ...user, cwd: '/', env, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? made.stderr}`)

  const port = await freePort()
  const superuser = postgres(`postgres://postgres@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => undefined })
  let running: ChildProcess
  const start = async (settings: Record<string, string> = {}) => {
    const all = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '', ...settings }
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    running = spawn(join(programs, 'postgres'), ['-D', data, ...flags], { ...user, cwd: '/', env, stdio: 'ignore' })
    for (;;) {
      if (running.exitCode !== null) throw new Error(`PostgreSQL ended with status ${running.exitCode}.`)
      const isReady = await superuser`select 1`.then(
        () => true,
        () => false,
      )
      if (isReady) return
      await delay(50)
    }
  }
  const stop = async () => {
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGINT')
    await gone
  }
  await start()
  await superuser`create role installer login createdb createrole password 'of this test'`
  await superuser`create database keeptrusts owner installer`
  return {
    ownerUrl: `postgres://installer:of%20this%20test@127.0.0.1:${port}/keeptrusts`,
    superuser,
    async restart(settings: Record<string, string>) {
      await stop()
      await start(settings)
    },
    async stop() {
      await superuser.end()
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
