import { z } from 'zod'
import { queue } from '../jobs/queue'

const ExportJob = z.object({ org_id: z.string(), export_id: z.string() })
export type ExportJob = z.infer<typeof ExportJob>

const FOR_EVER = 100_000

/** Makes the file of one export. It goes on where another process left off, as often as processes stop. */
export const EXPORT_QUEUE = queue('exports.run', ExportJob, {
  policy: 'exclusive',
  concurrency: 2,
  retryLimit: FOR_EVER,
  expireSeconds: 6 * 3_600,
})

/** Deletes the files of one export that was cancelled, deleted or has failed. */
export const ERASE_QUEUE = queue('exports.erase', ExportJob, { retryLimit: FOR_EVER, retryDelaySecondsMax: 3_600 })

/** Ends an export whose time is over. */
export const EXPIRE_QUEUE = queue('exports.expire', ExportJob, { retryLimit: FOR_EVER, retryDelaySecondsMax: 3_600 })

const ScheduleJob = z.object({ org_id: z.string(), schedule_id: z.string(), due_at: z.string() })
export type ScheduleJob = z.infer<typeof ScheduleJob>

/** Makes the export that a schedule is due for, and hands in the next one. */
export const SCHEDULE_QUEUE = queue('exports.schedule', ScheduleJob, {
  retryLimit: FOR_EVER,
  retryDelaySecondsMax: 3_600,
})

/** Hands in again what was lost. */
export const SWEEP_QUEUE = queue('exports.sweep', z.object({}), { policy: 'exclusive' })
