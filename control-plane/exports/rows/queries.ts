import { and, asc, eq, gt, gte, lt, lte, type SQL, sql } from 'drizzle-orm'
import { to as copyTo } from 'pg-copy-streams'
import { activity } from '@/drizzle/schema/activity'
import { events } from '@/drizzle/schema/events'
import { ACTIVITY_FILTER_FIELDS } from '@/lib/contract/activity'
import { EVENT_FILTER_FIELDS } from '@/lib/contract/events'
import type { ExportType } from '@/lib/contract/export-shapes'
import { parseActivityFilter, parseFilter } from '@/lib/filter'
import { ACTIVITY_COLUMNS } from '../../activity/queries'
import { connectionOf, type Transaction } from '../../database'
import { filterSql } from '../../events/filter-sql'
import { EVENT_COLUMNS } from '../../events/queries'
import type { Lines } from '../formats/encoder'
import { LineRows, type Totals } from './line-rows'

/** Which rows an export holds. `until` is not in it; `throughSeq` is. */
export type Selection = {
  orgId: string
  type: ExportType
  /** The only team whose rows are wanted; null for all. */
  teamId: string | null
  filter: string
  since: string
  until: string
  throughSeq: number
}

/** @throws AppError `invalid_filter` */
export function checkFilter(type: ExportType, filter: string): void {
  if (type === 'activity') parseActivityFilter(filter)
  else parseFilter(filter)
}

/** Without the bounds of time and of the record. */
export const eventsOf = ({ orgId, type, teamId, filter }: Selection): SQL | undefined =>
  and(
    eq(events.orgId, orgId),
    teamId === null ? undefined : eq(events.teamId, teamId),
    type === 'escalations' ? eq(events.verdict, 'escalate') : undefined,
    filterSql(parseFilter(filter), EVENT_FILTER_FIELDS, EVENT_COLUMNS),
  )

/** A team has no activity of its own. */
export const activityOf = ({ orgId, teamId, filter }: Selection): SQL | undefined =>
  and(
    eq(activity.orgId, orgId),
    teamId === null ? undefined : sql`false`,
    filterSql(parseActivityFilter(filter), ACTIVITY_FILTER_FIELDS, ACTIVITY_COLUMNS),
  )

/** A part takes longer than a statement may elsewhere: whoever reads it sets the pace. */
const PART_TIMEOUT_MS = 1_800_000

/**
 * The lines of a selection as they are stored, oldest first, in pieces of `gathered` bytes, 128 KiB unless stated. Holds one
 * piece; reads as fast as it is asked to, by COPY, which needs neither a cursor nor parsing.
 *
 * @returns their totals
 */
export async function* recordLines(
  tx: Transaction,
  selection: Selection,
  gathered?: number,
): AsyncGenerator<Lines, Totals> {
  const { since, until, throughSeq } = selection
  const query =
    selection.type === 'activity'
      ? tx
          .select({ seq: activity.seq, cost: sql`null::bigint`, hasTokens: sql`false`, line: activity.line })
          .from(activity)
          .where(
            and(activityOf(selection), gte(activity.at, since), lt(activity.at, until), lte(activity.seq, throughSeq)),
          )
          .orderBy(asc(activity.at), asc(activity.seq))
      : tx
          .select({
            seq: events.seq,
            cost: events.costNanoUsd,
            hasTokens: sql`${events.tokensTotal} is not null`,
            line: events.line,
          })
          .from(events)
          .where(
            and(
              eventsOf(selection),
              gte(events.occurredAt, since),
              lt(events.occurredAt, until),
              lte(events.seq, throughSeq),
            ),
          )
          .orderBy(asc(events.occurredAt), asc(events.seq))
  await tx.execute(sql`select set_config('statement_timeout', ${String(PART_TIMEOUT_MS)}, true)`)
  const client = connectionOf(tx)
  const stream = client.query(copyTo(`copy (${inlined(query.toSQL(), client)}) to stdout (format binary)`))
  const rows = new LineRows(gathered)
  try {
    // Destroyed, as leaving the loop early would, it never lets go of the connection.
    for await (const piece of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const lines = rows.take(piece)
      if (lines) yield lines
    }
    yield rows.end()
  } finally {
    // What is left of a COPY stands on the connection before the next answer.
    if (!stream.readableEnded && !stream.destroyed) for await (const _ of stream as AsyncIterable<Buffer>);
  }
  return rows.totals
}

/** The next lines of activity behind a place of the record, in its order. */
export const activityLines = (tx: Transaction, selection: Selection, after: number, limit: number) =>
  tx
    .select({ seq: activity.seq, line: activity.line })
    .from(activity)
    .where(
      and(
        activityOf(selection),
        gte(activity.at, selection.since),
        lt(activity.at, selection.until),
        gt(activity.seq, after),
        lte(activity.seq, selection.throughSeq),
      ),
    )
    .orderBy(asc(activity.seq))
    .limit(limit)

type Quoting = { escapeLiteral: (text: string) => string }

/** COPY takes no parameters: the driver quotes the values. The text around them is ours, with `$1` and the like. */
function inlined({ sql: text, params }: { sql: string; params: unknown[] }, quoting: Quoting): string {
  return text.replace(/\$(\d+)/g, (_, number: string) => {
    const value = params[Number(number) - 1]
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
    if (typeof value !== 'string' || value.includes('\0')) throw new Error(`No value for $${number} of an export.`)
    return quoting.escapeLiteral(value)
  })
}
