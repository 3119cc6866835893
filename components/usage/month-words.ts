import type { StatusTone } from '@/components/ui/status-badge'
import type { MonthReport, MonthState } from '@/lib/contract/usage'

const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' })

/** `2026-02` as `February 2026`. */
export function monthText(month: string): string {
  const at = Date.parse(`${month}-01T00:00:00Z`)
  return Number.isNaN(at) ? month : MONTH.format(at)
}

/** Whether a month can be closed, or why it cannot be yet. */
export function monthStanding(month: MonthState): { label: string; tone: StatusTone } {
  if (month.state === 'closed') return { label: 'Closed', tone: 'ok' }
  if (!month.is_over) return { label: 'Going on', tone: 'info' }
  if (canBeClosed(month)) return { label: 'Can be closed', tone: 'attention' }
  return { label: month.transactions === 0 ? 'Nothing recorded' : 'Open', tone: 'neutral' }
}

/** Months are closed in order, from the first of which anything is recorded. */
export const canBeClosed = ({ state, is_next_to_close, is_over }: MonthState): boolean =>
  state === 'open' && is_next_to_close && is_over

/** After which month one can be closed that is over; undefined for what waits for none of these. */
export function waitsFor({ state, is_over, month }: MonthState, months: readonly MonthState[]): string | undefined {
  const next = months.find(canBeClosed)
  return state === 'open' && is_over && next && next.month < month ? `after ${monthText(next.month)}` : undefined
}

/** How many requests of a month have no known price. */
export const unpricedOf = ({ by_model }: Pick<MonthReport, 'by_model'>): number =>
  by_model.reduce((sum, { unpriced }) => sum + unpriced, 0)
