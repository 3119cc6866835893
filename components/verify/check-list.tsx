import { CircleCheck, CircleMinus, OctagonX } from 'lucide-react'
import { cn } from '@/components/ui/cn'

/** One thing that was looked at. `unknown`: it could not be, for want of what another check would have given. */
export type Check = { name: string; state: 'pass' | 'fail' | 'unknown'; detail: string }

const LOOK = {
  pass: { word: 'Holds', icon: CircleCheck, classes: 'text-ok-text' },
  fail: { word: 'Fails', icon: OctagonX, classes: 'text-bad-text' },
  unknown: { word: 'Not known', icon: CircleMinus, classes: 'text-fg-muted' },
} as const

/** What was checked, each with its outcome in a word and a shape. What fails stands out. */
export function CheckList({ label, checks }: { label: string; checks: readonly Check[] }) {
  return (
    <ul aria-label={label} className="flex flex-col divide-y rounded-md border">
      {checks.map(({ name, state, detail }) => {
        const { word, icon: Icon, classes } = LOOK[state]
        return (
          <li key={name} className={cn('flex gap-2.5 px-3 py-2 text-sm', state === 'fail' && 'bg-bad-soft')}>
            <Icon aria-hidden className={cn('mt-0.5 size-4 shrink-0', classes)} />
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-baseline justify-between gap-x-3">
                <span className="break-all font-medium">{name}</span>
                <span className={cn('text-xs', classes)}>{word}</span>
              </p>
              <p className={cn('break-words text-xs', state === 'fail' ? 'text-bad-text' : 'text-fg-muted')}>
                {detail}
              </p>
            </div>
          </li>
        )
      })}
    </ul>
  )
}
