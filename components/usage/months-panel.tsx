'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Lock } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useMemo, useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { decimalsOf, moneyText, widthOfAmounts } from '@/components/ui/money'
import { StatusBadge } from '@/components/ui/status-badge'
import { WhenBy } from '@/components/ui/when-by'
import type { MonthState } from '@/lib/contract/usage'
import { nanoUsdOf } from '@/lib/money'
import { CloseMonthDialog } from './close-month-dialog'
import { canBeClosed, monthStanding, monthText, waitsFor } from './month-words'
import { usageQueries } from './usage-queries'

/** Months with what the ledger holds under each. Closing one freezes it. */
export function MonthsPanel() {
  const mayClose = useCan('org:billing')
  const router = useRouter()
  const [closing, setClosing] = useState<MonthState | null>(null)
  const query = useInfiniteQuery(usageQueries.months())
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const columns = useMemo(() => columnsOf(rows ?? [], mayClose ? setClosing : undefined), [rows, mayClose])
  return (
    <>
      {!mayClose && <Callout>Closed by: {rolesWith('org:billing').join(', ')}.</Callout>}
      <DataTable
        label="Months"
        columns={columns}
        rows={rows}
        rowId={({ month }) => month}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
        }}
        onSelect={(month) => month && router.push(reportPath(month))}
        minWidth="min-w-5xl"
        isTall
        empty={
          <EmptyState title="No month yet" command="kt usage months">
            A month stands here as soon as something was spent in it.
          </EmptyState>
        }
      />
      {closing && <CloseMonthDialog month={closing} onClose={() => setClosing(null)} />}
    </>
  )
}

const reportPath = (month: string) => `/usage/months/${month}`

function columnsOf(
  rows: readonly MonthState[],
  close: ((month: MonthState) => void) | undefined,
): Column<MonthState>[] {
  const decimals = decimalsOf(rows.map(({ cost_usd }) => cost_usd))
  return [
    {
      id: 'month',
      header: 'Month',
      cell: ({ month }) => (
        <Link href={reportPath(month)} className="font-medium hover:underline">
          {monthText(month)}
        </Link>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 'w-38',
      cell: (row) => {
        const { label, tone } = monthStanding(row)
        return <StatusBadge tone={tone}>{label}</StatusBadge>
      },
    },
    {
      id: 'cost',
      header: 'Cost',
      width: widthOfAmounts(rows.map(({ cost_usd }) => moneyText(cost_usd, decimals))),
      align: 'right',
      cell: ({ cost_usd }) => moneyText(cost_usd, decimals),
    },
    {
      id: 'transactions',
      header: 'Transactions',
      width: 'w-28',
      align: 'right',
      cell: ({ transactions }) => transactions.toLocaleString('en'),
    },
    {
      id: 'late',
      header: 'Of earlier months',
      width: widthOfAmounts(rows.map(({ late_usd }) => moneyOrNone(late_usd))),
      align: 'right',
      cell: ({ late_usd }) => moneyOrNone(late_usd),
    },
    {
      id: 'later',
      header: 'Posted later',
      width: widthOfAmounts(rows.map(({ posted_later_usd }) => moneyOrNone(posted_later_usd))),
      align: 'right',
      cell: ({ posted_later_usd }) => moneyOrNone(posted_later_usd),
    },
    {
      id: 'closed',
      header: 'Closed',
      width: 'w-44',
      cell: (row) =>
        row.closed_at ? (
          <WhenBy at={row.closed_at} by={row.closed_by?.name ?? 'the system'} />
        ) : close && canBeClosed(row) ? (
          <Button size="sm" variant="ghost" className="-ml-2.5" onClick={() => close(row)}>
            <Lock /> Close…
          </Button>
        ) : (
          <span className="text-fg-muted">{waitsFor(row, rows) ?? '–'}</span>
        ),
    },
  ]
}

const moneyOrNone = (usd: string) => (nanoUsdOf(usd) === 0n ? '–' : moneyText(usd))
