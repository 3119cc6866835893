'use client'

import { useQuery } from '@tanstack/react-query'
import { Scale } from 'lucide-react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { moneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { walletQueries } from './wallet-queries'

/** Adds up the ledger again, entry by entry, and compares it with every balance that is shown. */
export function LedgerCheck() {
  const { data, error, isFetching, refetch } = useQuery(walletQueries.check())
  return (
    <section aria-label="Check of the ledger" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <Button disabled={isFetching} onClick={() => void refetch()}>
          <Scale /> {isFetching ? 'Adding up…' : 'Check the ledger'}
        </Button>
        <span className="text-fg-muted text-sm">
          Adds up every entry again: they come to zero, and each balance is the sum of its own.
        </span>
      </div>
      {error && !isFetching && (
        <Callout tone="danger" role="alert">
          {error.message}
        </Callout>
      )}
      {data && !isFetching && (
        <Callout tone={data.balanced ? 'info' : 'danger'} role="status">
          {data.balanced ? (
            <p>
              The ledger is balanced: all entries come to {moneyText(data.sum_usd)}, and every balance is the sum of its
              entries. Checked <RelativeTime at={data.checked_at} />.
            </p>
          ) : (
            <>
              <p className="font-medium">
                The ledger is not balanced: all entries come to {moneyText(data.sum_usd)}, and{' '}
                {data.differences.length === 1 ? 'one balance differs' : `${data.differences.length} balances differ`}.
              </p>
              <ul className="mt-1">
                {data.differences.map(({ account, balance_usd, entries_usd }) => (
                  <li key={account}>
                    {account}: balance {moneyText(balance_usd)}, entries {moneyText(entries_usd)}
                  </li>
                ))}
              </ul>
              <p className="mt-1">
                Somebody changed the database past the product, or it met a fault. Nothing is mended by itself: keep a
                copy of the database before anything else.
              </p>
            </>
          )}
        </Callout>
      )}
    </section>
  )
}
