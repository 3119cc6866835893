'use client'

import { useState } from 'react'
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, XAxis, YAxis } from 'recharts'
import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import { VERDICTS, type Verdict } from '@/lib/contract/events'
import { axisTimeText, bucketText } from './time-bucket'
import { useBucketRange } from './use-bucket-range'
import { patternFill, VerdictPatterns } from './verdict-patterns'

export type VerdictBucket = { at: string } & Record<Verdict, number>

type VerdictHistogramProps = {
  /** What is counted and over which time, such as `Requests, last 24 hours`. */
  label: string
  buckets: readonly VerdictBucket[]
  bucketSeconds: number
  /** The end of the last bucket, which may be cut short. */
  until: string
  /** Drawn from the bottom up. */
  verdicts?: readonly Verdict[]
  onZoom: (range: { since: string; until: string }) => void
}

const COUNT = new Intl.NumberFormat('en')
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' })
/** The pointer is matched to buckets by these, so axis and margins have fixed sizes; in pixels. */
const AXIS_WIDTH = 40
const AXIS_HEIGHT = 22
const HEIGHT = 132

/**
 * Counts over time, stacked by verdict. Drag over buckets to zoom in; with the keyboard the arrows walk, Shift and
 * arrows mark a stretch, Enter zooms and Esc lets go. What is marked is read out above.
 */
export function VerdictHistogram(props: VerdictHistogramProps) {
  const { label, buckets, bucketSeconds, until, verdicts = VERDICTS, onZoom } = props
  const endOf = (index: number) => Date.parse(buckets[index + 1]?.at ?? until)
  const startOf = (index: number) => Date.parse(buckets[index]?.at ?? until)
  const range = useBucketRange({
    count: buckets.length,
    onChoose: (first, last) =>
      onZoom({ since: new Date(startOf(first)).toISOString(), until: new Date(endOf(last)).toISOString() }),
  })
  const [width, setWidth] = useState(0)
  const top = topOf(Math.max(0, ...buckets.map((bucket) => sumOf(bucket, verdicts))))
  const spanMs = buckets.length * bucketSeconds * 1_000
  const marked = range.marked && { from: range.marked.first, to: range.marked.last }
  const words = marked
    ? rangeText(buckets.slice(marked.from, marked.to + 1), verdicts, startOf(marked.from), endOf(marked.to))
    : ''

  return (
    <div className="flex flex-col gap-1">
      <p aria-hidden className="h-4 truncate text-fg-muted text-xs tabular-nums">
        {words || 'Drag, or focus and use the arrow keys, to zoom in'}
      </p>
      <div
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, buckets.length - 1)}
        aria-valuenow={range.marked?.head ?? Math.max(0, buckets.length - 1)}
        aria-valuetext={words || 'Use the arrow keys to read the buckets'}
        className="relative touch-pan-y select-none rounded-md"
        style={{ height: HEIGHT }}
        onKeyDown={range.onKeyDown}
        onBlur={range.clear}
        {...range.pointerHandlers(AXIS_WIDTH)}
      >
        <ResponsiveContainer width="100%" height={HEIGHT} onResize={setWidth}>
          <BarChart
            data={buckets.slice()}
            margin={{ top: 4, right: 0, bottom: 0, left: 0 }}
            barCategoryGap={width > 0 && width / buckets.length < 6 ? 0.5 : 1}
            accessibilityLayer={false}
          >
            <VerdictPatterns />
            <CartesianGrid vertical={false} stroke="var(--border)" />
            <XAxis
              dataKey="at"
              height={AXIS_HEIGHT}
              tickLine={false}
              axisLine={{ stroke: 'var(--border-input)' }}
              tick={{ fill: 'var(--fg-muted)', fontSize: 12 }}
              minTickGap={48}
              interval="preserveStart"
              tickFormatter={(at: string) => axisTimeText(Date.parse(at), spanMs)}
            />
            <YAxis
              width={AXIS_WIDTH}
              tickLine={false}
              axisLine={false}
              domain={[0, top]}
              ticks={[0, top / 2, top]}
              tick={{ fill: 'var(--fg-muted)', fontSize: 12 }}
              tickFormatter={(count: number) => COMPACT.format(count)}
            />
            {verdicts.map((verdict) => (
              <Bar
                key={verdict}
                dataKey={verdict}
                stackId="verdict"
                fill={patternFill(verdict)}
                isAnimationActive={false}
                // Recharts hands over the height of the whole stack so far, not the count of this verdict.
                minPointSize={(_top, index) => (buckets[index]?.[verdict] ? 2 : 0)}
              />
            ))}
          </BarChart>
        </ResponsiveContainer>
        {marked && (
          <div className="pointer-events-none absolute top-1 right-0" style={{ left: AXIS_WIDTH, bottom: AXIS_HEIGHT }}>
            <div
              className="absolute inset-y-0 border-accent border-x bg-accent/15"
              style={{
                left: `${(marked.from / buckets.length) * 100}%`,
                width: `${((marked.to - marked.from + 1) / buckets.length) * 100}%`,
              }}
            />
          </div>
        )}
      </div>
    </div>
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

const sumOf = (bucket: VerdictBucket, verdicts: readonly Verdict[]) =>
  verdicts.reduce((sum, verdict) => sum + bucket[verdict], 0)

/** The end of the axis: the next even 1, 2, 4, 6 or 8 times a power of ten, so that its half is a whole number too. */
function topOf(max: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, max)))
  const steps = power === 1 ? [2, 4, 6, 8, 10] : [1, 2, 4, 6, 8, 10]
  return (steps.find((step) => step * power >= max) ?? 10) * power
}
