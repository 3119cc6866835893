import type { Services } from '../context'
import { startExportWorkers } from '../exports/workers'
import { workOnLedgers } from '../ledger/work'
import { workOnRepricing } from '../model-pricing/repricing/work'
import { workOnRetention } from '../retention/work'
import { workOnSpend } from '../spend-leases/work'
import { startTrailWorker } from '../trail/worker'

/** What each area of the control plane does in jobs: `services.jobs.work(queue, handler)`, and its schedules. */
const AREAS: ((services: Services) => Promise<void>)[] = [
  workOnRetention,
  startTrailWorker,
  startExportWorkers,
  workOnLedgers,
  workOnRepricing,
  workOnSpend,
]

/** Begins to work on all jobs, in the process that hosts the control plane. */
export async function startWorkers(services: Services): Promise<void> {
  for (const area of AREAS) await area(services)
}
