import { and, asc, eq, gt, inArray, lte, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { events, usageDaily, usageTotals } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { Transaction } from '../../../database'
import type { StoredRecord } from '../../tree/copied-records'
import { storedRecords } from '../../tree/queries'
import { LOOKED_AT } from './quick-look'

export type EventRow = typeof events.$inferSelect
export type ActivityRow = typeof activity.$inferSelect

/** Of one UTC day, `YYYY-MM-DD`, and verdict. */
export type Counted = { day: string; verdict: string; events: number }
export type Stated = Counted & { table: 'usage_daily' | 'usage_totals' }

/** Stored records in the order of their seq, with the columns that a quick look compares with their lines. */
export const comparedRecords = (
  tx: Transaction,
  orgId: string,
  first: number,
  last: number,
): AsyncGenerator<StoredRecord[]> => storedRecords(tx, orgId, { first, last, columns: LOOKED_AT })

/** Two for a seq that is taken twice. */
export const eventsAt = (tx: Transaction, orgId: string, seqs: number[]): Promise<EventRow[]> =>
  tx
    .select()
    .from(events)
    .where(and(eq(events.orgId, orgId), inArray(events.seq, seqs)))
    .orderBy(asc(events.seq))

/** The first entries after a seq, up to `last`. */
export const activityAfter = (tx: Transaction, orgId: string, after: number, last: number, limit: number) =>
  tx
    .select()
    .from(activity)
    .where(and(eq(activity.orgId, orgId), gt(activity.seq, after), lte(activity.seq, last)))
    .orderBy(asc(activity.seq))
    .limit(limit)

/** What is counted by day and verdict, and the last seq that is counted in it: one statement sees one moment. */
export async function statedCounts(tx: Transaction, orgId: string): Promise<{ size: number; stated: Stated[] }> {
  const by = (table: typeof usageDaily | typeof usageTotals, name: Stated['table']) => sql`
    select ${sql.raw(`'${name}'`)} as table, to_char(${table.at} at time zone 'UTC', 'YYYY-MM-DD') as day,
      ${table.verdict} as verdict, sum(${table.events})::float8 as events
    from ${table} where ${table.orgId} = ${orgId} group by 2, 3`
  const { rows } = await tx.execute<{ size: string | null; stated: Stated[] | null }>(sql`
    select (select ${orgCounters.seq} from ${orgCounters} where ${orgCounters.orgId} = ${orgId}) as size,
      (select json_agg(counts) from (${by(usageDaily, 'usage_daily')} union all ${by(usageTotals, 'usage_totals')}) as counts)
        as stated`)
  const [row] = rows
  if (!row || row.size === null) throw new Error(`Organisation ${orgId} has no counters.`)
  return { size: Number(row.size), stated: row.stated ?? [] }
}
