import { join } from 'node:path'
import { type DestinationStream, type Logger, pino } from 'pino'
import { slug } from '@/lib/contract/fields'
import type { CompileEnvironment } from '@/lib/policy/compile'
import { VERSION } from '@/lib/version'
import { takeDataDirectory } from './data-directory'
import { Delivery } from './delivery'
import { LastKnownGood } from './last-known-good'
import { parseApiUrl, parseListen, parseUpstream } from './listen-address'
import { loadLocalConfiguration } from './local-configuration'
import { Managed } from './managed'
import type { Durability } from './plane'
import { RunningConfiguration } from './running-configuration'
import { createGateway } from './server'
import { emptySnapshot, SnapshotStore } from './snapshot'
import { openSpool } from './spool'
import { GatewayStartError } from './start-error'

export type RunOptions = {
  /** `host:port`; port 0 takes any free one. */
  listen: string
  gatewayId: string
  /** `${KEEPTRUSTS_DATA_DIR:-.keeptrusts}/gateway-<id>` unless stated. */
  dataDirectory?: string
  durability?: Durability
  /** Where provider secrets come from; the process's own unless stated. */
  environment?: CompileEnvironment
  upstreamUrl?: string
  pollIntervalSeconds?: number
  spoolBytesMax?: number
  log?: Logger
}

export type ControlPlaneOptions = {
  apiUrl: string
  token: string
  /** Fingerprint of the control plane's signing key: 32 or 64 hex digits. */
  trustKey?: string
}

export type ManagedRunOptions = RunOptions & ControlPlaneOptions
/** With `controlPlane`, keys and settings come from it and events go to it; the file still says what to run. */
export type LocalRunOptions = RunOptions & { policyConfigPath: string; controlPlane?: ControlPlaneOptions }

export type RunningGateway = {
  host: string
  port: number
  isReady(): boolean
  /** Requests under way finish, the spool is flushed, the control plane is told. Takes less than 10 s. */
  stop(reason: string): Promise<void>
}

const DRAIN_MS = 6_000
const DELIVERY_MS = 1_500
const GOODBYE_MS = 1_000

/**
 * Starts a gateway that runs what its control plane assigns (`kt run --managed`).
 *
 * @throws GatewayStartError
 */
export const startManagedGateway = (options: ManagedRunOptions): Promise<RunningGateway> =>
  start(options, { controlPlane: options })

/**
 * Starts a gateway that runs a file (`kt gateway run --policy-config FILE`). Without a control plane it knows no keys:
 * it then serves callers on loopback only, and only when the file says `gateway.anonymous: loopback`.
 *
 * @throws GatewayStartError
 */
export const startLocalGateway = (options: LocalRunOptions): Promise<RunningGateway> =>
  start(options, { controlPlane: options.controlPlane, policyConfigPath: options.policyConfigPath })

/** Runs until SIGTERM, SIGINT, or the end of the parent process; resolves when everything is stopped in order. */
export const runManagedGateway = (options: ManagedRunOptions & { exitWithParent?: boolean }): Promise<void> =>
  runUntilTold(() => startManagedGateway(options), options.exitWithParent ?? false)

/** As `runManagedGateway`, for a local file. */
export const runLocalGateway = (options: LocalRunOptions & { exitWithParent?: boolean }): Promise<void> =>
  runUntilTold(() => startLocalGateway(options), options.exitWithParent ?? false)

async function runUntilTold(start: () => Promise<RunningGateway>, exitWithParent: boolean): Promise<void> {
  const told = Promise.withResolvers<string>()
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, told.resolve)
  const parentLeft = () => told.resolve('parent process ended')
  if (exitWithParent) {
    process.once('disconnect', parentLeft)
    process.channel?.unref() // waiting for the parent must not keep a finished gateway alive
    if (!process.connected) parentLeft()
  }
  try {
    const gateway = await start()
    await gateway.stop(await told.promise)
  } finally {
    for (const signal of signals) process.off(signal, told.resolve)
    process.off('disconnect', parentLeft)
  }
}

type Source = { controlPlane: ControlPlaneOptions | undefined; policyConfigPath?: string }

async function start(options: RunOptions, source: Source): Promise<RunningGateway> {
  const { gatewayId, durability = 'strict', environment = process.env, pollIntervalSeconds = 30 } = options
  if (!slug.safeParse(gatewayId).success) {
    throw new GatewayStartError(
      'invalid_configuration',
      `"${gatewayId}" is not a gateway id: use letters, digits, dots, dashes and underscores.`,
    )
  }
  const listen = parseListen(options.listen)
  const upstreamUrl = options.upstreamUrl ? parseUpstream(options.upstreamUrl) : undefined
  const log = options.log ?? createLog(gatewayId)
  const directory =
    options.dataDirectory ?? join(environment.KEEPTRUSTS_DATA_DIR || '.keeptrusts', `gateway-${gatewayId}`)
  const stopSteps: (() => Promise<void>)[] = []
  /** In reverse order of the start, each step even when an earlier one failed. */
  const unwind = async () => {
    for (const step of stopSteps.splice(0).reverse()) {
      await step().catch((cause: unknown) => log.error({ err: cause }, 'a step of the shutdown failed'))
    }
  }
  try {
    const data = await takeDataDirectory(directory)
    stopSteps.push(() => data.release())
    const store = new SnapshotStore(emptySnapshot())
    const spool = await openSpool({
      directory: join(data.path, 'spool'),
      bytesMax: options.spoolBytesMax,
      onDamage: (damage) => log.error(damage, 'damaged records in the spool were stepped over'),
    })
    stopSteps.push(() => spool.close())
    if (source.policyConfigPath) {
      const file = await loadLocalConfiguration(source.policyConfigPath, { environment, upstreamUrl, log })
      store.swap({ config: file })
    }
    const link = source.controlPlane ? connect(source.controlPlane) : null
    const gateway = createGateway({
      store,
      spool,
      durability,
      gatewayId,
      listen,
      version: VERSION,
      log,
      contactSlackMs: pollIntervalSeconds * 1_500,
    })
    if (link) {
      await link.managed.start()
      link.delivery.start()
      stopSteps.push(
        () => link.managed.stop(GOODBYE_MS),
        async () => {
          await spool.flush()
          await link.delivery.stop(DELIVERY_MS)
        },
      )
    }
    const { port } = await gateway.listen().catch((cause: unknown) => {
      throw portError(cause, options.listen)
    })
    stopSteps.push(() => gateway.drain(DRAIN_MS))
    link?.managed.run()
    log.info({ host: listen.host, port, ready: gateway.isReady(), version: VERSION }, 'gateway listening')
    if (!gateway.isReady())
      log.warn({}, 'no configuration is rolled out to this gateway yet; it answers 503 until then')
    let stopping: Promise<void> | null = null
    return {
      host: listen.host,
      port,
      isReady: gateway.isReady,
      stop(reason) {
        log.info({ reason }, 'gateway stops: requests under way may finish')
        stopping ??= unwind().then(() => log.info({ reason }, 'gateway stopped'))
        return stopping
      },
    }

    function connect({ apiUrl: url, token, trustKey }: ControlPlaneOptions) {
      const apiUrl = parseApiUrl(url)
      const disk = new LastKnownGood(data.path, (path) => log.error({ path }, 'a damaged file was not used'))
      const configuration = source.policyConfigPath
        ? null
        : new RunningConfiguration({
            store,
            disk,
            gatewayId,
            gatewayVersion: VERSION,
            environment,
            trustKey,
            upstreamUrl,
            log,
          })
      const delivery = new Delivery({ spool, apiUrl, token, log, rejectedPath: join(data.path, 'rejected.jsonl') })
      const managed: Managed = new Managed({
        address: { apiUrl, token, gatewayId },
        store,
        disk,
        configuration,
        pollIntervalSeconds,
        gatewayVersion: VERSION,
        log,
        vitals: () => {
          const { requestsProcessed, overheadP50Us, overheadP99Us } = gateway.stats()
          return {
            ready: gateway.isReady(),
            spool_depth: spool.depth,
            spool_bytes: spool.bytes,
            requests_processed: requestsProcessed,
            overhead_p50_us: overheadP50Us,
            overhead_p99_us: overheadP99Us,
            last_error: delivery.lastError,
          }
        },
      })
      return { managed, delivery }
    }
  } catch (cause) {
    await unwind()
    throw cause
  }
}

function portError(cause: unknown, listen: string): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') {
    return new GatewayStartError(
      'port_in_use',
      `${listen} is used by another process. Choose another address with --listen.`,
      { cause },
    )
  }
  if (code === 'EACCES')
    return new GatewayStartError('not_allowed', `This user may not listen on ${listen}.`, { cause })
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new GatewayStartError('invalid_configuration', `${listen} is not an address of this machine.`, { cause })
  }
  return cause
}

const SECRETS = ['token', 'secret', 'authorization', 'password', 'key']

/** JSON lines on standard output. Nothing here is given secrets on purpose; this catches the accident. */
export const createLog = (gatewayId: string, destination: DestinationStream = pino.destination(1)): Logger =>
  pino(
    {
      name: 'gateway',
      base: { gateway_id: gatewayId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    destination,
  )
