'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { RelativeTime } from '@/components/ui/relative-time'
import type { PriceVersion } from '@/lib/contract/model-pricing'
import { priceQueries } from './price-queries'

/** Who set own prices, when and why. Versions are never changed: an event can always be reckoned again. */
export function VersionsTable() {
  const query = useInfiniteQuery(priceQueries.versions())
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  return (
    <DataTable
      label="Versions of own prices"
      columns={COLUMNS}
      rows={rows}
      rowId={({ version }) => String(version)}
      error={query.error}
      onRetry={() => void query.refetch()}
      more={{ hasMore: query.hasNextPage, isLoading: query.isFetchingNextPage, load: () => void query.fetchNextPage() }}
      minWidth="min-w-3xl"
      empty={
        <EmptyState title="No own prices yet" command="kt pricing set openai gpt-5.4-mini input=0.60 output=3.60">
          Calls cost what the public catalogue says, and what targets of configurations state.
        </EmptyState>
      }
    />
  )
}

const COLUMNS: Column<PriceVersion>[] = [
  {
    id: 'version',
    header: 'Version',
    width: 'w-24',
    cell: ({ version }) => <span className="font-medium tabular-nums">{version}</span>,
  },
  { id: 'note', header: 'Note', cell: ({ note }) => note ?? <span className="text-fg-muted">–</span> },
  {
    id: 'changes',
    header: 'Changes',
    width: 'w-28',
    align: 'right',
    cell: ({ changes }) => changes.toLocaleString('en'),
  },
  {
    id: 'created',
    header: 'Made',
    width: 'w-56',
    cell: ({ created_at, created_by }) => (
      <>
        <RelativeTime at={created_at} focusable={false} /> by {created_by}
      </>
    ),
  },
]
