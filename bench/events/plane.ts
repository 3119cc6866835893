import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createControlPlane } from '../../control-plane/app'
import { Sealing } from '../../control-plane/auth/sealing'
import { UseRecorder } from '../../control-plane/auth/use-recorder'
import { Signer } from '../../control-plane/configurations/signer'
import type { Services } from '../../control-plane/context'
import { openDatabase } from '../../control-plane/database'
import { Jobs } from '../../control-plane/jobs/jobs'
import { appUrl, migrate } from '../../control-plane/migrate'
import { DiskDriver } from '../../control-plane/objects/disk-driver'
import { ObjectStore } from '../../control-plane/objects/object-store'
import { createOrganization } from '../../control-plane/organization/commands'
import { PushHub } from '../../control-plane/push'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import { FileSigner } from '../../control-plane/trail/keys/file-signer'
import { newId } from '../../lib/ids'

export type BenchPlane = {
  orgId: string
  services: Services
  /** Of the application's role. */
  url: string
  /** Where its object store is. */
  objects: string
  /** An access key that reads events. */
  key: string
  fetch: (request: Request) => Promise<Response>
  close: () => Promise<void>
}

/** A control plane in this process on a fresh database, with one organisation. */
export async function startBenchPlane(ownerUrl: string, options: ServiceOptions = {}): Promise<BenchPlane> {
  const password = randomBytes(24).toString('base64url')
  await migrate(ownerUrl, { appPassword: password })
  const url = appUrl(ownerUrl, password)
  const { services, objects, close } = await openServices(url, options)
  const orgId = newId('org')
  await createOrganization(services, { orgId, name: 'Bench' })
  const { key } = await asSystem(services, orgId, (ctx) =>
    createToken(ctx, { name: 'reader', token_type: 'access', permissions: ['events:read'], scope: 'org' }),
  )
  const plane = createControlPlane(services)
  return {
    orgId,
    services,
    url,
    objects,
    key,
    fetch: async (request) => plane.fetch(request, { ip: null }),
    close: async () => {
      await plane.close()
      await close()
    },
  }
}

/** `works`: whether jobs are done; `logPath`: where it logs instead of on stdout. The rest is as in `Services`. */
type ServiceOptions = { works?: boolean; leaseHoldSeconds?: number; logPath?: string }

/** What a control plane works with, over the application's URL of a migrated database. */
export async function openServices(
  url: string,
  { works = false, leaseHoldSeconds, logPath }: ServiceOptions = {},
): Promise<{ services: Services; objects: string; close: () => Promise<void> }> {
  const handle = openDatabase(url, { poolMax: 8 })
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-plane-'))
  const log = logPath === undefined ? pino({ level: 'error' }) : pino({ level: 'info' }, pino.destination(logPath))
  const objects = join(directory, 'objects')
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
    jobs: new Jobs({ url, log, works }),
    trailSigner: new FileSigner(join(directory, 'trail')),
    sinkRules: { directory: join(directory, 'checkpoints'), allowPrivateNetwork: false },
    oidc: null,
    ...(leaseHoldSeconds === undefined ? {} : { leaseHoldSeconds }),
  }
  const close = async () => {
    await services.jobs.close()
    await handle.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { services, objects, close }
}
