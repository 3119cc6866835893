import { cn } from '@/components/ui/cn'
import { percentText } from '@/components/ui/money'
import type { Budget } from '@/lib/contract/budgets'
import { percentOfLimit, standingOf } from './budget-words'

type BudgetBarProps = { budget: Pick<Budget, 'current' | 'thresholds'>; isLarge?: boolean }

const FILL = { ok: 'bg-ok', attention: 'bg-attention', bad: 'bg-bad', neutral: 'bg-idle', info: 'bg-accent' }

/** What is committed, what gateways hold, and what is left; thresholds are ticks. */
export function BudgetBar({ budget, isLarge = false }: BudgetBarProps) {
  const { committed_usd, held_usd, limit_usd } = budget.current
  const { tone } = standingOf(budget)
  const committed = Math.min(100, percentOfLimit(committed_usd, limit_usd))
  const held = Math.min(100 - committed, percentOfLimit(held_usd, limit_usd))
  const words = `${percentText(percentOfLimit(committed_usd, limit_usd))} committed, ${percentText(percentOfLimit(held_usd, limit_usd))} held`
  return (
    <span
      role="img"
      aria-label={words}
      title={words}
      className={cn('relative flex w-full overflow-hidden rounded-md bg-hover', isLarge ? 'h-3' : 'h-2')}
    >
      <span className={FILL[tone]} style={{ width: `${committed}%` }} />
      <span className="bg-held" style={{ width: `${held}%` }} />
      {budget.thresholds
        .filter((percent) => percent < 100)
        .map((percent) => (
          <span key={percent} className="absolute inset-y-0 w-px bg-border-input" style={{ left: `${percent}%` }} />
        ))}
    </span>
  )
}
