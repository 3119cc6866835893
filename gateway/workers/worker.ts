import { join } from 'node:path'
import { VERSION } from '@/lib/version'
import { takeDataDirectory } from '../data-directory'
import { Delivery } from '../delivery'
import { DeskLimits } from '../limits/desk-limits'
import { portError } from '../port-error'
import { type RunOptions, type Source, settleOptions } from '../run-options'
import { createGateway } from '../server'
import { emptySnapshot, SnapshotStore } from '../snapshot'
import { askForSlices } from '../spend/ask-for-leases'
import { openSpool } from '../spool'
import { GatewayStartError } from '../start-error'
import { unwinding } from '../unwinding'
import { PROTOCOL, SLOT_VARIABLE, type ToPrimary, type ToWorker, type Whole } from './messages'
import { takeChange } from './shared-state'
import { rejectedPath, spoolDirectory, WorkerSpool } from './worker-spool'

const LINGER_MS = 4_000
const DELIVERY_MS = 1_500
const REPORT_EVERY_MS = 1_000
/** The primary asks every worker first, and does not wait for one that is stuck. */
const WHOLE_MS_MAX = 3_000

/**
 * Serves until the primary says that it is enough, or is gone. Everything about the control plane but the delivery of
 * its own records is the primary's.
 */
export async function runWorker(options: RunOptions, source: Source): Promise<void> {
  try {
    await serve(options, source)
  } catch (cause) {
    const code = cause instanceof GatewayStartError ? cause.code : 'worker_failed'
    await tell({ kind: 'failed', code, message: cause instanceof Error ? cause.message : String(cause) })
    throw cause
  } finally {
    process.disconnect() // else the channel would keep a finished worker alive
  }
}

async function serve(options: RunOptions, source: Source): Promise<void> {
  const slot = Number(process.env[SLOT_VARIABLE])
  const settled = settleOptions(options, source)
  const { gatewayId, durability, environment, upstreamUrl, directory, controlPlane } = settled
  const log = settled.log.child({ worker: slot })
  const { steps, unwind } = unwinding(log)
  const store = new SnapshotStore(emptySnapshot())
  /** To stop; `true` when others serve already. */
  const told = Promise.withResolvers<boolean>()
  const informed = Promise.withResolvers<void>()
  const admitted = Promise.withResolvers<boolean>()
  const wholes = new Map<number, (whole: Whole) => void>()
  let report = async (_: number | null) => {}
  let recall = (_: readonly string[]) => {}
  const limitDesk = new DeskLimits((takes, releases) => void tell({ kind: 'limits', takes, releases }))

  /** Changes are taken one after another, as they were sent. */
  let taken = Promise.resolve()
  const take = async ({ change, revision }: Extract<ToWorker, { kind: 'state' }>) => {
    const refused = await reasonOf(() => takeChange(store, change, { environment, upstreamUrl }))
    void tell({ kind: 'taken', revision, refused })
    informed.resolve()
  }
  const hear = (message: ToWorker) => {
    if (message.kind === 'state') {
      if (message.protocol !== PROTOCOL) {
        const reason = 'The primary is of another version: stop and start the gateway as a whole.'
        return informed.reject(new GatewayStartError('worker_failed', reason))
      }
      taken = taken.then(() => take(message))
    } else if (message.kind === 'listen') {
      admitted.resolve(true)
    } else if (message.kind === 'report') {
      void report(message.ask)
    } else if (message.kind === 'whole') {
      wholes.get(message.ask)?.(message.whole)
    } else if (message.kind === 'limits') {
      limitDesk.hear(message.answers)
    } else if (message.kind === 'recall') {
      recall(message.sources)
    } else {
      told.resolve(message.isReplaced)
    }
  }
  let asks = 0
  const whole = async (): Promise<Whole> => {
    asks += 1
    const ask = asks
    const answer = Promise.withResolvers<Whole>()
    const timer = setTimeout(() => answer.reject(new Error('The primary does not answer.')), WHOLE_MS_MAX)
    wholes.set(ask, answer.resolve)
    try {
      await tell({ kind: 'whole', ask })
      return await answer.promise
    } finally {
      clearTimeout(timer)
      wholes.delete(ask)
    }
  }
  process.on('message', hear)
  // Ctrl-C reaches every process of the terminal; when to stop is the primary's to say.
  process.on('SIGINT', ignore)
  process.on('SIGUSR2', ignore)
  process.on('SIGTERM', () => told.resolve(false))
  try {
    const spoolPath = spoolDirectory(directory, slot)
    const lock = await takeDataDirectory(spoolPath)
    steps.push(() => lock.release())
    const spool = await openSpool({
      directory: spoolPath,
      bytesMax: Math.floor(settled.spoolBytesMax / (options.workers ?? 1)),
      isAwaited: durability === 'strict',
      onDamage: (damage) => log.error(damage, 'damaged records in the spool were stepped over'),
    })
    steps.push(() => spool.close())
    const delivery =
      controlPlane && new Delivery({ spool, ...controlPlane, log, rejectedPath: rejectedPath(directory, slot) })
    delivery?.start()
    steps.push(async () => {
      await spool.flush()
      await delivery?.stop(DELIVERY_MS)
    })
    const gateway = createGateway({
      store,
      spool: new WorkerSpool(spool, slot),
      durability,
      gatewayId,
      // All say the same, port 0 as well: by these words the primary knows that they mean the same socket.
      listen: settled.listen,
      version: VERSION,
      environment,
      log,
      contactSlackMs: settled.pollIntervalSeconds * 1_500,
      cacheDirectory: join(directory, 'answers'),
      limitDesk,
      askForSlices: controlPlane && askForSlices({ ...controlPlane, gatewayId }),
      behind: () => void tell({ kind: 'behind' }),
      processes: options.workers ?? 1,
      whole,
    })
    recall = gateway.recall
    report = async (ask) => {
      const { requestsProcessed, overheadP50Us, overheadP99Us } = gateway.stats()
      const { depth: spoolDepth, bytes: spoolBytes } = spool
      const numbers = { spoolDepth, spoolBytes, requestsProcessed, overheadP50Us, overheadP99Us }
      const [isReady, lastError, metrics] = [gateway.isReady(), delivery?.lastError ?? null, await gateway.metrics()]
      await tell({ kind: 'report', ask, report: { ...numbers, isReady, lastError, metrics } })
    }
    await informed.promise
    await tell({ kind: 'prepared' })
    if (!(await Promise.race([admitted.promise, told.promise.then(() => false)]))) return
    const listening = await gateway.listen().catch((cause: unknown) => {
      throw portError(cause, options.listen)
    })
    steps.push(
      () => report(null),
      () => gateway.drain(settled.drainMs),
    )
    await report(null)
    await tell({ kind: 'serving', port: listening.port })
    const reporting = setInterval(() => void report(null), REPORT_EVERY_MS)
    const isReplaced = await told.promise
    if (isReplaced) await gateway.retire(LINGER_MS)
    clearInterval(reporting)
  } finally {
    await unwind()
    process.off('message', hear)
  }
}

const ignore = () => {}

/** Resolves when the primary has it; one that is gone needs nothing any more. */
const tell = (message: ToPrimary): Promise<void> =>
  new Promise((resolve) => {
    if (!process.connected || !process.send) return resolve()
    process.send(message, undefined, undefined, () => resolve())
  })

async function reasonOf(step: () => Promise<void>): Promise<string | null> {
  try {
    await step()
    return null
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
