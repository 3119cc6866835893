'use client'

import { useQuery } from '@tanstack/react-query'
import { budgetQueries } from '@/components/budgets/budget-queries'
import { usedText } from '@/components/budgets/budget-words'
import { aboutText, moneyText } from '@/components/ui/money'
import { Skeleton } from '@/components/ui/skeleton'
import { Stat } from '@/components/ui/stat'
import { overviewQueries } from './overview-queries'

/** Spend against the budget of the whole organisation; without one, what the last thirty days cost. */
export function SpendStat() {
  const budgets = useQuery(budgetQueries.many())
  const whole = budgets.data?.items
    .filter(({ scope }) => Object.keys(scope).length === 0)
    .toSorted((a, b) => Number(b.hard) - Number(a.hard))
  const [budget] = whole ?? []
  const spend = useQuery({ ...overviewQueries.spend(), enabled: whole !== undefined && budget === undefined })
  if (budget) {
    const { current, name, id } = budget
    return (
      <Stat
        label="Spend against budget"
        value={usedText(budget)}
        note={`${aboutText(current.committed_usd)} of ${moneyText(current.limit_usd)}: ${name}`}
        href={`/budgets?open=${id}`}
      />
    )
  }
  const error = budgets.error ?? spend.error
  return (
    <Stat
      label="Spend, last 30 days"
      value={
        spend.data ? (
          moneyText(spend.data.total.cost_usd)
        ) : error ? (
          <span className="text-fg-muted text-sm">Not available</span>
        ) : (
          <Skeleton className="my-1 w-16" />
        )
      }
      note={spend.data && 'No budget for the whole organization'}
      href="/usage"
    />
  )
}
