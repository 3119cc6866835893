import type { MonthReport } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import { type NanoUsd, NO_MONEY, nanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'
import type { Actor } from '../../context'
import type { Transaction } from '../../database'
import { ceilTo, floorTo, HOUR_MS, type Range } from '../../events/counts/range'
import { conditionOf } from '../../events/queries'
import { sumUsage } from '../queries'
import type { Question } from '../question'
import { lateLines } from './queries'

/** What a month consists of, each list coming to what the ledger holds under it. */
export type Consists = Pick<MonthReport, 'by_model' | 'by_team' | 'by_key' | 'late'>

/** Groups that are looked at; of a report the dearest are shown, and the others are one row. */
const GROUPS_MAX = 5_000
const SHOWN_MAX = 499
const OTHERS = '*'

type Part = { values: string[]; cost: NanoUsd; requests: number; unpriced: number }

/**
 * What an open month consists of: what requests that began in it cost, which usage has by whom and for what, and what came late
 * under it. Whatever else there may be, such as transactions that were posted under it while months began by other clocks, is in
 * the row of the others.
 */
export async function reportOf(
  tx: Transaction,
  actor: Actor,
  month: string,
  range: Range,
  cost: NanoUsd,
): Promise<Consists> {
  const { lines, months } = await lateLines(tx, actor.orgId, month)
  const partsOf = async (dimensions: Question['dimensions'], late: (line: (typeof lines)[number]) => string[]) => {
    const groups = await groupsOf(tx, actor, range, dimensions)
    return ranked([...groups, ...lines.map((line) => ({ ...line, unpriced: 0, values: late(line) }))], cost)
  }
  const byModel = await partsOf(['provider', 'model'], ({ provider, model }) => [provider, model])
  const byTeam = await partsOf(['team_id'], ({ teamId }) => [teamId])
  const byKey = await partsOf(['token_id', 'token_name'], ({ tokenId, tokenName }) => [tokenId, tokenName])
  const told = ({ cost, requests, unpriced }: Part) => ({ cost_usd: usdOfNano(cost), requests, unpriced })
  return {
    by_model: byModel.map((part) => ({
      provider: part.values[0] ?? OTHERS,
      model: part.values[1] ?? OTHERS,
      ...told(part),
    })),
    by_team: byTeam.map((part) => ({ team_id: part.values[0] ?? OTHERS, name: null, ...told(part) })),
    by_key: byKey.map((part) => ({
      token_id: part.values[0] ?? OTHERS,
      token_name: part.values[1] ?? OTHERS,
      ...told(part),
    })),
    late: months.map((one) => ({ month: one.month, cost_usd: usdOfNano(one.cost), transactions: one.transactions })),
  }
}

async function groupsOf(
  tx: Transaction,
  actor: Actor,
  range: Range,
  dimensions: Question['dimensions'],
): Promise<Part[]> {
  const question = (sinceMs: number, untilMs: number): Question => ({
    actor,
    condition: conditionOf(actor, undefined),
    dimensions,
    bounds: [sinceMs, untilMs],
    timeZone: 'UTC',
  })
  const most = { limit: GROUPS_MAX, pointsMax: 0 }
  // Hours whose events retention has dropped can only be taken as a whole.
  const usage = await sumUsage(tx, question(range.sinceMs, range.untilMs), most).catch((thrown) => {
    if (!(thrown instanceof AppError) || thrown.code !== 'unprocessable') throw thrown
    return sumUsage(tx, question(floorTo(range.sinceMs, HOUR_MS), ceilTo(range.untilMs, HOUR_MS)), most)
  })
  const rest = usage.rest ? [{ values: [], sums: usage.rest.sums }] : []
  return [...usage.groups, ...rest].map(({ values, sums }) => ({
    values,
    cost: nanoUsdOf(sums.cost_usd),
    requests: sums.requests,
    unpriced: sums.unpriced,
  }))
}

/** The dearest first, then one row without values for all that is not among them. */
function ranked(parts: Part[], cost: NanoUsd): Part[] {
  const sums = new Map<string, Part>()
  for (const { values, cost, requests, unpriced } of parts) {
    const key = JSON.stringify(values)
    const known = sums.get(key)
    sums.set(key, {
      values,
      cost: nanoUsd((known?.cost ?? NO_MONEY) + cost),
      requests: (known?.requests ?? 0) + requests,
      unpriced: (known?.unpriced ?? 0) + unpriced,
    })
  }
  const named = [...sums.values()].filter(({ values }) => values.length > 0)
  named.sort((a, b) => (a.cost === b.cost ? b.requests - a.requests : a.cost < b.cost ? 1 : -1))
  const shown = named.slice(0, SHOWN_MAX)
  const others = [...named.slice(SHOWN_MAX), ...[...sums.values()].filter(({ values }) => values.length === 0)]
  const requests = others.reduce((sum, part) => sum + part.requests, 0)
  const unpriced = others.reduce((sum, part) => sum + part.unpriced, 0)
  const left = nanoUsd(shown.reduce((sum, part) => sum - part.cost, cost as bigint))
  return left === 0n && requests === 0 ? shown : [...shown, { values: [], cost: left, requests, unpriced }]
}
