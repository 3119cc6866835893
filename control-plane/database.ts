import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

export type Database = PostgresJsDatabase
/** What an operation reads and writes through; always inside one transaction. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export type DatabaseHandle = {
  db: Database
  /** For LISTEN only; everything else goes through `db`. */
  sql: postgres.Sql
  close: () => Promise<void>
}

export type DatabaseOptions = {
  /** Connections of this process. */
  poolMax?: number
  /** Ends a statement after this many milliseconds; its transaction fails as a whole. */
  statementTimeoutMs?: number
}

/** Opens a pool as the application role. Connects on first use, reconnects by itself after a loss. */
export function openDatabase(
  url: string,
  { poolMax = 20, statementTimeoutMs = 15_000 }: DatabaseOptions = {},
): DatabaseHandle {
  const sql = postgres(url, {
    max: poolMax,
    connect_timeout: 5,
    idle_timeout: 60,
    max_lifetime: 1_800,
    onnotice: () => undefined,
    connection: {
      application_name: 'keeptrusts',
      TimeZone: 'UTC',
      statement_timeout: statementTimeoutMs,
      lock_timeout: 5_000,
      idle_in_transaction_session_timeout: 30_000,
    },
  })
  return { db: drizzle(sql), sql, close: () => sql.end({ timeout: 5 }) }
}

/** SQLSTATE classes and driver codes that say "the database is not there now" (PostgreSQL appendix A). */
const UNAVAILABLE =
  /^(08|53|57P0|58|CONNECT|ECONN|EPIPE|ETIMEDOUT|ENOENT|EHOSTUNREACH|57014$|55P03$|25P03$|40001$|40P01$)/

/** What no text column and no jsonb can hold: NUL, and escapes of half a character. */
const UNSTORABLE = new Set(['22021', '22P05'])

/** Whether a failure is a caller's text that PostgreSQL cannot hold. */
export const isUnstorable = (thrown: unknown): boolean =>
  causesOf(thrown).some((error) => 'code' in error && typeof error.code === 'string' && UNSTORABLE.has(error.code))

function causesOf(thrown: unknown): Error[] {
  const causes: Error[] = []
  for (let error = thrown; error instanceof Error && causes.length < 5; error = error.cause) causes.push(error)
  return causes
}

/** Whether a failure is the database's absence or overload rather than a mistake of ours. */
export const isUnavailable = (thrown: unknown): boolean =>
  causesOf(thrown).some(
    (error) =>
      ('code' in error && typeof error.code === 'string' && UNAVAILABLE.test(error.code)) ||
      (error instanceof AggregateError && error.errors.some(isUnavailable)),
  )
