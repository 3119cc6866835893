import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createControlPlane } from '../control-plane/app'
import { Sealing } from '../control-plane/auth/sealing'
import { UseRecorder } from '../control-plane/auth/use-recorder'
import { Signer } from '../control-plane/configurations/signer'
import type { Services } from '../control-plane/context'
import { openDatabase } from '../control-plane/database'
import { gatewayEvent } from '../control-plane/events/testing'
import { registerGateway } from '../control-plane/gateways/commands'
import { Jobs } from '../control-plane/jobs/jobs'
import { appUrl, migrate } from '../control-plane/migrate'
import { DiskDriver } from '../control-plane/objects/disk-driver'
import { ObjectStore } from '../control-plane/objects/object-store'
import { createOrganization } from '../control-plane/organization/commands'
import { PushHub } from '../control-plane/push'
import { asSystem } from '../control-plane/system'
import { createToken } from '../control-plane/tokens/commands'
import { newId } from '../lib/ids'
import { LogFile } from '../server/log-file'
import { prepareEmbeddedPostgres } from '../server/postgres'

const BATCH = 500
const DURATION_MS = 10_000
const WARM_UP_MS = 2_000
const SENDERS = 4

/**
 * How many events the control plane records per second, each batch durable before it is acknowledged: 4 gateways of one
 * organisation send batches of 500 to a control plane in this process, without a network between. `BENCH_DATABASE_URL`,
 * an owner's URL of an empty database, takes the place of an embedded server.
 */
export async function benchIngest(): Promise<string> {
  const database = await startDatabase()
  try {
    const { services, keys, close } = await startPlane(database.url)
    const plane = createControlPlane(services)
    const send = async (gateway: number, until: number) => {
      let recorded = 0
      while (performance.now() < until) {
        const body = batchOf(gateway)
        const headers = { authorization: `Bearer ${keys[gateway]}`, 'content-type': 'application/json' }
        const response = await plane.fetch(new Request('http://bench/v1/events', { method: 'POST', headers, body }))
        const answer = (await response.json()) as { accepted: number }
        if (answer.accepted !== BATCH) throw new Error(`A batch was not accepted: ${JSON.stringify(answer)}`)
        recorded += BATCH
      }
      return recorded
    }
    const all = (durationMs: number) => {
      const until = performance.now() + durationMs
      return Promise.all(keys.map((_, gateway) => send(gateway, until)))
    }
    await all(WARM_UP_MS)
    const startedAt = performance.now()
    const recorded = (await all(DURATION_MS)).reduce((sum, count) => sum + count, 0)
    const perSecond = Math.round((recorded / (performance.now() - startedAt)) * 1_000)
    await plane.close()
    await close()
    return `## Event ingestion\n\n| batches of | gateways | events recorded | events/s |\n|---|---|---|---|\n| ${BATCH} | ${SENDERS} | ${recorded} | ${perSecond} |`
  } finally {
    await database.stop()
  }
}

/** Made by joining text, so that what is measured is not the making of events. */
function batchOf(gateway: number): string {
  const event = gatewayEvent(`gw_${gateway}`)
  const [head, tail] = JSON.stringify(event).split(event.event_id)
  return `{"events":[${Array.from({ length: BATCH }, () => head + newId('evt') + tail).join(',')}]}`
}

async function startPlane(ownerUrl: string) {
  const password = randomBytes(24).toString('base64url')
  await migrate(ownerUrl, { appPassword: password })
  const url = appUrl(ownerUrl, password)
  const handle = openDatabase(url, { poolMax: 8 })
  const objects = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-objects-'))
  const log = pino({ level: 'error' })
  const hub = new PushHub()
  await hub.start(handle.listen)
  const services: Services = {
    db: handle.db,
    log,
    hub,
    signer: Signer.ephemeral(),
    sealing: new Sealing(randomBytes(32)),
    uses: new UseRecorder(handle.db, log),
    objects: new ObjectStore(await DiskDriver.open(objects)),
    jobs: new Jobs({ url, log, works: false }),
    oidc: null,
  }
  const orgId = newId('org')
  await createOrganization(services, { orgId, name: 'Bench' })
  const keys: string[] = []
  for (let n = 0; n < SENDERS; n++) {
    const { key } = await asSystem(services, orgId, async (ctx) => {
      await registerGateway(ctx, { id: `gw_${n}` })
      return createToken(ctx, {
        name: `gateway ${n}`,
        token_type: 'access',
        purpose: 'gateway_runtime',
        gateway_id: `gw_${n}`,
        scope: 'org',
      })
    })
    keys.push(key)
  }
  const close = async () => {
    await handle.close()
    await rm(objects, { recursive: true, force: true })
  }
  return { services, keys, close }
}

async function startDatabase(): Promise<{ url: string; stop: () => Promise<void> }> {
  const outside = process.env.BENCH_DATABASE_URL
  if (outside) return { url: outside, stop: async () => undefined }
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  // PostgreSQL's own user must get through.
  await chmod(directory, 0o711)
  const log = new LogFile(join(directory, 'postgres.log'))
  const server = await prepareEmbeddedPostgres({ dataDirectory: directory, log, say: () => undefined })
  const running = server.launch()
  await untilReady(server.url)
  return {
    url: server.url,
    stop: async () => {
      const gone = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGINT')
      await gone
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilReady(url: string): Promise<void> {
  const { db, close } = openDatabase(url, { poolMax: 1 })
  for (let attempt = 1; ; attempt++) {
    try {
      await db.execute('select 1')
      return await close()
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
