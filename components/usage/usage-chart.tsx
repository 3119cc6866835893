'use client'

import { ChartColumn, Table2, ZoomIn, ZoomOut } from 'lucide-react'
import dynamic from 'next/dynamic'
import Link from 'next/link'
import { useState } from 'react'
import { SeriesSwatch, seriesFill } from '@/components/charts/series-patterns'
import { patternFill, VerdictPatterns } from '@/components/charts/verdict-patterns'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Checkbox } from '@/components/ui/checkbox'
import { Choice } from '@/components/ui/choice'
import { cn } from '@/components/ui/cn'
import { Label } from '@/components/ui/label'
import { NameText } from '@/components/ui/name-text'
import { Skeleton } from '@/components/ui/skeleton'
import { describeTimeRange } from '@/components/ui/time-range'
import { VERDICTS } from '@/lib/contract/events'
import { useBudgetPace } from './budget-line'
import { historyPath } from './history-path'
import { totalsOf, type UsageBar, type UsageSeries, usageBars } from './usage-bars'
import { barStarts, stretchText } from './usage-range'
import { UsageTable } from './usage-table'
import { amountText, GROUP_WORDS, type Group, heightOf, MEASURE_WORDS, type Measure } from './usage-words'
import type { Usage } from './use-usage'

// The chart library is the largest part of the page and the last one needed.
const StackedBars = dynamic(() => import('@/components/charts/stacked-bars').then((it) => it.StackedBars), {
  ssr: false,
  loading: () => <ChartSkeleton />,
})

const HEIGHT_PX = 200
/** The chart with its line of words: whatever stands in for it is as high, so that nothing moves. */
const CHART_HEIGHT = 'h-[calc(200px+1.25rem)]'
const ChartSkeleton = () => <Skeleton className={cn('w-full', CHART_HEIGHT)} />
const LENGTH_WORDS = { hour: 'Hours', day: 'Days', week: 'Weeks', month: 'Months' } as const

/** Amounts over time, stacked by group. What is marked can be zoomed into, or looked at call by call. */
export function UsageChart({ state }: { state: Usage }) {
  const { answer, group, measure, range, length } = state
  const [isTable, setIsTable] = useState(false)
  const label = `${MEASURE_WORDS[measure]} by ${GROUP_WORDS[group].label.toLowerCase()}, ${describeTimeRange(range)}`
  const data = answer.isPlaceholderData ? undefined : answer.data
  return (
    <section aria-label={label} className="rounded-md border bg-surface px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="font-medium text-sm">{label}</h2>
        <div className="flex flex-wrap items-center gap-2">
          <span className="flex items-center gap-1.5">
            <Checkbox
              id="compare"
              checked={state.compare}
              onCheckedChange={(checked) => state.setCompare(checked === true)}
            />
            <Label htmlFor="compare" className="font-normal text-xs">
              Compare with previous
            </Label>
          </span>
          <Choice
            label="Length of a bar"
            value={length}
            onChange={state.setLength}
            options={state.possible.map((value) => ({ value, label: LENGTH_WORDS[value] }))}
          />
          {!state.isDefaultRange && (
            <Button size="sm" variant="ghost" onClick={() => state.setRange(null)}>
              <ZoomOut /> Last 30 days
            </Button>
          )}
          <Button size="sm" variant="ghost" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
            {isTable ? <ChartColumn /> : <Table2 />}
            {isTable ? 'Chart' : 'Table'}
          </Button>
        </div>
      </div>
      {data && !(data.rest && !state.whole) ? (
        <Drawn state={state} data={data} label={label} isTable={isTable} />
      ) : (
        <ChartSkeleton />
      )}
    </section>
  )
}

type DrawnProps = { state: Usage; data: NonNullable<Usage['answer']['data']>; label: string; isTable: boolean }

function Drawn({ state, data, label, isTable }: DrawnProps) {
  const { group, measure, length, filter, before } = state
  const canEvents = useCan('events:read')
  const [chosen, setChosen] = useState<{ since: string; until: string } | null>(null)
  const starts = barStarts(Date.parse(data.since), Date.parse(data.until), length)
  const { series, bars } = usageBars({ answer: data, whole: state.whole, group, measure, starts })
  const pace = useBudgetPace(state, starts, Date.parse(data.until))
  const line = before && lineOf(before, measure, length, bars.length)
  const rows = canEvents ? (span: { since: string; until: string }) => historyPath(span, filter) : undefined
  return (
    <>
      {isTable ? (
        <UsageTable
          label={label}
          series={series}
          bars={bars}
          measure={measure}
          length={length}
          rowsOf={rows}
          before={line}
        />
      ) : (
        <StackedBars
          label={label}
          buckets={bars.map(({ fromMs, amounts }) => ({
            at: new Date(fromMs).toISOString(),
            values: series.map((_, at) => heightOf(amounts[at] ?? 0n, measure)),
          }))}
          until={data.until}
          series={series.map(({ id, value }, at) => ({ id, fill: fillOf(group, value, at) }))}
          patterns={group === 'verdict' ? <VerdictPatterns /> : undefined}
          line={line?.map((amount) => (amount === null ? null : heightOf(amount, measure)))}
          mark={pace?.value}
          height={HEIGHT_PX}
          isWhole={measure !== 'cost'}
          axisWidth={56}
          tickText={measure === 'cost' ? dollarTick : countTick}
          words={(first, last, fromMs, toMs) =>
            `${stretchText(fromMs, toMs, length)}: ${barWords(bars.slice(first, last + 1), series, measure)}`
          }
          chooseTo="choose a stretch"
          onChoose={setChosen}
        />
      )}
      <div className="flex min-h-7 flex-wrap items-center gap-x-4 gap-y-1 pt-1">
        <Legend group={group} series={series} hasLine={line !== undefined} pace={isTable ? undefined : pace} />
        {/* Months of the ledger begin by other clocks, which their reports name. */}
        <span className="text-fg-muted text-xs">
          {LENGTH_WORDS[length]} of {state.question.time_zone}
        </span>
        {chosen && (
          <span role="status" className="ml-auto flex flex-wrap items-center gap-2 text-xs">
            {stretchText(Date.parse(chosen.since), Date.parse(chosen.until), length)}
            <Button size="sm" onClick={() => state.setRange(chosen)}>
              <ZoomIn /> Zoom in
            </Button>
            {rows && (
              <Button asChild size="sm">
                <Link href={rows(chosen)}>Show requests</Link>
              </Button>
            )}
          </span>
        )}
      </div>
    </>
  )
}

const fillOf = (group: Group, value: string | null, at: number) => {
  const verdict = group === 'verdict' ? VERDICTS.find((known) => known === value) : undefined
  if (verdict) return patternFill(verdict)
  return value === null ? seriesFill(Number.POSITIVE_INFINITY) : seriesFill(at)
}

/** The bars of the time before, one under each of now, counted from the end: both begin with what is left of a day. */
function lineOf(before: NonNullable<Usage['before']>, measure: Measure, length: Usage['length'], count: number) {
  const starts = barStarts(Date.parse(before.since), Date.parse(before.until), length)
  const totals = totalsOf(before.points, measure, starts)
  return Array.from({ length: count }, (_, at) => totals[at + totals.length - count] ?? null)
}

function barWords(bars: readonly UsageBar[], series: readonly UsageSeries[], measure: Measure): string {
  const sum = (of: (bar: UsageBar) => bigint) => bars.reduce((total, bar) => total + of(bar), 0n)
  const parts = series
    .map(({ label }, at) => ({ label, amount: sum(({ amounts }) => amounts[at] ?? 0n) }))
    .filter(({ amount }) => amount > 0n)
    .map(({ label, amount }) => `${label} ${amountText(amount, measure)}`)
  const noun = measure === 'cost' ? '' : ` ${measure}`
  return `${amountText(
    sum(({ total }) => total),
    measure,
  )}${noun}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`
}

const DOLLARS = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  notation: 'compact',
  maximumSignificantDigits: 3,
})
const COUNTS = new Intl.NumberFormat('en', { notation: 'compact' })
const dollarTick = (value: number) => DOLLARS.format(value)
const countTick = (value: number) => COUNTS.format(value)

type LegendProps = {
  group: Group
  series: readonly UsageSeries[]
  hasLine: boolean
  pace: ReturnType<typeof useBudgetPace>
}

function Legend({ group, series, hasLine, pace }: LegendProps) {
  if (series.length === 0) return <p className="text-fg-muted text-xs">Nothing was used in this time.</p>
  return (
    <ul aria-label="Groups in the chart" className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
      {series.map(({ id, label, value }, at) => (
        <li key={id} className="flex min-w-0 items-center gap-1.5">
          {group === 'verdict' ? (
            <svg aria-hidden="true" viewBox="0 0 10 10" className="size-2.5 shrink-0">
              <rect width="10" height="10" rx="2" fill={fillOf(group, value, at)} />
            </svg>
          ) : (
            <SeriesSwatch at={value === null ? Number.POSITIVE_INFINITY : at} />
          )}
          <NameText name={label} className="max-w-48" />
        </li>
      ))}
      {hasLine && (
        <li className="flex items-center gap-1.5 text-fg-muted">
          <span aria-hidden className="h-px w-3 bg-fg-muted" /> The time before
        </li>
      )}
      {pace && (
        <li className="flex items-center gap-1.5 text-fg-muted">
          <span aria-hidden className="w-4 border-fg border-t border-dashed" /> {pace.label}
        </li>
      )}
    </ul>
  )
}
