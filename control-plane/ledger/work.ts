import { z } from 'zod'
import type { Services } from '../context'
import { queue } from '../jobs/queue'
import { checkLedgers } from './checks/commands'

export const ledgerCheckQueue = queue('ledger.check', z.object({}), { policy: 'exclusive', retryLimit: 0 })
/** The only job of its kind. */
export const LEDGER_CHECK_KEY = 'all'
/** A check that takes longer than the pause is followed by the next one that is due. */
const EVERY_FIVE_MINUTES = '*/5 * * * *'

/** Adds up every ledger again and again. */
export async function workOnLedgers(services: Services): Promise<void> {
  await services.jobs.work(ledgerCheckQueue, (_, { signal }) => checkLedgers(services, signal))
  await services.jobs.schedule(ledgerCheckQueue, EVERY_FIVE_MINUTES, {}, LEDGER_CHECK_KEY)
}
