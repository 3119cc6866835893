import type { DecisionEvent } from '@/lib/contract/events'

/** A stretch of the request, in milliseconds from its beginning. */
export type Span = {
  label: string
  kind: 'gateway' | 'attempt' | 'failed' | 'wait' | 'stream'
  startMs: number
  lengthMs: number
  note: string | null
}

/**
 * The time of a request as stretches that fit into its total. Attempts stand where their clock says; the parts of the
 * last one, until the first token and after it, stand below.
 */
export function waterfall({ timestamp, latency, attempts, stream }: DecisionEvent): Span[] {
  const { total_ms, overhead_us, ttft_ms } = latency
  const beganMs = Date.parse(timestamp)
  const within = (startMs: number, lengthMs: number) => {
    const start = Math.min(Math.max(0, startMs), total_ms)
    return { startMs: start, lengthMs: Math.min(Math.max(0, lengthMs), total_ms - start) }
  }
  const spans: Span[] = [
    { label: 'Gateway', kind: 'gateway', ...within(0, overhead_us / 1_000), note: 'own time' },
    ...attempts.map(
      (attempt): Span => ({
        label: attempts.length > 1 ? `${attempt.target_id}` : `Upstream ${attempt.target_id}`,
        kind: attempt.error === null && attempt.status !== null && attempt.status < 400 ? 'attempt' : 'failed',
        ...within(Date.parse(attempt.started_at) - beganMs, attempt.latency_ms),
        note: attempt.error ?? (attempt.status === null ? 'no answer' : `status ${attempt.status}`),
      }),
    ),
  ]
  if (ttft_ms !== null) {
    spans.push({ label: 'To first token', kind: 'wait', ...within(0, ttft_ms), note: null })
    if (stream) spans.push({ label: 'Stream', kind: 'stream', ...within(ttft_ms, total_ms - ttft_ms), note: null })
  }
  return spans
}
