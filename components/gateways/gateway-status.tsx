import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { Gateway } from '@/lib/contract/gateways'

const TONES: Record<Gateway['status'], StatusTone> = {
  healthy: 'ok',
  degraded: 'attention',
  offline: 'bad',
  pending: 'neutral',
}
export const GATEWAY_STATUS_WORDS: Record<Gateway['status'], string> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  offline: 'Offline',
  pending: 'Never seen',
}

export const GatewayStatus = ({ status }: { status: Gateway['status'] }) => (
  <StatusBadge tone={TONES[status]}>{GATEWAY_STATUS_WORDS[status]}</StatusBadge>
)
