import type { Budget, Raise } from '@/lib/contract/budgets'
import type { SpendScope } from '@/lib/contract/spend-shapes'
import { usdOfNano } from '@/lib/money'
import { largestOf } from '@/lib/spend/extremes'
import { nextResets } from '@/lib/spend/windows'
import { ruleOf } from './ensure-periods'
import { isoOf, limitOf, type Period, remainingOf } from './period'
import { projectionOf } from './projection'
import type { BudgetRow, RaiseRow } from './queries'

type ScopeColumns = Pick<BudgetRow, 'teamId' | 'userId' | 'agentId' | 'tokenId' | 'model' | 'provider'>

/** Without the parts that are any. */
export const scopeOf = (row: ScopeColumns): SpendScope => ({
  ...(row.teamId === null ? {} : { team_id: row.teamId }),
  ...(row.userId === null ? {} : { user_id: row.userId }),
  ...(row.agentId === null ? {} : { agent_id: row.agentId }),
  ...(row.tokenId === null ? {} : { token_id: row.tokenId }),
  ...(row.model === null ? {} : { model: row.model }),
  ...(row.provider === null ? {} : { provider: row.provider }),
})

type Reached = Budget['current']['thresholds_reached']

export function budgetShape(row: BudgetRow, period: Period, reached: Reached, nowMs: number): Budget {
  const { projected, exhaustedAt } = projectionOf(period, nowMs)
  return {
    ...definitionShape(row),
    id: row.id as Budget['id'],
    version: row.version,
    created_at: row.createdAt,
    created_by: { id: row.createdById, name: row.createdByName },
    updated_at: row.updatedAt,
    current: {
      starts_at: isoOf(period.startsMs),
      resets_at: period.endsMs === null ? null : isoOf(period.endsMs),
      limit_usd: usdOfNano(limitOf(period)),
      carried_usd: usdOfNano(period.carried),
      raised_usd: usdOfNano(period.raised),
      committed_usd: usdOfNano(period.spent),
      held_usd: usdOfNano(period.leased),
      remaining_usd: usdOfNano(largestOf(0n, remainingOf(period))),
      excess_usd: usdOfNano(period.excess),
      projected_usd: projected === null ? null : usdOfNano(projected),
      projected_exhaustion_at: exhaustedAt,
      thresholds_reached: reached,
    },
    next_resets: nextResets(ruleOf(row), nowMs).map(isoOf),
  }
}

type Definition = Pick<
  Budget,
  | 'name'
  | 'scope'
  | 'limit_usd'
  | 'hard'
  | 'window'
  | 'time_zone'
  | 'anchor'
  | 'rollover'
  | 'rollover_cap_usd'
  | 'thresholds'
  | 'on_unavailable'
>

/** What somebody decided about it. */
export const definitionShape = (row: BudgetRow): Definition => ({
  name: row.name,
  scope: scopeOf(row),
  limit_usd: usdOfNano(row.limit),
  hard: row.hard,
  window: row.window,
  time_zone: row.timeZone,
  anchor: row.anchor,
  rollover: row.rollover,
  rollover_cap_usd: row.rolloverCap === null ? null : usdOfNano(row.rolloverCap),
  thresholds: row.thresholds,
  on_unavailable: row.onUnavailable,
})

export const raiseShape = (row: RaiseRow): Raise => ({
  id: row.id as Raise['id'],
  amount_usd: usdOfNano(row.amount),
  reason: row.reason,
  approved_by: row.approvedBy,
  created_at: row.createdAt,
  created_by: { id: row.createdById, name: row.createdByName },
  expires_at: row.expiresAt,
  ended_at: row.endedAt,
})
