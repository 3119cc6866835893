'use client'

import { ArrowDownRight, ArrowUpRight } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useMemo } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { IdText } from '@/components/ui/id-text'
import { decimalsOf, moneyText, percentText, shareOf, widthOfAmounts } from '@/components/ui/money'
import { NameText } from '@/components/ui/name-text'
import { describeTimeRange } from '@/components/ui/time-range'
import type { UsageSums } from '@/lib/contract/usage'
import { historyPath } from './history-path'
import {
  amountOf,
  amountText,
  changeOf,
  changeText,
  GROUP_WORDS,
  groupText,
  isUnknownCost,
  MEASURE_WORDS,
  type Measure,
} from './usage-words'
import type { Usage } from './use-usage'

type Row = {
  id: string
  label: string
  /** Shown beside a name that is not the id itself. */
  value: string | null
  href: string | undefined
  sums: UsageSums
  previous: UsageSums | null
}

/** Who it was: each group with its part of the whole and how it changed. A row leads to its requests. */
export function UsageBreakdown({ state }: { state: Usage }) {
  const { answer, group, measure } = state
  const canEvents = useCan('events:read')
  const router = useRouter()
  const data = answer.data
  const rows = data && rowsOf(state, canEvents)
  const columns = useMemo(() => {
    const costs = [...(data?.groups ?? []), ...(data?.rest ? [data.rest] : [])].map(({ sums }) => sums.cost_usd)
    return columnsOf(GROUP_WORDS[group].label, measure, data?.total, costs)
  }, [data, group, measure])
  return (
    <DataTable
      label={`${GROUP_WORDS[group].label}, ${describeTimeRange(state.range)}`}
      columns={columns}
      rows={rows}
      rowId={({ id }) => id}
      error={answer.error}
      onRetry={() => void answer.refetch()}
      {...(canEvents
        ? {
            onSelect: (id: string | null) => {
              const href = rows?.find((row) => row.id === id)?.href
              if (href) router.push(href)
            },
          }
        : {})}
      isFiltered={state.isFiltered}
      onClearFilter={state.clear}
      minWidth="min-w-5xl"
      empty={
        <EmptyState title="Nothing was used in this time" command="kt usage --since 30d --group-by team_id">
          Every request that a gateway records is counted here a moment later.
        </EmptyState>
      }
    />
  )
}

function rowsOf({ answer, group, filterOf }: Usage, canEvents: boolean): Row[] {
  const { data } = answer
  if (!data) return []
  const rows: Row[] = data.groups.map(({ by, names, sums, previous }) => {
    const value = by[group] ?? ''
    const name = names[group] || null
    return {
      id: `group ${value}`,
      label: groupText(group, value, name),
      value: name !== null && name !== value ? value : null,
      href: canEvents ? historyPath(data, filterOf(value)) : undefined,
      sums,
      previous,
    }
  })
  if (!data.rest) return rows
  const { groups, sums } = data.rest
  const label = `${groups.toLocaleString('en')} more`
  return [...rows, { id: 'rest', label, value: null, href: undefined, sums, previous: null }]
}

function columnsOf(
  name: string,
  measure: Measure,
  total: UsageSums | undefined,
  costs: readonly string[],
): Column<Row>[] {
  const decimals = decimalsOf(costs)
  const count = (
    id: keyof Omit<UsageSums, 'cost_usd'>,
    header: string,
    width: string,
    optional?: true,
  ): Column<Row> => ({
    id,
    header,
    width,
    align: 'right',
    ...(optional ? { optional } : {}),
    sortValue: ({ sums }) => sums[id],
    cell: ({ sums }) => sums[id].toLocaleString('en'),
  })
  return [
    {
      id: 'group',
      header: name,
      sortValue: ({ label }) => label,
      cell: ({ label, href }) =>
        href ? (
          <Link href={href} className="font-medium hover:underline">
            <NameText name={label} />
          </Link>
        ) : (
          <span className="text-fg-muted">{label}</span>
        ),
    },
    {
      id: 'id',
      header: 'Id',
      width: 'w-44',
      optional: true,
      cell: ({ value }) => (value ? <IdText id={value} copy={false} /> : '–'),
    },
    {
      id: 'cost',
      header: 'Cost',
      width: widthOfAmounts(costs.map((usd) => moneyText(usd, decimals))),
      align: 'right',
      sortValue: ({ sums }) => Number(amountOf(sums, 'cost')),
      cell: ({ sums }) =>
        isUnknownCost(sums.cost_usd, sums.unpriced) ? (
          <span className="text-attention-text">unknown</span>
        ) : (
          moneyText(sums.cost_usd, decimals)
        ),
    },
    {
      id: 'share',
      header: `Share of ${MEASURE_WORDS[measure].toLowerCase()}`,
      width: 'w-44',
      sortValue: ({ sums }) => partOf(sums, total, measure),
      cell: ({ sums }) => (isBlank(sums, measure) ? <None /> : <Share percent={partOf(sums, total, measure)} />),
    },
    {
      id: 'trend',
      header: 'Change',
      width: 'w-36',
      align: 'right',
      cell: ({ sums, previous }) => <Trend sums={sums} previous={previous} measure={measure} />,
    },
    count('requests', 'Requests', 'w-28'),
    count('tokens_total', 'Tokens', 'w-32'),
    count('tokens_input', 'Input tokens', 'w-32', true),
    count('tokens_output', 'Output tokens', 'w-32', true),
    count('errors', 'Errors', 'w-24', true),
    count('cache_hits', 'From the cache', 'w-28', true),
    {
      id: 'unpriced',
      header: 'Unpriced',
      width: 'w-24',
      align: 'right',
      sortValue: ({ sums }) => sums.unpriced,
      cell: ({ sums }) =>
        sums.unpriced > 0 ? (
          <span className="font-medium text-attention-text">{sums.unpriced.toLocaleString('en')}</span>
        ) : (
          '0'
        ),
    },
  ]
}

/** There is nothing to say of a cost that nobody knows: no part, no change. */
const isBlank = ({ cost_usd, unpriced }: UsageSums, measure: Measure): boolean =>
  measure === 'cost' && isUnknownCost(cost_usd, unpriced)

const None = () => <span className="text-fg-muted">–</span>

const partOf = (sums: UsageSums, total: UsageSums | undefined, measure: Measure): number =>
  total ? shareOf(amountOf(sums, measure), amountOf(total, measure)) : 0

const Share = ({ percent }: { percent: number }) => (
  <span className="flex items-center gap-2">
    <span aria-hidden className="h-1.5 min-w-0 flex-1 overflow-hidden rounded-md bg-sunken">
      <span className="block h-full rounded-md bg-accent" style={{ width: `${Math.min(100, percent)}%` }} />
    </span>
    <span className="w-14 text-right tabular-nums">{percentText(percent)}</span>
  </span>
)

function Trend({ sums, previous, measure }: { sums: UsageSums; previous: UsageSums | null; measure: Measure }) {
  if (!previous || isBlank(sums, measure)) return <None />
  const change = changeOf(amountOf(sums, measure), amountOf(previous, measure))
  const Arrow = change === null || change > 0 ? ArrowUpRight : ArrowDownRight
  return (
    <span
      className="inline-flex items-center gap-1 align-middle"
      title={`${amountText(amountOf(previous, measure), measure)} in the time before`}
    >
      {change !== 0 && <Arrow aria-hidden className="size-3.5 text-fg-muted" />}
      {changeText(change)}
    </span>
  )
}
