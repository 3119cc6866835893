import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { eventQuarantine } from '@/drizzle/schema/events'
import { toPage } from '@/lib/contract/page'
import type { quarantine as contract, QuarantinedEvent } from '@/lib/contract/quarantine'
import { AppError } from '@/lib/errors'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Operation } from '../routes'

const SHOWN = {
  id: eventQuarantine.id,
  gateway_id: eventQuarantine.gatewayId,
  event_id: eventQuarantine.eventId,
  reason: eventQuarantine.reason,
  state: eventQuarantine.state,
  bytes: sql<number>`octet_length(${eventQuarantine.sent})`,
  sha256: eventQuarantine.sentSha256,
  attempts: eventQuarantine.attempts,
  received_at: eventQuarantine.receivedAt,
  resolved_at: eventQuarantine.resolvedAt,
  resolved_by: eventQuarantine.resolvedBy,
} satisfies Record<keyof QuarantinedEvent, unknown>

const Position = z.string().max(64)

/** Newest first: ids sort by creation. */
export const listQuarantine: Operation<typeof contract.list> = async (ctx, input) => {
  const { tx, actor } = ctx
  const { state, limit } = input
  assertSeesAll(actor)
  const cursors = cursorsOf(ctx, 'quarantine.list', input)
  const before = cursors.decode(Position)
  const rows = await tx
    .select(SHOWN)
    .from(eventQuarantine)
    .where(
      and(
        eq(eventQuarantine.orgId, actor.orgId),
        state && eq(eventQuarantine.state, state),
        before === undefined ? undefined : lt(eventQuarantine.id, before),
      ),
    )
    .orderBy(desc(eventQuarantine.id))
    .limit(limit + 1)
  const { waiting, bytes } = await waitingIn(tx, actor.orgId)
  return { ...toPage(rows, limit, ({ id }) => cursors.encode(id)), waiting, waiting_bytes: bytes }
}

export const getQuarantined: Operation<typeof contract.get> = async ({ tx, actor }, { id }) => {
  assertSeesAll(actor)
  const [row] = await tx
    .select({ ...SHOWN, sent: eventQuarantine.sent })
    .from(eventQuarantine)
    .where(and(eq(eventQuarantine.orgId, actor.orgId), eq(eventQuarantine.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such event in the quarantine.')
  return { ...row, sent: row.sent.toString('utf8') }
}

/** What waits in an organisation. */
export async function waitingIn(tx: Transaction, orgId: string): Promise<{ waiting: number; bytes: number }> {
  const [row] = await tx
    .select({
      waiting: sql<number>`count(*)::int`,
      bytes: sql<number>`coalesce(sum(octet_length(${eventQuarantine.sent})), 0)::float8`,
    })
    .from(eventQuarantine)
    .where(and(eq(eventQuarantine.orgId, orgId), eq(eventQuarantine.state, 'waiting')))
  return row ?? { waiting: 0, bytes: 0 }
}

/** Which team an event is of is only known once it can be read. */
export function assertSeesAll({ scope }: Context['actor']): void {
  if (scope === 'org') return
  throw new AppError('forbidden', 'The quarantine is shown to those who see the whole organisation.')
}
