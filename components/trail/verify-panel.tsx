'use client'

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { RelativeTime } from '@/components/ui/relative-time'
import type { TimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { NoteField } from '@/components/verify/note-field'
import { trail } from '@/lib/contract/trail'
import type { Verification } from '@/lib/contract/trail-shapes'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { trailQueries } from './trail-queries'
import { countWords, rangeWords } from './trail-words'
import { VerificationBadge } from './verification-badge'

type VerifyPanelProps = { openId: string | null; onOpen: (id: string | null) => void }

export function VerifyPanel({ openId, onOpen }: VerifyPanelProps) {
  const canVerify = useCan('trail:verify')
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    trailQueries.verifications(),
  )
  return (
    <div className="flex flex-col gap-4">
      {canVerify ? (
        <VerifyForm onStarted={onOpen} />
      ) : (
        <Callout>
          Your role reads verifications and starts none. These roles can: {rolesWith('trail:verify').join(', ')}.
        </Callout>
      )}
      <DataTable
        label="Verifications"
        columns={COLUMNS}
        rows={data?.pages.flatMap((page) => page.items)}
        rowId={(row) => row.id}
        error={error}
        onRetry={() => void refetch()}
        more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
        selectedId={openId}
        onSelect={onOpen}
        minWidth="min-w-5xl"
        empty={
          <EmptyState title="Nothing was verified yet" command="kt trail verify --since 24h --deep">
            A verification recomputes what was signed and says exactly what is wrong with it, if anything is.
          </EmptyState>
        }
      />
    </div>
  )
}

const DEPTHS = {
  shallow: 'Digests, signatures, keys and the chain between them: seconds, whatever the range.',
  deep: 'Also reads every record and captured payload and hashes it again: minutes for millions.',
} as const

function VerifyForm({ onStarted }: { onStarted: (id: string) => void }) {
  const queryClient = useQueryClient()
  const [range, setRange] = useState<TimeRange>({ since: '24h', until: undefined })
  const [depth, setDepth] = useState<keyof typeof DEPTHS>('shallow')
  const [note, setNote] = useState('')
  const start = useMutation({
    mutationFn: () =>
      api(
        trail.verify,
        {
          start_time: range.since,
          end_time: range.until,
          deep_verify: depth === 'deep',
          known_checkpoint: note.trim() === '' ? undefined : note,
          wait: false,
        },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: ({ id }) => onStarted(id),
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  return (
    <form
      aria-label="Verify a range"
      className="flex flex-col gap-3 rounded-md border bg-surface p-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (!start.isPending) start.mutate()
      }}
    >
      {start.error && (
        <Callout tone="danger" role="alert">
          {start.error.message}
        </Callout>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <TimeRangePicker range={range} onChange={setRange} />
        <Choice
          label="How deep"
          value={depth}
          onChange={(next) => setDepth(next === 'deep' ? 'deep' : 'shallow')}
          options={[
            { value: 'shallow', label: 'Shallow' },
            { value: 'deep', label: 'Deep' },
          ]}
        />
        <Button type="submit" variant="primary" disabled={start.isPending}>
          <ShieldCheck /> {start.isPending ? 'Starting…' : 'Verify'}
        </Button>
      </div>
      <p className="text-fg-muted text-xs">{DEPTHS[depth]}</p>
      <details>
        <summary className="w-fit rounded-md text-sm">Compare with a checkpoint that was kept elsewhere</summary>
        <div className="pt-3">
          <NoteField
            id="known-checkpoint"
            label="Kept checkpoint"
            hint="Only with one are a lost tail, a restored backup or a second history found."
            value={note}
            onChange={setNote}
          />
        </div>
      </details>
    </form>
  )
}

const COLUMNS: Column<Verification>[] = [
  { id: 'outcome', header: 'Outcome', width: 'w-36', cell: (row) => <VerificationBadge of={row} /> },
  {
    id: 'range',
    header: 'Range',
    width: 'w-92',
    cell: ({ input }) => rangeWords(input.start_time, input.end_time),
  },
  { id: 'depth', header: 'Depth', width: 'w-24', cell: ({ input }) => (input.deep_verify ? 'Deep' : 'Shallow') },
  {
    id: 'compared',
    header: 'Compared',
    width: 'w-36',
    cell: ({ input }) => (input.known_checkpoint ? 'With a checkpoint' : 'With nothing'),
  },
  {
    id: 'findings',
    header: 'Findings',
    width: 'w-24',
    align: 'right',
    cell: ({ result, findings }) => (result ? countWords(findings.length + result.findings_more) : '–'),
  },
  {
    id: 'started',
    header: 'Started',
    cell: ({ created_at }) => <RelativeTime at={created_at} focusable={false} />,
  },
]
