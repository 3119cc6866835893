'use client'

import { parseAsString, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { useTimeRange } from '@/components/ui/time-range'
import type { FilterTerm } from '@/lib/filter'
import type { EventSelection } from './event-queries'
import { readFilter, withoutVerdictTab, withValue } from './filter-terms'

export type EventFilter = ReturnType<typeof useEventFilter>

/**
 * Which events the page shows, from `filter`, `since` and `until` in the URL, in the grammar of the API and `kt`.
 * While a filter is half typed the rows of the last whole one stay.
 */
export function useEventFilter() {
  const [text, setUrl] = useQueryState('filter', parseAsString.withDefault(''))
  const { range, setRange, isDefault } = useTimeRange()
  const read = useMemo(() => readFilter(text), [text])
  const [whole, setWhole] = useState(read.error ? undefined : text)
  if (!read.error && whole !== text) setWhole(text)

  const setText = (next: string) => void setUrl(next.trim() === '' ? null : next)
  const selection: EventSelection = { since: range.since, until: range.until, filter: whole || undefined }
  return {
    text,
    setText,
    terms: read.terms,
    error: read.error,
    /** false when the URL came with a filter that cannot be read: there is nothing to ask for. */
    isReadable: whole !== undefined,
    isFiltered: text !== '',
    /** Takes the filter and the time range back to what they are without any. */
    clear: () => {
      void setUrl(null)
      if (!isDefault) setRange(null)
    },
    setValue: (field: FilterTerm['field'], value: string | null) => setText(withValue(read.terms, field, value)),
    range,
    setRange,
    selection,
    /** What tabs and histogram count: all verdicts that the rest of the filter leaves. */
    countedSelection: { ...selection, filter: withoutVerdictTab(readFilter(whole ?? '').terms) || undefined },
  }
}
