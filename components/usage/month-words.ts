import type { StatusTone } from '@/components/ui/status-badge'
import type { MonthState } from '@/lib/contract/usage'

const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' })

/** `2026-02` as `February 2026`. */
export function monthText(month: string): string {
  const at = Date.parse(`${month}-01T00:00:00Z`)
  return Number.isNaN(at) ? month : MONTH.format(at)
}

/** Whether a month can be closed, or is still going on. */
export function monthStanding({ state, ends_at }: MonthState, nowMs: number): { label: string; tone: StatusTone } {
  if (state === 'closed') return { label: 'Closed', tone: 'ok' }
  return Date.parse(ends_at) > nowMs
    ? { label: 'Going on', tone: 'info' }
    : { label: 'Can be closed', tone: 'attention' }
}
