'use client'

import { useQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { useMemo } from 'react'
import { DataTable } from '@/components/ui/data-table'
import { type Facet, FilterBar } from '@/components/ui/filter-bar'
import { describeTimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { useEver } from '@/components/ui/use-ever'
import { type DecisionEvent, VERDICTS } from '@/lib/contract/events'
import { eventColumns } from './event-columns'
import { EventHistogram } from './event-histogram'
import { eventQueries } from './event-queries'
import { FACET_FIELDS, filterCompletions, foundValues } from './filter-suggestions'
import { onlyValueOf } from './filter-terms'
import { LiveControl } from './live-control'
import { NoEvents } from './no-events'
import { type EventFilter, useEventFilter } from './use-event-filter'
import { useEventRows } from './use-event-rows'
import { useOpenEvent } from './use-open-event'
import { VerdictTabs } from './verdict-tabs'

const EventSheet = dynamic(() => import('./event-sheet').then((it) => it.EventSheet), { ssr: false })

const BUCKETS = 60
const COUNT_EVERY_MS = 30_000

/** What the gateways decided: counts over time, the rows, and the one that is open. */
export function EventsView() {
  const filter = useEventFilter()
  const [openId, setOpenId] = useOpenEvent()
  const { rows, error, retry, more, live, topKey, setScrolledAway } = useEventRows(filter.selection, filter.isReadable)
  const counts = useQuery({
    ...eventQueries.histogram(filter.countedSelection, BUCKETS),
    enabled: filter.isReadable,
    refetchInterval: live.canFollow ? COUNT_EVERY_MS : false,
  })
  const hasOpened = useEver(openId !== null)
  const chosen = onlyValueOf(filter.terms, 'verdict')
  const verdict = VERDICTS.find((name) => name === chosen) ?? null
  const completions = useMemo(() => filterCompletions(rows ?? []), [rows])

  return (
    <>
      {filter.isReadable && (
        <>
          <EventHistogram
            histogram={counts.data}
            error={counts.error}
            onRetry={() => void counts.refetch()}
            verdict={verdict}
            range={filter.range}
            onZoom={filter.setRange}
            onZoomOut={filter.range.until ? () => filter.setRange(null) : undefined}
          />
          <VerdictTabs
            totals={counts.data?.totals}
            value={verdict}
            onChange={(next) => filter.setValue('verdict', next)}
          />
        </>
      )}
      <div className="flex">
        <FilterBar
          label="Filter events"
          placeholder="verdict=block model~gpt latency_ms>1000"
          text={filter.text}
          onTextChange={filter.setText}
          completions={completions}
          error={filter.error?.message}
          facets={facetsOf(filter, rows ?? [])}
          isFiltered={filter.isFiltered}
          onClear={() => filter.setText('')}
        >
          <TimeRangePicker range={filter.range} onChange={filter.setRange} />
        </FilterBar>
      </div>
      <DataTable
        label="Events"
        columns={eventColumns}
        rows={rows}
        rowId={(event) => event.event_id}
        error={error ?? filter.error}
        onRetry={filter.isReadable ? retry : undefined}
        empty={<NoEvents rangeText={describeTimeRange(filter.range)} />}
        isFiltered={filter.isFiltered}
        onClearFilter={filter.clear}
        more={more}
        selectedId={openId}
        onSelect={setOpenId}
        onScrolledAway={setScrolledAway}
        topKey={topKey}
        minWidth="min-w-280"
        toolbar={rows && <LiveControl {...live} goLive={() => filter.setRange(null)} />}
      />
      {hasOpened && <EventSheet id={openId} known={rows} onClose={() => setOpenId(null)} onFilter={filter.setValue} />}
    </>
  )
}

/** What the rows shown have in common, to pick from; a value chosen elsewhere stays in the list. */
const facetsOf = (filter: EventFilter, rows: readonly DecisionEvent[]): Facet[] =>
  FACET_FIELDS.map(({ field, label }) => {
    const value = onlyValueOf(filter.terms, field)
    const values = foundValues(rows, field)
    const options = value !== null && !values.includes(value) ? [value, ...values] : values
    return {
      id: field,
      label,
      value,
      options: options.map((option) => ({ value: option, label: option === '' ? 'None' : option })),
      onChange: (next: string | null) => filter.setValue(field, next),
    }
  }).filter(({ options }) => options.length > 0)
