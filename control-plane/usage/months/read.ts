import { z } from 'zod'
import { toPage } from '@/lib/contract/page'
import type { usage as contract, MonthReport } from '@/lib/contract/usage'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import { reportZone } from '../../ledger/queries'
import type { Input } from '../../routes'
import { teamNames } from '../queries'
import { monthAt, previousMonth, rangeOfMonth } from './calendar'
import {
  closedMonths,
  firstMonth,
  knownMonths,
  lastClosedMonth,
  monthSums,
  NO_SUMS,
  nextToClose,
  seesAll,
  toMonth,
} from './queries'
import { type Consists, reportOf } from './report'

const EMPTY: Consists = { by_model: [], by_team: [], by_key: [], late: [] }

/** From the first that the ledger knows to that of now, newest first; and what it holds under months to come. */
export async function listMonths(ctx: Context, input: Input<typeof contract.months>) {
  const { tx, actor, request } = ctx
  seesAll(actor)
  const cursors = cursorsOf(ctx, 'usage.months', input)
  const before = cursors.decode(z.string())
  const timeZone = await reportZone(tx, actor.orgId)
  const current = monthAt(request.now.getTime(), timeZone)
  const { first, later } = await knownMonths(tx, actor.orgId, current)
  const months = later.toReversed()
  for (let month = current; month >= (first ?? current); month = previousMonth(month)) months.push(month)
  const page = toPage(
    months.filter((month) => before === undefined || month < before).slice(0, input.limit + 1),
    input.limit,
    cursors.encode,
  )
  const sums = await monthSums(tx, actor.orgId, page.items)
  const closed = await closedMonths(tx, actor.orgId, page.items)
  const next = nextToClose({ first, last: await lastClosedMonth(tx, actor.orgId) })
  return {
    ...page,
    items: page.items.map((month) =>
      toMonth(month, timeZone, request.now, sums.get(month) ?? NO_SUMS, closed.get(month), { next }),
    ),
  }
}

/** A month with what it consists of: of a closed one as it was then. */
export async function getMonth(ctx: Context, { month }: Input<typeof contract.month>): Promise<MonthReport> {
  const { tx, actor, request } = ctx
  seesAll(actor)
  const timeZone = await reportZone(tx, actor.orgId)
  const sums = (await monthSums(tx, actor.orgId, [month])).get(month) ?? NO_SUMS
  const closed = (await closedMonths(tx, actor.orgId, [month])).get(month)
  const last = await lastClosedMonth(tx, actor.orgId)
  const next = nextToClose({ first: await firstMonth(tx, actor.orgId), last })
  const isShut = !closed && last !== null && month < last
  // What requests of it cost is part of the months that it was posted under.
  const isEmpty = isShut && sums.transactions === 0
  const report =
    closed?.report ?? (isEmpty ? EMPTY : await reportOf(tx, actor, month, rangeOfMonth(month, timeZone), sums.cost))
  const names = await teamNames(
    tx,
    actor.orgId,
    report.by_team.map(({ team_id }) => team_id),
  )
  return {
    ...toMonth(month, timeZone, request.now, sums, closed, { isShut, next }),
    ...report,
    by_team: report.by_team.map((part) => ({ ...part, name: names.get(part.team_id) ?? null })),
  }
}
