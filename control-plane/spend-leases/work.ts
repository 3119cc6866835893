import { z } from 'zod'
import { endDueRaises } from '../budgets/raises/end-due'
import type { Services } from '../context'
import { queue } from '../jobs/queue'
import { asSystem } from '../system'
import { everyOrganization, inTenant } from '../tenant'
import { dueLeases, forgetOld, releaseDue } from './release'

/** Whatever looks at a budget does the same on its way; this is for budgets that nobody looks at. */
const spendQueue = queue('spend.minutely', z.object({}), { policy: 'exclusive', retryLimit: 0, expireSeconds: 300 })
const SPEND_KEY = 'all'
const MINUTELY = '* * * * *'
/** Leases of one transaction. */
const RELEASED_MAX = 200
const FORGOTTEN_MAX = 1_000

export async function workOnSpend(services: Services): Promise<void> {
  await services.jobs.work(spendQueue, async (_, { signal }) => {
    for (const orgId of await everyOrganization(services.db)) {
      signal.throwIfAborted()
      await endWhatIsOver(services, orgId)
    }
  })
  await services.jobs.schedule(spendQueue, MINUTELY, {}, SPEND_KEY)
}

/** Raises whose time is over, leases for which nobody came until theirs was, and those that have long been over. */
export async function endWhatIsOver(services: Services, orgId: string): Promise<void> {
  await asSystem(services, orgId, endDueRaises)
  for (let taken = RELEASED_MAX; taken === RELEASED_MAX; ) {
    const nowMs = Date.now()
    taken = await inTenant(services.db, orgId, async (tx) => {
      const due = await dueLeases(tx, orgId, nowMs, RELEASED_MAX)
      await releaseDue(tx, orgId, due, nowMs)
      return due.length
    })
  }
  await inTenant(services.db, orgId, (tx) => forgetOld(tx, orgId, Date.now(), FORGOTTEN_MAX))
}
