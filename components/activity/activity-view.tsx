'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { type Facet, FilterBar } from '@/components/ui/filter-bar'
import { describeTimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { useOpenRow } from '@/components/ui/use-open-row'
import type { Activity } from '@/lib/contract/activity'
import { AppError } from '@/lib/errors'
import { activityColumns } from './activity-columns'
import { activityQueries } from './activity-queries'
import { ActivitySheet } from './activity-sheet'
import { ACTIVITY_COMPLETIONS, type ActivityField } from './activity-terms'
import { actorText, targetText } from './activity-words'
import { useActivityFilter } from './use-activity-filter'

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
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const select = (id: string | null) => void setOpenId(id, { history: openId === null ? 'push' : 'replace' })

  return (
    <>
      <div className="flex">
        <FilterBar
          label="Filter activity"
          placeholder="action=token.revoked"
          text={filter.text}
          onTextChange={filter.setText}
          completions={ACTIVITY_COMPLETIONS}
          error={filter.error}
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
        rows={rows}
        rowId={(entry) => entry.id}
        error={query.error ?? (filter.error && new AppError('invalid_filter', filter.error))}
        onRetry={filter.isReadable ? () => void query.refetch() : undefined}
        empty={
          <EmptyState title={`No activity (${describeTimeRange(filter.range)})`} command="kt tokens list">
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
      />
      <ActivitySheet id={openId} rows={rows} onClose={() => select(null)} onFilter={filter.setValue} />
    </>
  )
}

/** What the rows shown can be picked by. */
function facetsOf(rows: readonly Activity[], filter: ReturnType<typeof useActivityFilter>): Facet[] {
  const facet = (
    field: ActivityField,
    label: string,
    read: (entry: Activity) => [value: string, label: string],
  ): Facet => {
    const found = new Map(rows.map(read))
    const value = filter.terms[field] ?? null
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
