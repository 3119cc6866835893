import { and, desc, eq, gt, isNull, lt } from 'drizzle-orm'
import { z } from 'zod'
import { sessions } from '@/drizzle/schema/members'
import { toPage } from '@/lib/contract/page'
import type { sessions as contract, Session } from '@/lib/contract/sessions'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import { toInstant } from '../instant'
import type { Input } from '../routes'
import { securityOf } from '../settings/queries'

export type SessionRow = typeof sessions.$inferSelect

const Position = z.tuple([z.string().max(64)])

/** Newest first, one's own only. A key has none. */
export async function listSessions(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor, request } = ctx
  const cursors = cursorsOf(ctx, 'sessions.list', input)
  const [after] = cursors.decode(Position) ?? []
  const { session_idle_minutes: idleMinutes } = await securityOf(tx, actor.orgId)
  const now = request.now.toISOString()
  const idleSince = new Date(request.now.getTime() - idleMinutes * 60_000).toISOString()
  const rows = await tx
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.orgId, actor.orgId),
        eq(sessions.userId, actor.id),
        isNull(sessions.revokedAt),
        gt(sessions.absoluteExpiresAt, now),
        gt(sessions.lastSeenAt, idleSince),
        after === undefined ? undefined : lt(sessions.id, after),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(input.limit + 1)
  return toPage(
    rows.map((row) => toSession(row, idleMinutes, actor.sessionId)),
    input.limit,
    ({ id }) => cursors.encode([id]),
  )
}

export function toSession(row: SessionRow, idleMinutes: number, currentId: string | null): Session {
  const idleEnd = Date.parse(row.lastSeenAt) + idleMinutes * 60_000
  return {
    id: row.id,
    created_at: row.createdAt,
    last_seen_at: row.lastSeenAt,
    idle_expires_at: toInstant(Math.min(idleEnd, Date.parse(row.absoluteExpiresAt))),
    absolute_expires_at: row.absoluteExpiresAt,
    method: row.method,
    ip: row.ip,
    user_agent: row.userAgent,
    current: row.id === currentId,
  }
}
