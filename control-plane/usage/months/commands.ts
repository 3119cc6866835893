import { createHash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { ledgerMonths } from '@/drizzle/schema/ledger'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { usage as contract, MonthState } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { canonicalJson } from '@/lib/trail/canonical'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import { toInstant } from '../../instant'
import { reportZone } from '../../ledger/queries'
import type { Input } from '../../routes'
import { localText } from '../local-time'
import { nextMonth, rangeOfMonth } from './calendar'
import { closedMonths, closingOrder, monthSums, NO_SUMS, seesAll, toMonth } from './queries'
import { reportOf } from './report'

/**
 * Closes a month for good. What is recorded for it later is posted under the first one that is open, and says so.
 *
 * @throws AppError `unprocessable` while it is not over; `conflict` when it is closed, or another one has to be first
 */
export async function closeMonth(
  ctx: Context,
  { month, note }: Input<typeof contract.closeMonth>,
): Promise<MonthState> {
  const { tx, actor, request } = ctx
  const { orgId } = actor
  seesAll(actor)
  // Whoever records events holds them: nothing can be posted under the month between its sums and its end.
  await tx.select().from(orgCounters).where(eq(orgCounters.orgId, orgId)).for('update')
  const timeZone = await reportZone(tx, orgId)
  const range = rangeOfMonth(month, timeZone)
  if (request.now.getTime() < range.untilMs) {
    throw new AppError('unprocessable', `${month} is not over before ${localText(range.untilMs, timeZone)}.`)
  }
  const known = (await closedMonths(tx, orgId, [month])).get(month)
  if (known) throw new AppError('conflict', `${month} was closed by ${known.closedByName} at ${known.closedAt}.`)
  const { first, last, open } = await closingOrder(tx, orgId, month)
  if (last !== null && month < last) {
    const words = `The books up to ${last} are shut: what is recorded of ${month} is posted under the first month that is open.`
    throw new AppError('conflict', words)
  }
  if (first === null || month < first) {
    throw new AppError('unprocessable', `The ledger holds nothing up to ${month}: there is nothing to close.`)
  }
  const due = open ?? (last !== null && month > nextMonth(last) ? nextMonth(last) : null)
  if (due !== null) throw new AppError('conflict', `Months are closed in order: ${due} is first.`)

  const sums = (await monthSums(tx, orgId, [month])).get(month) ?? NO_SUMS
  const report = await reportOf(tx, actor, month, range, sums.cost)
  const [closed] = await tx
    .insert(ledgerMonths)
    .values({
      orgId,
      month,
      startsAt: toInstant(range.sinceMs),
      endsAt: toInstant(range.untilMs),
      closedAt: toInstant(request.now),
      closedById: actor.id,
      closedByName: actor.name,
      cost: sums.cost,
      transactions: sums.transactions,
      report,
      note: note ?? null,
    })
    .returning()
  if (!closed) throw new Error('The month was not stored.')
  const state = toMonth(month, timeZone, request.now, sums, closed)
  await appendAudit(ctx, {
    action: 'usage.month_closed',
    target: { type: 'month', id: month, name: note ?? null },
    after: {
      time_zone: timeZone,
      starts_at: state.starts_at,
      ends_at: state.ends_at,
      cost_usd: state.cost_usd,
      transactions: state.transactions,
      late_usd: state.late_usd,
      late_transactions: state.late_transactions,
      by_model: report.by_model.slice(0, MODELS_SHOWN_MAX),
      // Of by_model, by_team, by_key and late as `GET /v1/usage/months/:month` has them, without the names of teams.
      report_sha256: createHash('sha256').update(canonicalJson(report)).digest('hex'),
    },
  })
  return state
}

/** The entry shows so many; its checksum is of all. */
const MODELS_SHOWN_MAX = 50
