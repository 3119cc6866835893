import { and, eq, inArray, sql } from 'drizzle-orm'
import { events, payloads } from '@/drizzle/schema/events'
import type { Actor, Context } from '../context'
import type { Transaction } from '../database'

export const PARTS = ['request', 'response'] as const
export type PayloadPart = (typeof PARTS)[number]
export type PayloadRow = typeof payloads.$inferSelect

/** What is known of the content of one event, by part. The caller has made sure that the actor may see it. */
export const payloadsOf = ({ tx, actor }: Pick<Context, 'tx' | 'actor'>, eventId: string): Promise<PayloadRow[]> =>
  tx
    .select()
    .from(payloads)
    .where(and(eq(payloads.orgId, actor.orgId), eq(payloads.eventId, eventId)))

/** Of these events, those that are recorded. */
export async function recordedAmong(tx: Transaction, { orgId }: Actor, eventIds: string[]): Promise<Set<string>> {
  // Ids sort by time, and the time says the month: no other partition is looked at.
  const [first, ...rest] = eventIds.toSorted()
  if (first === undefined) return new Set()
  const rows = await tx
    .select({ eventId: events.eventId })
    .from(events)
    .where(
      and(
        eq(events.orgId, orgId),
        inArray(events.eventId, eventIds),
        sql`${events.occurredAt} between event_time(${first}) and event_time(${rest.at(-1) ?? first})`,
      ),
    )
  return new Set(rows.map(({ eventId }) => eventId))
}

/** How much content is kept, for how long, and how much of it is about to go. */
export async function payloadTotals(tx: Transaction, orgId: string, dueBefore: string | null) {
  const [row] = await tx
    .select({
      kept: sql<number>`(count(*) filter (where erased_at is null and object_key is not null))::float8`,
      bytes: sql<number>`coalesce(sum(bytes) filter (where erased_at is null and object_key is not null), 0)::float8`,
      oldestAt: sql<string | null>`min(stored_at) filter (where erased_at is null and object_key is not null)`,
      due: sql<number>`(count(*) filter (where erased_at is null and object_key is not null and stored_at < ${dueBefore}::timestamptz))::float8`,
      leaving: sql<number>`(count(*) filter (where erased_at is not null and object_key is not null))::float8`,
    })
    .from(payloads)
    .where(eq(payloads.orgId, orgId))
  return row ?? { kept: 0, bytes: 0, oldestAt: null, due: 0, leaving: 0 }
}
