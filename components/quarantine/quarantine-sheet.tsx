'use client'

import { useQuery } from '@tanstack/react-query'
import { RotateCw, Trash2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import { bytesText } from '../events/event-words'
import { quarantineQueries } from './quarantine-queries'
import { STATE_LOOK } from './quarantine-words'
import { ResolveDialog } from './resolve-dialog'

/** More than this is not drawn at once; the API gives the whole. */
const SHOWN_MAX = 50_000

export function QuarantineSheet({
  id,
  onClose,
  mayResolve,
}: {
  id: string | null
  onClose: () => void
  mayResolve: boolean
}) {
  const { data, error, refetch } = useQuery({ ...quarantineQueries.one(id ?? ''), enabled: id !== null })
  const [resolving, setResolving] = useState<'replay' | 'discard' | null>(null)
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title="Quarantined event"
      subtitle={
        <>
          {data && <StatusBadge tone={STATE_LOOK[data.state].tone}>{STATE_LOOK[data.state].label}</StatusBadge>}
          {id && <IdText id={id} what="quarantine id" />}
        </>
      }
      className="max-w-2xl"
    >
      {data ? (
        <div className="flex flex-col gap-6">
          <p className="break-words text-base">{data.reason}</p>
          {mayResolve && data.state === 'waiting' && (
            <div className="flex flex-wrap gap-2">
              <Button size="sm" onClick={() => setResolving('replay')}>
                <RotateCw /> Record again
              </Button>
              <Button size="sm" variant="danger-outline" onClick={() => setResolving('discard')}>
                <Trash2 /> Discard
              </Button>
            </div>
          )}
          <Details
            items={[
              ['Gateway', data.gateway_id],
              [
                'Event',
                data.event_id === null ? (
                  'What was sent has no readable id'
                ) : data.state === 'replayed' ? (
                  <Link key="event" className="text-accent hover:underline" href={`/history?open=${data.event_id}`}>
                    {data.event_id}
                  </Link>
                ) : (
                  <IdText key="event" id={data.event_id} what="event id" />
                ),
              ],
              ['Received', <RelativeTime key="received" at={data.received_at} />],
              ['Tried', `${data.attempts} ${data.attempts === 1 ? 'time' : 'times'}`],
              ['Size', bytesText(data.bytes)],
              ['SHA-256', <IdText key="sha256" id={data.sha256} what="SHA-256" />],
              ...(data.resolved_at
                ? ([
                    ['Decided', <RelativeTime key="at" at={data.resolved_at} />],
                    ['By', <IdText key="by" id={data.resolved_by ?? 'system'} />],
                  ] as [string, React.ReactNode][])
                : []),
            ]}
          />
          <section aria-label="What was sent" className="flex flex-col gap-2">
            <h3 className="font-medium text-sm">What was sent</h3>
            <CodeBlock code={data.sent.slice(0, SHOWN_MAX)} what="what was sent" className="break-all" />
            {data.sent.length > SHOWN_MAX && (
              <p className="text-fg-muted text-xs">Shown: the beginning. The API gives the rest.</p>
            )}
          </section>
          {resolving && (
            <ResolveDialog
              how={resolving}
              ids={[data.id]}
              onClose={() => setResolving(null)}
              onDone={() => undefined}
            />
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
