import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createControlPlane } from '../../control-plane/app'
import { startWorkers } from '../../control-plane/jobs/workers'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import { createClient } from '../../lib/client'
import { configurations } from '../../lib/contract/configurations'
import { gateways as gatewayContract } from '../../lib/contract/gateways'
import { modelPricing } from '../../lib/contract/model-pricing'
import { PERMISSIONS } from '../../lib/contract/permissions'
import { wallets } from '../../lib/contract/wallets'
import { freePort } from '../../lib/free-port'
import { createConsoleServer } from '../../server/console-server'
import { startBenchDatabase } from '../events/database'
import { startBenchPlane } from '../events/plane'
import type { Random } from '../faults/random'
import { policyConfig } from '../gateway/chains'
import { BenchGateway } from './gateways'
import { CountingProvider } from './provider'

/** What every call costs, whatever it says: so much that the worst that it could cost is what it costs. */
export const CALL_NANO = 10_000_000n

export type World = {
  admin: ReturnType<typeof createClient>
  gateways: BenchGateway[]
  provider: CountingProvider
  hasClock: boolean
  /** Spools and logs of the gateways, and the log of the control plane. */
  directory: string
  /** Writes into the directory what every connection of the database does and waits for. */
  noteDatabase: (name: string) => Promise<void>
  /** `keep`: leaves the directory where it is. */
  stop: (options: { keep: boolean }) => Promise<void>
}

/** A control plane on a database of its own, gateways in processes of their own, and a provider that counts. */
export async function startWorld(count: number, random: Random): Promise<World> {
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-spend-'))
  const database = await startBenchDatabase()
  const plane = await startBenchPlane(database.url, {
    works: true,
    leaseHoldSeconds: HOLD_SECONDS,
    logPath: join(scratch, 'control-plane.log'),
  })
  await startWorkers(plane.services)
  const app = createControlPlane(plane.services)
  const { server } = createConsoleServer({
    controlPlane: () => app,
    pages: () => undefined,
    https: false,
    formOrigins: [],
    trustProxy: false,
    onError: (err) => plane.services.log.error({ err }, 'a request failed'),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { key } = await asSystem(plane.services, plane.orgId, (ctx) =>
    createToken(ctx, { name: 'admin', token_type: 'access', permissions: HUMAN, scope: 'org' }),
  )
  const admin = createClient({
    baseUrl: `http://127.0.0.1:${port}`,
    headers: { authorization: `Bearer ${key}` },
  })
  const provider = new CountingProvider(random.fork(), 40)
  const upstream = await provider.listen()
  const prices = { request: '10', input: '0', output: '0' } // of a thousand calls
  await admin(modelPricing.createVersion, {
    set: [{ provider: 'openai', model: 'bench', effective_from: '2020-01-01', prices }],
  })
  await admin(wallets.credit, { amount_usd: '100000' })
  await admin(wallets.updateSettings, { wallets_required: true })
  const configuration = await admin(configurations.create, { name: 'bench', yaml: policyConfig('empty', upstream) })
  const hasClock = existsSync('/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1')
  const gateways: BenchGateway[] = []
  for (let at = 0; at < count; at++) {
    const id = `gw-${at}`
    await admin(gatewayContract.register, { id, configuration_id: configuration.id })
    const { key: token } = await asSystem(plane.services, plane.orgId, (ctx) =>
      createToken(ctx, {
        name: `gateway ${id}`,
        token_type: 'access',
        purpose: 'gateway_runtime',
        gateway_id: id,
        scope: 'org',
      }),
    )
    const directory = join(scratch, id)
    await mkdir(directory)
    gateways.push(
      new BenchGateway({
        id,
        port: await freePort(),
        directory,
        token,
        planePort: () => port,
        random: random.fork(),
        hasClock,
      }),
    )
  }
  await admin(configurations.rollout, {
    gateway_ids: gateways.map((_, at) => `gw-${at}`),
    version: configuration.latest_version,
  })
  await Promise.all(gateways.map((gateway) => gateway.begin()))
  return {
    admin,
    gateways,
    provider,
    hasClock,
    directory: scratch,
    noteDatabase: (name) => noteActivity(database.url, join(scratch, `${name}.json`)),
    stop: async ({ keep }) => {
      await Promise.all(gateways.map((gateway) => gateway.stop()))
      await provider.close()
      server.closeAllConnections()
      server.close()
      await plane.close()
      await database.stop()
      if (!keep) await rm(scratch, { recursive: true, force: true })
    },
  }
}

async function noteActivity(url: string, path: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select a.*, pg_blocking_pids(a.pid) as blocked_by, (select jsonb_agg(l) from pg_locks l where l.pid = a.pid) as locks
       from pg_stat_activity a`,
    )
    await writeFile(path, JSON.stringify(rows, null, 2))
  } finally {
    await client.end()
  }
}

/** How long the control plane waits for what a gateway held that was killed. */
export const HOLD_SECONDS = 20

const HUMAN = PERMISSIONS.filter((permission) => permission !== 'events:ingest' && permission !== 'gateways:report')
