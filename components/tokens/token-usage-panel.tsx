'use client'

import { useQuery } from '@tanstack/react-query'
import { ChartColumn, Table2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { CountBars } from '@/components/charts/count-bars'
import { HistogramTable } from '@/components/charts/histogram-table'
import { eventQueries } from '@/components/events/event-queries'
import { Button } from '@/components/ui/button'
import { Choice } from '@/components/ui/choice'
import { ErrorState } from '@/components/ui/error-state'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { VERDICTS } from '@/lib/contract/events'
import type { Token, TokenUsage } from '@/lib/contract/tokens'
import { ModelsPanel } from './models-panel'
import { tokenQueries } from './token-queries'

const RANGES = [
  { value: '24h', label: 'By hour', words: 'per hour, last 24 hours', buckets: 24 },
  { value: '30d', label: 'By day', words: 'per day, last 30 days', buckets: 30 },
] as const
export const USAGE_RANGE = '30d'
const SOURCES_SHOWN = 5

/** What the key is used for: calls over time, models against what it may use, and where the calls come from. */
export function TokenUsagePanel({ token, canWrite }: { token: Token; canWrite: boolean }) {
  const usage = useQuery(tokenQueries.usage(token.id, USAGE_RANGE))
  return (
    <section aria-labelledby="usage-title" className="flex flex-col gap-4 rounded-md border p-4">
      <CallsOverTime token={token} />
      {usage.data ? (
        usage.data.requests > 0 || token.allowed_models !== null ? (
          <>
            <ModelsPanel token={token} usage={usage.data} canWrite={canWrite} />
            <Sources usage={usage.data} />
          </>
        ) : null
      ) : usage.error ? (
        <ErrorState error={usage.error} onRetry={() => void usage.refetch()} title="Its use could not be counted" />
      ) : (
        <Skeleton className="h-24" />
      )}
    </section>
  )
}

function CallsOverTime({ token }: { token: Token }) {
  const [chosen, setChosen] = useState<string>(RANGES[0].value)
  const [isTable, setIsTable] = useState(false)
  const range = RANGES.find(({ value }) => value === chosen) ?? RANGES[0]
  const selection = { since: range.value, filter: `token_id=${token.id}` }
  const counted = useQuery(eventQueries.histogram(selection, range.buckets))
  const { error } = counted
  // Bars of the other length would stand under the wrong words.
  const data = counted.isPlaceholderData ? undefined : counted.data
  const total = data && VERDICTS.reduce((sum, verdict) => sum + data.totals[verdict], 0)
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 id="usage-title" className="font-medium text-sm">
          Calls {range.words}
        </h3>
        <div className="flex flex-wrap items-center gap-1">
          <Choice label="Length of a bar" value={range.value} onChange={setChosen} options={[...RANGES]} />
          <Button size="sm" variant="ghost" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
            {isTable ? <ChartColumn /> : <Table2 />} {isTable ? 'Chart' : 'Table'}
          </Button>
        </div>
      </div>
      {data ? (
        <>
          {isTable ? (
            <HistogramTable
              label={`Calls ${range.words}`}
              buckets={data.items}
              bucketSeconds={data.bucket_seconds}
              verdicts={VERDICTS}
            />
          ) : (
            <CountBars
              label={`Calls ${range.words}: ${total} in all, ${data.totals.block} blocked`}
              buckets={data.items}
              bucketSeconds={data.bucket_seconds}
            />
          )}
          <p className="text-fg-muted text-sm">
            <Link
              href={`/history?since=${range.value}&filter=${encodeURIComponent(selection.filter)}`}
              className="text-accent underline underline-offset-2"
            >
              {total === 1 ? '1 call' : `${(total ?? 0).toLocaleString('en')} calls`}
            </Link>
            {data.totals.block > 0 && `, ${data.totals.block.toLocaleString('en')} of them blocked`}.
          </p>
        </>
      ) : error ? (
        <p role="alert" className="text-danger-text text-sm">
          The calls could not be counted. {error.message}
        </p>
      ) : (
        <Skeleton className="h-12" />
      )}
    </>
  )
}

function Sources({ usage }: { usage: TokenUsage }) {
  const { source_ips: ips, agents } = usage
  if (ips.items.length === 0) return null
  const more = ips.items.length - SOURCES_SHOWN
  return (
    <div className="flex flex-col gap-1.5">
      <h4 className="font-medium text-sm">Called from, last 30 days</h4>
      <ul className="flex flex-col gap-1 text-sm">
        {ips.items.slice(0, SOURCES_SHOWN).map(({ name, requests, last_at }) => (
          <li key={name} className="flex flex-wrap items-baseline gap-x-2">
            <code className="font-mono text-xs">{name}</code>
            <span className="ml-auto text-fg-muted text-xs tabular-nums">
              {requests.toLocaleString('en')} {requests === 1 ? 'call' : 'calls'}, last <RelativeTime at={last_at} />
            </span>
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p className="text-fg-muted text-xs">
          and {more}
          {ips.has_more ? '+' : ''} more {more === 1 ? 'address' : 'addresses'}
        </p>
      )}
      {agents.items.length > 0 && (
        <p className="text-fg-muted text-xs">Agents: {agents.items.map(({ name }) => name).join(', ')}</p>
      )}
    </div>
  )
}
