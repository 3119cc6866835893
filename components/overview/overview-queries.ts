import { queryOptions } from '@tanstack/react-query'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { quarantine } from '@/lib/contract/quarantine'
import { tokens } from '@/lib/contract/tokens'
import { trail } from '@/lib/contract/trail'
import { usage } from '@/lib/contract/usage'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'
import { spanOf } from '../usage/usage-range'

const REFRESH_MS = 5_000
/** A chart of a day moves slowly. */
const CHART_REFRESH_MS = 30_000
const CHART_BUCKETS = 48
/** How many teams are named. */
export const SPEND_TEAMS = 5
const SPEND_RANGE = { since: '30d', until: undefined }
export const TRAFFIC_RANGE = { since: '24h', until: undefined }

export const overviewQueries = {
  traffic: () =>
    queryOptions({
      queryKey: ['overview', 'traffic'],
      queryFn: ({ signal }) => api(events.histogram, { since: '24h', buckets: 1 }, { signal }),
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  /** Of the day before, which is over: it is read once in a while. */
  trafficBefore: () =>
    queryOptions({
      queryKey: ['overview', 'traffic-before'],
      queryFn: ({ signal }) => api(events.histogram, { since: '48h', until: '24h', buckets: 1 }, { signal }),
      refetchInterval: refreshEvery(10 * CHART_REFRESH_MS),
    }),

  trafficOverTime: () =>
    queryOptions({
      queryKey: ['overview', 'traffic-over-time'],
      queryFn: ({ signal }) =>
        api(events.histogram, { since: TRAFFIC_RANGE.since, buckets: CHART_BUCKETS }, { signal }),
      refetchInterval: refreshEvery(CHART_REFRESH_MS),
    }),

  /** Of the same days as the page that it leads to, so that both show the same sum. */
  spend: () =>
    queryOptions({
      queryKey: ['usage', 'overview'],
      queryFn: ({ signal }) =>
        api(
          usage.read,
          { ...spanOf(SPEND_RANGE, new Date()), group_by: 'team_id', interval: 'all', limit: SPEND_TEAMS },
          { signal },
        ),
      refetchInterval: refreshEvery(CHART_REFRESH_MS),
    }),

  gateways: () =>
    queryOptions({
      queryKey: ['overview', 'gateways'],
      queryFn: ({ signal }) => api(gateways.list, { limit: 200 }, { signal }),
      refetchInterval: refreshEvery(REFRESH_MS),
    }),

  gatewayKeys: () =>
    queryOptions({
      queryKey: ['tokens', 'overview', 'gateway'],
      queryFn: ({ signal }) => api(tokens.list, { type: 'gateway', status: 'live', limit: 50 }, { signal }),
    }),

  expiringKeys: () =>
    queryOptions({
      queryKey: ['tokens', 'overview', 'expiring'],
      queryFn: ({ signal }) => api(tokens.list, { status: 'expiring', limit: 50 }, { signal }),
    }),

  trail: () =>
    queryOptions({
      queryKey: ['trail', 'overview'],
      queryFn: ({ signal }) => api(trail.status, {}, { signal }),
      refetchInterval: refreshEvery(CHART_REFRESH_MS),
    }),

  /** How many events wait that could not be recorded. */
  quarantine: () =>
    queryOptions({
      queryKey: ['quarantine', 'overview'],
      queryFn: ({ signal }) => api(quarantine.list, { state: 'waiting', limit: 1 }, { signal }),
      refetchInterval: refreshEvery(CHART_REFRESH_MS),
    }),

  /** Whether anything was ever recorded. */
  firstEvent: () =>
    queryOptions({
      queryKey: ['overview', 'first-event'],
      queryFn: ({ signal }) => api(events.list, { limit: 1 }, { signal }),
      refetchInterval: ({ state }) => (state.data && state.data.items.length > 0 ? false : 2_000),
    }),
}
