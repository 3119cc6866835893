import { z } from 'zod'
import type { Services } from '../../context'
import type { Transaction } from '../../database'
import { queue } from '../../jobs/queue'

/** Deletes objects of one organisation in which all content is erased. What is erased while it runs comes next. */
export const takeAwayQueue = queue('payloads.take_away', z.object({ orgId: z.string() }), {
  policy: 'stately',
  retryLimit: 10,
  retryDelaySeconds: 2,
  retryDelaySecondsMax: 600,
})

/** Once, and only if, the transaction commits. */
export async function takeAway({ jobs }: Pick<Services, 'jobs'>, tx: Transaction, orgId: string): Promise<void> {
  await jobs.sendIn(tx, takeAwayQueue, { orgId }, { key: orgId })
}
