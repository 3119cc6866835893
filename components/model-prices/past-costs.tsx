'use client'

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Calculator } from 'lucide-react'
import { parseAsString, useQueryState } from 'nuqs'
import { type ReactNode, useMemo, useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { type Column, DataTable } from '@/components/ui/data-table'
import { Difference } from '@/components/ui/difference'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { decimalsOf, differenceOfMoney, moneyText, signedMoneyText, widthOfAmounts } from '@/components/ui/money'
import { Skeleton } from '@/components/ui/skeleton'
import type { TimePreset, TimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { WhenBy } from '@/components/ui/when-by'
import { modelPricing, type Repricing } from '@/lib/contract/model-pricing'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { useLedgerMonths } from '../usage/use-ledger-months'
import { priceQueries } from './price-queries'
import { MOMENT } from './price-words'
import { RepricingResult, RepricingStateBadge } from './repricing-result'

/** What calls of the past would have cost at the prices in force now; and, if wanted, the ledger adjusted to it. */
export function PastCosts() {
  const mayAsk = useCan('org:billing')
  const [shownId, setShownId] = useQueryState('repricing', parseAsString)
  return (
    <div className="flex flex-col gap-4">
      {mayAsk ? (
        <AskForm onAsked={(id) => void setShownId(id)} />
      ) : (
        <Callout>Asked by: {rolesWith('org:billing').join(', ')}.</Callout>
      )}
      {shownId && <Shown id={shownId} onShow={(id) => void setShownId(id)} />}
      <Earlier shownId={shownId} onShow={(id) => void setShownId(id)} />
    </div>
  )
}

function AskForm({ onAsked }: { onAsked: (id: string) => void }) {
  const queryClient = useQueryClient()
  const { last, now } = useLedgerMonths()
  const lastMonth = { value: last, until: now, label: 'Last month' }
  const presets: TimePreset[] = [
    lastMonth,
    { value: now, label: 'This month' },
    { value: '30d', label: 'Last 30 days' },
    { value: '90d', label: 'Last 90 days' },
  ]
  const [chosen, setChosen] = useState<TimeRange>()
  const range = chosen ?? { since: lastMonth.value, until: lastMonth.until }
  const ask = useMutation({
    mutationFn: () => api(modelPricing.reprice, { ...range, dry_run: true }, { idempotencyKey: newId('req') }),
    onSuccess: ({ id }) => onAsked(id),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [...priceQueries.all, 'repricings'] }),
  })
  return (
    <section aria-label="Ask what calls would have cost" className="flex flex-col gap-2">
      <p className="text-fg-muted text-sm">
        What would these calls have cost at the prices in force now? Only told: nothing is adjusted.
      </p>
      <div className="flex flex-wrap items-center gap-2">
        <TimeRangePicker range={range} onChange={setChosen} presets={presets} />
        <Button variant="primary" disabled={ask.isPending} onClick={() => ask.mutate()}>
          <Calculator /> {ask.isPending ? 'Calculating…' : 'Calculate'}
        </Button>
      </div>
      {ask.error && (
        <Callout tone="danger" role="alert">
          {ask.error.message}
        </Callout>
      )}
    </section>
  )
}

function Shown({ id, onShow }: { id: string; onShow: (id: string) => void }) {
  const { data, error, refetch } = useQuery(priceQueries.repricing(id))
  if (data) return <RepricingResult repricing={data} onShow={onShow} />
  return (
    <div className="rounded-md border bg-surface">
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton className="m-4 h-32" />}
    </div>
  )
}

function Earlier({ shownId, onShow }: { shownId: string | null; onShow: (id: string | null) => void }) {
  const query = useInfiniteQuery(priceQueries.repricings())
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const columns = useMemo(() => columnsOf(rows ?? []), [rows])
  return (
    <DataTable
      label="Asked before"
      columns={columns}
      rows={rows}
      rowId={({ id }) => id}
      error={query.error}
      onRetry={() => void query.refetch()}
      more={{ hasMore: query.hasNextPage, isLoading: query.isFetchingNextPage, load: () => void query.fetchNextPage() }}
      selectedId={shownId}
      onSelect={onShow}
      minWidth="min-w-5xl"
      isTall
      maxHeight="max-h-96"
      empty={
        <EmptyState title="Nobody asked yet" command="kt pricing what-if --since 30d">
          After a price was set, this tells what a month would have cost with it, and can adjust the ledger.
        </EmptyState>
      }
    />
  )
}

function columnsOf(rows: readonly Repricing[]): Column<Repricing>[] {
  const amounts = rows.flatMap((row) => [row.before_usd, row.after_usd, moreOf(row)])
  const decimals = decimalsOf(amounts)
  const width = widthOfAmounts(amounts.map((usd) => signedMoneyText(usd, decimals)))
  const money = (id: string, header: string, cell: (row: Repricing) => ReactNode): Column<Repricing> => ({
    id,
    header,
    width,
    align: 'right',
    cell,
  })
  return [
    {
      id: 'span',
      header: 'Calls',
      cell: (row) => (
        <>
          <span className="block truncate font-medium">{MOMENT.format(Date.parse(row.since))}</span>
          <span className="block truncate text-xs">to {MOMENT.format(Date.parse(row.until))}</span>
        </>
      ),
    },
    {
      id: 'state',
      header: 'Ledger',
      width: 'w-36',
      cell: (row) => (
        <>
          <RepricingStateBadge repricing={row} />
          <span className="block text-fg-muted text-xs">{row.dry_run ? 'untouched' : 'adjusted'}</span>
        </>
      ),
    },
    money('before', 'Cost', ({ before_usd }) => moneyText(before_usd, decimals)),
    money('after', 'Would cost', ({ after_usd }) => moneyText(after_usd, decimals)),
    money('difference', 'Difference', (row) => <Difference usd={moreOf(row)} decimals={decimals} />),
    {
      id: 'created',
      header: 'Asked',
      width: 'w-36',
      cell: ({ created_at, created_by }) => <WhenBy at={created_at} by={created_by} />,
    },
  ]
}

const moreOf = ({ before_usd, after_usd }: Repricing) => differenceOfMoney(after_usd, before_usd)
