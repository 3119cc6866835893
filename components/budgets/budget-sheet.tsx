'use client'

import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { nanoUsdOf } from '@/lib/money'
import { BudgetActions, type BudgetDetail as Detail } from './budget-actions'
import { BudgetBar } from './budget-bar'
import { Projection, Standing } from './budget-columns'
import { BudgetFacts } from './budget-facts'
import { budgetQueries } from './budget-queries'
import { endsAsProjected } from './budget-words'
import { HeldList } from './held-list'
import { RaisesList } from './raises-list'
import { WindowsTable } from './windows-table'

export function BudgetSheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ ...budgetQueries.get(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={data?.name ?? 'Budget'}
      subtitle={
        data && (
          <>
            <Standing budget={data} />
            <IdText id={data.id} what="budget id" />
          </>
        )
      }
    >
      {data ? (
        <BudgetDetail key={data.id} budget={data} onGone={onClose} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-64" />
      )}
    </Sheet>
  )
}

function BudgetDetail({ budget, onGone }: { budget: Detail; onGone: () => void }) {
  const mayWrite = useCan('org:billing')
  return (
    <div className="flex flex-col gap-6">
      <BudgetActions budget={budget} mayWrite={mayWrite} onGone={onGone} />
      {nanoUsdOf(budget.current.excess_usd) > 0n && (
        <Callout tone="danger">
          {moneyText(budget.current.excess_usd)} beyond the limit.{' '}
          {budget.hard
            ? 'Calls that had begun before a change, or cost more than could be foreseen, can do that; nothing new is let through.'
            : 'It is watched only: requests go on.'}
        </Callout>
      )}
      <Now budget={budget} />
      <Section title="Held by gateways">
        <HeldList held={budget.held} mayRelease={mayWrite} />
      </Section>
      {(budget.raises.length > 0 || mayWrite) && (
        <Section title="Raises of this window">
          <RaisesList budget={budget} raises={budget.raises} mayEnd={mayWrite} />
        </Section>
      )}
      {budget.next_resets.length > 0 && (
        <Section title={budget.next_resets.length === 1 ? 'Next reset' : `Next ${budget.next_resets.length} resets`}>
          <ul className="flex flex-col gap-1 text-sm">
            {budget.next_resets.map((at) => (
              <li key={at} className="flex flex-wrap gap-x-3">
                <span>
                  {exactly(at, budget.time_zone)} ({budget.time_zone})
                </span>
                <span className="text-fg-muted">
                  <RelativeTime at={at} />
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title="Windows">
        <WindowsTable id={budget.id} openSince={budget.current.starts_at} timeZone={budget.time_zone} />
      </Section>
      <Section title="How it is set">
        <BudgetFacts budget={budget} />
      </Section>
    </div>
  )
}

/** In the zone of the budget: at its midnight, whatever the viewer's clock says. */
const exactly = (at: string, timeZone: string) =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone }).format(Date.parse(at))

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="flex flex-col gap-2">
    <h3 className="font-medium text-sm">{title}</h3>
    {children}
  </section>
)

/** The window that is open: what adds up to what. */
function Now({ budget }: { budget: Detail }) {
  const { current, limit_usd, thresholds } = budget
  const amounts = [current.committed_usd, current.held_usd, current.remaining_usd, current.limit_usd]
  const decimals = decimalsOf([...amounts, current.carried_usd, current.raised_usd])
  const isMore = nanoUsdOf(current.carried_usd) > 0n || nanoUsdOf(current.raised_usd) > 0n
  const rows: [string, string, ReactNode?][] = [
    ['Committed', current.committed_usd, 'what requests have cost'],
    ['Held', current.held_usd, 'by gateways, for requests under way and to come'],
    ['Remaining', current.remaining_usd, 'may still be handed out'],
    ['Limit', current.limit_usd, isMore ? limitWords(budget) : undefined],
  ]
  return (
    <section className="flex flex-col gap-3">
      <BudgetBar budget={budget} isLarge />
      <dl className="grid grid-cols-[auto_auto_1fr] items-baseline gap-x-4 gap-y-1.5 text-sm">
        {rows.map(([term, amount, note]) => (
          <div key={term} className="contents">
            <dt className="text-fg-muted">{term}</dt>
            <dd className="text-right font-medium tabular-nums">{moneyText(amount, decimals)}</dd>
            <dd className="min-w-0 text-fg-muted text-xs">{note}</dd>
          </div>
        ))}
      </dl>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">
        <dt className="text-fg-muted">Window ends</dt>
        <dd>{current.resets_at ? <RelativeTime at={current.resets_at} /> : 'Never'}</dd>
        <dt className="text-fg-muted">At the pace so far</dt>
        <dd>
          <Projection budget={budget} />
          {endsAsProjected(budget) && ' at its end'}
        </dd>
      </dl>
      {thresholds.length > 0 && (
        <ul aria-label="Thresholds" className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
          {thresholds.map((percent) => {
            const reached = current.thresholds_reached.find((one) => one.percent === percent)
            return (
              <li key={percent} className={reached ? undefined : 'text-fg-muted'}>
                {percent} %: {reached ? <RelativeTime at={reached.at} /> : 'not reached'}
              </li>
            )
          })}
        </ul>
      )}
      {limit_usd !== current.limit_usd && !isMore && (
        <p className="text-fg-muted text-xs">Of each window: {moneyText(limit_usd)}.</p>
      )}
    </section>
  )
}

function limitWords({ limit_usd, current }: Detail): string {
  const parts = [moneyText(limit_usd)]
  if (nanoUsdOf(current.carried_usd) > 0n) parts.push(`${moneyText(current.carried_usd)} carried over`)
  if (nanoUsdOf(current.raised_usd) > 0n) parts.push(`${moneyText(current.raised_usd)} raised`)
  return parts.join(' + ')
}
