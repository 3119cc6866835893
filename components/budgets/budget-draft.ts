import { typedMoney } from '@/components/ui/money'
import { viewerZone } from '@/components/ui/viewer-zone'
import type { Budget } from '@/lib/contract/budgets'
import {
  type BUDGET_WINDOWS,
  type ON_UNAVAILABLE,
  type ROLLOVERS,
  SCOPE_PARTS,
  type SpendScope,
} from '@/lib/contract/spend-shapes'
import { nanoUsdOf, shortUsdOfNano } from '@/lib/money'

/** A budget as it stands in the form: texts, where the wire has amounts, lists and nothing. */
export type BudgetDraft = {
  name: string
  scope: Record<(typeof SCOPE_PARTS)[number], string>
  limit_usd: string
  hard: boolean
  window: (typeof BUDGET_WINDOWS)[number]
  time_zone: string
  anchor: string
  rollover: (typeof ROLLOVERS)[number]
  rollover_cap_usd: string
  /** Per cent, with commas between them. */
  thresholds: string
  on_unavailable: (typeof ON_UNAVAILABLE)[number]
}

const NO_SCOPE = { team_id: '', user_id: '', agent_id: '', token_id: '', model: '', provider: '' }

export const newDraft = (scope: SpendScope = {}): BudgetDraft => ({
  name: '',
  scope: { ...NO_SCOPE, ...scope },
  limit_usd: '',
  hard: true,
  window: 'month',
  time_zone: viewerZone(),
  anchor: '',
  rollover: 'none',
  rollover_cap_usd: '',
  thresholds: '50, 80, 100',
  on_unavailable: 'deny',
})

export const draftOf = (budget: Budget): BudgetDraft => ({
  name: budget.name,
  scope: { ...NO_SCOPE, ...budget.scope },
  limit_usd: short(budget.limit_usd),
  hard: budget.hard,
  window: budget.window,
  time_zone: budget.time_zone,
  anchor: budget.anchor ?? '',
  rollover: budget.rollover,
  rollover_cap_usd: budget.rollover_cap_usd === null ? '' : short(budget.rollover_cap_usd),
  thresholds: budget.thresholds.join(', '),
  on_unavailable: budget.on_unavailable,
})

const short = (usd: string) => shortUsdOfNano(nanoUsdOf(usd))

/** The draft as the API takes it. What is no number stays one that the contract refuses, beside its field. */
export const definitionOf = (draft: BudgetDraft) => ({
  name: draft.name,
  scope: Object.fromEntries(
    SCOPE_PARTS.map((part) => [part, draft.scope[part].trim()] as const).filter(([, value]) => value !== ''),
  ) as SpendScope,
  limit_usd: typedMoney(draft.limit_usd),
  hard: draft.hard,
  window: draft.window,
  time_zone: draft.time_zone.trim(),
  anchor: draft.anchor === '' ? null : draft.anchor,
  rollover: draft.window === 'lifetime' ? ('none' as const) : draft.rollover,
  rollover_cap_usd: draft.rollover === 'cap' && draft.window !== 'lifetime' ? typedMoney(draft.rollover_cap_usd) : null,
  thresholds: draft.thresholds
    .split(/[\s,%]+/)
    .filter(Boolean)
    .map(Number),
  on_unavailable: draft.on_unavailable,
})
