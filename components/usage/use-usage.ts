'use client'

import { useQuery } from '@tanstack/react-query'
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useMemo, useState } from 'react'
import { readTerms, withValue } from '@/components/events/filter-terms'
import { useNow } from '@/components/ui/relative-time'
import { useTimeRange } from '@/components/ui/time-range'
import { viewerZone } from '@/components/ui/viewer-zone'
import type { UsageDimension } from '@/lib/contract/usage'
import { parseFilter } from '@/lib/filter'
import { usageQueries } from './usage-queries'
import { BAR_LENGTHS, possibleBarLengths, spanOf, usualBarLength } from './usage-range'
import { GROUPS, MEASURES, USAGE_FILTER_FIELDS } from './usage-words'

export type Usage = ReturnType<typeof useUsage>

const parsers = {
  filter: parseAsString.withDefault(''),
  group: parseAsStringLiteral(GROUPS).withDefault('team_id'),
  measure: parseAsStringLiteral(MEASURES).withDefault('cost'),
  bars: parseAsStringLiteral(BAR_LENGTHS),
  compare: parseAsBoolean.withDefault(false),
}
const GROUPS_LISTED = 50
const HOUR_MS = 3_600_000

const read = (text: string) => readTerms<UsageDimension>(text, (given) => parseFilter(given, USAGE_FILTER_FIELDS))

/** What the page asks, from the URL alone, and what came of it. */
export function useUsage() {
  const [{ filter: text, group, measure, bars, compare }, setUrl] = useQueryStates(parsers)
  const { range, setRange, isDefault } = useTimeRange('30d')
  const terms = useMemo(() => read(text), [text])
  // While a filter is half typed the figures of the last whole one stay.
  const [whole, setWhole] = useState(terms.error ? undefined : text)
  if (!terms.error && whole !== text) setWhole(text)

  const hourMs = Math.floor(useNow() / HOUR_MS) * HOUR_MS
  const span = spanOf(range, new Date(hourMs + HOUR_MS - 1))
  const sinceMs = Date.parse(span.since)
  const untilMs = span.until === undefined ? hourMs + HOUR_MS : Date.parse(span.until)
  const possible = possibleBarLengths(sinceMs, untilMs)
  const length = bars && possible.includes(bars) ? bars : usualBarLength(sinceMs, untilMs)

  const isReadable = whole !== undefined && hourMs > 0
  const asked = { ...span, filter: whole || undefined, interval: length, time_zone: viewerZone() }
  const answer = useQuery({
    ...usageQueries.read({ ...asked, group_by: group, compare: 'previous', limit: GROUPS_LISTED }),
    enabled: isReadable,
  })
  const data = answer.data
  // Asked for up to the same moment, so that the parts of one picture come to the same sum.
  const exact = data && { since: data.since, until: data.until }
  const everything = useQuery({
    ...usageQueries.read({ ...asked, ...exact }),
    enabled: isReadable && data?.rest != null,
  })
  const before = useQuery({
    ...usageQueries.read({ ...asked, since: data?.previous_since ?? asked.since, until: data?.since }),
    enabled: isReadable && compare && data?.previous_since != null,
  })

  const setText = (next: string) => void setUrl({ filter: next.trim() === '' ? null : next })
  return {
    text,
    setText,
    filter: whole ?? '',
    terms: terms.terms,
    filterError: terms.error,
    isReadable: whole !== undefined,
    isFiltered: text !== '',
    clear: () => {
      void setUrl({ filter: null })
      if (!isDefault) setRange(null)
    },
    group,
    setGroup: (next: string) => void setUrl({ group: GROUPS.find((known) => known === next) ?? null }),
    measure,
    setMeasure: (next: string) => void setUrl({ measure: MEASURES.find((known) => known === next) ?? null }),
    compare,
    setCompare: (next: boolean) => void setUrl({ compare: next || null }),
    length,
    possible,
    setLength: (next: string) => void setUrl({ bars: BAR_LENGTHS.find((known) => known === next) ?? null }),
    range,
    setRange,
    isDefaultRange: isDefault,
    /** The filter with one group picked out of it, for links to its rows. */
    filterOf: (value: string) => withValue(read(whole ?? '').terms, group, value),
    question: { ...asked, group_by: group },
    answer,
    whole: everything.data,
    before: compare ? before.data : undefined,
  }
}
