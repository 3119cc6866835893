import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { Token } from '@/lib/contract/tokens'

const LOOK: Record<Token['status'], { tone: StatusTone; label: string }> = {
  active: { tone: 'ok', label: 'Active' },
  expiring: { tone: 'attention', label: 'Expiring' },
  expired: { tone: 'neutral', label: 'Expired' },
  revoked: { tone: 'bad', label: 'Revoked' },
}

/** `isShort` leaves out that a rotating key is active, which it must be to rotate. */
export function TokenStatus({ token, isShort }: { token: Token; isShort?: boolean }) {
  const { tone, label } = LOOK[token.status]
  const isImplied = isShort && token.status === 'active' && token.previous_secret !== null
  return (
    <span className="inline-flex gap-1 align-middle">
      {!isImplied && <StatusBadge tone={tone}>{label}</StatusBadge>}
      {token.previous_secret && <StatusBadge tone="info">Rotating</StatusBadge>}
    </span>
  )
}

export const isLive = ({ status }: Token) => status === 'active' || status === 'expiring'
