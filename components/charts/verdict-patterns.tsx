import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import type { Verdict } from '@/lib/contract/events'

/** What the bars of a verdict are filled with: its colour, and a pattern that says the same without colour. */
export const patternFill = (verdict: Verdict) =>
  verdict === 'allow' ? VERDICT_LOOK.allow.color : `url(#verdict-${verdict})`

/** Allow is plain; redact rises, block is crossed, escalate is dotted. */
export function VerdictPatterns() {
  return (
    <defs>
      <Pattern verdict="redact">
        <path d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" stroke="var(--surface)" strokeWidth="1.2" />
      </Pattern>
      <Pattern verdict="block">
        <path d="M0,0 l6,6 M6,0 l-6,6" stroke="var(--surface)" strokeWidth="0.9" />
      </Pattern>
      <Pattern verdict="escalate">
        <circle cx="3" cy="3" r="1.3" fill="var(--surface)" />
      </Pattern>
    </defs>
  )
}

function Pattern({ verdict, children }: { verdict: Verdict; children: React.ReactNode }) {
  return (
    <pattern id={`verdict-${verdict}`} width="6" height="6" patternUnits="userSpaceOnUse">
      <rect width="6" height="6" fill={VERDICT_LOOK[verdict].color} />
      {children}
    </pattern>
  )
}
