'use client'

import { queryOptions, useQuery } from '@tanstack/react-query'
import { ListTree } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { useWhoami } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { CopyButton } from '@/components/ui/copy-button'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { ExactTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { activity } from '@/lib/contract/activity'
import type { Token, TokenUsage } from '@/lib/contract/tokens'
import { api } from '../api'
import { callsPath, changesPath, changesReport, usageReport } from './leak-report'
import { tokenQueries } from './token-queries'

type FindingsProps = { token: Token; since: string }

const CHANGES_MAX = 100
const NAMES_SHOWN = 5

/** What a gateway key did since a time: the numbers, the rows behind them, and a report to take along. */
export function LeakedCalls({ token, since }: FindingsProps) {
  const about = useAbout(token, since)
  const { data, error, refetch } = useQuery(tokenQueries.usage(token.id, since))
  if (!data) return <Pending error={error} onRetry={() => void refetch()} />
  return (
    <>
      {data.requests === 0 ? (
        <p className="text-sm">No call with this key is recorded since then.</p>
      ) : (
        <Details
          items={[
            ['Calls', `${data.requests.toLocaleString('en')}, ${data.blocked.toLocaleString('en')} of them blocked`],
            ['First', <ExactTime key="first" at={data.first_at ?? since} />],
            ['Last', <ExactTime key="last" at={data.last_at ?? since} />],
            ['Models', namesText(data.models)],
            ['Providers', namesText(data.providers)],
            ['From', namesText(data.source_ips)],
            ['Agents', namesText(data.agents)],
          ]}
        />
      )}
      <Actions href={callsPath(token, since)} label="Open the calls in History" report={usageReport(about, data)} />
    </>
  )
}

/** What an access key changed since a time. What it only read leaves no entry. */
export function LeakedChanges({ token, since }: FindingsProps) {
  const about = useAbout(token, since)
  const { data, error, refetch } = useQuery(changesQuery(token.id, since))
  if (!data) return <Pending error={error} onRetry={() => void refetch()} />
  const { items, next_cursor } = data
  const counts = Map.groupBy(items, ({ action }) => action)
  return (
    <>
      <p className="text-sm">
        {items.length === 0
          ? 'It changed nothing since then.'
          : `${items.length}${next_cursor ? ' or more' : ''} ${items.length === 1 ? 'change' : 'changes'} since then: ${[...counts].map(([action, entries]) => `${action} ${entries.length}`).join(', ')}.`}{' '}
        <span className="text-fg-muted">What it only read is not recorded.</span>
      </p>
      <Actions
        href={changesPath(token, since)}
        label="Open the changes in History"
        report={changesReport(about, items, next_cursor !== null)}
      />
    </>
  )
}

const changesQuery = (id: string, since: string) =>
  queryOptions({
    queryKey: ['activity', 'of-key', id, since],
    queryFn: ({ signal }) => api(activity.list, { actor_id: id, since, limit: CHANGES_MAX }, { signal }),
  })

function useAbout(token: Token, since: string) {
  const { organization, actor } = useWhoami()
  return {
    token,
    since,
    organization: organization.name,
    madeBy: actor.email ?? actor.name,
    madeAt: new Date().toISOString(),
    origin: window.location.origin,
  }
}

const Actions = ({ href, label, report }: { href: string; label: string; report: string }) => (
  <div className="flex flex-wrap gap-2">
    <Button asChild size="sm">
      <Link href={href}>
        <ListTree /> {label}
      </Link>
    </Button>
    <CopyButton text={report} what="report" label="Copy report" />
  </div>
)

const Pending = ({ error, onRetry }: { error: unknown; onRetry: () => void }): ReactNode =>
  error ? (
    <ErrorState error={error} onRetry={onRetry} title="What it did could not be read" />
  ) : (
    <Skeleton className="h-24" />
  )

function namesText({ items, has_more }: TokenUsage['models']): string {
  if (items.length === 0) return 'none'
  const shown = items.slice(0, NAMES_SHOWN).map(({ name, requests }) => `${name} (${requests.toLocaleString('en')})`)
  const more = items.length - NAMES_SHOWN
  return more > 0 ? `${shown.join(', ')} and ${more}${has_more ? '+' : ''} more` : shown.join(', ')
}
