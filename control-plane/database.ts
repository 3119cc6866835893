import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { SQL } from 'drizzle-orm'
import { drizzle, type NodePgDatabase, NodePgSession, NodePgTransaction } from 'drizzle-orm/node-postgres'
import { PgDialect } from 'drizzle-orm/pg-core'
import pg from 'pg'

export type Database = NodePgDatabase & {
  begunWith: BegunWith
  /**
   * As `transaction`, for what others wait behind. Unless it is over in time it fails as when the database is away, and its
   * connection is closed: no timeout of PostgreSQL ends the wait for an answer that never comes, of a server that hangs or that
   * nothing reaches any more.
   */
  promptTransaction: NodePgDatabase['transaction']
}

/**
 * A transaction whose first statement travels together with its `begin`, which saves a round trip. It has to be over in time as
 * a prompt one has, after twice as long.
 *
 * @param first takes no parameters: whatever stands in it was quoted
 * @param work is given its rows
 */
type BegunWith = <Row, T>(first: string, work: (tx: Transaction, rows: Row[]) => Promise<T>) => Promise<T>

/** What an operation reads and writes through; always inside one transaction. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/**
 * Hears what is said on a channel (LISTEN) until told to stop, over a connection of its own that is made again after a
 * loss. `opened` is called each time it hears again: what was said in between is gone.
 */
export type Listen = (channel: string, hear: (text: string) => void, opened: () => void) => Promise<() => Promise<void>>

export type DatabaseHandle = { db: Database; listen: Listen; close: () => Promise<void> }

export type DatabaseOptions = {
  /** Connections of this process. */
  poolMax?: number
  /** Ends a statement after this many milliseconds; its transaction fails as a whole. */
  statementTimeoutMs?: number
  /** How long a prompt transaction may take, and one that is begun with a statement, as each request's is. */
  promptMs?: number
  requestMs?: number
}

const CONNECT_WITHIN_MS = 5_000
const LISTEN_RETRY_MS = 250
/**
 * PostgreSQL's own 1,000 takes workers for what a process does by itself in 10 ms, and to begin them costs twice that. With this
 * they are for statements that would take some tenths of a second.
 */
const PARALLEL_SETUP_COST = 20_000
/** With PostgreSQL's own 4 MB, sums by key and model of a year are sorted on the disk instead of hashed. */
const WORK_MEM = '16MB'

/** Opens a pool as the application role. Connects on first use, reconnects by itself after a loss. */
export function openDatabase(
  url: string,
  { poolMax = 20, statementTimeoutMs = 15_000, promptMs = 30_000, requestMs = 60_000 }: DatabaseOptions = {},
): DatabaseHandle {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolMax,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: 1_800,
    keepAlive: true,
    application_name: 'keeptrusts',
    options: `-c TimeZone=UTC -c parallel_setup_cost=${PARALLEL_SETUP_COST} -c work_mem=${WORK_MEM}`,
    statement_timeout: statementTimeoutMs,
    lock_timeout: 5_000,
    idle_in_transaction_session_timeout: 30_000,
  })
  // A connection that breaks tells whoever uses it; without listeners the same news would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return {
    db: Object.assign(drizzle(pool), {
      transaction: transactionOf(pool),
      promptTransaction: transactionOf(pool, promptMs),
      begunWith: begunWith(pool, requestMs),
    }),
    listen: listenOver(url),
    close: () => pool.end(),
  }
}

const connections = new WeakMap<Transaction, pg.PoolClient>()

/** The connection of an open transaction, for what Drizzle has no words for, such as COPY. Not of a nested one. */
export function connectionOf(tx: Transaction): pg.PoolClient {
  const client = connections.get(tx)
  if (!client) throw new Error('This is no transaction of openDatabase.')
  return client
}

/**
 * Runs a statement that is asked again and again, and that each connection then reads once: to find a plan for a statement
 * on all months of events takes longer than to follow it. It should have few forms, because every connection remembers each;
 * beyond a hundred of them none is. Times come as PostgreSQL writes them.
 */
export async function executePrepared<Row extends pg.QueryResultRow>(tx: Transaction, query: SQL): Promise<Row[]> {
  const { sql: text, params } = dialect.sqlToQuery(query)
  const { rows } = await connectionOf(tx).query<Row>({ name: nameOf(text), text, types: TIMES_AS_TEXT }, params)
  return rows
}

const dialect = new PgDialect()
const names = new Map<string, string>()
const NAMES_MAX = 100

function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size >= NAMES_MAX) return known
  const name = hash('sha256', text, 'hex').slice(0, 32)
  names.set(text, name)
  return name
}

const TIMES_AS_TEXT: pg.CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === pg.types.builtins.TIMESTAMPTZ ? (text: string) => text : pg.types.getTypeParser(type, format),
}

/** Drizzle's own keeps the connection for ever when `begin` fails on it. */
function transactionOf(pool: pg.Pool, msMax?: number): Database['transaction'] {
  const databases = new WeakMap<pg.PoolClient, NodePgDatabase>()
  return (work, config) =>
    onConnection(pool, (client) => {
      const db = databases.get(client) ?? drizzle(client)
      databases.set(client, db)
      const done = db.transaction((tx) => {
        connections.set(tx, client)
        return work(tx)
      }, config)
      return msMax === undefined ? done : endedWithin(client, msMax, done)
    })
}

async function endedWithin<T>(client: pg.PoolClient, msMax: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    void client.end()
    late.reject(new Error(`Connection terminated: the database took more than ${msMax} ms.`))
  }, msMax)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function begunWith(pool: pg.Pool, msMax: number): BegunWith {
  return <Row, T>(first: string, work: (tx: Transaction, rows: Row[]) => Promise<T>) => {
    const begun = async (client: pg.PoolClient) => {
      const tx: Transaction = new NodePgTransaction(dialect, new NodePgSession(client, dialect, undefined), undefined)
      connections.set(tx, client)
      try {
        // Without parameters these are one message, and each has a result of its own.
        const results: unknown = await client.query({ text: `begin; ${first}`, types: TIMES_AS_TEXT })
        const [, answered] = results as [pg.QueryResult, pg.QueryResult]
        const done = await work(tx, answered.rows as Row[])
        await client.query('commit')
        return done
      } catch (thrown) {
        await client.query('rollback')
        throw thrown
      }
    }
    return onConnection(pool, (client) => endedWithin(client, msMax, begun(client)))
  }
}

async function onConnection<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failure: unknown
  try {
    return await use(client)
  } catch (thrown) {
    failure = thrown
    throw thrown
  } finally {
    // A connection in doubt is closed, and with it whatever transaction may be open on it.
    client.release(isUnavailable(failure))
  }
}

const listenOver =
  (url: string): Listen =>
  async (channel, hear, opened) => {
    let client: pg.Client | undefined
    let stopped = false
    const open = async () => {
      const next = new pg.Client({
        connectionString: url,
        connectionTimeoutMillis: CONNECT_WITHIN_MS,
        keepAlive: true,
        application_name: 'keeptrusts listen',
      })
      next.on('error', () => undefined)
      next.on('notification', ({ payload }) => payload !== undefined && hear(payload))
      await next.connect()
      await next.query(`listen ${pg.escapeIdentifier(channel)}`)
      next.on('end', () => {
        if (!stopped) void reopen()
      })
      client = next
      opened()
    }
    const reopen = async () => {
      while (!stopped) {
        const isOpen = await open().then(
          () => true,
          () => false,
        )
        if (isOpen) return
        await delay(LISTEN_RETRY_MS, undefined, { ref: false })
      }
    }
    await open()
    return async () => {
      stopped = true
      await client?.end()
    }
  }

/** SQLSTATE classes and driver codes that say "the database is not there now" (PostgreSQL appendix A). */
const UNAVAILABLE =
  /^(08|53|57P0|58|CONNECT|ECONN|EPIPE|ETIMEDOUT|ENOENT|ENOTFOUND|EAGAIN|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|57014$|55P03$|25P03$|40001$|40P01$|55000$)/

/** What the driver says when it has lost its connection or gets none; these have no code. */
const NOT_CONNECTED = /^(Connection terminated|Client (has encountered|was closed)|timeout exceeded|Cannot use a pool)/

/** NUL, which no text column and no jsonb can hold. */
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
      NOT_CONNECTED.test(error.message) ||
      (error instanceof AggregateError && error.errors.some(isUnavailable)),
  )
