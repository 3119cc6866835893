import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { isAbsolute, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { freePort } from '@/lib/free-port'
import type { LogFile } from './log-file'
import {
  canUse,
  type DatabaseUser,
  databaseUser,
  makeSharedState,
  type PostgresBinaries,
  postgresBinaries,
  SHARED_STATE,
} from './postgres-binaries'
import { readSecret, writeSecret } from './secret-file'
import { StartError } from './start-error'

const DATABASE = 'keeptrusts'
const OWNER = 'postgres'
/** How long a PostgreSQL that lost its parent may take to close its files before it is stopped the hard way. */
const ORPHAN_PATIENCE_MS = 30_000

/** `database.json`: where the cluster lies (relative to the data directory when inside it) and its owner's password. */
const Cluster = z.object({ directory: z.string(), password: z.string() })

const SOCKET_PORT = 5432
const SOCKET = `.s.PGSQL.${SOCKET_PORT}`

const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  password_encryption: 'scram-sha-256',
  max_connections: '100',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

export type EmbeddedPostgres = {
  /** The owner's URL; the application role is made by the migrations. */
  url: string
  directory: string
  launch: () => ChildProcess
}

type Options = { dataDirectory: string; log: LogFile; say: (line: string) => void }

/**
 * Everything up to the moment where PostgreSQL can be started: programs, cluster, and nobody else in it.
 * A server left over from a start that was killed is stopped cleanly first, never started over.
 */
export async function prepareEmbeddedPostgres({ dataDirectory, log, say }: Options): Promise<EmbeddedPostgres> {
  const user = await databaseUser()
  const [binaries, { directory, password }] = await Promise.all([
    postgresBinaries(user),
    openCluster(dataDirectory, user),
  ])
  await stopOrphan(directory, say)
  // What a killed server left: PostgreSQL would only ask whether some process has its number.
  await rm(join(directory, `${SOCKET}.lock`), { force: true })
  if (!(await exists(join(directory, 'PG_VERSION')))) await createCluster(directory, password, binaries, user)
  const door = await doorOf(directory)
  const settings = Object.entries({ ...SETTINGS, ...door.settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  return {
    url: `postgres://${OWNER}:${password}@${door.host}/${DATABASE}`,
    directory,
    launch: () =>
      spawn(binaries.postgres, ['-D', directory, ...settings], {
        ...user,
        cwd: '/',
        env: environment,
        // Out of reach of the terminal's Ctrl-C: the database is the last to stop.
        detached: true,
        stdio: ['ignore', log.descriptor, log.descriptor],
      }),
  }
}

/**
 * Where it is reached, by its password either way: at a socket in the cluster's own directory, which nobody else may enter, and
 * where a question takes less time than through TCP; or, where that directory can hold none, at a port of the
 * loopback address.
 */
async function doorOf(directory: string): Promise<{ host: string; settings: Record<string, string> }> {
  if (!(await canListenAt(join(directory, SOCKET)))) {
    const port = String(await freePort())
    return {
      host: `127.0.0.1:${port}`,
      settings: { listen_addresses: '127.0.0.1', unix_socket_directories: '', port },
    }
  }
  const quoted = `"${directory.replaceAll('"', '""')}"`
  return {
    host: `${encodeURIComponent(directory)}:${SOCKET_PORT}`,
    settings: { listen_addresses: '', unix_socket_directories: quoted, port: String(SOCKET_PORT) },
  }
}

/** Some paths are too long for a socket (sun_path in unix(7)), and some file systems take none. */
async function canListenAt(path: string): Promise<boolean> {
  await rm(path, { force: true })
  const server = createServer().listen(path)
  try {
    await once(server, 'listening')
    const client = connect(path)
    await once(client, 'connect')
    client.destroy()
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** None of our secrets; messages in English, because operators search for them. */
const environment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  TZ: 'UTC',
  NODE_ENV: process.env.NODE_ENV,
}

async function openCluster(dataDirectory: string, user: DatabaseUser) {
  const path = join(dataDirectory, 'database.json')
  const text = await readSecret(path)
  const known = text === undefined ? undefined : Cluster.parse(JSON.parse(text))
  const cluster = known ?? {
    directory: canUse(dataDirectory, user)
      ? 'postgres'
      : join(SHARED_STATE, `cluster-${randomBytes(6).toString('hex')}`),
    password: randomBytes(24).toString('base64url'),
  }
  if (!known) await writeSecret(path, JSON.stringify(cluster))
  const directory = isAbsolute(cluster.directory) ? cluster.directory : join(dataDirectory, cluster.directory)
  return { directory, password: cluster.password }
}

/** Made beside its place and moved there when whole, so that a start which is cut off leaves no half cluster. */
async function createCluster(
  directory: string,
  password: string,
  { initdb, postgres }: PostgresBinaries,
  user: DatabaseUser,
) {
  const draft = `${directory}.new`
  await rm(draft, { recursive: true, force: true })
  if (directory.startsWith(SHARED_STATE)) await makeSharedState()
  await mkdir(draft, { recursive: true })
  await chmod(draft, 0o700)
  const passwordFile = `${directory}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user) await Promise.all([chown(draft, user.uid, user.gid), chown(passwordFile, user.uid, user.gid)])
  try {
    run(initdb, user, '', [
      `--pgdata=${draft}`,
      `--username=${OWNER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The server's own rules for text, the same on every machine.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
    ])
    run(postgres, user, `CREATE DATABASE ${DATABASE};\n`, ['--single', '-D', draft, 'postgres'])
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(draft, directory)
}

function run(program: string, user: DatabaseUser, input: string, args: string[]): void {
  const done = spawnSync(program, args, { ...user, cwd: '/', env: environment, input, encoding: 'utf8' })
  if (done.status === 0) return
  const reason = done.error?.message ?? done.stderr.trim().split('\n').at(-1)
  throw new StartError(`PostgreSQL could not make its files: ${reason}`, { cause: done.error })
}

async function stopOrphan(directory: string, say: (line: string) => void): Promise<void> {
  const path = join(directory, 'postmaster.pid')
  const pid = Number((await readSecret(path))?.split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 0) return
  if (!(await isPostgresOf(pid, directory))) {
    // PostgreSQL itself only asks whether some process has this number, and would refuse to start.
    await rm(path, { force: true })
    return
  }
  say(`Stopping the database that an earlier start left behind (process ${pid}).`)
  // Fast shutdown, then immediate shutdown (PostgreSQL documentation, 18.5); both leave a cluster that starts again.
  for (const [signal, patienceMs] of [
    ['SIGINT', ORPHAN_PATIENCE_MS],
    ['SIGQUIT', 10_000],
  ] as const) {
    process.kill(pid, signal)
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(25)) {
      if (!(await isPostgresOf(pid, directory))) return
    }
  }
  throw new StartError(
    `The database of an earlier start (process ${pid}) does not stop: end that process, then start again.`,
  )
}

async function isPostgresOf(pid: number, directory: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return command.split('\0').includes(directory)
  }
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout.includes(` ${directory} `)
}

const exists = (path: string) =>
  readFile(path).then(
    () => true,
    () => false,
  )
