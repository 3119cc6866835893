'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { useMemo } from 'react'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { type Facet, FilterBar } from '@/components/ui/filter-bar'
import { describeTimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { ACTIVITY_FILTER_FIELDS, type Activity, type ActivityFilterField } from '@/lib/contract/activity'
import { ACTIVITY_FILTER_CHOICES, completeFilter } from '@/lib/filter-completion'
import { ExportThese } from '../events/export-these'
import { onlyValueOf } from '../events/filter-terms'
import { UnreadableFilter } from '../events/unreadable-filter'
import { activityColumns } from './activity-columns'
import { activityQueries } from './activity-queries'
import { actorText, targetText } from './activity-words'
import { useActivityFilter } from './use-activity-filter'

const ActivitySheet = dynamic(() => import('./activity-sheet').then((it) => it.ActivitySheet), { ssr: false })

const NONE: Activity[] = []
const REFRESH_EVERY_MS = 30_000

/** Who changed what. */
export function ActivityView() {
  const filter = useActivityFilter()
  const [openId, setOpenId] = useOpenRow()
  const query = useInfiniteQuery({
    ...activityQueries.list(filter.selection),
    enabled: filter.isReadable,
    // Entries come at the pace of people; only the first page is worth asking for again by itself.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? REFRESH_EVERY_MS : false),
  })
  const hasOpened = useEver(openId !== null)
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const select = (id: string | null) => void setOpenId(id, { history: openId === null ? 'push' : 'replace' })

  return (
    <>
      <div className="flex">
        <FilterBar
          label="Filter activity"
          placeholder="action~revoked actor_name=Ana outcome=denied"
          text={filter.text}
          onTextChange={filter.setText}
          complete={complete}
          error={filter.error?.message}
          facets={facetsOf(rows ?? [], filter)}
          isFiltered={filter.isFiltered}
          onClear={() => filter.setText('')}
        >
          <TimeRangePicker range={filter.range} onChange={filter.setRange} />
        </FilterBar>
      </div>
      <DataTable
        label="Activity"
        columns={activityColumns}
        rows={filter.isReadable ? rows : NONE}
        rowId={(entry) => entry.id}
        error={query.error}
        onRetry={() => void query.refetch()}
        filteredEmpty={filter.error && <UnreadableFilter problem={filter.error} onClear={filter.clear} />}
        empty={
          <EmptyState title={`No activity (${describeTimeRange(filter.range)})`} command="kt activity list --since 7d">
            Every change to keys, configurations, gateways and settings leaves an entry here, whoever made it and
            however.
          </EmptyState>
        }
        isFiltered={filter.isFiltered}
        onClearFilter={filter.clear}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        selectedId={openId}
        onSelect={select}
        minWidth="min-w-6xl"
        toolbar={rows && <ExportThese type="activity" selection={filter.selection} />}
      />
      {hasOpened && <ActivitySheet id={openId} rows={rows} onClose={() => select(null)} onFilter={filter.setValue} />}
    </>
  )
}

const complete = (text: string, caret: number) =>
  completeFilter(text, caret, ACTIVITY_FILTER_FIELDS, ACTIVITY_FILTER_CHOICES)

/** What the rows shown can be picked by. */
function facetsOf(rows: readonly Activity[], filter: ReturnType<typeof useActivityFilter>): Facet[] {
  const facet = (
    field: ActivityFilterField,
    label: string,
    read: (entry: Activity) => [value: string, label: string],
  ): Facet => {
    const found = new Map(rows.map(read))
    const value = onlyValueOf(filter.terms, field)
    if (value !== null && !found.has(value)) found.set(value, value)
    return {
      id: field,
      label,
      value,
      options: [...found].slice(0, 20).map(([option, words]) => ({ value: option, label: words })),
      onChange: (next) => filter.setValue(field, next),
    }
  }
  return [
    facet('action', 'Action', ({ action }) => [action, action]),
    facet('actor_id', 'Who', (entry) => [entry.actor.id, actorText(entry)]),
    facet('target_id', 'What', (entry) => [entry.target.id, targetText(entry)]),
  ].filter(({ options }) => options.length > 0)
}
