import { timeZone } from '@/lib/contract/spend-shapes'

/** The viewer's time zone as the API takes it; UTC where the browser has none with a name. */
export function viewerZone(): string {
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions()
  return timeZone.safeParse(zone).success ? zone : 'UTC'
}

/** What a `datetime-local` field reads and writes, in the viewer's zone. */
export function localInputOf(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
