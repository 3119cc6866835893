import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { fromDrizzle, type JobWithMetadata, PgBoss } from 'pg-boss'
import type { Logger } from 'pino'
import { AppError } from '@/lib/errors'
import { isUnavailable, type Transaction } from '../database'
import { JOBS_SCHEMA } from './install'
import { HEARTBEAT_SECONDS, type Queue, settingsOf } from './queue'

export type JobOptions = {
  /** What makes a job the same as another in a queue whose policy is not `standard`. */
  key?: string
  startAfter?: Date
}

/** One attempt at a job. */
export type JobRun = {
  id: string
  /** From 1. */
  attempt: number
  /** Aborted when the process stops, the time is up, or the job was given to another. The work then stops soon. */
  signal: AbortSignal
}

export type Handler<T extends object> = (data: T, run: JobRun) => Promise<void>

type JobsOptions = {
  /** The application role's URL. */
  url: string
  log: Logger
  /** Whether this process works on jobs and keeps the schedules; otherwise it only hands them in. */
  works: boolean
}

/** By then the database knows of a failure. */
const LOOK_LATER_MS = 200
/** Finds what came due without being announced: retries, later starts. */
const POLL_SECONDS = 10
/** How long work under way may take to notice that the process stops. */
const STOP_WITHIN_MS = 2_000
/** With a database that does not answer nothing can be handed back: its worker's silence will tell. */
const CLOSE_WITHIN_MS = 5_000
const LOG_OUTAGE_EVERY_MS = 30_000

/**
 * Jobs in the database (pg-boss), done by whichever process of the installation is free, each by one at a time. Handing
 * one in wakes a worker at once (LISTEN/NOTIFY); the slow polls are there for what is due later and for lost messages.
 */
export class Jobs {
  readonly #options: JobsOptions
  readonly #closing = new AbortController()
  readonly #made = new Map<string, Promise<void>>()
  /** By queue. */
  readonly #workers = new Map<string, string[]>()
  #started: Promise<PgBoss> | undefined
  #outageLoggedAt = Number.NEGATIVE_INFINITY

  constructor(options: JobsOptions) {
    this.#options = options
  }

  /** @returns the job's id, or null when the queue's policy has one of this key already */
  async send<T extends object>(queue: Queue<T>, data: T, options: JobOptions = {}): Promise<string | null> {
    return this.#send(queue, data, options)
  }

  /** As `send`, but the job exists when, and only if, the transaction commits. */
  async sendIn<T extends object>(
    tx: Transaction,
    queue: Queue<T>,
    data: T,
    options: JobOptions = {},
  ): Promise<string | null> {
    return this.#send(queue, data, options, tx)
  }

  /**
   * Begins to work on a queue. A handler that throws is asked again, as often as the queue allows. `lost` hears of each job
   * for which that was not enough, also when every worker died of it; the queue must say `tellsLost`.
   */
  async work<T extends object>(queue: Queue<T>, handle: Handler<T>, lost?: Handler<T>): Promise<void> {
    if (!this.#options.works) throw new Error('This process works on no jobs.')
    const { lostQueue } = settingsOf(queue)
    if (Boolean(lostQueue) !== Boolean(lost)) throw new Error(`Who hears of lost jobs of "${queue.name}" is not clear.`)
    const boss = await this.#ready(queue)
    await this.#workOn(boss, queue, handle)
    if (lostQueue && lost) await this.#workOn(boss, lostQueueOf(queue, lostQueue), lost)
  }

  /**
   * Hands in a job again and again, once for the whole installation, up to a minute after its time (five fields of cron, in
   * UTC). What came due while nothing ran is made up for once. A schedule of the same queue and key is replaced.
   */
  async schedule<T extends object>(queue: Queue<T>, cron: string, data: T, key = ''): Promise<void> {
    const boss = await this.#ready(queue)
    await boss.schedule(queue.name, cron, queue.data.parse(data), {
      key,
      tz: 'UTC',
      missed: 'once',
      ...(settingsOf(queue).policy === 'standard' ? {} : { singletonKey: key }),
    })
  }

  async unschedule(queue: Queue<object>, key = ''): Promise<void> {
    const boss = await this.#ready(queue)
    await boss.unschedule(queue.name, key)
  }

  /** Tells work under way to stop, waits for it a little, and hands back what has not ended. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('The process stops.'))
    const boss = await this.#started?.catch(() => undefined)
    await Promise.race([boss?.stop({ timeout: STOP_WITHIN_MS }), delay(CLOSE_WITHIN_MS, undefined, { ref: false })])
  }

  async #send<T extends object>(queue: Queue<T>, data: T, { key, startAfter }: JobOptions, tx?: Transaction) {
    const isKeyed = settingsOf(queue).policy !== 'standard'
    if (isKeyed !== (key !== undefined)) {
      throw new Error(`Jobs of "${queue.name}" ${isKeyed ? 'need a key' : 'have no key: its policy is standard'}.`)
    }
    const boss = await this.#ready(queue)
    return boss.send(queue.name, queue.data.parse(data), {
      ...(key === undefined ? {} : { singletonKey: key }),
      ...(startAfter ? { startAfter } : {}),
      ...(tx ? { db: fromDrizzle(tx, sql) } : {}),
    })
  }

  async #workOn<T extends object>(boss: PgBoss, queue: Queue<T>, handle: Handler<T>): Promise<void> {
    for (let worker = 0; worker < settingsOf(queue).concurrency; worker++) {
      const id = await boss.work(
        queue.name,
        {
          includeMetadata: true,
          heartbeatRefreshSeconds: HEARTBEAT_SECONDS / 3,
          pollingIntervalSeconds: 2,
          notifyPollingIntervalSeconds: POLL_SECONDS,
        },
        async ([job]: JobWithMetadata<unknown>[]) => {
          // Without this a worker pauses after each job, however many wait.
          boss.notifyWorker(id)
          if (job) await this.#attempt(boss, queue, job, handle)
        },
      )
      this.#workers.set(queue.name, [...(this.#workers.get(queue.name) ?? []), id])
    }
  }

  /** What a failure makes due later is announced to nobody: this process looks by itself. */
  #lookAgain(boss: PgBoss, name: string, afterSeconds: number): void {
    const look = () => {
      for (const id of this.#workers.get(name) ?? []) boss.notifyWorker(id)
    }
    setTimeout(look, afterSeconds * 1_000 + LOOK_LATER_MS).unref()
  }

  async #attempt<T extends object>(
    boss: PgBoss,
    queue: Queue<T>,
    job: JobWithMetadata<unknown>,
    handle: Handler<T>,
  ): Promise<void> {
    const attempt = job.retryCount + 1
    const isLast = job.retryCount >= job.retryLimit
    const signal = AbortSignal.any([job.signal, this.#closing.signal])
    const startedAt = performance.now()
    const about = () => ({
      queue: queue.name,
      job_id: job.id,
      attempt,
      duration_ms: Math.round(performance.now() - startedAt),
    })
    try {
      await handle(queue.data.parse(job.data), { id: job.id, attempt, signal })
      this.#options.log.info(about(), 'job done')
    } catch (thrown) {
      if (this.#closing.signal.aborted) this.#options.log.info(about(), 'job stopped')
      else this.#options.log.error({ ...about(), is_last: isLast, err: thrown }, 'job failed')
      const { lostQueue, retryAfterSeconds } = settingsOf(queue)
      if (!isLast) this.#lookAgain(boss, queue.name, retryAfterSeconds(attempt))
      else if (lostQueue) this.#lookAgain(boss, lostQueue, 0)
      // pg-boss stores what is thrown, and a failed query carries its values.
      throw new Error(thrown instanceof AppError ? thrown.message : 'The log says why.')
    }
  }

  async #ready(queue: Queue<object>): Promise<PgBoss> {
    const boss = await this.#boss()
    const made = this.#made.get(queue.name) ?? this.#make(boss, queue)
    this.#made.set(queue.name, made)
    await made
    return boss
  }

  /** Queues are rows: another process may have made this one, with the settings of an older release. */
  async #make(boss: PgBoss, queue: Queue<object>): Promise<void> {
    const { policy, stored, lostQueue } = settingsOf(queue)
    try {
      if (lostQueue) await this.#make(boss, lostQueueOf(queue, lostQueue))
      await boss.createQueue(queue.name, { policy })
      await boss.updateQueue(queue.name, stored)
    } catch (error) {
      this.#made.delete(queue.name)
      throw error
    }
  }

  #boss(): Promise<PgBoss> {
    if (this.#closing.signal.aborted) throw new AppError('unavailable', 'The process stops.', { retryAfterSeconds: 2 })
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined
      throw error
    })
    return this.#started
  }

  async #start(): Promise<PgBoss> {
    const { url, works } = this.#options
    const boss = new PgBoss({
      connectionString: url,
      schema: JOBS_SCHEMA,
      application_name: 'keeptrusts jobs',
      max: works ? 4 : 2,
      connectionTimeoutMillis: 5_000,
      options: '-c TimeZone=UTC -c statement_timeout=15000 -c idle_in_transaction_session_timeout=30000',
      // The owner migrates (install.ts). The application's role may not.
      migrate: false,
      createSchema: false,
      reindex: false,
      useListenNotify: works,
      schedule: works,
      supervise: works,
      notifyHeartbeatIntervalMs: 30_000,
      superviseIntervalSeconds: HEARTBEAT_SECONDS,
      monitorIntervalSeconds: HEARTBEAT_SECONDS,
      cronMonitorIntervalSeconds: 30,
      cronWorkerIntervalSeconds: 30,
      // Jobs that wait for other jobs are not used.
      flowIntervalSeconds: 3_600,
    })
    boss.on('error', (error: unknown) => this.#report(errorOf(error), queueOf(error)))
    boss.on('warning', ({ message, data }) => this.#options.log.warn({ warning: data }, message))
    return boss.start()
  }

  /** While the database is away every poll fails: that is said once in a while. */
  #report(error: Error, queue: string | undefined): void {
    if (!isUnavailable(error)) {
      this.#options.log.error({ err: error, queue }, 'jobs: a poll failed')
    } else if (performance.now() - this.#outageLoggedAt > LOG_OUTAGE_EVERY_MS) {
      this.#outageLoggedAt = performance.now()
      this.#options.log.warn({ err: error }, 'jobs: waiting for the database')
    }
  }
}

/** pg-boss hands on copies of what was thrown, which are no errors any more and carry whatever was at hand. */
function errorOf(given: unknown): Error {
  if (given instanceof Error) return given
  if (typeof given !== 'object' || given === null) return new Error(String(given))
  const { message, code, stack } = given as { message?: unknown; code?: unknown; stack?: unknown }
  return Object.assign(new Error(String(message)), {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
  })
}

const queueOf = (given: unknown): string | undefined =>
  typeof given === 'object' && given !== null && 'queue' in given && typeof given.queue === 'string'
    ? given.queue
    : undefined

const lostQueueOf = <T extends object>({ data }: Queue<T>, name: string): Queue<T> => ({ name, data, options: {} })
