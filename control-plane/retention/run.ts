import type { Services } from '../context'
import { eraseOutlived } from '../payloads/erasure/commands'
import { sweepUnclaimed, takeErasedAway } from '../payloads/erasure/take-away'
import { forgetResolved } from '../quarantine/commands'
import { securityOf } from '../settings/queries'
import { asSystem } from '../system'
import { inTenant, organizationIds } from '../tenant'
import { signDigest } from '../trail/digests/commands'
import { ensureEventMonths, retireMonth } from './commands'
import { monthObstacle, pastMonths } from './queries'

const DAY_MS = 86_400_000
const ERASED_AT_ONCE = 1_000
/** How long it can be looked up what became of an event in the quarantine. */
const RESOLVED_KEPT_DAYS = 90

/**
 * The daily round: months ahead are made, content is erased whose time is over, what the
 * quarantine has long let go is forgotten, months are dropped that nobody keeps, and
 * objects deleted that nobody names. Whatever fails is told in the log and tried again; it holds nothing else up.
 *
 * @throws Error when something failed
 */
export async function runRetention(services: Services, now: Date, signal?: AbortSignal): Promise<void> {
  const { db, log } = services
  let failures = 0
  const attempt = async (what: object, work: () => Promise<unknown>) => {
    signal?.throwIfAborted()
    await work().catch((cause: unknown) => {
      failures += 1
      log.error({ ...what, err: cause }, 'retention: a part failed')
    })
  }
  await attempt({ part: 'months ahead' }, () => ensureEventMonths(db))
  const orgIds = await organizationIds(db)
  for (const org_id of orgIds) {
    await attempt({ part: 'payloads', org_id }, () => expirePayloads(services, org_id, now, signal))
    await attempt({ part: 'quarantine', org_id }, () =>
      inTenant(db, org_id, (tx) => forgetResolved(tx, org_id, new Date(now.getTime() - RESOLVED_KEPT_DAYS * DAY_MS))),
    )
    await attempt({ part: 'objects', org_id }, async () => {
      await takeErasedAway(services, org_id, signal)
      const swept = await sweepUnclaimed(services, org_id, now, signal)
      if (swept > 0) log.info({ org_id, swept }, 'retention: objects of batches that were not recorded were deleted')
    })
  }
  for (const month of await db.transaction(pastMonths)) {
    await attempt({ part: 'events', month }, async () => {
      const dropped = await retire(services, month, orgIds, signal)
      // What no digest covers yet explains nothing to a verification: until the next full hour the events would be missing.
      for (const org_id of dropped.keys()) await signDigest(services, org_id, signal ? { signal } : {})
    })
  }
  if (failures > 0) throw new Error(`Retention: ${failures} parts failed.`)
}

async function expirePayloads(services: Services, orgId: string, now: Date, signal?: AbortSignal): Promise<void> {
  const { payloads_retention_days: days } = await inTenant(services.db, orgId, (tx) => securityOf(tx, orgId))
  if (days === null) return
  const due = { stored_before: new Date(now.getTime() - days * DAY_MS).toISOString() }
  let erased: number
  do {
    signal?.throwIfAborted()
    erased = await asSystem(services, orgId, (ctx) =>
      eraseOutlived(ctx, due, `older than ${days} days`, ERASED_AT_ONCE),
    )
  } while (erased > 0)
}

async function retire(
  services: Services,
  month: string,
  orgIds: string[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const { db, log } = services
  let obstacle = await db.transaction((tx) => monthObstacle(tx, month))
  if (obstacle?.endsWith(CONTENT_IS_KEPT)) {
    // Nothing else stands against it any more, so that the content of its events goes with them.
    for (const orgId of orgIds) {
      while (
        (await asSystem(services, orgId, (ctx) =>
          eraseOutlived(ctx, { month }, `events of ${month} are dropped`, ERASED_AT_ONCE),
        )) > 0
      ) {
        signal?.throwIfAborted()
      }
      await takeErasedAway(services, orgId, signal)
    }
    obstacle = await db.transaction((tx) => monthObstacle(tx, month))
  }
  if (obstacle !== null) {
    log.info({ month, obstacle }, 'retention: a month stays')
    return new Map()
  }
  const dropped = await retireMonth(services, month)
  const events = [...dropped.values()].reduce((sum, count) => sum + count, 0)
  log.info({ month, events }, 'retention: a month of events was dropped')
  return dropped
}

/** As drizzle/functions.sql says it; the last thing that it looks for. */
const CONTENT_IS_KEPT = 'is still kept'
