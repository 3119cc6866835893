import { z } from 'zod'
import type { Services } from '../context'
import type { Transaction } from '../database'
import { queue } from '../jobs/queue'

/** Looks after all trails: hashes into trees, digests that are due. */
export const sweepQueue = queue('trail.sweep', z.object({}), { policy: 'exclusive', retryLimit: 0 })
/** The only job of its kind. */
export const SWEEP_KEY = 'all'

/** Brings what was signed to where it is kept and told. What is signed while it runs is looked at once more. */
export const handOutQueue = queue('trail.hand_out', z.object({ orgId: z.string() }), {
  policy: 'stately',
  retryLimit: 8,
  retryDelaySeconds: 2,
  retryDelaySecondsMax: 300,
})

export const verifyQueue = queue('trail.verify', z.object({ orgId: z.string(), id: z.string() }), {
  concurrency: 2,
  retryLimit: 2,
  expireSeconds: 6 * 3_600,
  tellsLost: true,
})

export async function handOut({ jobs }: Pick<Services, 'jobs'>, tx: Transaction, orgId: string): Promise<void> {
  await jobs.sendIn(tx, handOutQueue, { orgId }, { key: orgId })
}
