import { and, desc, eq, inArray } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { AppError } from '@/lib/errors'
import { originOf } from '@/lib/trail/checkpoint'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import { asSystem } from '../../system'
import { everyOrganization } from '../../tenant'
import { signDigest } from '../digests/commands'
import { lastDigest } from '../digests/queries'
import { nextDigestAt } from '../due'
import { currentKey } from '../keys/queries'
import { integrate } from '../tree/commands'

const STATES = ['trail.paused', 'trail.resumed']

/**
 * Brings every organisation's tree up to date and signs the digests that are due. One that fails holds back no other.
 *
 * @throws AggregateError with what failed
 */
export const sweep = (services: Services, signal: AbortSignal): Promise<void> =>
  forEvery(services, signal, (orgId) => sweepOne(services, orgId, signal))

/**
 * When the service stops: says so in every trail and signs what there is, so that the silence that follows is explained.
 * Gives up when the time is over; the next start signs it then.
 *
 * @throws AggregateError with what failed
 */
export const closeTrails = (services: Services, signal: AbortSignal): Promise<void> =>
  forEvery(services, signal, async (orgId) => {
    await asSystem(services, orgId, async (ctx) => {
      if (await isPaused(ctx)) return
      await appendAudit(ctx, { action: 'trail.paused', target: { type: 'trail', id: originOf(orgId) } })
    })
    await signDigest(services, orgId, { signal })
  })

async function forEvery(
  services: Services,
  signal: AbortSignal,
  work: (orgId: string) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (const orgId of await everyOrganization(services.db)) {
    signal.throwIfAborted()
    try {
      await work(orgId)
    } catch (thrown) {
      // An alarm was reported when it was raised; each hour would only repeat it.
      if (!(thrown instanceof AppError && thrown.code === 'conflict')) failures.push(thrown)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'The trail of an organisation could not be looked after.')
}

async function sweepOne(services: Services, orgId: string, signal: AbortSignal): Promise<void> {
  const { last, key } = await asSystem(services, orgId, async (ctx) => {
    await resume(ctx)
    return { last: await lastDigest(ctx.tx, orgId), key: await currentKey(ctx.tx, orgId) }
  })
  // Whoever pins a key that has signed nothing yet can verify nothing with it.
  const isDue = last === undefined || last.kid !== key?.kid || nextDigestAt(last.periodEnd) <= Date.now()
  if (isDue) await signDigest(services, orgId, { signal })
  else await integrate(services, orgId, { signal })
}

/** Whoever goes on ends a pause: of several processes that stop and start, the trail rests only while none runs. */
async function resume(ctx: Context): Promise<void> {
  if (!(await isPaused(ctx))) return
  await appendAudit(ctx, { action: 'trail.resumed', target: { type: 'trail', id: originOf(ctx.actor.orgId) } })
}

async function isPaused({ tx, actor }: Context): Promise<boolean> {
  const [newest] = await tx
    .select({ action: activity.action })
    .from(activity)
    .where(
      and(
        eq(activity.orgId, actor.orgId),
        eq(activity.targetId, originOf(actor.orgId)),
        inArray(activity.action, STATES),
      ),
    )
    .orderBy(desc(activity.seq))
    .limit(1)
  return newest?.action === 'trail.paused'
}
