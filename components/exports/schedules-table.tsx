'use client'

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Pause, Play, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { NameText } from '@/components/ui/name-text'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import type { ExportSchedule } from '@/lib/contract/export-shapes'
import { exportSchedules } from '@/lib/contract/exports'
import { api } from '../api'
import { exportQueries } from './export-queries'
import { EVERY_WORDS, FORMAT_WORDS, TYPE_WORDS } from './export-words'

const COLUMNS: Column<ExportSchedule>[] = [
  { id: 'name', header: 'Schedule', cell: ({ name }) => <NameText name={name} className="font-medium" /> },
  {
    id: 'what',
    header: 'What',
    width: 'w-44',
    cell: ({ type, format }) => `${TYPE_WORDS[type]} as ${FORMAT_WORDS[format]}`,
  },
  {
    id: 'filter',
    header: 'Filter',
    cell: ({ filter }) => (filter ? <code className="font-mono text-xs">{filter}</code> : '–'),
  },
  {
    id: 'when',
    header: 'When',
    width: 'w-72',
    cell: ({ every, hour, timezone }) => `${EVERY_WORDS[every]} at ${String(hour).padStart(2, '0')}:00, ${timezone}`,
  },
  {
    id: 'next',
    header: 'Next',
    width: 'w-24',
    cell: ({ enabled, next_run_at }) => (enabled ? <RelativeTime at={next_run_at} focusable={false} /> : '–'),
  },
  {
    id: 'state',
    header: 'State',
    width: 'w-26',
    cell: ({ enabled }) => <StatusBadge tone={enabled ? 'ok' : 'neutral'}>{enabled ? 'Runs' : 'Paused'}</StatusBadge>,
  },
  { id: 'actions', header: 'Actions', width: 'w-52', cell: (schedule) => <Actions schedule={schedule} /> },
]

export function SchedulesTable({ createButton }: { createButton: ReactNode }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    exportQueries.schedules(),
  )
  return (
    <DataTable
      label="Export schedules"
      columns={COLUMNS}
      rows={data?.pages.flatMap((page) => page.items)}
      rowId={(row) => row.id}
      error={error}
      onRetry={() => void refetch()}
      more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
      minWidth="min-w-6xl"
      empty={
        <EmptyState title="Nothing is exported by itself yet" action={createButton}>
          A schedule makes the same export every day, week or month, each covering exactly the period that is over.
        </EmptyState>
      }
    />
  )
}

function Actions({ schedule }: { schedule: ExportSchedule }) {
  const queryClient = useQueryClient()
  const [isDeleting, setIsDeleting] = useState(false)
  const settled = { onSettled: () => queryClient.invalidateQueries({ queryKey: exportQueries.all }) }
  const toggle = useMutation({
    mutationFn: () => api(exportSchedules.update, { id: schedule.id, enabled: !schedule.enabled }),
    onError: (error) => notice.error(error.message),
    ...settled,
  })
  const remove = useMutation({
    mutationFn: () => api(exportSchedules.delete, { id: schedule.id }),
    onSuccess: () => setIsDeleting(false),
    ...settled,
  })
  return (
    <span className="flex gap-1">
      <Button size="sm" variant="ghost" disabled={toggle.isPending} onClick={() => toggle.mutate()}>
        {schedule.enabled ? <Pause /> : <Play />} {schedule.enabled ? 'Pause' : 'Resume'}
      </Button>
      <Button size="sm" variant="ghost" onClick={() => setIsDeleting(true)}>
        <Trash2 /> Delete
      </Button>
      <ConfirmDialog
        open={isDeleting}
        onOpenChange={setIsDeleting}
        title={`Delete “${schedule.name}”?`}
        confirmLabel="Delete schedule"
        isPending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p>It makes no more exports. The files that it made stay until they expire.</p>
      </ConfirmDialog>
    </span>
  )
}
