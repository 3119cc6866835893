import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { ExportState, ExportSummary } from '@/lib/contract/export-shapes'
import { countWords, isUnderWay, STATE_WORDS, shareDone } from './export-words'

const TONES: Record<ExportState, StatusTone> = {
  queued: 'neutral',
  running: 'info',
  completed: 'ok',
  failed: 'bad',
  cancelled: 'neutral',
  expired: 'neutral',
}

/** How an export is; while it is being made, how far. */
export function ExportStateBadge({ of }: { of: Pick<ExportSummary, 'state' | 'rows_done' | 'rows_total'> }) {
  const share = shareDone(of)
  if (!isUnderWay(of) || share === null)
    return <StatusBadge tone={TONES[of.state]}>{STATE_WORDS[of.state]}</StatusBadge>
  return (
    <StatusBadge tone={TONES[of.state]}>
      {STATE_WORDS[of.state]} {Math.floor(share * 100)} %
    </StatusBadge>
  )
}

/** The same as a bar with its numbers. */
export function ExportProgress({ of }: { of: Pick<ExportSummary, 'rows_done' | 'rows_total'> }) {
  const share = shareDone(of)
  return (
    <div className="flex flex-col gap-1.5">
      <progress
        aria-label="Rows written"
        className="h-2 w-full overflow-hidden rounded-md accent-accent"
        value={share ?? undefined}
        max={1}
      />
      <p className="text-fg-muted text-xs tabular-nums">
        {countWords(of.rows_done)}
        {of.rows_total === null ? ' rows so far' : ` of about ${countWords(of.rows_total)} rows`}
      </p>
    </div>
  )
}
