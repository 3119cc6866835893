import { sql } from 'drizzle-orm'
import { appendAudit } from '../audit/append'
import type { Services } from '../context'
import type { Database } from '../database'
import { systemActor, systemRequest } from '../system'
import { bindTenant } from '../tenant'

/** Months of events ahead of now, so that none begins without its partition. */
export const MONTHS_AHEAD = 3

export async function ensureEventMonths(db: Database): Promise<void> {
  await db.execute(sql`select ensure_event_months(${MONTHS_AHEAD})`)
}

type Retired = { tenant: string; events: string; first_seq: string; last_seq: string; ranges_sha256: string }

/**
 * Drops a month of events, which the database itself checks (drizzle/functions.sql). Each organisation gets an entry of
 * activity with the digest of its `retirements` row in the same transaction, so that the signed record says what is gone.
 *
 * @returns how many events were dropped of each organisation that had any
 */
export const retireMonth = ({ db }: Pick<Services, 'db'>, month: string): Promise<Map<string, number>> =>
  db.transaction(async (tx) => {
    // Reading the places of ten million events takes longer than a request may; waiting for a long export must not hold up
    // those that record.
    await tx.execute(sql`set local statement_timeout = '15min'`)
    await tx.execute(sql`set local lock_timeout = '2s'`)
    const { rows } = await tx.execute<Retired>(sql`select * from retire_events(${month})`)
    const dropped = new Map<string, number>()
    for (const { tenant, events, first_seq, last_seq, ranges_sha256 } of rows) {
      await bindTenant(tx, tenant)
      await appendAudit(
        { tx, actor: systemActor(tenant), request: systemRequest() },
        {
          action: 'events.retired',
          target: { type: 'month', id: month },
          after: {
            month,
            events: Number(events),
            first_seq: Number(first_seq),
            last_seq: Number(last_seq),
            ranges_sha256,
          },
        },
      )
      dropped.set(tenant, Number(events))
    }
    return dropped
  })
