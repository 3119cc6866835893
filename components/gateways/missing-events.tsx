'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import Link from 'next/link'
import type { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { ErrorState } from '@/components/ui/error-state'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import type { Gateway, gateways } from '@/lib/contract/gateways'
import { gatewayQueries } from './gateway-queries'

type Gap = z.output<typeof gateways.gaps.output>['items'][number]

const COUNT = new Intl.NumberFormat('en')

/** Numbers that a gateway gave to events and that never arrived. */
export function MissingEvents({ gateway }: { gateway: Gateway }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    gatewayQueries.gaps(gateway.id),
  )
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-24" />
  return (
    <>
      <Callout tone="warn">
        <p className="font-medium">
          {COUNT.format(gateway.missing_events)} {gateway.missing_events === 1 ? 'event' : 'events'} that it numbered
          did not arrive.
        </p>
        <p className="mt-0.5 text-xs">
          One that is on its way leaves a gap for a moment. One that its disk lost leaves it for good, and one that
          could not be recorded is in the{' '}
          <Link href="/history?view=quarantine" className="underline underline-offset-2">
            quarantine
          </Link>
          .
        </p>
      </Callout>
      <ul className="flex flex-col divide-y rounded-md border text-sm">
        {data.pages
          .flatMap((page) => page.items)
          .map((gap) => (
            <li key={`${gap.first_seq} ${gap.seen_at}`} className="flex flex-wrap justify-between gap-2 px-3 py-1.5">
              <span className="tabular-nums">{numbersOf(gap)}</span>
              <span className="text-fg-muted">
                passed over <RelativeTime at={gap.seen_at} />
              </span>
            </li>
          ))}
      </ul>
      {hasNextPage && (
        <Button size="sm" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading more…' : 'Load more'}
        </Button>
      )}
    </>
  )
}

const numbersOf = ({ first_seq: first, last_seq: last }: Gap) =>
  first === last ? `Number ${COUNT.format(first)}` : `Numbers ${COUNT.format(first)} to ${COUNT.format(last)}`
