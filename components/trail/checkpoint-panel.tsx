'use client'

import { useMutation, useQuery } from '@tanstack/react-query'
import { Download, GitCompareArrows } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { CheckList } from '@/components/verify/check-list'
import { Fingerprint } from '@/components/verify/fingerprint'
import { NoteField } from '@/components/verify/note-field'
import { trail } from '@/lib/contract/trail'
import { AppError } from '@/lib/errors'
import { api } from '../api'
import { saveText } from './save-text'
import { trailQueries } from './trail-queries'
import { recordWords } from './trail-words'

/** The latest signed root to keep somewhere else, and the comparison with one that was kept. */
export function CheckpointPanel() {
  const { data, error, refetch } = useQuery(trailQueries.checkpoint())
  if (error instanceof AppError && (error.status === 404 || error.status === 409)) {
    return <EmptyState title="No checkpoint yet">The first digest brings it.</EmptyState>
  }
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-64" />
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <section
        aria-labelledby="latest-checkpoint"
        className="flex min-w-0 flex-col gap-3 rounded-md border bg-surface p-4"
      >
        <h2 id="latest-checkpoint" className="font-medium text-sm">
          Latest checkpoint
        </h2>
        <p className="text-fg-muted text-sm">
          Over {recordWords(data.tree_size)}, signed <RelativeTime at={data.created_at} />. Keep it where the operator
          of this server cannot reach it: only a kept one shows later that records were cut off or replaced.
        </p>
        <CodeBlock code={data.note} what="checkpoint" className="break-all" />
        <div>
          <Button size="sm" onClick={() => saveText(`checkpoint-${data.tree_size}.txt`, data.note)}>
            <Download /> Download
          </Button>
        </div>
        <CodeBlock code="kt trail checkpoint > checkpoint.txt" what="command" />
      </section>
      <Compare />
    </div>
  )
}

function Compare() {
  const [note, setNote] = useState('')
  const compare = useMutation({
    mutationFn: async (kept: string) => {
      const [{ compareCheckpoint }, key, latest] = await Promise.all([
        import('@/components/verify/compare-checkpoint'),
        api(trail.publicKey, {}),
        api(trail.checkpoint, {}),
      ])
      const prove = async (from: number, to: number) => (await api(trail.consistency, { from, to })).proof
      return { fingerprint: key.fingerprint, checks: await compareCheckpoint(kept, { key, latest, prove }) }
    },
  })
  return (
    <section
      aria-labelledby="compare-checkpoint"
      className="flex min-w-0 flex-col gap-3 rounded-md border bg-surface p-4"
    >
      <h2 id="compare-checkpoint" className="font-medium text-sm">
        Compare with a kept one
      </h2>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          if (note.trim() !== '' && !compare.isPending) compare.mutate(note)
        }}
      >
        <NoteField
          id="kept-checkpoint"
          label="Kept checkpoint"
          hint="This browser asks the server for a proof and checks it itself."
          value={note}
          onChange={(next) => {
            setNote(next)
            compare.reset()
          }}
        />
        <div>
          <Button type="submit" variant="primary" disabled={note.trim() === '' || compare.isPending}>
            <GitCompareArrows /> {compare.isPending ? 'Comparing…' : 'Compare'}
          </Button>
        </div>
      </form>
      <div role="status" className="flex flex-col gap-3 empty:hidden">
        {compare.error && <Callout tone="danger">{compare.error.message}</Callout>}
        {compare.data && (
          <>
            <CheckList label="Comparison" checks={compare.data.checks} />
            <p className="text-fg-muted text-xs">
              Keys and signatures are those that this server names. Its key has this fingerprint; compare it with yours:
            </p>
            <Fingerprint value={compare.data.fingerprint} />
          </>
        )}
      </div>
    </section>
  )
}
