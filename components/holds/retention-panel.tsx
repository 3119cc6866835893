'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import type { z } from 'zod'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { Skeleton } from '@/components/ui/skeleton'
import { Stat } from '@/components/ui/stat'
import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import type { MONTH_STATES, retention } from '@/lib/contract/retention'
import { bytesText, countText } from '../events/event-words'
import { holdsQueries } from './holds-queries'

type Kept = z.output<typeof retention.get.output>
type Month = Kept['months'][number]

const LOOK: Record<(typeof MONTH_STATES)[number], { label: string; tone: StatusTone }> = {
  kept: { label: 'Kept', tone: 'ok' },
  held: { label: 'Held', tone: 'info' },
  unsigned: { label: 'Not signed yet', tone: 'attention' },
  due: { label: 'Dropped tonight', tone: 'attention' },
  retired: { label: 'Dropped', tone: 'neutral' },
}

/** What there is, and what will be dropped or erased when. */
export function RetentionPanel() {
  const { data, error, refetch } = useQuery(holdsQueries.retention())
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-64" />
  const { payloads } = data
  const days = (count: number | null) => (count === null ? 'For ever' : `${countText(count)} days`)
  return (
    <div className="flex flex-col gap-3">
      <div className="grid grid-cols-2 gap-2 lg:grid-cols-4">
        <Stat label="Events are kept" value={days(data.events_retention_days)} note="By whole months" />
        <Stat
          label="Content is kept"
          value={data.payloads_retention_days === null ? 'As long as its event' : days(data.payloads_retention_days)}
          note="Requests and answers"
        />
        <Stat
          label="Content there is"
          value={bytesText(payloads.bytes)}
          note={`${countText(payloads.kept)} requests and answers`}
        />
        <Stat
          label="Erased tonight"
          value={countText(payloads.due)}
          note={
            payloads.leaving > 0
              ? `${countText(payloads.leaving)} more are leaving the store`
              : 'Unless a hold covers them'
          }
        />
      </div>
      <p className="text-fg-muted text-sm">
        Both are set under{' '}
        <Link href="/settings/security" className="text-accent underline underline-offset-2">
          Settings, Security
        </Link>
        . Hashes, digests and totals of what is dropped stay, and the trail verifies with it gone.
      </p>
      <DataTable
        label="Months of events"
        columns={COLUMNS}
        rows={data.months}
        rowId={({ month }) => month}
        empty={<EmptyState title="No events yet">A month stands here as soon as it has an event.</EmptyState>}
      />
    </div>
  )
}

const COLUMNS: Column<Month>[] = [
  {
    id: 'month',
    header: 'Month (UTC)',
    width: 'w-32',
    cell: ({ month }) => <span className="font-medium">{month}</span>,
  },
  { id: 'events', header: 'Events', width: 'w-28', align: 'right', cell: ({ events }) => countText(events) },
  {
    id: 'state',
    header: 'State',
    width: 'w-40',
    cell: ({ state }) => <StatusBadge tone={LOOK[state].tone}>{LOOK[state].label}</StatusBadge>,
  },
  {
    id: 'from',
    header: 'May be dropped from',
    width: 'w-48',
    cell: ({ droppable_from, retired_at }) =>
      retired_at ? `dropped ${dayOf(retired_at)}` : droppable_from ? dayOf(droppable_from) : 'Never',
  },
  { id: 'holds', header: 'Held by', cell: ({ holds }) => holds.join(', ') || '–' },
]

const dayOf = (at: string) => new Date(at).toLocaleDateString('en-GB', { dateStyle: 'medium' })
