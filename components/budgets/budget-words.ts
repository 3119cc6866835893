import { percentOf, percentText } from '@/components/ui/money'
import type { StatusTone } from '@/components/ui/status-badge'
import type { Budget } from '@/lib/contract/budgets'
import { BUDGET_WINDOWS, type BudgetWindow, SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import { printFilter } from '@/lib/filter'
import { nanoUsdOf } from '@/lib/money'

export const WINDOW_WORDS: Record<BudgetWindow, string> = {
  day: 'Day',
  week: 'Week',
  month: 'Month',
  quarter: 'Quarter',
  year: 'Year',
  lifetime: 'Lifetime',
}
export const WINDOW_OPTIONS = BUDGET_WINDOWS.map((value) => ({ value, label: WINDOW_WORDS[value] }))

/** On which day a window begins where none is named. */
export const FIRST_DAY_WORDS: Record<Exclude<BudgetWindow, 'day' | 'lifetime'>, string> = {
  week: 'Each Monday',
  month: 'The 1st of each month',
  quarter: 'The 1st of each quarter',
  year: 'The 1st of each year',
}

export const ROLLOVER_WORDS = {
  none: 'Is gone',
  carry: 'Is added to the next window',
  cap: 'Is added, up to an amount',
} as const

export const ON_UNAVAILABLE_WORDS = {
  deny: 'Refuses',
  allow: 'Goes on, and tells of it later',
} as const

export const SCOPE_WORDS: Record<(typeof SCOPE_PARTS)[number], string> = {
  team_id: 'Team',
  user_id: 'User',
  agent_id: 'Agent',
  token_id: 'Key',
  model: 'Model',
  provider: 'Provider',
}

/** Which requests count: `Whole organization`, `Team Finance, model gpt-5.4`. */
export function scopeText(scope: SpendScope, teamName: (id: string) => string): string {
  const parts = SCOPE_PARTS.flatMap((part) => {
    const value = scope[part]
    return value === undefined
      ? []
      : [`${SCOPE_WORDS[part].toLowerCase()} ${part === 'team_id' ? teamName(value) : value}`]
  })
  const text = parts.join(', ')
  return text === '' ? 'Whole organization' : text.charAt(0).toUpperCase() + text.slice(1)
}

/** The same requests in the grammar of History. A budget's model is the one that was asked for. */
export const filterOfScope = (scope: SpendScope): string =>
  printFilter(
    SCOPE_PARTS.flatMap((part) => {
      const value = scope[part]
      const field = part === 'model' ? 'model_requested' : part
      return value === undefined ? [] : [{ field, operator: '=' as const, values: [value] }]
    }),
  )

/** From this part of its limit on a budget needs a person. */
const NEARLY_PERCENT = 80

/** Which part of its limit an amount is, in per cent. Of a limit of nothing anything is more than all. */
export const percentOfLimit = (usd: string, limitUsd: string): number =>
  nanoUsdOf(limitUsd) === 0n && nanoUsdOf(usd) > 0n ? Number.POSITIVE_INFINITY : percentOf(usd, limitUsd)

/** How a budget stands, on the scale of gateways and keys. */
export function standingOf({ current }: Pick<Budget, 'current'>): { label: string; tone: StatusTone; percent: number } {
  const percent = percentOfLimit(current.committed_usd, current.limit_usd)
  if (nanoUsdOf(current.excess_usd) > 0n) return { label: 'Over its limit', tone: 'bad', percent }
  if (isOfNothing({ current })) return { label: 'Nothing to spend', tone: 'neutral', percent }
  if (isUsedUp({ current })) return { label: 'Used up', tone: 'bad', percent }
  if (percent >= NEARLY_PERCENT) return { label: 'Nearly used', tone: 'attention', percent }
  if (current.projected_exhaustion_at) return { label: 'Runs out early', tone: 'attention', percent }
  return { label: 'Within its limit', tone: 'ok', percent }
}

export const isUsedUp = ({ current }: Pick<Budget, 'current'>): boolean =>
  nanoUsdOf(current.remaining_usd) === 0n && !isOfNothing({ current })

/** A limit of nothing to which nothing was charged: somebody set it so, and no part of it is used. */
const isOfNothing = ({ current }: Pick<Budget, 'current'>): boolean =>
  nanoUsdOf(current.limit_usd) === 0n && nanoUsdOf(current.committed_usd) === 0n

/** How much of a budget is used, in per cent. */
export const usedText = (budget: Pick<Budget, 'current'>): string =>
  isOfNothing(budget) ? '–' : percentText(standingOf(budget).percent)

/** Whether a person should look at it now. */
export const needsPerson = (budget: Pick<Budget, 'current'>): boolean => {
  const { tone, percent } = standingOf(budget)
  return tone === 'bad' || percent >= NEARLY_PERCENT
}

/** Whether a window comes to its end with something left: then a projection is an amount, and else a time. */
export const endsAsProjected = (budget: Pick<Budget, 'current'>): boolean =>
  !isUsedUp(budget) && budget.current.projected_exhaustion_at === null && budget.current.projected_usd !== null
