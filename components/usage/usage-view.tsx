'use client'

import { useQuery } from '@tanstack/react-query'
import { FileDown } from 'lucide-react'
import { useMemo } from 'react'
import { SeriesPatterns } from '@/components/charts/series-patterns'
import { eventQueries } from '@/components/events/event-queries'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Choice } from '@/components/ui/choice'
import { ErrorState } from '@/components/ui/error-state'
import { FilterBar } from '@/components/ui/filter-bar'
import { useNow } from '@/components/ui/relative-time'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { SavedViewsMenu } from '@/components/views/saved-views-menu'
import { usage } from '@/lib/contract/usage'
import { completeFilter, EVENT_FILTER_CHOICES } from '@/lib/filter-completion'
import { BudgetLine } from './budget-line'
import { UnpricedCallout } from './unpriced-callout'
import { UsageBreakdown } from './usage-breakdown'
import { UsageChart } from './usage-chart'
import { usagePresets } from './usage-range'
import { UsageStrip } from './usage-strip'
import { GROUP_WORDS, GROUPS, MEASURE_WORDS, MEASURES, USAGE_FILTER_FIELDS } from './usage-words'
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
            {answer.data && (
              <UnpricedCallout unpriced={answer.data.total.unpriced} span={answer.data} filter={state.filter} />
            )}
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
