import { StatusBadge } from '@/components/ui/status-badge'
import type { Activity } from '@/lib/contract/activity'

export const OutcomeBadge = ({ outcome }: { outcome: Activity['outcome'] }) =>
  outcome === 'success' ? <StatusBadge tone="ok">Success</StatusBadge> : <StatusBadge tone="bad">Denied</StatusBadge>
