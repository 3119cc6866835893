import type { StatusTone } from '@/components/ui/status-badge'
import type { REPLAY_OUTCOMES } from '@/lib/contract/quarantine'
import type { QuarantineState } from './quarantine-queries'

export const STATE_LOOK: Record<QuarantineState, { label: string; tone: StatusTone }> = {
  waiting: { label: 'Waiting', tone: 'attention' },
  replayed: { label: 'Recorded', tone: 'ok' },
  discarded: { label: 'Discarded', tone: 'neutral' },
}

export const OUTCOME_WORDS: Record<(typeof REPLAY_OUTCOMES)[number], string> = {
  recorded: 'recorded',
  recorded_before: 'recorded before: the first one stands',
  refused: 'refused again',
  not_waiting: 'no longer waiting',
  not_found: 'not there any more',
}
