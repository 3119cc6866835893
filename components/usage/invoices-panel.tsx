'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { FileInput } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { useMemo } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { type Column, DataTable } from '@/components/ui/data-table'
import { Difference } from '@/components/ui/difference'
import { EmptyState } from '@/components/ui/empty-state'
import { decimalsOf, moneyText, signedMoneyText, widthOfAmounts } from '@/components/ui/money'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { WhenBy } from '@/components/ui/when-by'
import type { Invoice } from '@/lib/contract/usage'
import { monthText } from './month-words'
import { usageQueries } from './usage-queries'

const InvoiceDialog = dynamic(() => import('./invoice-dialog').then((it) => it.InvoiceDialog), { ssr: false })
const InvoiceSheet = dynamic(() => import('./invoice-sheet').then((it) => it.InvoiceSheet), { ssr: false })

/** What providers say beside what the ledger says. */
export function InvoicesPanel() {
  const mayImport = useCan('org:billing')
  const [isImporting, setIsImporting] = useQueryState('import', parseAsBoolean)
  const hasImported = useEver(isImporting === true)
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  const query = useInfiniteQuery(usageQueries.invoices())
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const columns = useMemo(() => columnsOf(rows ?? []), [rows])
  const importButton = mayImport && (
    <Button variant="primary" onClick={() => void setIsImporting(true)}>
      <FileInput /> Compare an invoice
    </Button>
  )
  return (
    <>
      {!mayImport && <Callout>Compared and kept by: {rolesWith('org:billing').join(', ')}.</Callout>}
      <DataTable
        label="Invoices"
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
        }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        toolbar={importButton}
        minWidth="min-w-5xl"
        isTall
        empty={
          <EmptyState
            title="No invoice was compared yet"
            action={importButton}
            command="kt usage import-invoice costs.csv --month 2026-03 --provider openai"
          >
            The usage file of a provider is compared with the ledger, by model and key, before it is kept.
          </EmptyState>
        }
      />
      {hasImported && mayImport && (
        <InvoiceDialog open={isImporting ?? false} onClose={() => void setIsImporting(null)} />
      )}
      {hasOpened && <InvoiceSheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}

function columnsOf(rows: readonly Invoice[]): Column<Invoice>[] {
  const amounts = rows.flatMap((row) => [row.invoice_usd, row.ours_usd, row.difference_usd])
  const decimals = decimalsOf(amounts)
  const width = widthOfAmounts(amounts.map((usd) => signedMoneyText(usd, decimals)))
  const money = (id: string, header: string, amountOf: (row: Invoice) => string): Column<Invoice> => ({
    id,
    header,
    width,
    align: 'right',
    cell: (row) => moneyText(amountOf(row), decimals),
  })
  return [
    {
      id: 'provider',
      header: 'Provider and month',
      cell: ({ provider, month }) => (
        <>
          <span className="font-medium">{provider}</span>
          <span className="text-fg-muted"> · {monthText(month)}</span>
        </>
      ),
    },
    money('invoice', 'Invoice', (row) => row.invoice_usd),
    money('ours', 'Ledger', (row) => row.ours_usd),
    {
      ...money('difference', 'Difference', (row) => row.difference_usd),
      cell: ({ difference_usd }) => <Difference usd={difference_usd} decimals={decimals} />,
    },
    { id: 'rows', header: 'Rows', width: 'w-24', align: 'right', cell: (row) => row.rows.toLocaleString('en') },
    {
      id: 'created',
      header: 'Kept',
      width: 'w-36',
      cell: ({ created_at, created_by }) => <WhenBy at={created_at} by={created_by.name} />,
    },
    { id: 'note', header: 'Note', width: 'w-44', optional: true, cell: ({ note }) => note ?? '–' },
  ]
}
