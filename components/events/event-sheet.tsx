'use client'

import { useQuery } from '@tanstack/react-query'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { VerdictBadge } from '@/components/ui/verdict-badge'
import type { DecisionEvent, EventFilterField } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { CopyEventAs } from './copy-event-as'
import { EventDetail } from './event-detail'
import { eventQueries } from './event-queries'

type EventSheetProps = {
  id: string | null
  /** Rows that are loaded already; an event outside of them is fetched. */
  known: readonly DecisionEvent[] | undefined
  onClose: () => void
  onFilter: (field: EventFilterField, value: string) => void
}

export function EventSheet({ id, known, onClose, onFilter }: EventSheetProps) {
  const row = id === null ? undefined : known?.find(({ event_id }) => event_id === id)
  const fetched = useQuery({ ...eventQueries.one(id ?? ''), enabled: id !== null && row === undefined })
  const event = row ?? fetched.data
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={event ? 'Decision event' : 'Event'}
      subtitle={
        <>
          {event && <VerdictBadge verdict={event.verdict} />}
          {id && <IdText id={id} what="event id" />}
          {event && <RelativeTime at={event.timestamp} />}
        </>
      }
      actions={event && <CopyEventAs event={event} />}
      className="max-w-2xl"
    >
      {event ? (
        <EventDetail key={event.event_id} event={event} onFilter={onFilter} />
      ) : isNotFound(fetched.error) ? (
        <EmptyState title="There is no such event">
          Nothing in this organization is recorded under this id. The link may be cut off, or lead to another
          organization.
        </EmptyState>
      ) : fetched.error ? (
        <ErrorState error={fetched.error} onRetry={() => void fetched.refetch()} />
      ) : (
        <LoadingDetail />
      )}
    </Sheet>
  )
}

const isNotFound = (error: unknown) => error instanceof AppError && error.code === 'not_found'

const LoadingDetail = () => (
  <div role="status" className="flex flex-col gap-3">
    <span className="sr-only">Loading the event</span>
    <Skeleton className="h-10" />
    <Skeleton className="h-24" />
    <Skeleton className="h-24" />
    <Skeleton className="h-40" />
  </div>
)
