'use client'

import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, ListTree, Lock, Printer } from 'lucide-react'
import Link from 'next/link'
import { type ReactNode, useState } from 'react'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan, useWhoami } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { ErrorState } from '@/components/ui/error-state'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import type { MonthReport as Report } from '@/lib/contract/usage'
import { printFilter } from '@/lib/filter'
import { walletQueries } from '../wallets/wallet-queries'
import { CloseMonthDialog } from './close-month-dialog'
import { historyPath } from './history-path'
import { MonthTable } from './month-table'
import { canBeClosed, monthStanding, monthText, unpricedOf } from './month-words'
import { UnpricedCallout } from './unpriced-callout'
import { usageQueries } from './usage-queries'

export function MonthReportPage({ month }: { month: string }) {
  return (
    <RequirePermission permission="spend:read">
      <MonthReport month={month} />
    </RequirePermission>
  )
}

/** One month as a document: what it cost, of which model, team and key, and what came late. Made to be printed. */
function MonthReport({ month }: { month: string }) {
  const { data, error, refetch, dataUpdatedAt } = useQuery(usageQueries.month(month))
  const settings = useQuery(walletQueries.settings())
  const [isClosing, setIsClosing] = useState(false)
  const mayClose = useCan('org:billing')
  const canEvents = useCan('events:read')
  return (
    <article className="flex max-w-4xl flex-col gap-6 print:max-w-none">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <div>
          <p className="mb-1 text-fg-muted text-sm print:hidden">
            <Link href="/usage?view=months" className="inline-flex items-center gap-1 hover:underline">
              <ArrowLeft aria-hidden className="size-3.5" /> Months
            </Link>
          </p>
          <h1 className="font-semibold text-lg tracking-tight">Spend in {monthText(month)}</h1>
        </div>
        {data && (
          <div className="flex flex-wrap gap-2 print:hidden">
            {canEvents && (
              <Button asChild>
                <Link href={historyPath({ since: data.starts_at, until: data.ends_at }, '')}>
                  <ListTree /> Its requests
                </Link>
              </Button>
            )}
            {mayClose && canBeClosed(data) && (
              <Button onClick={() => setIsClosing(true)}>
                <Lock /> Close month…
              </Button>
            )}
            <Button variant="primary" onClick={() => window.print()}>
              <Printer /> Print
            </Button>
          </div>
        )}
      </div>
      {data && settings.data ? (
        <Body report={data} timeZone={settings.data.time_zone} readAtMs={dataUpdatedAt} />
      ) : (error ?? settings.error) ? (
        <ErrorState
          error={error ?? settings.error}
          onRetry={() => {
            void refetch()
            void settings.refetch()
          }}
        />
      ) : (
        <Skeleton className="h-96" />
      )}
      {data && isClosing && <CloseMonthDialog month={data} onClose={() => setIsClosing(false)} />}
    </article>
  )
}

/** What stands for those beyond the dearest 500. */
const REST = '*'

/** By the clocks by which months begin, which are named. */
const exactly = (at: string, timeZone: string): string => {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone })
  return `${format.format(Date.parse(at))}, ${timeZone}`
}

function Body({ report, timeZone, readAtMs }: { report: Report; timeZone: string; readAtMs: number }) {
  const { organization } = useWhoami()
  const standing = monthStanding(report)
  const canEvents = useCan('events:read')
  /** Where the requests of a line are; not of those that are told as one. */
  const requestsOf = (values: Record<string, string>): string | undefined =>
    canEvents && !Object.values(values).includes(REST)
      ? historyPath(
          { since: report.starts_at, until: report.ends_at },
          printFilter(Object.entries(values).map(([field, value]) => ({ field, operator: '=', values: [value] }))),
        )
      : undefined
  const facts: [string, ReactNode][] = [
    ['Organization', organization.name],
    ['From', exactly(report.starts_at, timeZone)],
    ['To', exactly(report.ends_at, timeZone)],
    [
      'State',
      <span key="state" className="inline-flex flex-wrap items-center gap-2">
        <StatusBadge tone={standing.tone}>{standing.label}</StatusBadge>
        {report.closed_at && `${exactly(report.closed_at, timeZone)}, by ${report.closed_by?.name ?? 'the system'}`}
        {report.state === 'closed' &&
          !report.closed_at &&
          'with a later month: what comes for it is posted to one that is open'}
      </span>,
    ],
  ]
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-sm">
        {facts.map(([term, value]) => (
          <div key={term} className="contents">
            <dt className="text-fg-muted">{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <UnpricedCallout unpriced={unpricedOf(report)} span={{ since: report.starts_at, until: report.ends_at }} />
      <Section title="What the ledger holds">
        <MonthTable
          caption="What the ledger holds under this month"
          heads={['', 'US dollars', 'Transactions']}
          rows={[
            {
              id: 'own',
              cells: ['Posted under this month', report.cost_usd, report.transactions],
            },
            {
              id: 'late',
              cells: ['Of that, belonging to earlier months', report.late_usd, report.late_transactions],
            },
            {
              id: 'later',
              cells: ['Of this month, posted to a later one', report.posted_later_usd, null],
            },
          ]}
        />
      </Section>
      <Section title="By model">
        <MonthTable
          caption="Cost by provider and model"
          heads={['Provider and model', 'US dollars', 'Requests', 'Share']}
          whole={report.cost_usd}
          rows={report.by_model.map(({ provider, model, cost_usd, requests, unpriced }) => ({
            id: `${provider} ${model}`,
            unpriced,
            cells: [
              model === REST ? 'Others' : [provider, model].filter(Boolean).join(' · ') || 'None',
              cost_usd,
              requests,
            ],
            href: requestsOf({ provider, model }),
          }))}
        />
      </Section>
      <Section title="By team">
        <MonthTable
          caption="Cost by team"
          heads={['Team', 'US dollars', 'Requests', 'Share']}
          whole={report.cost_usd}
          rows={report.by_team.map(({ team_id, name, cost_usd, requests, unpriced }) => ({
            id: team_id,
            unpriced,
            cells: [team_id === REST ? 'Others' : (name ?? (team_id || 'No team')), cost_usd, requests],
            href: requestsOf({ team_id }),
          }))}
        />
      </Section>
      <Section title="By key">
        <MonthTable
          caption="Cost by key"
          heads={['Key', 'US dollars', 'Requests', 'Share']}
          whole={report.cost_usd}
          rows={report.by_key.map(({ token_id, token_name, cost_usd, requests, unpriced }) => ({
            id: `${token_id} ${token_name}`,
            unpriced,
            cells: [token_id === REST ? 'Others' : token_name || token_id || 'No key', cost_usd, requests],
            href: requestsOf({ token_id, token_name }),
          }))}
        />
      </Section>
      {report.late.length > 0 && (
        <Section title="What came late">
          <MonthTable
            caption="What came late, by the month that it belongs to"
            heads={['Belongs to', 'US dollars', 'Transactions']}
            rows={report.late.map(({ month, cost_usd, transactions }) => ({
              id: month,
              cells: [monthText(month), cost_usd, transactions],
              href: `/usage/months/${month}`,
            }))}
          />
        </Section>
      )}
      <p className="text-fg-muted text-xs">
        Amounts are exact to a billionth of a US dollar.{' '}
        {report.state === 'closed'
          ? 'This month is closed: what is posted under it does not change any more.'
          : `This month is open: these are its figures of ${exactly(new Date(readAtMs).toISOString(), timeZone)}, and they can still change.`}
      </p>
    </>
  )
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="flex flex-col gap-2">
    <h2 className="font-medium text-sm">{title}</h2>
    {children}
  </section>
)
