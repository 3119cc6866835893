'use client'

import { useQuery } from '@tanstack/react-query'
import { FileDown } from 'lucide-react'
import Link from 'next/link'
import { useMemo } from 'react'
import { SeriesPatterns } from '@/components/charts/series-patterns'
import { eventQueries } from '@/components/events/event-queries'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { ErrorState } from '@/components/ui/error-state'
import { FilterBar } from '@/components/ui/filter-bar'
import { useNow } from '@/components/ui/relative-time'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { SavedViewsMenu } from '@/components/views/saved-views-menu'
import { usage } from '@/lib/contract/usage'
import { completeFilter, EVENT_FILTER_CHOICES } from '@/lib/filter-completion'
import { BudgetLine } from './budget-line'
import { historyPath } from './history-path'
import { UsageBreakdown } from './usage-breakdown'
import { UsageChart } from './usage-chart'
import { usagePresets } from './usage-range'
import { UsageStrip } from './usage-strip'
import { GROUP_WORDS, GROUPS, MEASURE_WORDS, MEASURES, UNPRICED_FILTER, USAGE_FILTER_FIELDS } from './usage-words'
import { type Usage, useUsage } from './use-usage'

const COMPLETED = 'token_name,model,provider,reason_code,agent_id,team_id,user_id'

/** What was used and what it cost: sums, bars over time, and who it was. */
export function UsageView() {
  const state = useUsage()
  const { answer } = state
  const nowMs = useNow()
  const presets = useMemo(() => usagePresets(new Date(nowMs)), [nowMs])
  const complete = useCompletion(state)
  return (
    <>
      <SeriesPatterns />
      <div className="flex">
        <FilterBar
          label="Filter usage"
          placeholder="team_id=… model~gpt verdict=allow"
          text={state.text}
          onTextChange={state.setText}
          complete={complete}
          error={state.filterError?.message}
          isFiltered={state.isFiltered}
          onClear={() => state.setText('')}
        >
          <TimeRangePicker range={state.range} onChange={state.setRange} presets={presets} />
        </FilterBar>
      </div>
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2">
        <Labelled label="Show">
          <Choice
            label="Show"
            value={state.measure}
            onChange={state.setMeasure}
            options={MEASURES.map((value) => ({ value, label: MEASURE_WORDS[value] }))}
          />
        </Labelled>
        <Labelled label="By">
          <Choice
            label="Group by"
            value={state.group}
            onChange={state.setGroup}
            options={GROUPS.map((value) => ({ value, label: GROUP_WORDS[value].label }))}
          />
        </Labelled>
        <div className="ml-auto flex flex-wrap items-center">
          <SavedViewsMenu of="usage" />
          <CsvLink state={state} />
        </div>
      </div>
      {state.isReadable &&
        (answer.error && !answer.data ? (
          <div className="rounded-md border bg-surface">
            <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />
          </div>
        ) : (
          <>
            <UsageStrip state={state} />
            <Unpriced state={state} />
            <UsageChart state={state} />
            <BudgetLine state={state} />
            <UsageBreakdown state={state} />
          </>
        ))}
    </>
  )
}

const Labelled = ({ label, children }: { label: string; children: React.ReactNode }) => (
  <div className="flex items-baseline gap-2">
    <span aria-hidden className="text-fg-muted text-xs">
      {label}
    </span>
    {children}
  </div>
)

/** Values that events of the range have are offered for the fields that usage knows. */
function useCompletion({ range, isReadable }: Usage) {
  const canEvents = useCan('events:read')
  const { data } = useQuery({
    ...eventQueries.facets({ since: range.since, until: range.until }),
    enabled: canEvents && isReadable,
    select: ({ items }) =>
      Object.fromEntries(
        items
          .filter(({ field }) => COMPLETED.includes(field))
          .map(({ field, values }) => [field, values.map((one) => one.value)]),
      ),
  })
  return useMemo(() => {
    const values = { ...data, ...EVENT_FILTER_CHOICES }
    return (text: string, caret: number) => completeFilter(text, caret, USAGE_FILTER_FIELDS, values)
  }, [data])
}

/** What is on the page, as a file: the same question, answered as CSV. */
function CsvLink({ state: { question, answer, isReadable } }: { state: Usage }) {
  if (!isReadable || !answer.data) return null
  const query = new URLSearchParams({ since: answer.data.since, until: answer.data.until })
  for (const name of ['filter', 'group_by', 'interval', 'time_zone'] as const) {
    const value = question[name]
    if (value) query.set(name, value)
  }
  return (
    <Button asChild size="sm" variant="ghost" className="text-fg-muted">
      <a href={`${usage.csv.path.replace('/v1', '/api')}?${query}`} download="usage.csv">
        <FileDown /> Export as CSV
      </a>
    </Button>
  )
}

/** Money that nobody knows is said, never shown as zero. */
function Unpriced({ state: { answer, filter } }: { state: Usage }) {
  const canPrice = useCan('org:billing')
  const canEvents = useCan('events:read')
  const data = answer.data
  if (!data || data.total.unpriced === 0) return null
  const { unpriced } = data.total
  return (
    <Callout tone="warn" role="status">
      <p>
        {unpriced === 1 ? 'One request' : `${unpriced.toLocaleString('en')} requests`} used tokens whose price nobody
        knows. What {unpriced === 1 ? 'it' : 'they'} cost is in no sum on this page.
      </p>
      <p className="mt-1 flex flex-wrap gap-x-4">
        {canEvents && (
          <Link
            className="underline underline-offset-2"
            href={historyPath(data, filter === '' ? UNPRICED_FILTER : `${filter} ${UNPRICED_FILTER}`)}
          >
            Show {unpriced === 1 ? 'it' : 'them'}
          </Link>
        )}
        <Link className="underline underline-offset-2" href={`/settings/model-prices${canPrice ? '?set=true' : ''}`}>
          {canPrice ? 'Set a price' : 'Look at prices'}
        </Link>
      </p>
    </Callout>
  )
}
