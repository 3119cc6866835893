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
const UNAVAILABLE = /^(08|53|57P0|58|CONNECT|ECONN|EPIPE|ETIMEDOUT|ENOENT|EHOSTUNREACH|57014$|55P03$|25P03$)/

/** Whether a failure is the database's absence or overload rather than a mistake of ours. */
export function isUnavailable(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if ('code' in error && typeof error.code === 'string' && UNAVAILABLE.test(error.code)) return true
    if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true
  }
  return false
}
