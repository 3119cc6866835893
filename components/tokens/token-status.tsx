import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { Token } from '@/lib/contract/tokens'

const LOOK: Record<Token['status'], { tone: StatusTone; label: string }> = {
  active: { tone: 'ok', label: 'Active' },
  expiring: { tone: 'attention', label: 'Expiring' },
  expired: { tone: 'neutral', label: 'Expired' },
  revoked: { tone: 'bad', label: 'Revoked' },
}

export function TokenStatus({ token }: { token: Token }) {
  const { tone, label } = LOOK[token.status]
  return (
    <span className="inline-flex gap-1">
      <StatusBadge tone={tone}>{label}</StatusBadge>
      {token.previous_secret && <StatusBadge tone="info">Rotating</StatusBadge>}
    </span>
  )
}

export const isLive = ({ status }: Token) => status === 'active' || status === 'expiring'
