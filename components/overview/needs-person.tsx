'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { Projection, Standing } from '@/components/budgets/budget-columns'
import { budgetQueries } from '@/components/budgets/budget-queries'
import { needsPerson, standingOf } from '@/components/budgets/budget-words'
import { useCan } from '@/components/shell/whoami-context'
import { moneyText, percentText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'

const SHOWN_MAX = 5

/** What needs a person now: budgets of which most is used. Absent while nothing does. */
export function NeedsPerson() {
  const maySpend = useCan('spend:read')
  return maySpend ? <Budgets /> : null
}

function Budgets() {
  const { data } = useQuery(budgetQueries.many())
  const found = (data?.items ?? [])
    .filter(needsPerson)
    .toSorted((a, b) => standingOf(b).percent - standingOf(a).percent)
  if (found.length === 0) return null
  return (
    <section aria-labelledby="needs-person" className="rounded-md border bg-surface">
      <h2 id="needs-person" className="border-b px-4 py-3 font-medium">
        Needs a person now
      </h2>
      <ul className="divide-y">
        {found.slice(0, SHOWN_MAX).map((budget) => (
          <li key={budget.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
            <Link href={`/budgets?open=${budget.id}`} className="min-w-40 font-medium hover:underline">
              {budget.name}
            </Link>
            <Standing budget={budget} />
            <span className="tabular-nums">
              {percentText(standingOf(budget).percent)}: {moneyText(budget.current.committed_usd)} of{' '}
              {moneyText(budget.current.limit_usd)}
            </span>
            <span className="text-fg-muted">
              {budget.current.projected_exhaustion_at ? (
                <Projection budget={budget} />
              ) : (
                budget.current.resets_at && (
                  <>
                    resets <RelativeTime at={budget.current.resets_at} />
                  </>
                )
              )}
            </span>
          </li>
        ))}
      </ul>
      {found.length > SHOWN_MAX && (
        <p className="border-t px-4 py-2 text-fg-muted text-xs">
          and {found.length - SHOWN_MAX} more under{' '}
          <Link href="/budgets" className="text-accent underline underline-offset-2">
            Budgets
          </Link>
        </p>
      )}
    </section>
  )
}
