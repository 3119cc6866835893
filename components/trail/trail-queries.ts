import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { trail } from '@/lib/contract/trail'
import type { Verification } from '@/lib/contract/trail-shapes'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'

const STATUS_MS = 5_000
const BUSY_MS = 1_000
const IDLE_MS = 30_000
export const DIGESTS_PER_PAGE = 200

export const isUnderWay = ({ state }: Pick<Verification, 'state'>): boolean => state === 'queued' || state === 'running'

export const trailQueries = {
  /** Invalidate this after any command on the trail. */
  all: ['trail'] as const,

  status: () =>
    queryOptions({
      queryKey: [...trailQueries.all, 'status'],
      queryFn: ({ signal }) => api(trail.status, {}, { signal }),
      refetchInterval: refreshEvery(STATUS_MS),
    }),

  digests: (range: { since: string; until: string | undefined }) =>
    infiniteQueryOptions({
      queryKey: [...trailQueries.all, 'digests', range],
      queryFn: ({ pageParam, signal }) =>
        api(trail.digests, { ...range, cursor: pageParam, limit: DIGESTS_PER_PAGE }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),

  /** A digest never changes once it is signed, but for the signatures of witnesses. */
  digest: (id: string) =>
    queryOptions({
      queryKey: [...trailQueries.all, 'digest', id],
      queryFn: ({ signal }) => api(trail.digest, { id }, { signal }),
    }),

  checkpoint: () =>
    queryOptions({
      queryKey: [...trailQueries.all, 'checkpoint'],
      queryFn: ({ signal }) => api(trail.checkpoint, {}, { signal }),
    }),

  publicKey: () =>
    queryOptions({
      queryKey: [...trailQueries.all, 'public-key'],
      queryFn: ({ signal }) => api(trail.publicKey, {}, { signal }),
    }),

  sinks: () =>
    infiniteQueryOptions({
      queryKey: [...trailQueries.all, 'sinks'],
      queryFn: ({ pageParam, signal }) => api(trail.sinks, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: refreshEvery(STATUS_MS),
    }),

  /** Looks again often while one is under way. */
  verifications: () =>
    infiniteQueryOptions({
      queryKey: [...trailQueries.all, 'verifications'],
      queryFn: ({ pageParam, signal }) => api(trail.verifications, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      refetchInterval: ({ state: { data } }) =>
        data === undefined ? false : data.pages.some(({ items }) => items.some(isUnderWay)) ? BUSY_MS : IDLE_MS,
    }),

  verification: (id: string) =>
    queryOptions({
      queryKey: [...trailQueries.all, 'verification', id],
      queryFn: ({ signal }) => api(trail.verification, { id }, { signal }),
      refetchInterval: ({ state: { data } }) => (data !== undefined && isUnderWay(data) ? BUSY_MS : false),
    }),
}
