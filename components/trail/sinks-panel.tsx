'use client'

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Pause, Play, Plus, Send, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import { trail } from '@/lib/contract/trail'
import type { TrailSink } from '@/lib/contract/trail-shapes'
import { api } from '../api'
import { trailQueries } from './trail-queries'
import { recordWords, SINK_WORDS, sinkPlace } from './trail-words'

const AddSinkDialog = dynamic(() => import('./add-sink-dialog').then((it) => it.AddSinkDialog), { ssr: false })

const ABOUT =
  'Places outside the database that are told each checkpoint. Whoever changes the record would have to change it there too.'

export function SinksPanel() {
  const mayWrite = useCan('trail:write')
  const [isAdding, setIsAdding] = useState(false)
  const { data, error, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery(trailQueries.sinks())
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-48" />
  const sinks = data.pages.flatMap((page) => page.items)
  const add = mayWrite && (
    <Button variant="primary" onClick={() => setIsAdding(true)}>
      <Plus /> Add sink
    </Button>
  )
  return (
    <div className="flex flex-col gap-3">
      {sinks.length === 0 ? (
        <div className="rounded-md border bg-surface">
          <EmptyState title="Nobody is told the checkpoints yet" action={add}>
            {ABOUT}
            {!mayWrite && ` Who can add one: ${rolesWith('trail:write').join(', ')}.`}
          </EmptyState>
        </div>
      ) : (
        <>
          <div className="flex flex-wrap items-start justify-between gap-2">
            <p className="max-w-2xl text-fg-muted text-sm">{ABOUT}</p>
            {add}
          </div>
          <ul className="flex flex-col gap-2">
            {sinks.map((sink) => (
              <li key={sink.id}>
                <Sink sink={sink} mayWrite={mayWrite} />
              </li>
            ))}
          </ul>
        </>
      )}
      {hasNextPage && <Button onClick={() => void fetchNextPage()}>Load more</Button>}
      {isAdding && <AddSinkDialog onClose={() => setIsAdding(false)} />}
    </div>
  )
}

function Sink({ sink, mayWrite }: { sink: TrailSink; mayWrite: boolean }) {
  const queryClient = useQueryClient()
  const [isRemoving, setIsRemoving] = useState(false)
  const settled = { onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }) }
  const failed = (wanted: Error) => notice.error(wanted.message)
  const deliver = useMutation({
    mutationFn: () => api(trail.deliver, { id: sink.id }),
    onSuccess: ({ last_error, last_size }) =>
      last_error
        ? notice.error('It was not taken.', { description: last_error })
        : notice.success(`Told the checkpoint over ${recordWords(last_size)}.`),
    onError: failed,
    ...settled,
  })
  const toggle = useMutation({
    mutationFn: () => api(trail.updateSink, { id: sink.id, enabled: !sink.enabled }),
    onError: failed,
    ...settled,
  })
  const remove = useMutation({
    mutationFn: () => api(trail.deleteSink, { id: sink.id }),
    onSuccess: () => setIsRemoving(false),
    ...settled,
  })
  const { label } = SINK_WORDS[sink.kind]
  return (
    <article
      aria-label={`${label} ${sinkPlace(sink)}`}
      className="flex flex-col gap-2 rounded-md border bg-surface p-4"
    >
      <div className="flex flex-wrap items-center justify-between gap-2">
        <div className="flex min-w-0 flex-wrap items-center gap-2">
          <SinkBadge sink={sink} />
          <span className="font-medium text-sm">{label}</span>
          <code className="min-w-0 break-all font-mono text-xs">{sinkPlace(sink)}</code>
        </div>
        {mayWrite && (
          <div className="flex flex-wrap gap-1">
            <Button size="sm" disabled={deliver.isPending || !sink.enabled} onClick={() => deliver.mutate()}>
              <Send /> {deliver.isPending ? 'Delivering…' : 'Deliver now'}
            </Button>
            <Button size="sm" variant="ghost" disabled={toggle.isPending} onClick={() => toggle.mutate()}>
              {sink.enabled ? <Pause /> : <Play />} {sink.enabled ? 'Pause' : 'Resume'}
            </Button>
            <Button size="sm" variant="ghost" onClick={() => setIsRemoving(true)}>
              <Trash2 /> Remove
            </Button>
          </div>
        )}
      </div>
      <p className="text-fg-muted text-xs">
        {sink.last_ok_at === null ? (
          'Has taken no checkpoint yet.'
        ) : (
          <>
            Last took the checkpoint over {recordWords(sink.last_size)}, <RelativeTime at={sink.last_ok_at} />.
          </>
        )}
      </p>
      {sink.last_error && <Callout tone="danger">The last delivery failed: {sink.last_error}</Callout>}
      <ConfirmDialog
        open={isRemoving}
        onOpenChange={setIsRemoving}
        title="Remove this sink?"
        confirmLabel="Remove sink"
        isPending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p>It is told no more checkpoints. What it was told stays there.</p>
      </ConfirmDialog>
    </article>
  )
}

function SinkBadge({ sink }: { sink: TrailSink }) {
  if (!sink.enabled) return <StatusBadge tone="neutral">Paused</StatusBadge>
  if (sink.last_error) return <StatusBadge tone="bad">Failing</StatusBadge>
  if (sink.last_ok_at === null) return <StatusBadge tone="info">Waiting</StatusBadge>
  return <StatusBadge tone="ok">Delivers</StatusBadge>
}
