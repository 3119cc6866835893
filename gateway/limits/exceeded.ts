import { Refusal } from '../errors'
import type { LimitStatus } from './limiter'

/** What a caller is told who is over a limit. */
export function refusalOfLimit({ limit, resetMs }: LimitStatus): Refusal {
  return new Refusal('rate_limited', `The limit ${limit.name} of ${limit.max} is reached.`, {
    policy: limit.name,
    retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1_000)),
  })
}
