import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import type postgres from 'postgres'
import { inject } from 'vitest'
import { tokenSecrets, tokens } from '@/drizzle/schema/tokens'
import { type Client, createClient } from '@/lib/client'
import { activity } from '@/lib/contract/activity'
import { GATEWAY_RUNTIME_PERMISSIONS, type Permission, type RoleId } from '@/lib/contract/permissions'
import { newId } from '@/lib/ids'
import { createToken, displayParts, hashToken } from '@/lib/tokens'
import { type ControlPlane, createControlPlane } from './app'
import { Sealing } from './auth/sealing'
import { UseRecorder } from './auth/use-recorder'
import { Signer } from './configurations/signer'
import type { OidcSettings, Services } from './context'
import { type DatabaseHandle, openDatabase } from './database'
import { Jobs } from './jobs/jobs'
import { startWorkers } from './jobs/workers'
import { DiskDriver } from './objects/disk-driver'
import { ObjectStore } from './objects/object-store'
import { createOrganization } from './organization/commands'
import { sqlAt } from './postgres-testing'
import { PushHub } from './push'
import { asSystem } from './system'
import { FileSigner } from './trail/keys/file-signer'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the owner, with the template database's name (server/vitest-database.ts starts the server). */
    templateUrl: string
    appPassword: string
  }
}

export type TestOrganization = {
  orgId: string
  /** Calls as an access key with this role, or with just these permissions. */
  as: (
    who: RoleId | Permission[],
    options?: { gatewayId?: string; teamId?: string },
  ) => Promise<Client & { token: string }>
  /** What was recorded, oldest first, as `<actor name> <action>`. */
  recorded: () => Promise<string[]>
}

type SendOptions = { token?: string; body?: BodyInit; headers?: Record<string, string>; ip?: string }
export type Answer = { status: number; headers: Headers; text: string; json: Record<string, unknown> }

export type TestPlane = ControlPlane & {
  services: Services
  /** `sql` speaks as the application role, past everything that filters by organisation but the database itself. */
  database: DatabaseHandle & { sql: postgres.Sql }
  /** The owner's connection, for looking behind the curtain; row-level security does not apply to it. */
  owner: postgres.Sql
  databaseUrl: string
  organization: (name?: string) => Promise<TestOrganization>
  client: (token: string, headers?: Record<string, string>) => Client
  /** Sends bytes as they are, also such that no client of ours would send. */
  send: (method: string, path: string, options?: SendOptions) => Promise<Answer>
  /** Stops everything and drops the database. */
  stop: () => Promise<void>
}

type StartOptions = {
  oidc?: OidcSettings
  /** The owner's URL of a migrated database on another server than that of the test run. */
  templateUrl?: string
  /** Works on jobs as the console does; without it they are only handed in. */
  jobs?: boolean
  /** As `DatabaseOptions` has them. */
  promptMs?: number
  requestMs?: number
}

/** A control plane of its own on a fresh clone of the template database: real PostgreSQL, no port. */
export async function startControlPlane(options: StartOptions = {}): Promise<TestPlane> {
  const templateUrl = new URL(options.templateUrl ?? inject('templateUrl'))
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = sqlAt(templateUrl.href.replace(templateUrl.pathname, '/postgres'))
  await admin.unsafe(`create database ${name} template ${templateUrl.pathname.slice(1)}`)

  const ownerUrl = new URL(templateUrl.href.replace(templateUrl.pathname, `/${name}`))
  const appUrl = new URL(ownerUrl)
  appUrl.username = 'keeptrusts_app'
  appUrl.password = inject('appPassword')
  const owner = sqlAt(ownerUrl.href, { max: 2 })
  const sql = sqlAt(appUrl.href)
  const { promptMs, requestMs } = options
  const database = Object.assign(openDatabase(appUrl.href, { poolMax: 8, promptMs, requestMs }), { sql })
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
  const hub = new PushHub()
  await hub.start(database.listen)
  const objectsDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-objects-'))
  const trailDirectory = await mkdtemp(join(tmpdir(), 'keeptrusts-trail-'))
  const services: Services = {
    db: database.db,
    log,
    hub,
    signer: Signer.ephemeral(),
    sealing: new Sealing(randomBytes(32)),
    uses: new UseRecorder(database.db, log),
    objects: new ObjectStore(await DiskDriver.open(objectsDirectory)),
    jobs: new Jobs({ url: appUrl.href, log, works: options.jobs ?? false }),
    trailSigner: new FileSigner(join(trailDirectory, 'keys')),
    sinkRules: { directory: join(trailDirectory, 'checkpoints'), allowPrivateNetwork: true },
    oidc: options.oidc ?? null,
  }
  const plane = createControlPlane(services)
  if (options.jobs) await startWorkers(services)
  const client = (token: string, headers: Record<string, string> = {}) =>
    createClient({
      baseUrl: 'http://control-plane.test',
      fetch: plane.fetch,
      headers: { authorization: `Bearer ${token}`, ...headers },
    })

  return {
    ...plane,
    services,
    database,
    owner,
    databaseUrl: appUrl.href,
    client,
    async send(method, path, { token, body, headers = {}, ip } = {}) {
      const request = new Request(`http://control-plane.test${path}`, {
        method,
        body,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      })
      const response = await plane.fetch(request, { ip: ip ?? null })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json')
      return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} }
    },
    async organization(orgName = 'Test') {
      const orgId = newId('org')
      await createOrganization(services, { orgId, name: orgName })
      const as: TestOrganization['as'] = async (who, { gatewayId, teamId } = {}) => {
        const token = await mintTestToken(services, {
          orgId,
          who,
          gatewayId: gatewayId ?? null,
          teamId: teamId ?? null,
        })
        return Object.assign(client(token), { token })
      }
      const recorded = async () => {
        const auditor = await as(['activity:read'])
        const { items } = await auditor(activity.list, { limit: 200 })
        return items.toReversed().map((entry) => `${entry.actor.name} ${entry.action}`)
      }
      return { orgId, as, recorded }
    },
    async stop() {
      await plane.close()
      await database.close()
      await rm(objectsDirectory, { recursive: true, force: true })
      await rm(trailDirectory, { recursive: true, force: true })
      await sql.end()
      await owner.end()
      // Plainly first: with (force), an owner that is no superuser fails when autovacuum happens to be at work.
      await admin
        .unsafe(`drop database if exists ${name}`)
        .catch(() => admin.unsafe(`drop database if exists ${name} with (force)`))
      await admin.end()
    },
  }
}

type MintOptions = { orgId: string; who: RoleId | Permission[]; gatewayId: string | null; teamId: string | null }

/** An access key that nobody had to hold more to make; named after its role, or `key`. With a gateway: its runtime key. */
function mintTestToken(services: Services, { orgId, who, gatewayId, teamId }: MintOptions): Promise<string> {
  const key = createToken('ak', 'test')
  const id = newId('tok')
  const isRole = typeof who === 'string'
  const permissions = gatewayId ? GATEWAY_RUNTIME_PERMISSIONS : isRole ? [] : who
  return asSystem(services, orgId, async ({ tx, actor }) => {
    await tx.insert(tokens).values({
      orgId,
      id,
      name: isRole ? who.replace('role_', '') : 'key',
      tokenType: 'access',
      purpose: gatewayId ? 'gateway_runtime' : 'integration',
      scope: teamId ? 'team' : 'org',
      teamId,
      roleId: isRole && !gatewayId ? who : null,
      permissions: [...permissions],
      gatewayId,
      createdById: actor.id,
      createdByName: actor.name,
      revision: 0,
    })
    await tx
      .insert(tokenSecrets)
      .values({ orgId, id: newId('sec'), tokenId: id, hash: hashToken(key), ...displayParts(key) })
    return key
  })
}
