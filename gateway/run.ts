import cluster from 'node:cluster'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { VERSION } from '@/lib/version'
import { takeDataDirectory } from './data-directory'
import { Delivery } from './delivery'
import { askControlPlane } from './limits/ask-control-plane'
import { loadLocalConfiguration } from './local-configuration'
import { localPrices } from './local-prices'
import type { Managed } from './managed'
import { portError } from './port-error'
import {
  type LocalRunOptions,
  type ManagedRunOptions,
  type RunOptions,
  type Source,
  settleOptions,
} from './run-options'
import { createGateway } from './server'
import { emptySnapshot, SnapshotStore } from './snapshot'
import { askForSlices } from './spend/ask-for-leases'
import { openSpool } from './spool'
import { startLink } from './start-link'
import { unwinding } from './unwinding'
import { Leftovers } from './workers/leftovers'
import { SLOT_VARIABLE } from './workers/messages'
import { startFleet } from './workers/primary'
import { runWorker } from './workers/worker'
import { rejectedPath, slotsOnDisk, spoolDirectory } from './workers/worker-spool'

export type RunningGateway = {
  host: string
  port: number
  isReady(): boolean
  /** Requests under way finish, the spool is flushed, the control plane is told. Takes less than 4 s more than requests are given. */
  stop(reason: string): Promise<void>
  /** Exchanges the processes that serve, without a connection refused; `false` when the new ones do not start. */
  restart(): Promise<boolean>
}

const DELIVERY_MS = 1_500

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
  run(options, { controlPlane: options }, options.exitWithParent ?? false)

/** As `runManagedGateway`, for a local file. */
export const runLocalGateway = (options: LocalRunOptions & { exitWithParent?: boolean }): Promise<void> => {
  const { controlPlane, policyConfigPath, exitWithParent = false } = options
  return run(options, { controlPlane, policyConfigPath }, exitWithParent)
}

/**
 * V8 makes objects old from the start where many that were made before lived long. Under load it takes some places on the
 * way of a request for such; what is made there holds whole requests until the next full collection, long after they are
 * over, and copying them costs a fifth of the processor time.
 */
const REQUESTS_STAY_YOUNG = '--no-allocation-site-pretenuring'

/** A worker is this same program with the same arguments; its environment says what it is. */
async function run(options: RunOptions, source: Source, exitWithParent: boolean): Promise<void> {
  setFlagsFromString(REQUESTS_STAY_YOUNG)
  if (cluster.isWorker && process.env[SLOT_VARIABLE] !== undefined) return runWorker(options, source)
  const told = Promise.withResolvers<string>()
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, told.resolve)
  const parentLeft = () => told.resolve('parent process ended')
  if (exitWithParent) {
    process.once('disconnect', parentLeft)
    process.channel?.unref() // waiting for the parent must not keep a finished gateway alive
    if (!process.connected) parentLeft()
  }
  let restart = () => {}
  const onRestart = () => restart()
  process.on('SIGUSR2', onRestart)
  try {
    const gateway = await start(options, source)
    restart = () => void gateway.restart()
    await gateway.stop(await told.promise)
  } finally {
    for (const signal of signals) process.off(signal, told.resolve)
    process.off('SIGUSR2', onRestart)
    process.off('disconnect', parentLeft)
  }
}

const start = (options: RunOptions, source: Source): Promise<RunningGateway> =>
  options.workers === undefined ? startAlone(options, source) : startFleet(options, source, options.workers)

async function startAlone(options: RunOptions, source: Source): Promise<RunningGateway> {
  const settled = settleOptions(options, source)
  const { gatewayId, listen, upstreamUrl, directory, durability, environment, controlPlane, policyConfigPath } = settled
  const { log, pollIntervalSeconds } = settled
  const { steps, unwind } = unwinding(log)
  try {
    const data = await takeDataDirectory(directory)
    steps.push(() => data.release())
    const store = new SnapshotStore(emptySnapshot())
    const spoolPath = spoolDirectory(data.path, 0)
    const spoolLock = await takeDataDirectory(spoolPath)
    steps.push(() => spoolLock.release())
    const spool = await openSpool({
      directory: spoolPath,
      bytesMax: settled.spoolBytesMax,
      isAwaited: durability === 'strict',
      onDamage: (damage) => log.error(damage, 'damaged records in the spool were stepped over'),
    })
    steps.push(() => spool.close())
    if (policyConfigPath) {
      const config = await loadLocalConfiguration(policyConfigPath, { environment, upstreamUrl, log })
      store.swap({ config, prices: await localPrices(config.compiled) })
    }
    let link: Pick<Managed, 'run' | 'pollNow'> | null = null
    const gateway = createGateway({
      store,
      spool,
      durability,
      gatewayId,
      listen,
      version: VERSION,
      environment,
      log,
      contactSlackMs: pollIntervalSeconds * 1_500,
      cacheDirectory: join(data.path, 'answers'),
      askForLeases: controlPlane && askControlPlane({ ...controlPlane, gatewayId }),
      askForSlices: controlPlane && askForSlices({ ...controlPlane, gatewayId }),
      behind: () => link?.pollNow(),
    })
    link = controlPlane ? await connect(controlPlane.apiUrl, controlPlane.token) : null
    const { port } = await gateway.listen().catch((cause: unknown) => {
      throw portError(cause, options.listen)
    })
    steps.push(() => gateway.drain(settled.drainMs))
    link?.run()
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
      async restart() {
        log.warn({}, 'this gateway was not started with --workers: it cannot exchange the process that serves')
        return false
      },
    }

    async function connect(apiUrl: string, token: string) {
      const leftovers = new Leftovers({ dataDirectory: data.path, controlPlane: { apiUrl, token }, log })
      const delivery = new Delivery({ spool, apiUrl, token, log, rejectedPath: rejectedPath(data.path, 0) })
      const link = await startLink(settled, data.path, {
        store,
        steps,
        onRecall: gateway.recall,
        vitals: () => {
          const { requestsProcessed, overheadP50Us, overheadP99Us } = gateway.stats()
          return {
            ready: gateway.isReady(),
            spool_depth: spool.depth + leftovers.depth,
            spool_bytes: spool.bytes + leftovers.bytes,
            requests_processed: requestsProcessed,
            overhead_p50_us: overheadP50Us,
            overhead_p99_us: overheadP99Us,
            last_error: delivery.lastError,
          }
        },
      })
      delivery.start()
      for (const slot of await slotsOnDisk(data.path)) if (slot > 0) leftovers.take(slot)
      steps.push(
        () => leftovers.stop(),
        async () => {
          await spool.flush()
          await delivery.stop(DELIVERY_MS)
        },
      )
      return link
    }
  } catch (cause) {
    await unwind()
    throw cause
  }
}
