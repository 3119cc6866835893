import { cn } from '@/components/ui/cn'
import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import { VERDICTS, type Verdict } from '@/lib/contract/events'
import { countText } from './event-words'

type VerdictTabsProps = {
  /** undefined while they are counted. */
  totals: Record<Verdict, number> | undefined
  value: Verdict | null
  onChange: (verdict: Verdict | null) => void
}

/** Chooses one verdict or all of them; the counts are those of the range and the rest of the filter. */
export function VerdictTabs({ totals, value, onChange }: VerdictTabsProps) {
  const all = totals && VERDICTS.reduce((sum, verdict) => sum + totals[verdict], 0)
  return (
    <fieldset className="flex min-w-0 flex-wrap gap-x-1 border-b">
      <legend className="sr-only">Verdict</legend>
      <Tab label="All" count={all} isChosen={value === null} onClick={() => onChange(null)} />
      {VERDICTS.map((verdict) => {
        const { past, icon: Icon, color } = VERDICT_LOOK[verdict]
        return (
          <Tab
            key={verdict}
            label={past}
            icon={<Icon aria-hidden className="size-3.5" style={{ color }} />}
            count={totals?.[verdict]}
            isChosen={value === verdict}
            onClick={() => onChange(value === verdict ? null : verdict)}
          />
        )
      })}
    </fieldset>
  )
}

type TabProps = {
  label: string
  icon?: React.ReactNode
  count: number | undefined
  isChosen: boolean
  onClick: () => void
}

function Tab({ label, icon, count, isChosen, onClick }: TabProps) {
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={onClick}
      className={cn(
        '-mb-px inline-flex items-center gap-1.5 whitespace-nowrap border-transparent border-b-2 px-2 py-2 text-fg-muted text-sm -outline-offset-2 hover:text-fg',
        isChosen && 'border-accent font-medium text-fg',
      )}
    >
      {icon}
      {label}
      <span className="min-w-4 rounded-md bg-sunken px-1 text-center text-xs tabular-nums">
        {count === undefined ? '…' : countText(count)}
      </span>
    </button>
  )
}
