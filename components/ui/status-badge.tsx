import { Circle, CircleCheck, CircleDashed, CircleSlash, type LucideIcon, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Badge } from './badge'

export type StatusTone = 'ok' | 'attention' | 'bad' | 'neutral' | 'info'

const SHAPES: Record<StatusTone, LucideIcon> = {
  ok: CircleCheck,
  attention: TriangleAlert,
  bad: CircleSlash,
  neutral: CircleDashed,
  info: Circle,
}

/** The one scale on which gateways, keys and rollouts state how they are; a shape says it too. */
export function StatusBadge({ tone, children }: { tone: StatusTone; children: ReactNode }) {
  const Icon = SHAPES[tone]
  return (
    <Badge tone={tone}>
      <Icon aria-hidden />
      {children}
    </Badge>
  )
}
