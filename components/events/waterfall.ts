import type { DecisionEvent } from '@/lib/contract/events'
import { attemptOutcome, errorClassOf } from './attempt-outcome'

/** A stretch of the request, in milliseconds from its beginning. */
export type Span = {
  label: string
  kind: 'gateway' | 'attempt' | 'failed' | 'pause' | 'wait' | 'stream'
  startMs: number
  lengthMs: number
  note: string | null
}

/** Less than this between two attempts is the gateway's own work and the rounding of their times, not waiting. */
const PAUSE_MS_MIN = 2

/**
 * The time of a request as stretches that fit into its total. Attempts stand where their clock says, in the order in which
 * they were made, with the pauses between them; the parts of the answer, until the first token and after it, stand below.
 */
export function waterfall({ timestamp, latency, attempts, stream }: DecisionEvent): Span[] {
  const { total_ms, overhead_us, ttft_ms } = latency
  const beganMs = Date.parse(timestamp)
  const within = (startMs: number, lengthMs: number) => {
    const start = Math.min(Math.max(0, startMs), total_ms)
    return { startMs: start, lengthMs: Math.min(Math.max(0, lengthMs), total_ms - start) }
  }
  const spans: Span[] = [
    { label: 'Gateway', kind: 'gateway', ...within(0, overhead_us / 1_000), note: 'own time, in all' },
  ]
  for (const [index, attempt] of attempts.entries()) {
    const startMs = Date.parse(attempt.started_at) - beganMs
    const before = attempts[index - 1]
    const freeMs = before ? Date.parse(before.started_at) - beganMs + before.latency_ms : startMs
    if (startMs - freeMs >= PAUSE_MS_MIN) {
      spans.push({
        label: 'Pause',
        kind: 'pause',
        ...within(freeMs, startMs - freeMs),
        note: 'before the next attempt',
      })
    }
    spans.push({
      label: attempts.length > 1 ? `${index + 1}. ${attempt.target_id}` : attempt.target_id,
      kind: errorClassOf(attempt) === null ? 'attempt' : 'failed',
      ...within(startMs, attempt.latency_ms),
      note: `${attempt.provider === attempt.target_id ? '' : `${attempt.provider}: `}${attemptOutcome(attempt)}`,
    })
  }
  if (ttft_ms !== null) {
    spans.push({ label: 'To first token', kind: 'wait', ...within(0, ttft_ms), note: null })
    if (stream) spans.push({ label: 'Stream', kind: 'stream', ...within(ttft_ms, total_ms - ttft_ms), note: null })
  }
  return spans
}
