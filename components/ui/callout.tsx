import { Info, type LucideIcon, OctagonAlert, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from './cn'

type Tone = 'info' | 'warn' | 'danger'

const LOOK: Record<Tone, { classes: string; icon: LucideIcon }> = {
  info: { classes: 'bg-sunken text-fg', icon: Info },
  warn: { classes: 'border-warn-border bg-warn-soft text-warn-text', icon: TriangleAlert },
  danger: { classes: 'border-danger-border bg-danger-soft text-danger-text', icon: OctagonAlert },
}

type CalloutProps = { tone?: Tone; className?: string; role?: 'alert' | 'status'; children: ReactNode }

export function Callout({ tone = 'info', className, role, children }: CalloutProps) {
  const { classes, icon: Icon } = LOOK[tone]
  return (
    <div role={role} className={cn('flex gap-2.5 rounded-md border px-3 py-2.5 text-sm', classes, className)}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1">{children}</div>
    </div>
  )
}
