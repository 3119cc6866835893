import type { Services } from '../../context'
import { failRepricing, runRepricing } from './commands'
import { repriceQueue } from './queues'

export async function workOnRepricing(services: Services): Promise<void> {
  await services.jobs.work(
    repriceQueue,
    (asked, run) => runRepricing(services, asked, run),
    (asked) => failRepricing(services, asked),
  )
}
