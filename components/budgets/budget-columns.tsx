import { BriefMoney } from '@/components/ui/brief-money'
import type { Column } from '@/components/ui/data-table'
import { aboutText, widthOfAmounts } from '@/components/ui/money'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import type { Budget } from '@/lib/contract/budgets'
import { BudgetBar } from './budget-bar'
import { isUsedUp, scopeText, standingOf, usedText, WINDOW_WORDS } from './budget-words'

export function budgetColumns(teamName: (id: string) => string, rows: readonly Budget[]): Column<Budget>[] {
  const money = (id: string, header: string, amountOf: (budget: Budget) => string): Column<Budget> => ({
    id,
    header,
    width: widthOfAmounts(rows.map((budget) => aboutText(amountOf(budget)))),
    align: 'right',
    sortValue: (budget) => Number(amountOf(budget)),
    cell: (budget) => <BriefMoney usd={amountOf(budget)} />,
  })
  return [
    {
      id: 'name',
      header: 'Budget',
      sortValue: ({ name }) => name,
      cell: (budget) => (
        <>
          <NameText name={budget.name} className="font-medium" />
          <NameText name={scopeText(budget.scope, teamName)} className="text-fg-muted text-xs" />
        </>
      ),
    },
    {
      id: 'status',
      header: 'Status',
      width: 'w-46',
      sortValue: (budget) => standingOf(budget).percent,
      cell: (budget) => (
        <>
          <Standing budget={budget} />
          <span className="flex items-center gap-2">
            <BudgetBar budget={budget} />
            <span className="w-12 shrink-0 whitespace-nowrap text-right text-xs tabular-nums">{usedText(budget)}</span>
          </span>
        </>
      ),
    },
    money('committed', 'Committed', ({ current }) => current.committed_usd),
    money('limit', 'Limit', ({ current }) => current.limit_usd),
    money('remaining', 'Remaining', ({ current }) => current.remaining_usd),
    money('held', 'Held', ({ current }) => current.held_usd),
    {
      id: 'window',
      header: 'Window',
      width: 'w-34',
      cell: ({ window, current }) => (
        <>
          {WINDOW_WORDS[window]}
          {current.resets_at && (
            <span className="block truncate text-fg-muted text-xs">
              resets <RelativeTime at={current.resets_at} focusable={false} />
            </span>
          )}
        </>
      ),
    },
    {
      id: 'projection',
      header: 'At this pace',
      width: 'w-44',
      optional: true,
      cell: (budget) => <Projection budget={budget} />,
    },
    {
      id: 'kind',
      header: 'Beyond the limit',
      width: 'w-32',
      optional: true,
      cell: ({ hard }) => (hard ? 'Refused' : 'Watched only'),
    },
  ]
}

export function Standing({ budget }: { budget: Budget }) {
  const { label, tone } = standingOf(budget)
  return <StatusBadge tone={tone}>{label}</StatusBadge>
}

/** Where the window ends up if it goes on like this. */
export function Projection({ budget }: { budget: Pick<Budget, 'current'> }) {
  const { current } = budget
  if (isUsedUp(budget)) return 'Used up'
  if (current.projected_exhaustion_at) {
    return (
      <>
        Used up <RelativeTime at={current.projected_exhaustion_at} focusable={false} />
      </>
    )
  }
  return current.projected_usd === null ? '–' : `about ${aboutText(current.projected_usd)}`
}
