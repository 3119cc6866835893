import { z } from 'zod'
import type { Services } from '../context'
import { queue } from '../jobs/queue'
import { takeAwayQueue } from '../payloads/erasure/queues'
import { takeErasedAway } from '../payloads/erasure/take-away'
import { ensureEventMonths } from './commands'
import { runRetention } from './run'

export const retentionQueue = queue('retention.daily', z.object({}), {
  policy: 'exclusive',
  retryLimit: 6,
  retryDelaySeconds: 60,
  retryDelaySecondsMax: 3_600,
  expireSeconds: 6 * 3_600,
})
/** The only job of its kind. */
export const RETENTION_KEY = 'all'
/** At night in most places where installations stand, and not on the hour, when everybody else runs. */
const DAILY = '17 2 * * *'

export async function workOnRetention(services: Services): Promise<void> {
  const { jobs, db } = services
  await ensureEventMonths(db)
  await jobs.work(takeAwayQueue, async ({ orgId }, { signal }) => {
    await takeErasedAway(services, orgId, signal)
  })
  await jobs.work(retentionQueue, (_, { signal }) => runRetention(services, new Date(), signal))
  await jobs.schedule(retentionQueue, DAILY, {}, RETENTION_KEY)
}
