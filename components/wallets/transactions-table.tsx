'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { useMemo, useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { useTeamName } from '@/components/teams/use-team-name'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { ErrorState } from '@/components/ui/error-state'
import { decimalsOf, moneyText, signedMoneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { Select } from '@/components/ui/select'
import { Skeleton } from '@/components/ui/skeleton'
import { TRANSACTION_KINDS, type TransactionKind, type WalletTransaction } from '@/lib/contract/wallets'
import { nanoUsdOf } from '@/lib/money'
import { walletQueries } from './wallet-queries'
import { counterpartText, KIND_WORDS } from './wallet-words'

const ALL = 'all'
const HEADS = ['When', 'What', 'Amount', 'Held', 'Balance'] as const
/** On a phone these stand below what was moved and its amount. */
const FOLDED_HEADS: readonly string[] = ['When', 'Balance']
/** Those whose other side is somebody; of the others the kind says it. */
const BETWEEN: readonly TransactionKind[] = ['credit', 'debit', 'allocate', 'reclaim']

/** What moved on a wallet, newest first, with what it had after each; what a request cost leads to the request. */
export function TransactionsTable({ id }: { id: string }) {
  const [kind, setKind] = useState<TransactionKind | null>(null)
  const query = useInfiniteQuery(walletQueries.transactions(id, kind))
  const teamName = useTeamName()
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const nameOf = (walletId: string) => {
    const [scope, of] = walletId.split(/:(.*)/s)
    if (of === undefined) return undefined
    return scope === 'team' ? teamName(of) : of
  }
  if (!rows) {
    if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
    return <Skeleton className="h-40" />
  }
  // Without a gateway that holds anything the column would only take the room of the others.
  const isHeld = rows.some(({ held_change_usd }) => nanoUsdOf(held_change_usd) !== 0n)
  const heads = HEADS.filter((head) => isHeld || head !== 'Held')
  const decimals = decimalsOf(rows.flatMap((row) => [row.amount_usd, row.held_change_usd, row.balance_usd]))
  return (
    <div className="flex flex-col gap-2">
      <Select
        aria-label="Which movements"
        className="max-w-60"
        value={kind ?? ALL}
        onValueChange={(next) => setKind(TRANSACTION_KINDS.find((known) => known === next) ?? null)}
        options={[
          { value: ALL, label: 'All movements' },
          ...TRANSACTION_KINDS.map((value) => ({ value, label: KIND_WORDS[value] })),
        ]}
      />
      <ScrollRegion aria-label="Ledger of this wallet" className="max-h-[50dvh]">
        <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
          <caption className="sr-only">Ledger of this wallet, newest first</caption>
          <thead className="sticky top-0">
            <tr>
              {heads.map((head, at) => (
                <th
                  key={head}
                  scope="col"
                  className={cn(
                    'border-b bg-sunken px-2 py-1 font-medium text-fg-muted text-xs sm:px-3',
                    at < 2 ? 'text-left' : 'text-right',
                    FOLDED_HEADS.includes(head) && 'max-sm:hidden',
                  )}
                >
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td className="whitespace-nowrap border-b px-3 py-1.5 align-top max-sm:hidden">
                  <RelativeTime at={row.posted_at} />
                </td>
                <td className="wrap-anywhere border-b px-2 py-1.5 sm:px-3">
                  <What row={row} other={counterpartText(row.counterpart, nameOf)} />
                  <span className="block text-fg-muted text-xs sm:hidden">
                    <RelativeTime at={row.posted_at} />
                  </span>
                </td>
                {[row.amount_usd, ...(isHeld ? [row.held_change_usd] : [])].map((usd, at) => (
                  <td
                    key={HEADS[at + 2]}
                    className="whitespace-nowrap border-b px-2 py-1.5 sm:px-3 text-right align-top"
                  >
                    {nanoUsdOf(usd) === 0n ? <span className="text-fg-muted">–</span> : signedMoneyText(usd, decimals)}
                    {at === 0 && (
                      <span className="block text-fg-muted text-xs sm:hidden">
                        leaves {moneyText(row.balance_usd, decimals)}
                      </span>
                    )}
                  </td>
                ))}
                <td className="whitespace-nowrap border-b px-3 py-1.5 text-right align-top max-sm:hidden">
                  {moneyText(row.balance_usd, decimals)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && (
          <p className="px-3 py-6 text-center text-fg-muted text-sm">
            {kind ? 'Nothing of this kind moved.' : 'Nothing moved yet.'}
          </p>
        )}
        {query.hasNextPage && (
          <div className="flex justify-center py-1">
            <Button
              size="sm"
              variant="ghost"
              disabled={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              {query.isFetchingNextPage ? 'Loading more…' : 'Load more'}
            </Button>
          </div>
        )}
      </ScrollRegion>
    </div>
  )
}

function What({ row, other }: { row: WalletTransaction; other: string }) {
  const canEvents = useCan('events:read')
  const direction = row.amount_usd.startsWith('-') ? 'to' : 'from'
  return (
    <>
      <span>{KIND_WORDS[row.kind]}</span>{' '}
      {BETWEEN.includes(row.kind) && (
        <span className="text-fg-muted">
          {direction} {other}
        </span>
      )}
      <span className="block text-fg-muted text-xs">
        {[row.note, row.actor && `by ${row.actor.name}`].filter(Boolean).join(', ')}
        {row.event_id &&
          (canEvents ? (
            <Link href={`/history?open=${row.event_id}`} className="text-accent underline underline-offset-2">
              its request
            </Link>
          ) : (
            row.event_id
          ))}
      </span>
    </>
  )
}
