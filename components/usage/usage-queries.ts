import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { usage } from '@/lib/contract/usage'
import { api } from '../api'
import { refreshEvery } from '../refresh-every'

const REFRESH_MS = 30_000

export type UsageQuestion = z.input<typeof usage.read.input>
export type UsageAnswer = z.output<typeof usage.read.output>

export const usageQueries = {
  /** Invalidate this after a month was closed or an invoice kept. */
  all: ['usage'] as const,

  /** Looks again while its end is now. */
  read: (question: UsageQuestion) =>
    queryOptions({
      queryKey: [...usageQueries.all, 'read', question],
      queryFn: ({ signal }) => api(usage.read, question, { signal }),
      placeholderData: keepPreviousData,
      refetchInterval: question.until === undefined ? refreshEvery(REFRESH_MS) : false,
    }),

  months: () =>
    infiniteQueryOptions({
      queryKey: [...usageQueries.all, 'months'],
      queryFn: ({ pageParam, signal }) => api(usage.months, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),

  month: (month: string) =>
    queryOptions({
      queryKey: [...usageQueries.all, 'month', month],
      queryFn: ({ signal }) => api(usage.month, { month }, { signal }),
    }),

  invoices: () =>
    infiniteQueryOptions({
      queryKey: [...usageQueries.all, 'invoices'],
      queryFn: ({ pageParam, signal }) => api(usage.invoices, { cursor: pageParam, limit: 50 }, { signal }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next_cursor ?? undefined,
    }),

  invoice: (id: string) =>
    queryOptions({
      queryKey: [...usageQueries.all, 'invoice', id],
      queryFn: ({ signal }) => api(usage.invoice, { id }, { signal }),
      staleTime: Number.POSITIVE_INFINITY,
    }),
}
