'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ban, Download } from 'lucide-react'
import { useEffect } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { notice } from '@/components/ui/notice'
import { pythonCall } from '@/components/ui/python-call'
import { RelativeTime, useNow } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { trail } from '@/lib/contract/trail'
import type { Verification } from '@/lib/contract/trail-shapes'
import { api } from '../api'
import { saveText } from './save-text'
import { isUnderWay, trailQueries } from './trail-queries'
import { countWords, spanWords } from './trail-words'
import { VerificationBadge } from './verification-badge'
import { VerificationOutcome } from './verification-outcome'

type VerificationSheetProps = { id: string | null; onClose: () => void; onOpenDigest: (id: string) => void }

export function VerificationSheet({ id, onClose, onOpenDigest }: VerificationSheetProps) {
  const queryClient = useQueryClient()
  const { data, error, refetch } = useQuery({ ...trailQueries.verification(id ?? ''), enabled: id !== null })
  const isOver = data !== undefined && !isUnderWay(data)
  // The list beside the sheet has the same verification.
  useEffect(() => {
    if (isOver) void queryClient.invalidateQueries({ queryKey: trailQueries.verifications().queryKey })
  }, [isOver, queryClient])
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={data ? `${data.input.deep_verify ? 'Deep' : 'Shallow'} verification` : 'Verification'}
      subtitle={
        <>
          {data && <VerificationBadge of={data} />}
          {id && <IdText id={id} what="verification id" />}
          {data && <RelativeTime at={data.created_at} />}
        </>
      }
      actions={data && <CopyAsMenu items={formsOf(data)} />}
      className="max-w-2xl"
    >
      {data ? (
        <div className="flex flex-col gap-6">
          {isUnderWay(data) && <Progress of={data} />}
          {data.state === 'cancelled' && <Callout>It was stopped. What it had not looked at yet is not known.</Callout>}
          {data.error !== null && (
            <Callout tone="danger">
              <p className="font-medium">{data.error}</p>
              <p className="mt-0.5 text-xs">This is about the work, not about the trail. Verify again.</p>
            </Callout>
          )}
          {data.result && <VerificationOutcome of={data} result={data.result} onOpenDigest={onOpenDigest} />}
          {data.result && (
            <div>
              <Button size="sm" onClick={() => saveText(`${data.id}.json`, JSON.stringify(data, null, 2))}>
                <Download /> Report as JSON
              </Button>
            </div>
          )}
        </div>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-64" />
      )}
    </Sheet>
  )
}

function Progress({ of }: { of: Verification }) {
  const queryClient = useQueryClient()
  const canVerify = useCan('trail:verify')
  const now = useNow()
  const cancel = useMutation({
    mutationFn: () => api(trail.cancelVerification, { id: of.id }),
    onError: (error) => notice.error(error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  const { done, total } = of.progress
  const what = of.input.deep_verify ? 'records' : 'digests'
  const rate = done / Math.max(1, (now - Date.parse(of.created_at)) / 1_000)
  return (
    <div className="flex flex-col gap-2">
      <progress
        aria-label={`Verified ${what}`}
        className="h-2 w-full overflow-hidden rounded-md accent-accent"
        {...(of.state === 'running' && total > 0 ? { value: done } : {})}
        max={Math.max(1, total)}
      />
      <p className="text-fg-muted text-xs tabular-nums">
        {of.state === 'queued'
          ? 'Waiting for its turn.'
          : `${countWords(done)} of ${countWords(total)} ${what}${
              rate >= 1 && total > done
                ? `, ${countWords(Math.round(rate))} a second, about ${spanWords(Math.ceil((total - done) / rate))} left`
                : ''
            }`}{' '}
        You can leave this page.
      </p>
      {canVerify && (
        <div>
          <Button size="sm" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            <Ban /> Cancel
          </Button>
        </div>
      )}
    </div>
  )
}

function formsOf({ input }: Verification): Record<string, string> {
  const { start_time, end_time, deep_verify } = input
  const body = JSON.stringify({ start_time, end_time, deep_verify })
  return {
    kt: `kt trail verify --since ${start_time} --until ${end_time}${deep_verify ? ' --deep' : ''}`,
    curl: `curl -fsS -X POST -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" -H "Content-Type: application/json" "$KEEPTRUSTS_API_URL/v1/trail/verify" -d '${body}'`,
    Python: pythonCall('verify_trail', [
      `start_time=${JSON.stringify(start_time)}`,
      `end_time=${JSON.stringify(end_time)}`,
      `deep_verify=${deep_verify ? 'True' : 'False'}`,
    ]),
  }
}
