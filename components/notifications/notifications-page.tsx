'use client'

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Check } from 'lucide-react'
import Link from 'next/link'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { notice } from '@/components/ui/notice'
import { PageHeader } from '@/components/ui/page-header'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import { type Notification, notifications } from '@/lib/contract/notifications'
import { api } from '../api'
import { notificationQueries } from './notification-queries'
import { wordsOf } from './notification-words'

const ABOUT =
  'Budgets that reach a threshold, events that could not be recorded, and alarms of the trail. Each is in the activity, too.'

export function NotificationsPage() {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    notificationQueries.list(),
  )
  const [first] = data?.pages ?? []
  const items = data?.pages.flatMap((page) => page.items)
  const newest = first?.items[0]
  return (
    <>
      <PageHeader
        title="Notifications"
        description={ABOUT}
        actions={newest && <MarkAllRead untilSeq={newest.seq} disabled={first?.unread === 0} />}
      />
      <section aria-label="Notifications" className="rounded-md border bg-surface">
        {items === undefined ? (
          error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <Placeholders />
          )
        ) : items.length === 0 ? (
          <EmptyState title="Nothing to tell you yet" command="kt notifications list">
            {ABOUT}
          </EmptyState>
        ) : (
          <ul className="divide-y">
            {items.map((one) => (
              <Row key={one.id} one={one} />
            ))}
          </ul>
        )}
      </section>
      {hasNextPage && (
        <Button className="self-center" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading…' : 'Show older'}
        </Button>
      )}
    </>
  )
}

function Row({ one }: { one: Notification }) {
  const { title, detail, href } = wordsOf(one)
  return (
    <li className="flex items-start gap-3 px-4 py-3 text-sm">
      <span
        role="img"
        aria-label={one.read ? 'Read' : 'Unread'}
        className={cn('mt-1.5 size-2 shrink-0 rounded-full', one.read ? 'border border-border-input' : 'bg-accent')}
      />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Link href={href} className={cn('min-w-0 break-words hover:underline', !one.read && 'font-medium')}>
            <bdi>{title}</bdi>
          </Link>
          <StatusBadge tone={one.severity === 'critical' ? 'bad' : 'attention'}>
            {one.severity === 'critical' ? 'Critical' : 'Warning'}
          </StatusBadge>
        </p>
        <p className="mt-0.5 break-words text-fg-muted">{detail}</p>
      </div>
      <span className="shrink-0 text-fg-muted">
        <RelativeTime at={one.at} />
      </span>
    </li>
  )
}

function MarkAllRead({ untilSeq, disabled }: { untilSeq: number; disabled: boolean }) {
  const queryClient = useQueryClient()
  const mark = useMutation({
    mutationFn: () => api(notifications.markRead, { until_seq: untilSeq }),
    onError: () => notice.error('They are still unread: the server did not answer.'),
    onSettled: () => queryClient.invalidateQueries({ queryKey: notificationQueries.all }),
  })
  return (
    <Button disabled={disabled || mark.isPending} onClick={() => mark.mutate()}>
      <Check /> Mark all as read
    </Button>
  )
}

const Placeholders = () => (
  <ul className="divide-y">
    {['a', 'b', 'c'].map((key) => (
      <li key={key} className="flex flex-col gap-2 px-4 py-3.5">
        <Skeleton className="w-1/2" />
        <Skeleton className="w-1/3" />
      </li>
    ))}
  </ul>
)
