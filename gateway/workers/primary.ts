import cluster from 'node:cluster'
import { VERSION } from '@/lib/version'
import { takeDataDirectory } from '../data-directory'
import { askControlPlane } from '../limits/ask-control-plane'
import { LimitDesk } from '../limits/limit-desk'
import { loadLocalConfiguration } from '../local-configuration'
import { localPrices } from '../local-prices'
import type { Managed } from '../managed'
import type { RunningGateway } from '../run'
import { type RunOptions, type Source, settleOptions } from '../run-options'
import { controlPlaneNowMs, emptySnapshot } from '../snapshot'
import { GatewayStartError } from '../start-error'
import { startLink } from '../start-link'
import { toldSeldom } from '../told-seldom'
import { unwinding } from '../unwinding'
import { Fleet } from './fleet'
import { Leftovers } from './leftovers'
import { SharedStore } from './shared-state'
import { slotsOnDisk } from './worker-spool'

const WORKERS_MAX = 64
const SWEEP_INTERVAL_MS = 1_000
/**
 * Beside what requests are given, a worker ends by itself within 8.5 s: 4 for its connections, 2 to cut off the rest, 1 to give
 * back what it holds of budgets, 1.5 to deliver.
 */
const STOP_MS_MAX = 9_000

/**
 * Starts a gateway of several processes. This one serves nothing: it holds the link to the control plane, tells the
 * workers what is in force, and speaks for the gateway as a whole.
 *
 * @throws GatewayStartError
 */
export async function startFleet(options: RunOptions, source: Source, count: number): Promise<RunningGateway> {
  if (!Number.isInteger(count) || count < 1 || count > WORKERS_MAX) {
    throw new GatewayStartError('invalid_configuration', `--workers must be from 1 to ${WORKERS_MAX}.`)
  }
  const settled = settleOptions(options, source)
  const { gatewayId, listen, upstreamUrl, environment, controlPlane, policyConfigPath, log } = settled
  const { steps, unwind } = unwinding(log)
  try {
    const data = await takeDataDirectory(settled.directory, { isRestartable: true })
    steps.push(() => data.release())
    const store = new SharedStore(emptySnapshot())
    const load = async () => {
      if (!policyConfigPath) return
      const config = await loadLocalConfiguration(policyConfigPath, { environment, upstreamUrl, log })
      store.swap({ config, prices: await localPrices(config.compiled) })
    }
    await load()
    let link: Pick<Managed, 'run' | 'pollNow' | 'refresh'> | null = null
    const leftovers = controlPlane ? new Leftovers({ dataDirectory: data.path, controlPlane, log }) : null
    const desk = new LimitDesk({
      ask: controlPlane ? askControlPlane({ ...controlPlane, gatewayId }) : null,
      failed: toldSeldom('slices of limits cannot be asked for', log),
      wallMs: () => controlPlaneNowMs(store.current),
    })
    const sweeper = setInterval(() => desk.sweep(), SWEEP_INTERVAL_MS)
    steps.push(async () => clearInterval(sweeper))
    const fleet = new Fleet({
      count,
      store,
      desk,
      leftovers,
      log,
      drainMsMax: settled.drainMs + STOP_MS_MAX,
      onCaughtUp: () => link?.pollNow(),
      onBehind: () => link?.pollNow(),
      refresh: async () => link?.refresh(),
    })
    link = controlPlane
      ? await startLink(settled, data.path, {
          store,
          steps,
          settled: () => fleet.settled(),
          onRecall: (sources) => fleet.recall(sources),
          vitals: () => {
            const { isReady, spoolDepth, spoolBytes, requestsProcessed, ...rest } = fleet.report
            return {
              ready: isReady,
              spool_depth: spoolDepth,
              spool_bytes: spoolBytes,
              requests_processed: requestsProcessed,
              overhead_p50_us: rest.overheadP50Us,
              overhead_p99_us: rest.overheadP99Us,
              last_error: rest.lastError,
            }
          },
        })
      : null
    for (const slot of await slotsOnDisk(data.path)) if (slot >= count) leftovers?.take(slot)
    steps.push(
      async () => leftovers?.stop(),
      () => fleet.stop(),
    )
    cluster.setupPrimary({ serialization: 'json' })
    await desk.start()
    const port = await fleet.start()
    link?.run()
    const isReady = () => fleet.isReady
    log.info({ host: listen.host, port, ready: isReady(), version: VERSION, workers: count }, 'gateway listening')
    if (store.current.config === null)
      log.warn({}, 'no configuration is rolled out to this gateway yet; it answers 503 until then')
    let stopping: Promise<void> | null = null
    return {
      host: listen.host,
      port,
      isReady,
      stop(reason) {
        log.info({ reason }, 'gateway stops: requests under way may finish')
        stopping ??= unwind().then(() => log.info({ reason }, 'gateway stopped'))
        return stopping
      },
      async restart() {
        log.info({}, 'new workers are started')
        try {
          await load()
        } catch (cause) {
          if (!(cause instanceof GatewayStartError)) throw cause
          log.error({ reason: cause.message }, 'the file does not pass; the workers that run go on')
          return false
        }
        return fleet.restart()
      },
    }
  } catch (cause) {
    await unwind()
    throw cause
  }
}
