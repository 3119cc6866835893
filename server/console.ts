import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pino, { type Logger } from 'pino'
import { type ControlPlane, createControlPlane } from '@/control-plane/app'
import { Sealing } from '@/control-plane/auth/sealing'
import { UseRecorder } from '@/control-plane/auth/use-recorder'
import { Signer } from '@/control-plane/configurations/signer'
import type { OidcSettings, Services } from '@/control-plane/context'
import { isUnavailable, openDatabase } from '@/control-plane/database'
import { Jobs } from '@/control-plane/jobs/jobs'
import { startWorkers } from '@/control-plane/jobs/workers'
import { appRolePassword, appUrl, migrate } from '@/control-plane/migrate'
import type { ObjectStore } from '@/control-plane/objects/object-store'
import { type ObjectStoreSettings, openObjectStore } from '@/control-plane/objects/open-object-store'
import { PushHub } from '@/control-plane/push'
import { FileSigner } from '@/control-plane/trail/keys/file-signer'
import { closeTrails } from '@/control-plane/trail/service/commands'
import { ROLE_IDS } from '@/lib/contract/permissions'
import { AppError } from '@/lib/errors'
import { createConsoleServer, type PageHandler } from './console-server'
import { openControlPlaneDoor } from './control-plane-door'
import { controlPlaneElsewhere } from './control-plane-elsewhere'
import { loggedError } from './logged-error'
import { ensureSecret } from './secret-file'
import { seed } from './seed'
import { readSettings, type StartSettings } from './settings'
import { EXIT_DO_NOT_RESTART, StartError } from './start-error'

const CLOSE_GRACE_MS = 800
const RETRY_MS = 50
/** A database that starts beside us may take as long as this; who waits longer wants to know for what. */
const SAY_WAITING_AFTER_MS = 3_000
/** How long a stop waits for the last digests; what is not signed by then is signed by the next start. */
const SIGN_LAST_MS = 1_500

/** The console host: control plane, pages and their one HTTP server. `npm start` runs it; it also runs alone. */
async function main(): Promise<void> {
  const settings = readSettings(process.env)
  const log = pino({
    redact: ['req.headers.authorization', 'req.headers.cookie', '*.key', '*.password'],
    serializers: { err: loggedError },
  })
  const apiUrl = process.env.KEEPTRUSTS_API_URL
  if (apiUrl && !settings.databaseUrl) return servePagesOnly(settings, apiUrl, log)
  if (!settings.databaseUrl) {
    throw new StartError(
      'DATABASE_URL is missing: name the PostgreSQL server, or use npm start, which brings one. A console whose control plane runs elsewhere names that with KEEPTRUSTS_API_URL.',
    )
  }
  await mkdir(settings.dataDirectory, { recursive: true, mode: 0o700 })
  const secretKey = await readSecretKey(settings.dataDirectory)
  const appPassword = appRolePassword(secretKey)
  const url = appUrl(settings.databaseUrl, appPassword)
  const database = openDatabase(url)
  const services: Services = {
    db: database.db,
    log,
    hub: new PushHub(),
    signer: Signer.fromFile(join(settings.dataDirectory, 'signing-key.pem')),
    sealing: new Sealing(secretKey),
    uses: new UseRecorder(database.db, log),
    objects: await openObjectStore(settings.objectStore).catch((error: unknown) => {
      throw unusableObjects(settings.objectStore, error)
    }),
    jobs: new Jobs({ url, log, works: true }),
    trailSigner: new FileSigner(join(settings.dataDirectory, 'trail-keys')),
    sinkRules: {
      directory: join(settings.dataDirectory, 'checkpoints'),
      allowPrivateNetwork: process.env.KEEPTRUSTS_SINKS_IN_PRIVATE_NETWORK === '1',
    },
    oidc: readOidc(process.env),
    leaseHoldSeconds: settings.leaseHoldSeconds,
  }
  let controlPlane: ControlPlane | undefined
  let pages: PageHandler | undefined
  const host = createConsoleServer({
    controlPlane: () => controlPlane,
    pages: () => pages,
    https: settings.publicUrl.startsWith('https:'),
    formOrigins: services.oidc ? [new URL(services.oidc.issuer).origin] : [],
    trustProxy: process.env.KEEPTRUSTS_TRUST_PROXY === '1',
    onError: (error) => log.error({ err: error }, 'request failed'),
  })

  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    log.info('stopping')
    if (controlPlane) await signLast(services)
    await Promise.all([controlPlane?.close(), host.close(CLOSE_GRACE_MS)])
    await database.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop().catch(fail))

  host.server.listen(settings.consolePort)
  await once(host.server, 'listening')
  await Promise.all([
    checkObjects(services.objects, settings.objectStore, log),
    openControlPlane(settings.databaseUrl, appPassword, log).then(async () => {
      await services.hub.start(database.listen)
      await seed(services, { dataDirectory: settings.dataDirectory, env: process.env })
      controlPlane = createControlPlane(services)
      openControlPlaneDoor(controlPlane)
      await startWorkers(services)
      process.send?.({ kind: 'seeded' })
    }),
    process.env.KEEPTRUSTS_PAGES === 'off'
      ? undefined
      : openPages(settings.publicUrl).then((handler) => (pages = handler)),
  ])
  log.info({ url: settings.publicUrl }, 'ready')
  process.send?.({ kind: 'ready' })
}

/** A digest of what was recorded up to the stop, which no fault of the trail may hold up. */
async function signLast(services: Services): Promise<void> {
  const giveUp = new AbortController()
  const signed = closeTrails(services, giveUp.signal).catch((error: unknown) =>
    services.log.warn({ err: error }, 'the last digests were not signed'),
  )
  await Promise.race([signed, delay(SIGN_LAST_MS, undefined, { ref: false })])
  giveUp.abort(new Error('The process stops.'))
}

/** The pages of a control plane that runs elsewhere: nothing but sessions in cookies, so that as many may run as needed. */
async function servePagesOnly(settings: StartSettings, apiUrl: string, log: Logger): Promise<void> {
  if (!URL.canParse(apiUrl)) throw new StartError(`KEEPTRUSTS_API_URL must be an address, not "${apiUrl}".`)
  await mkdir(settings.dataDirectory, { recursive: true, mode: 0o700 })
  await readSecretKey(settings.dataDirectory)
  const oidc = readOidc(process.env)
  const pages = await openPages(settings.publicUrl)
  const controlPlane = controlPlaneElsewhere(apiUrl)
  const host = createConsoleServer({
    controlPlane: () => controlPlane,
    pages: () => pages,
    https: settings.publicUrl.startsWith('https:'),
    formOrigins: oidc ? [new URL(oidc.issuer).origin] : [],
    trustProxy: process.env.KEEPTRUSTS_TRUST_PROXY === '1',
    onError: (error) => log.error({ err: error }, 'request failed'),
  })
  const stop = () => void host.close(CLOSE_GRACE_MS).then(() => process.exit(0), fail)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, stop)
  host.server.listen(settings.consolePort)
  await once(host.server, 'listening')
  log.info({ url: settings.publicUrl, control_plane: apiUrl }, 'ready')
}

/** Migrates as soon as there is a database, however long that takes; this process lives and says so meanwhile. */
async function openControlPlane(ownerUrl: string, appPassword: string, log: Logger): Promise<void> {
  const unsafe = process.env.KEEPTRUSTS_UNSAFE === '1'
  const startedAt = performance.now()
  let isSaid = false
  for (let attempt = 0; ; attempt++) {
    try {
      return await migrate(ownerUrl, { appPassword, unsafe })
    } catch (error) {
      if (!isUnavailable(error))
        throw new StartError(`The database cannot be used: ${reasonOf(error)}`, { cause: error })
      if (attempt % 200 === 0) log.warn({ err: error }, 'waiting for the database')
      if (!isSaid && performance.now() - startedAt > SAY_WAITING_AFTER_MS) {
        process.send?.({ kind: 'waiting', reason: reasonOf(error) })
        isSaid = true
      }
      await delay(RETRY_MS)
    }
  }
}

/** A store that nobody can use is found out now; one that is away or full is waited for, as the database is. */
async function checkObjects(objects: ObjectStore, settings: ObjectStoreSettings, log: Logger): Promise<void> {
  try {
    await objects.check()
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'unavailable')) throw unusableObjects(settings, error)
    log.warn({ err: error, place: objects.place }, 'the object store cannot take anything now')
  }
}

function unusableObjects(settings: ObjectStoreSettings, cause: unknown): StartError {
  const place = settings.kind === 'disk' ? settings.directory : `s3://${settings.bucket}/${settings.prefix}`
  return new StartError(`The object store at ${place} cannot be used: ${reasonOf(cause)}`, { cause })
}

async function openPages(publicUrl: string): Promise<PageHandler> {
  process.env.NEXTAUTH_URL = publicUrl
  const { default: next } = await import('next')
  const app = next({ dev: false, dir: join(import.meta.dirname, '..'), quiet: true })
  await app.prepare()
  const handle = app.getRequestHandler()
  return (request, response) => handle(request, response)
}

/** At least 32 characters; any text will do, because every use derives its own key from it. */
async function readSecretKey(dataDirectory: string): Promise<Buffer> {
  const text = process.env.KEEPTRUSTS_SECRET_KEY || (await ensureSecret(join(dataDirectory, 'secret-key')))
  // The pages read it from here (lib/server/config.ts).
  process.env.KEEPTRUSTS_SECRET_KEY = text
  const key = Buffer.from(text, 'utf8')
  if (key.length < 32)
    throw new StartError('KEEPTRUSTS_SECRET_KEY must have at least 32 characters: openssl rand -base64 32 makes one.')
  return key
}

function readOidc(env: NodeJS.ProcessEnv): OidcSettings | null {
  const {
    KEEPTRUSTS_OIDC_ISSUER: issuer,
    KEEPTRUSTS_OIDC_CLIENT_ID: clientId,
    KEEPTRUSTS_OIDC_DEFAULT_ROLE: role,
  } = env
  if (!issuer) return null
  if (!clientId) throw new StartError('KEEPTRUSTS_OIDC_ISSUER is set without KEEPTRUSTS_OIDC_CLIENT_ID.')
  if (!URL.canParse(issuer)) throw new StartError(`KEEPTRUSTS_OIDC_ISSUER must be an address, not "${issuer}".`)
  const defaultRole = ROLE_IDS.find((id) => id === (role || 'role_viewer'))
  if (!defaultRole) throw new StartError(`KEEPTRUSTS_OIDC_DEFAULT_ROLE must be one of ${ROLE_IDS.join(', ')}.`)
  return { issuer, clientId, defaultRole, trustEmail: env.KEEPTRUSTS_OIDC_TRUST_EMAIL === '1' }
}

function reasonOf(error: unknown): string {
  // One attempt per address of a name, such as ::1 and 127.0.0.1: the sum of them says nothing.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

function fail(error: unknown): never {
  console.error(error instanceof StartError ? error.message : loggedError(error))
  process.exit(error instanceof StartError ? EXIT_DO_NOT_RESTART : 1)
}

await main().catch(fail)
