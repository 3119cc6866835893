'use client'

import { useQuery } from '@tanstack/react-query'
import { Callout } from '@/components/ui/callout'
import { Details } from '@/components/ui/details'
import { Difference } from '@/components/ui/difference'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { moneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { nothingRecordedText } from '@/lib/invoice-words'
import { DifferencesTable } from './differences-table'
import { monthText } from './month-words'
import { usageQueries } from './usage-queries'

export function InvoiceSheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ ...usageQueries.invoice(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      className="max-w-3xl"
      title={data ? `${data.provider}, ${monthText(data.month)}` : 'Invoice'}
      subtitle={data && <IdText id={data.id} what="invoice id" />}
    >
      {data ? (
        <div className="flex flex-col gap-6">
          <Details
            items={[
              ['Invoice', moneyText(data.invoice_usd)],
              ['Ledger', moneyText(data.ours_usd)],
              ['Difference', <Difference key="difference" usd={data.difference_usd} />],
              ['Rows read', data.rows.toLocaleString('en')],
              ['Format', data.format],
              ['Note', data.note ?? '–'],
              [
                'Kept',
                <span key="kept">
                  <RelativeTime at={data.created_at} /> by {data.created_by.name}
                </span>,
              ],
            ]}
          />
          {nothingRecordedText(data) && <Callout tone="warn">{nothingRecordedText(data)}</Callout>}
          <DifferencesTable rows={data.differences} />
        </div>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-64" />
      )}
    </Sheet>
  )
}
