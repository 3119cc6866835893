import { sql } from 'drizzle-orm'
import { notificationReads } from '@/drizzle/schema/notifications'
import type { notifications as contract } from '@/lib/contract/notifications'
import { AppError } from '@/lib/errors'
import type { Context } from '../context'
import type { Input } from '../routes'
import { countUnread, readUntilOf } from './queries'

/** Never less than was read before. It is nobody's affair but the member's, so it leaves no entry. */
export async function markRead(ctx: Context, { until_seq }: Input<typeof contract.markRead>) {
  const { tx, actor } = ctx
  if (actor.memberId === null) {
    throw new AppError('unprocessable', 'Notifications are read by members, and this key is of none.')
  }
  // An entry that is to come is not read.
  const newest = sql`(select seq from org_counters where org_id = ${actor.orgId})`
  await tx
    .insert(notificationReads)
    .values({ orgId: actor.orgId, userId: actor.memberId, untilSeq: sql`least(${until_seq}, ${newest})` })
    .onConflictDoUpdate({
      target: [notificationReads.orgId, notificationReads.userId],
      set: { untilSeq: sql`greatest(${notificationReads.untilSeq}, excluded.until_seq)` },
    })
  return { unread: await countUnread(ctx, await readUntilOf(ctx)) }
}
