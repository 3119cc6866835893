'use client'

import { parseAsString, useQueryStates } from 'nuqs'
import { when } from '@/lib/contract/fields'

/** `since` and `until` as the API reads them: RFC 3339 or relative (`24h`). No `until` means up to now. */
export type TimeRange = { since: string; until: string | undefined }

export const TIME_PRESETS = [
  { value: '15m', label: 'Last 15 minutes' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
] as const

/** One that a picker offers: relative, or a stretch with an end. */
export type TimePreset = { value: string; until?: string; label: string }

const parsers = { since: parseAsString, until: parseAsString }

/** The time range of a page, in the URL only. What is not a time falls back to `defaultSince`. */
export function useTimeRange(defaultSince = '24h') {
  const [url, setUrl] = useQueryStates(parsers)
  const range: TimeRange = { since: valid(url.since) ?? defaultSince, until: valid(url.until) }
  return {
    range,
    isDefault: range.since === defaultSince && range.until === undefined,
    setRange: (next: TimeRange | null) =>
      void setUrl({ since: next && next.since !== defaultSince ? next.since : null, until: next?.until ?? null }),
  }
}

const valid = (text: string | null) => (text !== null && when.safeParse(text).success ? text : undefined)

/** In words, for titles: `last 24 hours`, `21 Nov 10:00 – 11:00`. */
export function describeTimeRange({ since, until }: TimeRange): string {
  const preset = TIME_PRESETS.find(({ value }) => value === since)
  if (preset && !until) return preset.label.toLowerCase()
  const days = /^(\d+)d$/.exec(since)
  if (days && !until) return `last ${days[1]} days`
  const show = (text: string) =>
    /^\d+[smhdw]$/.test(text)
      ? `${text} ago`
      : new Date(text).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
  return `${show(since)} – ${until ? show(until) : 'now'}`
}
