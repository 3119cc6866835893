import { isoOf, limitOf, type Period } from './period'

type Projection = { projected: bigint | null; exhaustedAt: string | null }

const UNKNOWN: Projection = { projected: null, exhaustedAt: null }

/**
 * What a window will have cost at its end at the pace of it so far, and when its limit is reached at that pace, if within the
 * window. Unknown before anything was spent, and where there is no end.
 */
export function projectionOf(period: Period, nowMs: number): Projection {
  const { startsMs, endsMs, spent } = period
  const elapsed = BigInt(Math.floor(nowMs - startsMs))
  if (endsMs === null || spent <= 0n || elapsed <= 0n) return UNKNOWN
  const whole = BigInt(endsMs - startsMs)
  const limit = limitOf(period)
  const reachedMs = Math.max(startsMs + Number((elapsed * limit) / spent), spent >= limit ? nowMs : 0)
  return {
    projected: elapsed >= whole ? spent : (spent * whole) / elapsed,
    exhaustedAt: reachedMs < endsMs ? isoOf(spent >= limit ? nowMs : reachedMs) : null,
  }
}
