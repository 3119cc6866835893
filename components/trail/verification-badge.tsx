import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { ChainIntegrity, Verification } from '@/lib/contract/trail-shapes'
import { isUnderWay } from './trail-queries'
import { INTEGRITY_WORDS, STATE_WORDS } from './trail-words'

const INTEGRITY_TONES: Record<ChainIntegrity, StatusTone> = {
  valid: 'ok',
  invalid: 'bad',
  incomplete: 'attention',
  no_data: 'neutral',
}

/** What a verification has found; before that, how far it is. */
export function VerificationBadge({ of }: { of: Pick<Verification, 'state' | 'chain_integrity' | 'progress'> }) {
  if (of.chain_integrity) {
    return (
      <StatusBadge tone={INTEGRITY_TONES[of.chain_integrity]}>{INTEGRITY_WORDS[of.chain_integrity].label}</StatusBadge>
    )
  }
  const { done, total } = of.progress
  return (
    <StatusBadge tone={of.state === 'failed' ? 'bad' : isUnderWay(of) ? 'info' : 'neutral'}>
      {STATE_WORDS[of.state]}
      {of.state === 'running' && total > 0 && ` ${Math.floor((100 * done) / total)} %`}
    </StatusBadge>
  )
}
