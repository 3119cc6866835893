import { and, asc, desc, eq, gt, inArray, lt, ne, notExists, sql } from 'drizzle-orm'
import { ledgerMonthSums, ledgerMonths } from '@/drizzle/schema/ledger'
import type { MonthState } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { type NanoUsd, NO_MONEY, nanoUsd, usdOfNano } from '@/lib/money'
import type { Actor } from '../../context'
import type { Transaction } from '../../database'
import { nextMonth, rangeOfMonth } from './calendar'

export type ClosedMonth = typeof ledgerMonths.$inferSelect

/** What the ledger holds under a month. */
export type MonthSums = {
  cost: NanoUsd
  transactions: number
  late: NanoUsd
  lateTransactions: number
  postedLater: NanoUsd
}

/** @throws AppError for somebody who sees one team: the ledger's months are of the whole organisation */
export function seesAll(actor: Actor): void {
  if (actor.scope === 'org') return
  throw new AppError('forbidden', 'Months and invoices are of the whole organisation; this sees one team.')
}

/** The first month that the ledger holds anything under, and those after `month`. */
export async function knownMonths(tx: Transaction, orgId: string, month: string) {
  const later = await tx
    .selectDistinct({ month: ledgerMonthSums.month })
    .from(ledgerMonthSums)
    .where(and(eq(ledgerMonthSums.orgId, orgId), gt(ledgerMonthSums.month, month)))
    .orderBy(asc(ledgerMonthSums.month))
    .limit(LATER_MAX)
  return { first: await firstMonth(tx, orgId), later: later.map((row) => row.month) }
}

export async function firstMonth(tx: Transaction, orgId: string): Promise<string | null> {
  const [row] = await tx
    .select({ month: ledgerMonthSums.month })
    .from(ledgerMonthSums)
    .where(eq(ledgerMonthSums.orgId, orgId))
    .orderBy(asc(ledgerMonthSums.month))
    .limit(1)
  return row?.month ?? null
}

/** Clocks that are ahead, and records that somebody has accepted although they say so. */
const LATER_MAX = 100

export async function closedMonths(
  tx: Transaction,
  orgId: string,
  months: readonly string[],
): Promise<Map<string, ClosedMonth>> {
  const rows =
    months.length === 0
      ? []
      : await tx
          .select()
          .from(ledgerMonths)
          .where(and(eq(ledgerMonths.orgId, orgId), inArray(ledgerMonths.month, [...months])))
  return new Map(rows.map((row) => [row.month, row]))
}

export async function lastClosedMonth(tx: Transaction, orgId: string): Promise<string | null> {
  const [last] = await tx
    .select({ month: ledgerMonths.month })
    .from(ledgerMonths)
    .where(eq(ledgerMonths.orgId, orgId))
    .orderBy(desc(ledgerMonths.month))
    .limit(1)
  return last?.month ?? null
}

/** The first month that the ledger holds anything under, the last one that was closed, and the first open one before `month`. */
export async function closingOrder(tx: Transaction, orgId: string, month: string) {
  const last = await lastClosedMonth(tx, orgId)
  const [open] = await tx
    .select({ month: ledgerMonthSums.month })
    .from(ledgerMonthSums)
    .where(
      and(
        eq(ledgerMonthSums.orgId, orgId),
        lt(ledgerMonthSums.month, month),
        notExists(
          tx
            .select({ one: sql`1` })
            .from(ledgerMonths)
            .where(and(eq(ledgerMonths.orgId, orgId), eq(ledgerMonths.month, ledgerMonthSums.month))),
        ),
      ),
    )
    .orderBy(asc(ledgerMonthSums.month))
    .limit(1)
  return { first: await firstMonth(tx, orgId), last, open: open?.month ?? null }
}

/** Those without anything are not there. */
export async function monthSums(
  tx: Transaction,
  orgId: string,
  months: readonly string[],
): Promise<Map<string, MonthSums>> {
  const wanted = sql.param([...months])
  const { rows } = await tx.execute<
    Record<'month' | 'cost' | 'transactions' | 'late' | 'late_transactions' | 'later', string>
  >(sql`
    select month, sum(cost) as cost, sum(transactions) as transactions, sum(late) as late,
      sum(late_transactions) as late_transactions, sum(later) as later
    from (
      select month, cost_nano_usd as cost, transactions, case when late_from = '' then 0 else cost_nano_usd end as late,
        case when late_from = '' then 0 else transactions end as late_transactions, 0 as later
      from ledger_month_sums where org_id = ${orgId} and month = any(${wanted}::text[])
      union all
      select late_from, 0, 0, 0, 0, cost_nano_usd
      from ledger_month_sums where org_id = ${orgId} and late_from = any(${wanted}::text[])
    ) as parts group by month`)
  return new Map(
    rows.map((row) => [
      row.month,
      {
        cost: nanoUsd(BigInt(row.cost)),
        transactions: Number(row.transactions),
        late: nanoUsd(BigInt(row.late)),
        lateTransactions: Number(row.late_transactions),
        postedLater: nanoUsd(BigInt(row.later)),
      },
    ]),
  )
}

export const NO_SUMS: MonthSums = {
  cost: NO_MONEY,
  transactions: 0,
  late: NO_MONEY,
  lateTransactions: 0,
  postedLater: NO_MONEY,
}

/** The month that can be closed next, once it is over; null when the ledger holds nothing at all. */
export const nextToClose = ({ first, last }: { first: string | null; last: string | null }): string | null =>
  last === null ? first : nextMonth(last)

/**
 * @param now by which it is over or not
 * @param isShut it is before one that was closed: nothing is posted under it any more, although nobody closed it
 * @param next the one that can be closed next
 */
export function toMonth(
  month: string,
  timeZone: string,
  now: Date,
  sums: MonthSums,
  closed: ClosedMonth | undefined,
  { isShut = false, next = null }: { isShut?: boolean; next?: string | null } = {},
): MonthState {
  const { sinceMs, untilMs } = rangeOfMonth(month, timeZone)
  return {
    month,
    starts_at: closed?.startsAt ?? new Date(sinceMs).toISOString(),
    ends_at: closed?.endsAt ?? new Date(untilMs).toISOString(),
    state: closed || isShut ? 'closed' : 'open',
    is_over: closed !== undefined || untilMs <= now.getTime(),
    is_next_to_close: month === next,
    closed_at: closed?.closedAt ?? null,
    closed_by: closed ? { id: closed.closedById, name: closed.closedByName } : null,
    cost_usd: usdOfNano(closed?.cost ?? sums.cost),
    transactions: closed?.transactions ?? sums.transactions,
    late_usd: usdOfNano(sums.late),
    late_transactions: sums.lateTransactions,
    posted_later_usd: usdOfNano(sums.postedLater),
  }
}

/** What came late under a month, by what it was for; and by the month that it is of. */
export async function lateLines(tx: Transaction, orgId: string, month: string) {
  const ofMonth = and(
    eq(ledgerMonthSums.orgId, orgId),
    eq(ledgerMonthSums.month, month),
    ne(ledgerMonthSums.lateFrom, ''),
  )
  const cost = sql`sum(${ledgerMonthSums.cost})`.mapWith((sum) => nanoUsd(BigInt(sum)))
  const { provider, model, teamId, tokenId, tokenName, lateFrom } = ledgerMonthSums
  const lines = await tx
    .select({
      provider,
      model,
      teamId,
      tokenId,
      tokenName,
      cost,
      requests: sql`sum(${ledgerMonthSums.requests})`.mapWith(Number),
    })
    .from(ledgerMonthSums)
    .where(ofMonth)
    .groupBy(provider, model, teamId, tokenId, tokenName)
    .orderBy(desc(sql`abs(sum(${ledgerMonthSums.cost}))`))
    .limit(LINES_MAX)
  const months = await tx
    .select({ month: lateFrom, cost, transactions: sql`sum(${ledgerMonthSums.transactions})`.mapWith(Number) })
    .from(ledgerMonthSums)
    .where(ofMonth)
    .groupBy(lateFrom)
    .orderBy(desc(lateFrom))
    .limit(LATE_MONTHS_MAX)
  return { lines, months }
}

const LINES_MAX = 20_000
/** As many as a report shows. */
const LATE_MONTHS_MAX = 100
