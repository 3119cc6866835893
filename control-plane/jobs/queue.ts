import type { z } from 'zod'

/** A kind of work that is done later. Its name is for ever: jobs in the database carry it. */
export type Queue<T extends object> = {
  name: string
  data: z.ZodType<T>
  options: QueueOptions
}

export type QueueOptions = {
  /**
   * `standard`: every job is done. `exclusive`: of one key, one job waits or runs; another is not taken. `stately`: of one
   * key, one waits and one runs, so that what changes while a job runs is looked at once more. The last two need a `key`
   * with each job. It cannot change once jobs exist.
   */
  policy?: 'standard' | 'exclusive' | 'stately'
  /** Jobs that one process works on at the same time. */
  concurrency?: number
  /** After a failure, a lost worker or a stop of the process. */
  retryLimit?: number
  /** Before the first retry; doubled before each further one, up to `retryDelaySecondsMax`. */
  retryDelaySeconds?: number
  retryDelaySecondsMax?: number
  /** Ends a job that takes longer, as a failure. */
  expireSeconds?: number
  /** Whether somebody wants to hear of jobs that failed for good; `Jobs.work` then takes who that is. */
  tellsLost?: boolean
}

/**
 * Whoever works on a job says so more often than this. A job whose worker is silent for longer is given to another, which
 * takes two such intervals and one poll at most.
 */
export const HEARTBEAT_SECONDS = 15

const DEFAULTS = {
  policy: 'standard',
  concurrency: 1,
  retryLimit: 5,
  retryDelaySeconds: 1,
  retryDelaySecondsMax: 60,
  expireSeconds: 3_600,
  tellsLost: false,
} as const satisfies Required<QueueOptions>

export const queue = <T extends object>(name: string, data: z.ZodType<T>, options: QueueOptions = {}): Queue<T> => ({
  name,
  data,
  options,
})

/** As pg-boss wants it. Finished jobs are kept for a day: what matters of them is in rows of their own. */
export function settingsOf({ name, options }: Queue<object>) {
  const all = { ...DEFAULTS, ...options }
  return {
    policy: all.policy,
    concurrency: all.concurrency,
    lostQueue: all.tellsLost ? `${name}.lost` : undefined,
    retryAfterSeconds: (attempt: number) => Math.min(all.retryDelaySecondsMax, all.retryDelaySeconds * 2 ** attempt),
    stored: {
      retryLimit: all.retryLimit,
      retryDelay: all.retryDelaySeconds,
      retryBackoff: true,
      retryDelayMax: all.retryDelaySecondsMax,
      expireInSeconds: all.expireSeconds,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      retentionSeconds: 14 * 86_400,
      deleteAfterSeconds: 86_400,
      notify: true,
      deadLetter: all.tellsLost ? `${name}.lost` : null,
    },
  }
}
