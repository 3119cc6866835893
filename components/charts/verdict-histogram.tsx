'use client'

import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import { VERDICTS, type Verdict } from '@/lib/contract/events'
import { StackedBars } from './stacked-bars'
import { bucketText } from './time-bucket'
import { patternFill, VerdictPatterns } from './verdict-patterns'

export type VerdictBucket = { at: string } & Record<Verdict, number>

type VerdictHistogramProps = {
  /** What is counted and over which time, such as `Requests, last 24 hours`. */
  label: string
  buckets: readonly VerdictBucket[]
  /** The end of the last bucket, which may be cut short. */
  until: string
  /** Drawn from the bottom up. */
  verdicts?: readonly Verdict[]
  onZoom: (range: { since: string; until: string }) => void
}

const COUNT = new Intl.NumberFormat('en')
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' })

/** Counts over time, stacked by verdict. What is chosen is zoomed into. */
export function VerdictHistogram({ label, buckets, until, verdicts = VERDICTS, onZoom }: VerdictHistogramProps) {
  return (
    <StackedBars
      label={label}
      buckets={buckets.map((bucket) => ({ at: bucket.at, values: verdicts.map((verdict) => bucket[verdict]) }))}
      until={until}
      series={verdicts.map((verdict) => ({ id: verdict, fill: patternFill(verdict) }))}
      patterns={<VerdictPatterns />}
      isWhole
      tickText={(count) => COMPACT.format(count)}
      words={(first, last, fromMs, toMs) => rangeText(buckets.slice(first, last + 1), verdicts, fromMs, toMs)}
      chooseTo="zoom in"
      onChoose={onZoom}
    />
  )
}

/** `21 Nov, 10:00 – 10:24: 42 requests (40 allowed, 2 blocked)`. */
function rangeText(
  buckets: readonly VerdictBucket[],
  verdicts: readonly Verdict[],
  fromMs: number,
  toMs: number,
): string {
  const counts = verdicts.map((verdict) => ({
    verdict,
    count: buckets.reduce((sum, bucket) => sum + bucket[verdict], 0),
  }))
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const parts = counts
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${COUNT.format(count)} ${VERDICT_LOOK[verdict].past.toLowerCase()}`)
  const detail = parts.length > 0 ? ` (${parts.join(', ')})` : ''
  return `${bucketText(fromMs, toMs)}: ${COUNT.format(total)} ${total === 1 ? 'request' : 'requests'}${detail}`
}
