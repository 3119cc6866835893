import { z } from 'zod'
import { queue } from '../../jobs/queue'

export const repriceQueue = queue('model_pricing.reprice', z.object({ orgId: z.string(), id: z.string() }), {
  concurrency: 1,
  retryLimit: 5,
  expireSeconds: 6 * 3_600,
  tellsLost: true,
})
