'use client'

import { useQuery } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { EventHistogram } from '@/components/events/event-histogram'
import { useCan } from '@/components/shell/whoami-context'
import { overviewQueries, TRAFFIC_RANGE } from './overview-queries'

/** Requests by verdict over the last day. Marking a stretch of it leads to its rows. */
export function TrafficChart() {
  const canEvents = useCan('events:read')
  return canEvents ? <Traffic /> : null
}

function Traffic() {
  const router = useRouter()
  const { data, error, refetch } = useQuery(overviewQueries.trafficOverTime())
  return (
    <EventHistogram
      histogram={data}
      error={error}
      onRetry={() => void refetch()}
      verdict={null}
      range={TRAFFIC_RANGE}
      onZoom={({ since, until }) =>
        router.push(`/history?${new URLSearchParams({ since, ...(until === undefined ? {} : { until }) })}`)
      }
      onZoomOut={undefined}
    />
  )
}
