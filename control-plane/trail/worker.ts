import type { Services } from '../context'
import { archiveDigests } from './archive/commands'
import { handOutQueue, SWEEP_KEY, sweepQueue, verifyQueue } from './queues'
import { sweep } from './service/commands'
import { deliverAll } from './sinks/commands'
import { failVerification, runVerification } from './verifications/commands'

/** What trails need to have done, by whichever process of the installation is free. */
export async function startTrailWorker(services: Services): Promise<void> {
  const { jobs } = services
  await jobs.work(sweepQueue, (_, { signal }) => sweep(services, signal))
  await jobs.work(handOutQueue, async ({ orgId }, { signal }) => {
    await archiveDigests(services, orgId, signal)
    const failed = await deliverAll(services, orgId, signal)
    // Thrown so that it is tried again; each sink says why itself.
    if (failed > 0) throw new Error(`${failed} sinks did not take the checkpoint.`)
  })
  await jobs.work(
    verifyQueue,
    (asked, run) => runVerification(services, asked, run),
    (asked) => failVerification(services, asked),
  )
  await jobs.schedule(sweepQueue, '* * * * *', {}, SWEEP_KEY)
  // What came due while nothing ran need not wait for the next minute.
  await jobs.send(sweepQueue, {}, { key: SWEEP_KEY })
}
