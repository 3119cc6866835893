import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Client, createClient } from '../../lib/client'
import { gateways } from '../../lib/contract/gateways'
import { sessions } from '../../lib/contract/sessions'
import { tokens } from '../../lib/contract/tokens'
import { freePort } from '../../lib/free-port'
import { LogFile } from '../../server/log-file'
import { prepareEmbeddedPostgres } from '../../server/postgres'
import { ServerProcess } from './server-process'
import { SmallDisk } from './small-disk'

const PASSWORD = randomBytes(18).toString('base64url')
/** npm runs everything from the root of the repository. */
const ROOT = process.cwd()

export type Installation = {
  /** Everything it keeps lies below. */
  directory: string
  /** Where the cluster of PostgreSQL lies. */
  clusterHome: string
  objectsDirectory: string
  database: ServerProcess
  /** Control planes over the one database and the one data directory. */
  planes: ServerProcess[]
  ports: number[]
  orgId: string
  /** Calls the control plane of this number with a key that may do everything. */
  client: (plane?: number) => Client
  /** Of that key. */
  ownerToken: string
  gateways: { id: string; token: string }[]
  sql: <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>
  logTail: (lines?: number) => Promise<string>
  close: () => Promise<void>
}

export type InstallOptions = {
  planes?: number
  gateways?: number
  /** File systems of so many MiB for what can run out of space; Linux as root only. */
  clusterMiB?: number
  objectsMiB?: number
}

/** The built console host without pages, and the PostgreSQL that the product brings: real processes with their files. */
export async function install(options: InstallOptions = {}) {
  const { planes: count = 1, gateways: gatewayCount = 2, clusterMiB, objectsMiB } = options
  buildConsole()
  const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-faults-'))
  // PostgreSQL's own user must get through.
  await chmod(directory, 0o711)
  const clusterHome = join(directory, 'cluster')
  const dataDirectory = join(directory, 'data')
  const objectsDirectory = join(dataDirectory, 'objects')
  for (const path of [clusterHome, dataDirectory, objectsDirectory]) await mkdir(path)
  const small = [
    ...(clusterMiB === undefined ? [] : [new SmallDisk(clusterHome, clusterMiB)]),
    ...(objectsMiB === undefined ? [] : [new SmallDisk(objectsDirectory, objectsMiB)]),
  ]
  await chmod(clusterHome, 0o711)
  const log = new LogFile(join(directory, 'postgres.log'))
  const server = await prepareEmbeddedPostgres({ dataDirectory: clusterHome, log, say: () => undefined })
  // After a crash every file is synced first, which takes longer than the recovery; Linux can do that in one go.
  const method = process.platform === 'linux' ? 'syncfs' : 'fsync'
  await appendFile(join(server.directory, 'postgresql.conf'), `recovery_init_sync_method = ${method}\n`)
  const database = new ServerProcess('database', server.launch, () => answers(server.url))
  const planeLog = new LogFile(join(directory, 'console.log'))
  const secret = randomBytes(32).toString('base64url')
  const ports = await Promise.all(Array.from({ length: count }, () => freePort()))
  const planes = ports.map((port, at) => {
    const env = {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: String(port),
      DATABASE_URL: server.url,
      KEEPTRUSTS_DATA_DIR: dataDirectory,
      KEEPTRUSTS_SECRET_KEY: secret,
      KEEPTRUSTS_ADMIN_PASSWORD: PASSWORD,
      KEEPTRUSTS_PAGES: 'off',
    } as NodeJS.ProcessEnv
    const launch = () =>
      spawn(process.execPath, [CONSOLE], {
        env,
        stdio: ['ignore', planeLog.descriptor, planeLog.descriptor],
      })
    return new ServerProcess(count === 1 ? 'control plane' : `control plane ${at + 1}`, launch, () => isReady(port))
  })
  await database.start()
  for (const plane of planes) await plane.start()

  const owner = await signIn(ports[0] ?? 0)
  const gatewayKeys = []
  for (let at = 0; at < gatewayCount; at++) {
    const id = `gw_fault_${at}`
    await owner(gateways.register, { id })
    const runtime = { token_type: 'access', purpose: 'gateway_runtime', gateway_id: id, scope: 'org' } as const
    const { key } = await owner(tokens.create, { name: id, ...runtime })
    gatewayKeys.push({ id, token: key })
  }
  const { key } = await owner(tokens.create, {
    name: 'faults',
    token_type: 'access',
    role_id: 'role_owner',
    scope: 'org',
  })
  const clients = ports.map((port) =>
    createClient({
      baseUrl: `http://127.0.0.1:${port}`,
      headers: { authorization: `Bearer ${key}` },
      timeoutMs: 20_000,
    }),
  )

  const sql = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> => {
    const client = new pg.Client({ connectionString: server.url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<R>(text, values)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  const [{ org_id: orgId } = { org_id: '' }] = await sql<{ org_id: string }>('select org_id from organizations')
  return {
    directory,
    clusterHome,
    objectsDirectory,
    database,
    planes,
    ports,
    orgId,
    client: (at = 0) => clients[at] ?? unknownPlane(at),
    ownerToken: key,
    gateways: gatewayKeys,
    sql,
    logTail: async (lines = 40) => (await readFile(planeLog.path, 'utf8')).split('\n').slice(-lines).join('\n'),
    close: async () => {
      for (const plane of planes) await plane.stop('SIGTERM')
      await database.stop('SIGINT')
      for (const disk of small) disk.remove()
      rmSync(CONSOLE, { force: true })
      if (process.env.BENCH_KEEP !== '1') await rm(directory, { recursive: true, force: true })
    },
  } satisfies Installation
}

/** Beside the built programs, where it finds what they find, under a name that no build beside this run replaces. */
const CONSOLE = join(ROOT, 'dist', `faults-console-${process.pid}.mjs`)

function buildConsole(): void {
  if (existsSync(CONSOLE)) return
  const outdir = `${CONSOLE}.build`
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), 'console', '--outdir', outdir])
  renameSync(join(outdir, 'console.mjs'), CONSOLE)
  rmSync(outdir, { recursive: true })
}

function unknownPlane(at: number): never {
  throw new Error(`There is no control plane ${at}.`)
}

async function signIn(port: number): Promise<Client> {
  const baseUrl = `http://127.0.0.1:${port}`
  const signedIn = await createClient({ baseUrl })(sessions.create, { email: 'admin@localhost', password: PASSWORD })
  return createClient({ baseUrl, headers: { authorization: `Bearer ${signedIn.session_token}` } })
}

const isReady = (port: number) =>
  fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  )

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => undefined)
  const isUp = await client.connect().then(
    () => true,
    () => false,
  )
  await client.end().catch(() => undefined)
  return isUp
}
