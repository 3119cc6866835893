import type { Services } from '../context'
import { everyOrganization } from '../tenant'
import { resendLostWork } from './commands'

/** Once an hour, hands in again what no job is there for any more, such as after jobs were lost. What has one is not touched. */
export async function sweepExports(services: Services): Promise<void> {
  for (const orgId of await everyOrganization(services.db)) await resendLostWork(services, orgId)
}
