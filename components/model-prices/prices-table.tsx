'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useMemo } from 'react'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { FilterBar } from '@/components/ui/filter-bar'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import type { ModelPrice } from '@/lib/contract/model-pricing'
import { PRICE_SOURCES, type PriceUnit } from '@/lib/contract/price-shapes'
import { priceQueries } from './price-queries'
import { priceId, pricesInOrder, priceText, SOURCE_WORDS } from './price-words'

const PriceSheet = dynamic(() => import('./price-sheet').then((it) => it.PriceSheet), { ssr: false })

const parsers = { q: parseAsString.withDefault(''), source: parseAsStringLiteral(PRICE_SOURCES) }

/** What models cost now, and who says so. */
export function PricesTable() {
  const [{ q, source }, setFilter] = useQueryStates(parsers)
  const search = q.trim().slice(0, 200)
  const query = useInfiniteQuery(priceQueries.list({ search: search || undefined, source: source ?? undefined }))
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const version = query.data?.pages[0]?.version
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  const isFiltered = search !== '' || source !== null
  const clear = () => void setFilter({ q: null, source: null })
  return (
    <>
      <DataTable
        label="Model prices"
        columns={COLUMNS}
        rows={rows}
        rowId={priceId}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        isFiltered={isFiltered}
        onClearFilter={clear}
        topKey={`${search} ${source ?? ''}`}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        minWidth="min-w-5xl"
        empty={<EmptyState title="No prices">This release came without its catalogue.</EmptyState>}
        toolbar={
          <FilterBar
            label="Part of a provider's or model's name"
            placeholder="Provider or model, such as gpt-5.4"
            text={q}
            onTextChange={(text) => void setFilter({ q: text || null })}
            isFiltered={isFiltered}
            onClear={clear}
            facets={[
              {
                id: 'source',
                label: 'Source',
                value: source,
                options: PRICE_SOURCES.map((value) => ({ value, label: SOURCE_WORDS[value].label })),
                onChange: (value) => void setFilter({ source: PRICE_SOURCES.find((known) => known === value) ?? null }),
              },
            ]}
          />
        }
      />
      {version && (
        <p className="pt-2 text-fg-muted text-xs">
          $ are US dollars; 1 M are a million tokens. A request of this moment pins the version{' '}
          <code className="break-all font-mono text-xs">{version}</code>.
        </p>
      )}
      {hasOpened && (
        <PriceSheet
          id={openId}
          price={rows?.find((row) => priceId(row) === openId)}
          onClose={() => void setOpenId(null)}
        />
      )}
    </>
  )
}

const SHOWN: readonly PriceUnit[] = ['input', 'cached_input', 'output']

const price = (unit: PriceUnit, header: string): Column<ModelPrice> => ({
  id: unit,
  header,
  width: 'w-38',
  align: 'right',
  cell: ({ prices }) =>
    prices[unit] === undefined ? <span className="text-fg-muted">–</span> : priceText(prices[unit]),
})

const COLUMNS: Column<ModelPrice>[] = [
  {
    id: 'model',
    header: 'Model',
    cell: ({ model, provider }) => (
      <>
        <span className="font-medium">{model}</span> <span className="text-fg-muted">· {provider}</span>
      </>
    ),
  },
  {
    id: 'source',
    header: 'Source',
    width: 'w-28',
    cell: ({ source }) => <StatusBadge tone={SOURCE_WORDS[source].tone}>{SOURCE_WORDS[source].label}</StatusBadge>,
  },
  price('input', 'Input, $ per 1 M'),
  price('cached_input', 'Cached, $ per 1 M'),
  price('output', 'Output, $ per 1 M'),
  {
    id: 'more',
    header: 'Other prices',
    width: 'w-36',
    cell: ({ prices, tiers }) => {
      const others = pricesInOrder(prices).filter(({ unit }) => !SHOWN.includes(unit)).length
      const words = [
        ...(others > 0 ? [`${others} more`] : []),
        ...(tiers.length > 0 ? [`${tiers.length} ${tiers.length === 1 ? 'tier' : 'tiers'}`] : []),
      ]
      return words.join(', ') || <span className="text-fg-muted">–</span>
    },
  },
  {
    id: 'since',
    header: 'In force since',
    width: 'w-32',
    cell: ({ effective_from }) => <RelativeTime at={effective_from} none="–" focusable={false} />,
  },
]
