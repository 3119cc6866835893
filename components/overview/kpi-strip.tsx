'use client'

import { useQuery } from '@tanstack/react-query'
import { GATEWAY_STATUS_WORDS } from '@/components/gateways/gateway-status'
import { useCan } from '@/components/shell/whoami-context'
import { Skeleton } from '@/components/ui/skeleton'
import { Stat } from '@/components/ui/stat'
import { againstText, changeOf } from '@/components/usage/usage-words'
import { VERDICTS, type Verdict } from '@/lib/contract/events'
import type { Gateway } from '@/lib/contract/gateways'
import { overviewQueries } from './overview-queries'
import { SpendStat } from './spend-stat'

/** How things are now; each number leads to its rows. What the viewer may not read is absent. */
export function KpiStrip() {
  const canEvents = useCan('events:read')
  const canGateways = useCan('gateways:read')
  const canTokens = useCan('tokens:read')
  const maySpend = useCan('spend:read')
  return (
    <div className="grid grid-cols-2 gap-2 max-lg:[&>:last-child:nth-child(odd)]:col-span-2 lg:auto-cols-fr lg:grid-flow-col lg:grid-cols-none">
      {canEvents && <Traffic />}
      {maySpend && <SpendStat />}
      {canGateways && <Gateways />}
      {canTokens && <ExpiringKeys />}
    </div>
  )
}

function Traffic() {
  const { data, error } = useQuery(overviewQueries.traffic())
  const before = useQuery(overviewQueries.trafficBefore()).data?.totals
  const totals = data?.totals
  const requests = totals && sumOf(totals)
  return (
    <>
      <Stat
        label="Requests, last 24 hours"
        value={shown(requests, error)}
        note={requests === undefined || !before ? undefined : change(requests, sumOf(before))}
        href="/history?since=24h"
      />
      <Stat
        label="Blocked, last 24 hours"
        value={shown(totals?.block, error)}
        note={
          totals &&
          [
            requests ? `${((100 * totals.block) / requests).toFixed(1)} % of requests` : undefined,
            before && change(totals.block, before.block),
          ]
            .filter(Boolean)
            .join(', ')
        }
        href="/history?since=24h&filter=verdict%3Dblock"
      />
    </>
  )
}

const sumOf = (totals: Record<Verdict, number>) => VERDICTS.reduce((sum, verdict) => sum + totals[verdict], 0)

/** Against the day before. */
const change = (now: number, before: number) => againstText(changeOf(BigInt(now), BigInt(before)))

function Gateways() {
  const { data, error } = useQuery(overviewQueries.gateways())
  const healthy = data?.items.filter(({ status }) => status === 'healthy').length
  return (
    <Stat
      label="Gateways healthy"
      value={healthy === undefined ? shown(healthy, error) : `${healthy} of ${data?.items.length ?? 0}`}
      note={data && othersText(data.items)}
      href="/gateways"
    />
  )
}

/** What the others are: `1 offline, 2 never seen`. */
const othersText = (gateways: readonly Gateway[]) =>
  (['offline', 'degraded', 'pending'] as const)
    .map((status) => ({ status, count: gateways.filter((gateway) => gateway.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(({ status, count }) => `${count} ${GATEWAY_STATUS_WORDS[status].toLowerCase()}`)
    .join(', ')

function ExpiringKeys() {
  const { data, error } = useQuery(overviewQueries.expiringKeys())
  const count = data && `${data.items.length}${data.next_cursor ? '+' : ''}`
  const isAccess = data?.items.length !== 0 && data?.items.every(({ token_type }) => token_type === 'access')
  return (
    <Stat
      label="Keys expiring in 7 days"
      value={count ?? shown(undefined, error)}
      href={`/settings/${isAccess ? 'access' : 'gateway'}-keys?status=expiring`}
    />
  )
}

const shown = (value: number | undefined, error: unknown) =>
  value === undefined ? (
    error ? (
      <span className="text-fg-muted text-sm">Not available</span>
    ) : (
      <Skeleton className="my-1 w-16" />
    )
  ) : (
    value.toLocaleString('en')
  )
