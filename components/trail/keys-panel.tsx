'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Download, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Details } from '@/components/ui/details'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import { Fingerprint } from '@/components/verify/fingerprint'
import { trail } from '@/lib/contract/trail'
import type { TrailKey } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { saveText } from './save-text'
import { trailQueries } from './trail-queries'

export function KeysPanel({ canSign }: { canSign: boolean }) {
  const { data, error, refetch } = useQuery(trailQueries.publicKey())
  if (error instanceof AppError && (error.status === 404 || error.status === 409)) {
    return <EmptyState title="No key yet">It is made with the first digest.</EmptyState>
  }
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-64" />
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <p className="max-w-2xl text-fg-muted text-sm">
          One key signs at a time, and each has signed the next. What an earlier key has signed stays verifiable for
          ever.
        </p>
        <Rotate canSign={canSign} />
      </div>
      <ol reversed className="flex flex-col gap-2">
        {data.history.toReversed().map((key) => (
          <li key={key.kid}>
            <Key signingKey={key} />
          </li>
        ))}
      </ol>
      <Details
        items={[
          [
            'Name in checkpoints',
            <code key="note" className="break-all font-mono text-xs">
              {data.note_key}
            </code>,
          ],
        ]}
      />
    </div>
  )
}

function Key({ signingKey: key }: { signingKey: TrailKey }) {
  return (
    <article aria-label={`Key ${key.kid}`} className="flex flex-col gap-3 rounded-md border bg-surface p-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <span className="flex items-center gap-2">
          <StatusBadge tone={key.not_after === null ? 'ok' : 'neutral'}>
            {key.not_after === null ? 'Signs now' : 'Replaced'}
          </StatusBadge>
          <IdText id={key.kid} what="key id" />
        </span>
        <Button size="sm" onClick={() => saveText(`${key.kid}.pem`, key.pem)}>
          <Download /> PEM
        </Button>
      </div>
      <Details
        items={[
          ['Fingerprint', <Fingerprint key="fingerprint" value={key.fingerprint} />],
          ['Since', <RelativeTime key="since" at={key.not_before} />],
          ['Until', <RelativeTime key="until" at={key.not_after} none="In use" />],
          [
            'Signed by',
            key.predecessor_kid ? (
              <IdText key="by" id={key.predecessor_kid} what="key id" />
            ) : (
              'The first key: nobody before it'
            ),
          ],
        ]}
      />
    </article>
  )
}

function Rotate({ canSign }: { canSign: boolean }) {
  const queryClient = useQueryClient()
  const mayWrite = useCan('trail:write')
  const [isAsking, setIsAsking] = useState(false)
  const rotate = useMutation({
    mutationFn: () => api(trail.rotateKey, {}, { idempotencyKey: newId('req') }),
    onSuccess: () => {
      setIsAsking(false)
      notice.success('A new key signs from now on. Tell its fingerprint to those who keep one.')
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  if (!mayWrite) {
    return <p className="text-fg-muted text-xs">Rotated by: {rolesWith('trail:write').join(', ')}.</p>
  }
  if (!canSign) return null
  return (
    <>
      <Button size="sm" onClick={() => setIsAsking(true)}>
        <RotateCw /> Rotate key…
      </Button>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title="Sign with a new key?"
        confirmLabel="Rotate key"
        typedName="rotate"
        tone="primary"
        isPending={rotate.isPending}
        error={rotate.error}
        onConfirm={() => rotate.mutate()}
      >
        <p>
          A digest is signed with the present key, then that key signs a new one and never signs again. This cannot be
          undone.
        </p>
        <p>
          Who pinned the present fingerprint can follow the signed succession. Who compares fingerprints by hand needs
          the new one from you, over another way than this console.
        </p>
      </ConfirmDialog>
    </>
  )
}
