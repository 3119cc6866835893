'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { BudgetBar } from '@/components/budgets/budget-bar'
import { Projection, Standing } from '@/components/budgets/budget-columns'
import { budgetQueries } from '@/components/budgets/budget-queries'
import { endsAsProjected } from '@/components/budgets/budget-words'
import { moneyText } from '@/components/ui/money'
import type { Budget } from '@/lib/contract/budgets'
import { SCOPE_PARTS, type SpendScope } from '@/lib/contract/spend-shapes'
import type { FilterTerm } from '@/lib/filter'
import { nanoUsdOf } from '@/lib/money'
import { heightOf } from './usage-words'
import type { Usage } from './use-usage'

const SHOWN_MAX = 3
const DOLLARS = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' })

/** Budgets that count exactly what the page shows. */
function useMatchingBudgets({ terms, isReadable, measure }: Usage): Budget[] {
  const { data } = useQuery({ ...budgetQueries.many(), enabled: isReadable && measure === 'cost' })
  const scope = scopeOf(terms)
  if (!data || scope === null || measure !== 'cost') return []
  return data.items.filter((budget) => SCOPE_PARTS.every((part) => budget.scope[part] === scope[part]))
}

/**
 * What a filter picks as the scope of a budget; null where no budget can say the same. A budget's model is the one that was
 * asked for, and usage knows the one that answered.
 */
function scopeOf(terms: readonly FilterTerm<string>[]): SpendScope | null {
  const scope: SpendScope = {}
  for (const { field, operator, values } of terms) {
    const part = SCOPE_PARTS.find((name) => name === field && name !== 'model')
    const [value] = values
    if (!part || operator !== '=' || values.length !== 1 || !value || scope[part] !== undefined) return null
    scope[part] = value
  }
  return scope
}

/** How high a bar is that spends exactly its part of the budget: its limit spread evenly over its window. */
export function useBudgetPace(
  state: Usage,
  starts: readonly number[],
  untilMs: number,
): { value: number; label: string } | undefined {
  const [budget] = useMatchingBudgets(state).filter(({ current }) => current.resets_at !== null)
  const barMs = (starts[2] ?? untilMs) - (starts[1] ?? untilMs)
  if (!budget?.current.resets_at || barMs <= 0) return undefined
  const windowMs = Date.parse(budget.current.resets_at) - Date.parse(budget.current.starts_at)
  const limit = heightOf(nanoUsdOf(budget.current.limit_usd), 'cost')
  const value = Math.min(limit, (limit * barMs) / windowMs)
  return { value, label: `Even pace of ${budget.name}: about ${DOLLARS.format(value)} a bar` }
}

/** How the budget of what is shown stands, and where it ends up. */
export function BudgetLine({ state }: { state: Usage }) {
  const found = useMatchingBudgets(state)
  if (found.length === 0) return null
  return (
    <section aria-label="Budgets of what is shown" className="rounded-md border bg-surface">
      <ul className="divide-y">
        {found.slice(0, SHOWN_MAX).map((budget) => (
          <li key={budget.id} className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2 text-sm">
            <Link href={`/budgets?open=${budget.id}`} className="min-w-40 font-medium hover:underline">
              {budget.name}
            </Link>
            <Standing budget={budget} />
            <span className="w-40">
              <BudgetBar budget={budget} />
            </span>
            <span className="tabular-nums">
              {moneyText(budget.current.committed_usd)} of {moneyText(budget.current.limit_usd)} committed,{' '}
              {moneyText(budget.current.held_usd)} held
            </span>
            <span className="text-fg-muted">
              At this pace: <Projection budget={budget} />
              {endsAsProjected(budget) && ' at its end'}
            </span>
          </li>
        ))}
      </ul>
      {found.length > SHOWN_MAX && (
        <p className="border-t px-4 py-1.5 text-fg-muted text-xs">
          and {found.length - SHOWN_MAX} more under{' '}
          <Link href="/budgets" className="text-accent underline underline-offset-2">
            Budgets
          </Link>
        </p>
      )}
    </section>
  )
}
