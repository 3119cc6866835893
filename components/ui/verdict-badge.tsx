import { CircleCheck, EyeOff, type LucideIcon, OctagonX, TriangleAlert } from 'lucide-react'
import { Badge } from './badge'

export type VerdictName = 'allow' | 'redact' | 'block' | 'escalate'

/** One colour and one shape per verdict: in badges, charts and histograms alike. `color` is a CSS value for charts. */
export const VERDICT_LOOK: Record<VerdictName, { label: string; past: string; icon: LucideIcon; color: string }> = {
  allow: { label: 'Allow', past: 'Allowed', icon: CircleCheck, color: 'var(--allow)' },
  redact: { label: 'Redact', past: 'Redacted', icon: EyeOff, color: 'var(--redact)' },
  block: { label: 'Block', past: 'Blocked', icon: OctagonX, color: 'var(--block)' },
  escalate: { label: 'Escalate', past: 'Escalated', icon: TriangleAlert, color: 'var(--escalate)' },
}

export function VerdictBadge({ verdict }: { verdict: VerdictName }) {
  const { past, icon: Icon } = VERDICT_LOOK[verdict]
  return (
    <Badge tone={verdict}>
      <Icon aria-hidden />
      {past}
    </Badge>
  )
}
