import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { printBanner } from './banner'
import { prepareDataDirectory } from './data-directory'
import { type DataLock, lockDataDirectory } from './data-lock'
import { FIRST_START_FILE, FirstStart, GATEWAY_ID, GATEWAY_TOKEN_FILE } from './first-start'
import { LogFile } from './log-file'
import { MEMORY_FLAGS } from './memory-flags'
import { assertPortFree } from './ports'
import { prepareEmbeddedPostgres } from './postgres'
import { readSecret } from './secret-file'
import type { StartSettings } from './settings'
import { type Supervised, type SuperviseOptions, supervise } from './supervise'

/** Together below the ten seconds in which a stop is done. The gateway gives requests under way six (gateway/run.ts). */
const STOP_MS = { gateway: 7_300, console: 1_300, database: 1_200 }
/** How long processes of a killed start may take to notice and let go of their ports. */
const ABANDONED_PORT_PATIENCE_MS = 12_000

/** What only the control plane needs to know; the gateway's process never sees it. */
const CONTROL_PLANE_ONLY = [
  'DATABASE_URL',
  'KEEPTRUSTS_SECRET_KEY',
  'KEEPTRUSTS_ADMIN_PASSWORD',
  'KEEPTRUSTS_OIDC_CLIENT_SECRET',
  'KEEPTRUSTS_API_TOKEN',
  'KEEPTRUSTS_TOKEN',
]

/** What the console's process tells us. */
const ConsoleMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['ready', 'seeded']) }),
  z.object({ kind: z.literal('waiting'), reason: z.string() }),
])

type Options = {
  /** The directory with kt.mjs, console.mjs and parent-watch.mjs. */
  programs: string
  say: (line: string) => void
}

/** A program of ours, flags for Node and arguments for itself. */
type Start = { program: string; flags?: readonly string[]; args?: readonly string[] }

/** Database, console host and gateway of one data directory, as one thing that starts and stops. */
export class Installation {
  /** Rejects when a child cannot be kept running. */
  readonly failed: Promise<never>
  readonly #reportFailure: (error: unknown) => void
  readonly #settings: StartSettings
  readonly #options: Options
  readonly #stopping = new AbortController()
  readonly #consoleReady = Promise.withResolvers<void>()
  #lock: DataLock | undefined
  #database: Supervised | undefined
  #console: Supervised | undefined
  #gateway: Supervised | undefined
  /** What the running gateway was started with. */
  #gatewayToken: string | undefined
  #stopped: Promise<void> | undefined

  constructor(settings: StartSettings, options: Options) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#reportFailure = reject
    this.#settings = settings
    this.#options = options
  }

  /** Returns when everything serves and the banner is out. Throws StartError, with nothing left running. */
  async start(): Promise<void> {
    const startedAt = performance.now()
    try {
      await this.#claim()
      const token = await readSecret(this.#path(GATEWAY_TOKEN_FILE))
      // From its second start on, the gateway serves from its own disk and waits for nobody.
      if (token) this.#startGateway(token)
      this.#startConsole(this.#settings.databaseUrl ?? (await this.#startDatabase()))
      await Promise.race([
        Promise.all([this.#consoleReady.promise, this.#gatewayReady()]),
        this.failed,
        this.#aborted(),
      ])
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      await this.stop()
      throw error
    }
    await this.#welcome(performance.now() - startedAt)
  }

  /** Gateway first, while there is still somebody to take its last events; then the console; the database last. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder()
    return this.#stopped
  }

  /** Ends everything at once. PostgreSQL repairs itself at the next start. */
  async abort(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#gateway, this.#console, this.#database].map((child) => child?.stop(0)))
    await this.#lock?.release()
    process.exit(1)
  }

  async #stopInOrder(): Promise<void> {
    this.#stopping.abort()
    if (this.#gateway || this.#console || this.#database) this.#options.say('Stopping: gateway, console, database.')
    await this.#gateway?.stop(STOP_MS.gateway)
    await this.#console?.stop(STOP_MS.console)
    await this.#database?.stop(STOP_MS.database)
    await this.#lock?.release()
  }

  async #claim(): Promise<void> {
    const { dataDirectory, publicUrl, consolePort, gatewayPort } = this.#settings
    await prepareDataDirectory(dataDirectory)
    this.#lock = await lockDataDirectory(dataDirectory, publicUrl)
    const patienceMs = this.#lock.wasAbandoned ? ABANDONED_PORT_PATIENCE_MS : 0
    await assertPortFree({ name: 'console', variable: 'PORT', port: consolePort }, patienceMs)
    await assertPortFree(
      { name: 'gateway', variable: 'KEEPTRUSTS_GATEWAY_PORT', port: gatewayPort, host: '0.0.0.0' },
      patienceMs,
    )
  }

  async #startDatabase(): Promise<string> {
    const log = this.#log('postgres')
    const postgres = await prepareEmbeddedPostgres({
      dataDirectory: this.#settings.dataDirectory,
      log,
      say: this.#options.say,
    })
    this.#database = this.#supervise({
      name: 'The database',
      launch: postgres.launch,
      log,
      // Fast and immediate shutdown (PostgreSQL documentation, 18.5).
      stopSignal: 'SIGINT',
      killSignal: 'SIGQUIT',
    })
    return postgres.url
  }

  #startConsole(databaseUrl: string): void {
    const { dataDirectory, consolePort, publicUrl, unsafe } = this.#settings
    this.#console = this.#supervise({
      name: 'The console',
      launch: () =>
        this.#spawn(
          { program: 'console.mjs', flags: MEMORY_FLAGS },
          {
            ...process.env,
            NODE_ENV: 'production',
            DATABASE_URL: databaseUrl,
            // Meant for kt, which people use in the same shell: these pages belong to this control plane.
            KEEPTRUSTS_API_URL: undefined,
            KEEPTRUSTS_DATA_DIR: dataDirectory,
            KEEPTRUSTS_PUBLIC_URL: publicUrl,
            PORT: String(consolePort),
            ...(unsafe ? { KEEPTRUSTS_UNSAFE: '1' } : {}),
          },
        ),
      log: this.#log('console'),
      stopSignal: 'SIGTERM',
      killSignal: 'SIGKILL',
      onMessage: (message) => void this.#hear(message).catch(this.#reportFailure),
    })
  }

  #startGateway(token: string): void {
    const { consolePort, gatewayPort } = this.#settings
    const env: NodeJS.ProcessEnv = { ...process.env }
    for (const name of CONTROL_PLANE_ONLY) delete env[name]
    this.#gatewayToken = token
    this.#gateway = this.#supervise({
      name: 'The gateway',
      launch: () =>
        this.#spawn(
          {
            program: 'kt.mjs',
            args: ['run', '--managed', '--listen', `0.0.0.0:${gatewayPort}`, '--data-dir', this.#path('gateway')],
          },
          {
            ...env,
            NODE_ENV: 'production',
            KEEPTRUSTS_API_URL: `http://127.0.0.1:${consolePort}`,
            KEEPTRUSTS_GATEWAY_ID: GATEWAY_ID,
            KEEPTRUSTS_GATEWAY_TOKEN: token,
          },
        ),
      log: this.#log('gateway'),
      stopSignal: 'SIGTERM',
      killSignal: 'SIGKILL',
    })
  }

  async #hear(message: unknown): Promise<void> {
    const word = ConsoleMessage.safeParse(message).data
    if (word?.kind === 'ready') this.#consoleReady.resolve()
    if (word?.kind === 'waiting')
      this.#options.say(`Waiting for the database (${word.reason}); Ctrl-C stops. Logs: ${this.#path('logs')}`)
    if (word?.kind !== 'seeded') return
    const token = await readSecret(this.#path(GATEWAY_TOKEN_FILE))
    if (!token || token === this.#gatewayToken || this.#stopping.signal.aborted) return
    // The first start, or another database than last time: the old key opens nothing any more.
    await this.#gateway?.stop(STOP_MS.gateway)
    if (!this.#stopping.signal.aborted) this.#startGateway(token)
  }

  /** Polls, because a gateway is the same program here as everywhere else and tells nobody in particular. */
  async #gatewayReady(): Promise<void> {
    const url = `http://127.0.0.1:${this.#settings.gatewayPort}/readyz`
    while (!this.#stopping.signal.aborted) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
      if (answer?.ok) return
      await delay(25)
    }
  }

  async #welcome(readyMs: number): Promise<void> {
    const { publicUrl, gatewayPort } = this.#settings
    const path = this.#path(FIRST_START_FILE)
    const text = await readSecret(path)
    const first = text === undefined ? undefined : FirstStart.parse(JSON.parse(text))
    printBanner({ publicUrl, gatewayPort, logsDirectory: this.#path('logs'), readyMs, first })
    await rm(path, { force: true })
  }

  #spawn({ program, flags = [], args = [] }: Start, env: NodeJS.ProcessEnv): ChildProcess {
    const { programs } = this.#options
    const watch = pathToFileURL(join(programs, 'parent-watch.mjs')).href
    // Not with --enable-source-maps: a map of the whole program takes more memory than the program, and longer to read.
    const node = [...flags, '--import', watch]
    return spawn(process.execPath, [...node, join(programs, program), ...args], {
      env,
      // Out of reach of the terminal's Ctrl-C, which would end all children at once instead of in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
  }

  /** Launches nothing once a stop has begun: what starts behind its back would be left running. */
  #supervise(options: Omit<SuperviseOptions, 'say' | 'onGivenUp'>): Supervised {
    this.#stopping.signal.throwIfAborted()
    return supervise({ ...options, say: this.#options.say, onGivenUp: this.#reportFailure })
  }

  #aborted(): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>()
    this.#stopping.signal.addEventListener('abort', () => reject(new Error('Stopped while starting.')), { once: true })
    return promise
  }

  #log = (name: string) => new LogFile(join(this.#path('logs'), `${name}.log`))
  #path = (name: string) => join(this.#settings.dataDirectory, name)
}
