'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { useCan } from '@/components/shell/whoami-context'
import { BriefMoney } from '@/components/ui/brief-money'
import { ErrorState } from '@/components/ui/error-state'
import { percentOf, percentText } from '@/components/ui/money'
import { NameText } from '@/components/ui/name-text'
import { Skeleton } from '@/components/ui/skeleton'
import type { UsageAnswer } from '@/components/usage/usage-queries'
import { groupText } from '@/components/usage/usage-words'
import { overviewQueries, SPEND_TEAMS } from './overview-queries'

/** Who spent it: the dearest teams of the last thirty days, each with its part of the whole. A row leads to its usage. */
export function SpendByTeam() {
  const maySpend = useCan('spend:read')
  return maySpend ? <Spend /> : null
}

type Row = { id: string; label: string; href: string; usd: string }

function Spend() {
  const { data, error, refetch } = useQuery(overviewQueries.spend())
  return (
    <section aria-labelledby="spend-by-team" className="flex h-full min-w-0 flex-col rounded-md border bg-surface">
      <div className="flex min-h-10 items-center justify-between gap-2 px-4 pt-3">
        <h2 id="spend-by-team" className="font-medium text-sm">
          Spend by team, last 30 days
        </h2>
        <Link href="/usage" className="text-accent text-xs underline underline-offset-2">
          Usage
        </Link>
      </div>
      {data ? (
        <Teams rows={rowsOf(data)} whole={data.total.cost_usd} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <div className="flex flex-col gap-3 px-4 py-3">
          {Array.from({ length: SPEND_TEAMS }, (_, at) => `team ${at}`).map((key) => (
            <Skeleton key={key} className="h-5" />
          ))}
        </div>
      )}
    </section>
  )
}

function rowsOf({ groups, rest }: UsageAnswer): Row[] {
  const rows = groups
    .filter(({ sums }) => /[1-9]/.test(sums.cost_usd))
    .map(({ by, names, sums }) => {
      const team = by.team_id ?? ''
      const query = new URLSearchParams({ group: 'model', filter: `team_id=${team === '' ? '""' : team}` })
      return {
        id: `team ${team}`,
        label: groupText('team_id', team, names.team_id || null),
        href: `/usage?${query}`,
        usd: sums.cost_usd,
      }
    })
  if (!rest || !/[1-9]/.test(rest.sums.cost_usd)) return rows
  return [...rows, { id: 'rest', label: `${rest.groups} more`, href: '/usage', usd: rest.sums.cost_usd }]
}

function Teams({ rows, whole }: { rows: Row[]; whole: string }) {
  if (rows.length === 0) {
    return <p className="px-4 pt-1 pb-4 text-fg-muted text-sm">No request of this time cost anything.</p>
  }
  return (
    <ul className="flex flex-col px-2 pb-2">
      {rows.map(({ id, label, href, usd }) => (
        <li key={id}>
          <Link href={href} className="flex flex-col gap-1 rounded-md px-2 py-1.5 text-sm hover:bg-hover">
            <span className="flex items-baseline gap-3 tabular-nums">
              <NameText name={label} className="min-w-0 flex-1" />
              <span className="text-fg-muted text-xs">{percentText(percentOf(usd, whole))}</span>
              <span className="text-right">
                <BriefMoney usd={usd} />
              </span>
            </span>
            <span aria-hidden className="h-1.5 overflow-hidden rounded-md bg-sunken">
              <span className="block h-full rounded-md bg-accent" style={{ width: `${percentOf(usd, whole)}%` }} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  )
}
