import { eq } from 'drizzle-orm'
import { trailState } from '@/drizzle/schema/trail'
import type { trail } from '@/lib/contract/trail'
import { AppError } from '@/lib/errors'
import { originOf } from '@/lib/trail/checkpoint'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import type { Input } from '../../routes'
import { lockState } from '../tree/commands'

/**
 * From then on the damaged records are signed as they were recorded: their hashes in the tree stand, so that whoever
 * verifies goes on to find that they are something else. What is damaged beyond them raises the next alarm.
 */
export async function acknowledgeAlarm(ctx: Context, { reason }: Input<typeof trail.acknowledgeAlarm>) {
  const { tx, actor } = ctx
  const { orgId } = actor
  if (actor.memberId === null) {
    throw new AppError('forbidden', 'A person must acknowledge an alarm: sign in, or use a key of your own.')
  }
  const { alarm, alarmAt, alarmRanges, acceptedRanges } = await lockState(tx, orgId)
  if (alarm === null || alarmAt === null) throw new AppError('conflict', 'There is no alarm.')
  await tx
    .update(trailState)
    .set({ alarm: null, alarmAt: null, alarmRanges: [], acceptedRanges: [...acceptedRanges, ...alarmRanges] })
    .where(eq(trailState.orgId, orgId))
  await appendAudit(ctx, {
    action: 'trail.alarm_acknowledged',
    target: { type: 'trail', id: originOf(orgId) },
    before: { message: alarm, raised_at: alarmAt, ranges: alarmRanges },
    after: { reason },
  })
  return { acknowledged: { message: alarm, raised_at: alarmAt } }
}
