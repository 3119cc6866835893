'use client'

import { ChartColumn, Table2, ZoomOut } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { HistogramTable } from '@/components/charts/histogram-table'
import type { VerdictBucket } from '@/components/charts/verdict-histogram'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { Skeleton } from '@/components/ui/skeleton'
import { describeTimeRange, type TimeRange } from '@/components/ui/time-range'
import { VERDICTS, type Verdict } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'

// The chart library is the largest part of the page and the last one needed.
const VerdictHistogram = dynamic(
  () => import('@/components/charts/verdict-histogram').then((it) => it.VerdictHistogram),
  {
    ssr: false,
    loading: () => <ChartSkeleton />,
  },
)

type EventHistogramProps = {
  /** undefined while it loads. */
  histogram:
    | { items: VerdictBucket[]; bucket_seconds: number; until: string; complete: boolean; counted_since: string }
    | undefined
  error: unknown
  onRetry: () => void
  verdict: Verdict | null
  range: TimeRange
  onZoom: (range: TimeRange) => void
  /** Given when the range is not the usual one. */
  onZoomOut: (() => void) | undefined
}

export function EventHistogram(props: EventHistogramProps) {
  const { histogram, error, onRetry, verdict, range, onZoom, onZoomOut } = props
  const [isTable, setIsTable] = useState(false)
  const label = `Requests by verdict, ${describeTimeRange(range)}`
  const verdicts = verdict ? [verdict] : VERDICTS
  return (
    <section aria-label={label} className="rounded-md border bg-surface px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="font-medium text-sm">{label}</h2>
        <div className="flex items-center gap-1">
          {onZoomOut && (
            <Button size="sm" variant="ghost" onClick={onZoomOut}>
              <ZoomOut /> Zoom out
            </Button>
          )}
          <Button size="sm" variant="ghost" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
            {isTable ? <ChartColumn /> : <Table2 />}
            {isTable ? 'Chart' : 'Table'}
          </Button>
        </div>
      </div>
      {histogram === undefined ? (
        error ? (
          <CountsFailed error={error} onRetry={onRetry} />
        ) : (
          <ChartSkeleton />
        )
      ) : isTable ? (
        <HistogramTable
          label={label}
          buckets={histogram.items}
          bucketSeconds={histogram.bucket_seconds}
          verdicts={verdicts}
        />
      ) : (
        <VerdictHistogram
          label={label}
          buckets={histogram.items}
          until={histogram.until}
          verdicts={verdicts}
          onZoom={onZoom}
        />
      )}
      {histogram && !histogram.complete && (
        <p className="pt-1 text-fg-muted text-xs">
          Counted since{' '}
          {new Date(histogram.counted_since).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}: what
          this filter compares is kept by no count, and only the newest events were compared one by one.
        </p>
      )}
    </section>
  )
}

/** The chart with its line of words: whatever stands in for it is as high, so that nothing moves. */
const CHART_HEIGHT = 'h-[calc(132px+1.25rem)]'

function CountsFailed({ error, onRetry }: Pick<EventHistogramProps, 'error' | 'onRetry'>) {
  return (
    <div
      role="alert"
      className={cn('flex flex-col items-center justify-center gap-2 text-center text-sm', CHART_HEIGHT)}
    >
      <p className="max-w-md text-fg-muted">
        The counts could not be loaded. {error instanceof AppError ? error.message : 'Nothing was changed.'}
      </p>
      <Button size="sm" onClick={onRetry}>
        Try again
      </Button>
    </div>
  )
}

const ChartSkeleton = () => <Skeleton className={cn('w-full', CHART_HEIGHT)} />
