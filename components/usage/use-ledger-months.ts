import { useInfiniteQuery } from '@tanstack/react-query'
import type { MonthState } from '@/lib/contract/usage'
import { usageQueries } from './usage-queries'

/** When this month and the one before it begin by the clocks of the ledger. */
export function useLedgerMonths(): { last: string; now: string } {
  const months = useInfiniteQuery(usageQueries.months()).data?.pages[0]?.items
  return ledgerMonths(months ?? [], new Date())
}

/**
 * What the ledger does not list, because nothing is known of it or it may not be read, begins by the viewer's clock.
 *
 * @param months newest first; those to come may be among them
 */
export function ledgerMonths(months: readonly MonthState[], today: Date): { last: string; now: string } {
  const byViewer = (offset: number) => new Date(today.getFullYear(), today.getMonth() + offset, 1).toISOString()
  const now = months.findLast(({ is_over }) => !is_over)?.starts_at
  const last = now && months.find(({ ends_at }) => Date.parse(ends_at) === Date.parse(now))?.starts_at
  return { now: now ?? byViewer(0), last: last || byViewer(-1) }
}
