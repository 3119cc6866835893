import { and, asc, eq, gte, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { events, legalHolds, payloads } from '@/drizzle/schema/events'
import type { Actor } from '../../context'
import type { Transaction } from '../../database'
import { conditionOf } from '../../events/queries'

export type ErasureRange = { filter?: string | undefined; since?: string | undefined; until?: string | undefined }

/** Content that can still be erased, of the events of a filter that the actor may see. Times are RFC 3339. */
export function erasable(actor: Actor, { filter, since, until }: ErasureRange): SQL | undefined {
  return and(
    eq(payloads.orgId, actor.orgId),
    isNull(payloads.erasedAt),
    conditionOf(actor, filter).onEvents,
    since === undefined ? undefined : gte(events.occurredAt, since),
    until === undefined ? undefined : lt(events.occurredAt, until),
  )
}

/** Events of the content that a condition lets through, oldest first. */
export async function eventsWithContent(tx: Transaction, condition: SQL | undefined, limit: number): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ eventId: payloads.eventId })
    .from(payloads)
    .innerJoin(events, ofSameEvent)
    .where(condition)
    .orderBy(asc(payloads.eventId))
    .limit(limit)
  return rows.map(({ eventId }) => eventId)
}

/** Name and id of a standing hold over any of that content; undefined when there is none. */
export async function holdOver(tx: Transaction, condition: SQL | undefined) {
  const [hold] = await tx
    .select({ id: legalHolds.id, name: legalHolds.name })
    .from(payloads)
    .innerJoin(events, ofSameEvent)
    .innerJoin(legalHolds, and(eq(legalHolds.orgId, payloads.orgId), isNull(legalHolds.releasedAt), covers))
    .where(condition)
    .limit(1)
  return hold
}

/** The id says when an event occurred, so that one partition is looked at. */
const ofSameEvent = and(
  eq(events.orgId, payloads.orgId),
  eq(events.eventId, payloads.eventId),
  sql`${events.occurredAt} = event_time(${payloads.eventId})`,
)
const covers = sql`(${legalHolds.since} is null or ${events.occurredAt} >= ${legalHolds.since}) and (${legalHolds.until} is null or ${events.occurredAt} < ${legalHolds.until})`

/** Content that no hold covers and whose time is over, oldest first. */
export async function outlived(
  tx: Transaction,
  orgId: string,
  due: SQL,
  limit: number,
): Promise<{ eventId: string; storedAt: string }[]> {
  return tx
    .select({ eventId: payloads.eventId, storedAt: payloads.storedAt })
    .from(payloads)
    .where(
      and(
        eq(payloads.orgId, orgId),
        isNull(payloads.erasedAt),
        due,
        sql`not exists (
          select from ${legalHolds} where ${legalHolds.orgId} = ${payloads.orgId} and ${legalHolds.releasedAt} is null
            and (${legalHolds.since} is null or event_time(${payloads.eventId}) >= ${legalHolds.since})
            and (${legalHolds.until} is null or event_time(${payloads.eventId}) < ${legalHolds.until}))`,
      ),
    )
    .orderBy(payloads.storedAt)
    .limit(limit)
}

/** Content that was stored before an instant. */
export const storedBefore = (at: string): SQL => sql`${payloads.storedAt} < ${at}`

/** Content of events that occurred in a month, `2026-04`. */
export const occurredIn = (month: string): SQL =>
  sql`${payloads.eventId} >= first_event_id(${`${month}-01`}::timestamptz) and ${payloads.eventId} < first_event_id(${`${month}-01`}::timestamptz + interval '1 month')`

/**
 * Whether anything in an object can still be read. Asked once for each object, not for each of its rows: what was erased a
 * moment ago still stands in the index and is looked through each time. A subquery with a limit never becomes a join with
 * all there is.
 */
const isAlive = (orgId: string, objectKey: SQL) => sql`(
  select true from ${payloads} where ${payloads.orgId} = ${orgId} and ${payloads.objectKey} = ${objectKey}
    and ${payloads.erasedAt} is null limit 1) is not null`

/** Erased content in one of these objects that others are kept in: nothing of it is left to be taken away. */
export const amongOthers = (orgId: string, objectKeys: string[]): SQL | undefined =>
  and(
    eq(payloads.orgId, orgId),
    isNotNull(payloads.erasedAt),
    sql`${payloads.objectKey} = any(array(
      select key from unnest(${sql.param(objectKeys)}::text[]) as named (key) where ${isAlive(orgId, sql`named.key`)}))`,
  )

/** Objects in which nothing is kept any more, and that have still to be deleted. */
export async function leaving(tx: Transaction, orgId: string, limit: number): Promise<string[]> {
  // OFFSET keeps the condition out of the inner query, where it would be asked for each row.
  const { rows } = await tx.execute<{ key: string }>(sql`
    select key from (
      select distinct ${payloads.objectKey} as key from ${payloads}
      where ${payloads.orgId} = ${orgId} and ${payloads.erasedAt} is not null and ${payloads.objectKey} is not null
      order by 1 offset 0
    ) as named where not ${isAlive(orgId, sql`named.key`)} limit ${limit}`)
  return rows.map(({ key }) => key)
}

/** Of these keys of objects, those that no row names. */
export async function unclaimed(tx: Transaction, orgId: string, keys: string[]): Promise<string[]> {
  if (keys.length === 0) return []
  const rows = await tx
    .selectDistinct({ objectKey: payloads.objectKey })
    .from(payloads)
    .where(and(eq(payloads.orgId, orgId), inArray(payloads.objectKey, keys)))
  const claimed = new Set(rows.map(({ objectKey }) => objectKey))
  return keys.filter((key) => !claimed.has(key))
}
