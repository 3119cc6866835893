'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Button } from '@/components/ui/button'
import { ErrorState } from '@/components/ui/error-state'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { Skeleton } from '@/components/ui/skeleton'
import { nanoUsdOf } from '@/lib/money'
import { budgetQueries } from './budget-queries'

const HEADS = ['Began', 'Committed', 'Limit', 'Carried over', 'Over it']

type WindowsTableProps = {
  id: string
  openSince: string
  /** In which windows begin at midnight: elsewhere that may be another day. */
  timeZone: string
}

/** What became of each window, newest first. */
export function WindowsTable({ id, openSince, timeZone }: WindowsTableProps) {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone })
  const query = useInfiniteQuery(budgetQueries.windows(id))
  const windows = query.data?.pages.flatMap((page) => page.items)
  if (!windows)
    return query.error ? (
      <ErrorState error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <Skeleton className="h-16" />
    )
  const decimals = decimalsOf(windows.flatMap((one) => [one.committed_usd, one.limit_usd]))
  // Where nothing is ever carried over the column would only take the room of the others.
  const isCarried = windows.some(({ carried_usd }) => nanoUsdOf(carried_usd) > 0n)
  const heads = HEADS.filter((head) => isCarried || head !== 'Carried over')
  return (
    <ScrollRegion aria-label="Windows of this budget" className="max-h-72">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">Windows of this budget, newest first</caption>
        <thead className="sticky top-0">
          <tr>
            {heads.map((head, at) => (
              <th
                key={head}
                scope="col"
                className={`whitespace-nowrap border-b bg-sunken px-2 py-1 sm:px-3 font-medium text-fg-muted text-xs ${at === 0 ? 'text-left' : 'text-right'}`}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {windows.map((one) => (
            <tr key={one.starts_at}>
              <th scope="row" className="whitespace-nowrap border-b px-2 py-1 sm:px-3 text-left font-normal">
                {/* A lifetime that is counted from no day on has no first one. */}
                {Date.parse(one.starts_at) === 0 ? 'The first record' : day.format(Date.parse(one.starts_at))}
                {one.starts_at === openSince && <span className="text-fg-muted"> · open</span>}
              </th>
              <td className="border-b px-2 py-1 sm:px-3 text-right">{moneyText(one.committed_usd, decimals)}</td>
              <td className="border-b px-2 py-1 sm:px-3 text-right">{moneyText(one.limit_usd, decimals)}</td>
              {isCarried && <td className="border-b px-2 py-1 sm:px-3 text-right">{shownOrNone(one.carried_usd)}</td>}
              <td className="border-b px-2 py-1 sm:px-3 text-right">
                {nanoUsdOf(one.excess_usd) > 0n ? (
                  <span className="font-medium text-bad-text">{moneyText(one.excess_usd)}</span>
                ) : (
                  '–'
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {query.hasNextPage && (
        <div className="flex justify-center py-1">
          <Button
            size="sm"
            variant="ghost"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Load more
          </Button>
        </div>
      )}
    </ScrollRegion>
  )
}

const shownOrNone = (usd: string) => (nanoUsdOf(usd) > 0n ? moneyText(usd) : '–')
