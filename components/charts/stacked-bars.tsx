'use client'

import { type ReactNode, useState } from 'react'
import { Bar, CartesianGrid, ComposedChart, Line, ReferenceLine, ResponsiveContainer, XAxis, YAxis } from 'recharts'
import { axisTimeText } from './time-bucket'
import { useBucketRange } from './use-bucket-range'

/** `values` are in the order of the series: how high each part is. */
export type StackedBucket = { at: string; values: readonly number[] }

type StackedBarsProps = {
  /** What is counted and over which time, such as `Requests, last 24 hours`. */
  label: string
  buckets: readonly StackedBucket[]
  /** The end of the last bucket, which may be cut short. */
  until: string
  /** From the bottom up; `fill` is what SVG takes. */
  series: readonly { id: string; fill: string }[]
  /** `<defs>` that fills refer to. */
  patterns?: ReactNode
  /** Thin, across the bars: what the same buckets held before. */
  line?: readonly (number | null)[] | undefined
  /** A height that means something, such as the even pace of a budget. */
  mark?: number | undefined
  /** Counts end their axis at whole numbers. */
  isWhole: boolean
  axisWidth?: number
  /** Of the chart with its axis, in pixels. */
  height?: number
  tickText: (value: number) => string
  /** What buckets `first` to `last` hold, to be read out. */
  words: (first: number, last: number, fromMs: number, toMs: number) => string
  /** What choosing a stretch of them does, such as `zoom in`. */
  chooseTo: string
  onChoose: (range: { since: string; until: string }) => void
}

/** The pointer is matched to buckets by these, so axis and margins have fixed sizes; in pixels. */
const AXIS_HEIGHT = 22

/**
 * Amounts over time, stacked. Drag over buckets to choose them; with the keyboard the arrows walk, Shift and arrows mark
 * a stretch, Enter chooses and Esc lets go. What is marked is read out above.
 */
export function StackedBars(props: StackedBarsProps) {
  const {
    label,
    buckets,
    until,
    series,
    line,
    mark,
    isWhole,
    axisWidth = 40,
    height = 132,
    tickText,
    words,
    onChoose,
  } = props
  const endOf = (index: number) => Date.parse(buckets[index + 1]?.at ?? until)
  const startOf = (index: number) => Date.parse(buckets[index]?.at ?? until)
  const range = useBucketRange({
    count: buckets.length,
    onChoose: (first, last) =>
      onChoose({ since: new Date(startOf(first)).toISOString(), until: new Date(endOf(last)).toISOString() }),
  })
  const [width, setWidth] = useState(0)
  const sums = buckets.map(({ values }) => values.reduce((sum, value) => sum + value, 0))
  const top = topOf(Math.max(0, ...sums, ...(line ?? []).map((value) => value ?? 0)), isWhole)
  const spanMs = endOf(buckets.length - 1) - startOf(0)
  const { marked } = range
  const said = marked ? words(marked.first, marked.last, startOf(marked.first), endOf(marked.last)) : ''
  const data = buckets.map((bucket, index) => ({ ...bucket, before: line?.[index] ?? null }))

  return (
    <div className="flex flex-col gap-1">
      <p aria-hidden className="h-4 truncate text-fg-muted text-xs tabular-nums">
        {said || (
          <>
            Drag<span className="pointer-coarse:hidden">, or focus and use the arrow keys,</span> to {props.chooseTo}
          </>
        )}
      </p>
      <div
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, buckets.length - 1)}
        aria-valuenow={marked?.head ?? Math.max(0, buckets.length - 1)}
        aria-valuetext={said || 'Use the arrow keys to read the buckets'}
        className="relative touch-pan-y select-none rounded-md"
        style={{ height }}
        onKeyDown={range.onKeyDown}
        onBlur={range.clear}
        {...range.pointerHandlers(axisWidth)}
      >
        <ResponsiveContainer width="100%" height={height} onResize={setWidth}>
          <ComposedChart
            data={data}
            margin={{ top: 4, right: 0, bottom: 0, left: 0 }}
            barCategoryGap={width > 0 && width / buckets.length < 6 ? 0.5 : 1}
            accessibilityLayer={false}
          >
            {props.patterns}
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
              width={axisWidth}
              tickLine={false}
              axisLine={false}
              domain={[0, top]}
              ticks={[0, top / 2, top]}
              tick={{ fill: 'var(--fg-muted)', fontSize: 12 }}
              tickFormatter={tickText}
            />
            {series.map(({ id, fill }, at) => (
              <Bar
                key={id}
                dataKey={({ values }: StackedBucket) => values[at] ?? 0}
                stackId="all"
                fill={fill}
                isAnimationActive={false}
                // Recharts hands over the height of the whole stack so far, not that of this part.
                minPointSize={(_top, index) => (buckets[index]?.values[at] ? 2 : 0)}
              />
            ))}
            {line && (
              <Line
                dataKey="before"
                stroke="var(--fg-muted)"
                strokeWidth={1.25}
                dot={false}
                activeDot={false}
                isAnimationActive={false}
              />
            )}
            {mark !== undefined && mark <= top && <ReferenceLine y={mark} stroke="var(--fg)" strokeDasharray="4 3" />}
          </ComposedChart>
        </ResponsiveContainer>
        {marked && (
          <div className="pointer-events-none absolute top-1 right-0" style={{ left: axisWidth, bottom: AXIS_HEIGHT }}>
            <div
              className="absolute inset-y-0 border-accent border-x bg-accent/15"
              style={{
                left: `${(marked.first / buckets.length) * 100}%`,
                width: `${((marked.last - marked.first + 1) / buckets.length) * 100}%`,
              }}
            />
          </div>
        )}
      </div>
    </div>
  )
}

/** The end of the axis: the next even 1, 2, 4, 6 or 8 times a power of ten; of counts its half is a whole number too. */
function topOf(max: number, isWhole: boolean): number {
  if (max <= 0) return isWhole ? 2 : 1
  const power = 10 ** Math.floor(Math.log10(isWhole ? Math.max(1, max) : max))
  const steps = isWhole && power === 1 ? [2, 4, 6, 8, 10] : [1, 2, 4, 6, 8, 10]
  return (steps.find((step) => step * power >= max) ?? 10) * power
}
