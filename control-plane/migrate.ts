import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'

const DRIZZLE = join(import.meta.dirname, '..', 'drizzle')
/** Any constant will do; it only has to be ours. */
const ADVISORY_LOCK = 4_117_210_018
const APP_ROLE = 'keeptrusts_app'
export const POSTGRES_VERSION_MIN = 150_000

export type MigrateOptions = {
  /** The application role's password, see `appRolePassword`; null when the operator made and keeps that role. */
  appPassword: string | null
  /** Accept a server that may lose acknowledged writes. */
  unsafe?: boolean
}

/**
 * Brings a database to the current schema as its owner and makes sure that the application role exists with no more
 * rights than it needs. Forward only; concurrent callers wait for each other.
 *
 * @throws Error in one sentence when the server is too old, or may lose acknowledged writes and `unsafe` is not set
 */
export async function migrate(ownerUrl: string, { appPassword, unsafe = false }: MigrateOptions): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1, connect_timeout: 10, onnotice: () => undefined })
  try {
    await assertServer(sql, unsafe)
    await sql`select pg_advisory_lock(${ADVISORY_LOCK})`
    if (appPassword !== null) await ensureAppRole(sql, appPassword)
    await applyMigrations(drizzle(sql), { migrationsFolder: join(DRIZZLE, 'migrations') })
    const security = await readFile(join(DRIZZLE, 'security.sql'), 'utf8')
    await sql.begin((tx) => tx.unsafe(security).simple())
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** The password of the application role follows from the installation's secret key, so nobody has to keep it. */
export const appRolePassword = (secretKey: Buffer): string =>
  createHmac('sha256', secretKey).update('keeptrusts application database role').digest('base64url')

/** The owner's URL with the application role in place of the owner. */
export function appUrl(ownerUrl: string, appPassword: string): string {
  const url = new URL(ownerUrl)
  url.username = APP_ROLE
  url.password = appPassword
  return url.href
}

async function assertServer(sql: postgres.Sql, unsafe: boolean): Promise<void> {
  const [server] = await sql<{ version: number; fsync: string; commit: string }[]>`
    select current_setting('server_version_num')::int as version,
           current_setting('fsync') as fsync,
           current_setting('synchronous_commit') as commit`
  if (!server) throw new Error('PostgreSQL did not answer the first question.')
  if (server.version < POSTGRES_VERSION_MIN) {
    throw new Error(`PostgreSQL 15 or newer is needed; this server is ${Math.floor(server.version / 10_000)}.`)
  }
  const durable = server.fsync === 'on' && !['off', 'local'].includes(server.commit)
  if (!durable && !unsafe) {
    throw new Error(
      `PostgreSQL runs with fsync=${server.fsync} and synchronous_commit=${server.commit}, so it may lose what it has acknowledged. Turn both on, or start with --unsafe to accept the loss.`,
    )
  }
}

/** DDL takes no parameters, so the statement is formatted by the server (`format` with %L quotes the literal). */
async function ensureAppRole(sql: postgres.Sql, password: string): Promise<void> {
  const [role] = await sql`select rolsuper, rolbypassrls from pg_roles where rolname = ${APP_ROLE}`
  const verb = role ? 'ALTER' : 'CREATE'
  const [statement] = await sql<{ text: string }[]>`
    select format(${`${verb} ROLE ${APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD %L`}, ${password}::text) as text`
  if (statement) await sql.unsafe(statement.text)
}
