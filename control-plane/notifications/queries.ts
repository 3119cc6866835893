import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { activity } from '@/drizzle/schema/activity'
import { users } from '@/drizzle/schema/members'
import { notificationReads } from '@/drizzle/schema/notifications'
import {
  type notifications as contract,
  NOTIFICATION_KINDS,
  type Notification,
  type NotificationKind,
  UNREAD_MAX,
} from '@/lib/contract/notifications'
import { toPage } from '@/lib/contract/page'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Input } from '../routes'

type Row = Pick<
  typeof activity.$inferSelect,
  'id' | 'seq' | 'at' | 'action' | 'targetType' | 'targetId' | 'targetName' | 'after'
>

/** Newest first. */
export async function listNotifications(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor } = ctx
  const cursors = cursorsOf(ctx, 'notifications.list', input)
  const before = cursors.decode(z.int().min(0))
  const readUntil = await readUntilOf(ctx)
  const seqs = await newestOf(ctx, before === undefined ? sql`true` : sql`a.seq < ${before}`, input.limit + 1)
  const { id, seq, at, action, targetType, targetId, targetName, after } = activity
  const rows = await tx
    .select({ id, seq, at, action, targetType, targetId, targetName, after })
    .from(activity)
    .where(and(eq(activity.orgId, actor.orgId), inArray(activity.seq, seqs)))
    .orderBy(desc(activity.seq))
  const page = toPage(
    rows.map((row) => toNotification(row, readUntil)),
    input.limit,
    (one) => cursors.encode(one.seq),
  )
  return { ...page, unread: await countUnread(ctx, readUntil) }
}

export async function countUnread(ctx: Context, readUntil: number): Promise<number> {
  return (await newestOf(ctx, sql`a.seq > ${readUntil}`, UNREAD_MAX)).length
}

/**
 * The last entry that the member has read; a new member need not read what was before its time. Nobody has read anything for
 * a key without a member.
 */
export async function readUntilOf({ tx, actor: { orgId, memberId } }: Context): Promise<number> {
  if (memberId === null) return 0
  const [row] = await tx
    .select({
      untilSeq: sql<string | null>`coalesce(
        ${notificationReads.untilSeq},
        (select a.seq from ${activity} a where a.org_id = ${orgId} and a.at < ${users.createdAt} order by a.at desc, a.seq desc limit 1))`,
    })
    .from(users)
    .leftJoin(notificationReads, and(eq(notificationReads.orgId, orgId), eq(notificationReads.userId, users.id)))
    .where(and(eq(users.orgId, orgId), eq(users.id, memberId)))
  return Number(row?.untilSeq ?? 0)
}

/** One look for each kind at where its entries are: of all activity these are few. */
async function newestOf({ tx, actor }: Context, where: SQL, limit: number): Promise<number[]> {
  const { rows } = await tx.execute<{ seq: string }>(sql`
    select found.seq from unnest(${sql.param(kindsFor(actor))}::text[]) as kind (action) cross join lateral (
      select a.seq from ${activity} a
      where a.org_id = ${actor.orgId} and a.action = kind.action and ${where} order by a.seq desc limit ${limit}
    ) as found
    order by found.seq desc limit ${limit}`)
  return rows.map(({ seq }) => Number(seq))
}

/** What is told is about the whole organisation, which is no affair of one team. */
const kindsFor = ({ scope, permissions }: Actor): string[] =>
  scope === 'team'
    ? []
    : Object.entries(NOTIFICATION_KINDS).flatMap(([kind, permission]) => (permissions.has(permission) ? [kind] : []))

function toNotification(row: Row, readUntil: number): Notification {
  const kind = row.action as NotificationKind
  const detail = row.after ?? {}
  return {
    id: row.id,
    seq: row.seq,
    at: row.at,
    kind,
    severity: isCritical(kind, detail) ? 'critical' : 'warning',
    target: { type: row.targetType, id: row.targetId, name: row.targetName },
    detail,
    read: row.seq <= readUntil,
  }
}

/** What stops requests, or puts the record in doubt. */
function isCritical(kind: NotificationKind, { percent, hard }: Record<string, unknown>): boolean {
  if (kind === 'trail.integrity_failed') return true
  return kind === 'budget.threshold_reached' && hard === true && Number(percent) >= 100
}
