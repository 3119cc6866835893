import type { Services } from '../context'
import { expireExport } from './commands'
import { eraseExport } from './erase-export'
import { ERASE_QUEUE, EXPIRE_QUEUE, EXPORT_QUEUE, SCHEDULE_QUEUE, SWEEP_QUEUE } from './queues'
import { runExport } from './run/run-export'
import { runSchedule } from './schedules/commands'
import { sweepExports } from './sweep'

export async function startExportWorkers(services: Services): Promise<void> {
  await services.jobs.work(EXPORT_QUEUE, (job, run) => runExport(services, job, run))
  await services.jobs.work(ERASE_QUEUE, (job) => eraseExport(services, job))
  await services.jobs.work(EXPIRE_QUEUE, (job) => expireExport(services, job))
  await services.jobs.work(SCHEDULE_QUEUE, (job) => runSchedule(services, job))
  await services.jobs.work(SWEEP_QUEUE, () => sweepExports(services))
  await services.jobs.schedule(SWEEP_QUEUE, '23 * * * *', {})
}
