'use client'

import { useQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { useMemo } from 'react'
import { DataTable } from '@/components/ui/data-table'
import { FilterBar } from '@/components/ui/filter-bar'
import { describeTimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { useEver } from '@/components/ui/use-ever'
import { type DecisionEvent, VERDICTS } from '@/lib/contract/events'
import { eventColumns } from './event-columns'
import { EventHistogram } from './event-histogram'
import { eventQueries } from './event-queries'
import { ExportThese } from './export-these'
import { facetsOf } from './facets-of'
import { eventCompletion } from './filter-suggestions'
import { onlyValueOf } from './filter-terms'
import { LiveControl } from './live-control'
import { LookFurther } from './look-further'
import { NoEvents } from './no-events'
import { UnreadableFilter } from './unreadable-filter'
import { useEventFilter } from './use-event-filter'
import { useEventRows } from './use-event-rows'
import { useOpenEvent } from './use-open-event'
import { VerdictTabs } from './verdict-tabs'

const EventSheet = dynamic(() => import('./event-sheet').then((it) => it.EventSheet), { ssr: false })

const NONE: DecisionEvent[] = []
const BUCKETS = 60
const COUNT_EVERY_MS = 30_000

/** What the gateways decided: counts over time, the rows, and the one that is open. */
export function EventsView() {
  const filter = useEventFilter()
  const [openId, setOpenId] = useOpenEvent()
  const { rows, error, retry, more, lookedUntil, live, topKey, setScrolledAway } = useEventRows(
    filter.selection,
    filter.isReadable,
  )
  const counts = useQuery({
    ...eventQueries.histogram(filter.countedSelection, BUCKETS),
    enabled: filter.isReadable,
    refetchInterval: live.canFollow ? COUNT_EVERY_MS : false,
  })
  const facets = useQuery({ ...eventQueries.facets(filter.selection), enabled: filter.isReadable })
  const hasOpened = useEver(openId !== null)
  const chosen = onlyValueOf(filter.terms, 'verdict')
  const verdict = VERDICTS.find((name) => name === chosen) ?? null
  const complete = useMemo(() => eventCompletion(facets.data), [facets.data])
  const further = lookedUntil !== null && (
    <LookFurther until={lookedUntil} isLooking={more.isLoading} found={rows?.length ?? 0} onLook={more.load} />
  )

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
          complete={complete}
          error={filter.error?.message}
          facets={facetsOf(filter, facets.data)}
          isFiltered={filter.isFiltered}
          onClear={() => filter.setText('')}
        >
          <TimeRangePicker range={filter.range} onChange={filter.setRange} />
        </FilterBar>
      </div>
      <DataTable
        label="Events"
        columns={eventColumns}
        rows={filter.isReadable ? rows : NONE}
        rowId={(event) => event.event_id}
        error={error}
        onRetry={retry}
        empty={<NoEvents rangeText={describeTimeRange(filter.range)} />}
        isFiltered={filter.isFiltered}
        onClearFilter={filter.clear}
        more={more}
        selectedId={openId}
        onSelect={setOpenId}
        onScrolledAway={setScrolledAway}
        topKey={topKey}
        minWidth="min-w-296"
        filteredEmpty={
          filter.error ? <UnreadableFilter problem={filter.error} onClear={filter.clear} /> : further || undefined
        }
        toolbar={
          rows && (
            <>
              <LiveControl {...live} goLive={() => filter.setRange(null)} />
              <ExportThese type="events" selection={filter.selection} />
            </>
          )
        }
      />
      {rows && rows.length > 0 && further}
      {hasOpened && <EventSheet id={openId} known={rows} onClose={() => setOpenId(null)} onFilter={filter.setValue} />}
    </>
  )
}
