import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { catalogue } from '@/lib/prices/catalogue'
import { installJobs } from './jobs/install'

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
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 })
  // A lost connection fails the query under way; without a listener the same news would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await assertServer(client, unsafe)
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK])
    if (appPassword !== null) await ensureAppRole(client, appPassword)
    await applyMigrations(drizzle(client), { migrationsFolder: join(DRIZZLE, 'migrations') })
    for (const file of ['security.sql', 'access.sql', 'functions.sql', 'ledger.sql', 'usage.sql']) {
      // Without parameters several statements are one message, and that is one transaction.
      await client.query(await readFile(join(DRIZZLE, file), 'utf8'))
    }
    await keepCatalogue(client)
    await installJobs(client, APP_ROLE)
  } finally {
    await client.end()
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

/** Public prices change with releases, and what an event was charged by must still be there to be read. */
async function keepCatalogue(client: pg.Client): Promise<void> {
  const { version, rows } = catalogue()
  await client.query('insert into price_catalogues (version, content) values ($1, $2) on conflict do nothing', [
    version,
    JSON.stringify(rows),
  ])
}

async function assertServer(client: pg.Client, unsafe: boolean): Promise<void> {
  const { rows } = await client.query<{ version: number; fsync: string; commit: string }>(`
    select current_setting('server_version_num')::int as version,
           current_setting('fsync') as fsync,
           current_setting('synchronous_commit') as commit`)
  const [server] = rows
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

/**
 * An owner that is no superuser may not even repeat NOSUPERUSER for a role that exists, so only what is wrong is changed.
 * DDL takes no parameters: the statement is formatted by the server (`format` with %L quotes the literal).
 */
async function ensureAppRole(client: pg.Client, password: string): Promise<void> {
  const known = await client.query<{ excess: string }>(
    `select concat_ws(' ', case when rolsuper then 'NOSUPERUSER' end, case when rolbypassrls then 'NOBYPASSRLS' end,
       case when rolcreatedb then 'NOCREATEDB' end, case when rolcreaterole then 'NOCREATEROLE' end) as excess
     from pg_roles where rolname = $1`,
    [APP_ROLE],
  )
  const [role] = known.rows
  const template = role
    ? `ALTER ROLE ${APP_ROLE} LOGIN ${role.excess} PASSWORD %L`
    : `CREATE ROLE ${APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD %L`
  const { rows } = await client.query<{ text: string }>('select format($1, $2::text) as text', [template, password])
  if (rows[0]) await client.query(rows[0].text)
}
