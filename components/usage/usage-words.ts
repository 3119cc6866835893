import { moneyText } from '@/components/ui/money'
import { VERDICT_LOOK, type VerdictName } from '@/components/ui/verdict-badge'
import { USAGE_DIMENSIONS, type UsageDimension, type UsageSums } from '@/lib/contract/usage'
import type { FilterFields } from '@/lib/filter'
import { nanoUsdOf, usdOfNano } from '@/lib/money'

/** What the page groups by. */
export const GROUPS = [
  'team_id',
  'agent_id',
  'token_id',
  'model',
  'provider',
  'user_id',
  'verdict',
] as const satisfies UsageDimension[]
export type Group = (typeof GROUPS)[number]

export const GROUP_WORDS: Record<Group, { label: string; none: string }> = {
  team_id: { label: 'Team', none: 'No team' },
  agent_id: { label: 'Agent', none: 'No agent' },
  token_id: { label: 'Key', none: 'No key' },
  model: { label: 'Model', none: 'No model' },
  provider: { label: 'Provider', none: 'No provider' },
  user_id: { label: 'User', none: 'No user' },
  verdict: { label: 'Verdict', none: 'No verdict' },
}

export const MEASURES = ['cost', 'requests', 'tokens'] as const
export type Measure = (typeof MEASURES)[number]

export const MEASURE_WORDS: Record<Measure, string> = { cost: 'Cost', requests: 'Requests', tokens: 'Tokens' }

/** What a measure is of some sums: nano-dollars, or a count. */
export function amountOf(sums: UsageSums, measure: Measure): bigint {
  if (measure === 'cost') return nanoUsdOf(sums.cost_usd)
  return BigInt(measure === 'requests' ? sums.requests : sums.tokens_total)
}

export const amountText = (amount: bigint, measure: Measure): string =>
  measure === 'cost' ? moneyText(usdOfNano(amount)) : amount.toLocaleString('en')

/** How high something is drawn: dollars, or a count. */
export const heightOf = (amount: bigint, measure: Measure): number =>
  measure === 'cost' ? Number(amount) / 1e9 : Number(amount)

/** What a filter on this page may name: what usage can be told apart by. */
export const USAGE_FILTER_FIELDS = Object.fromEntries(
  USAGE_DIMENSIONS.map((dimension) => [dimension, 'text']),
) as FilterFields<UsageDimension>

/** What a group is called. */
export function groupText(group: Group, value: string, name: string | null): string {
  if (value === '') return GROUP_WORDS[group].none
  if (group === 'verdict') return VERDICT_LOOK[value as VerdictName]?.past ?? value
  return name ?? value
}

/** Requests that used tokens whose price nobody knows, as History finds them. */
export const UNPRICED_FILTER = 'cost_usd="" tokens_total>0'

/** How much more or less than before, in per cent; null where there is nothing to compare with. */
export function changeOf(now: bigint, before: bigint): number | null {
  if (before === 0n) return now === 0n ? 0 : null
  return Number(((now - before) * 1_000n) / before) / 10
}

/** The same as a note below a sum. */
export const againstText = (change: number | null): string =>
  change === null ? 'nothing in the previous period' : `${changeText(change)} vs. previous period`

export function changeText(change: number | null): string {
  if (change === null) return 'new'
  if (change === 0) return 'no change'
  const size = Math.abs(change).toLocaleString('en', { maximumFractionDigits: Math.abs(change) < 10 ? 1 : 0 })
  return `${change > 0 ? '+' : '−'}${size} %`
}

/** Whether nothing of what requests cost is known, which is not the same as nothing. */
export const isUnknownCost = (usd: string, unpriced: number): boolean => unpriced > 0 && nanoUsdOf(usd) === 0n
