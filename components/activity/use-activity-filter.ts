'use client'

import { parseAsString, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { useTimeRange } from '@/components/ui/time-range'
import type { ActivityFilterField } from '@/lib/contract/activity'
import { parseActivityFilter } from '@/lib/filter'
import { readTerms, withValue } from '../events/filter-terms'
import type { ActivitySelection } from './activity-queries'

/**
 * Which entries the page shows, from `filter`, `since` and `until` in the URL, in the grammar of the API and `kt`.
 * While a filter is half typed the rows of the last whole one stay.
 */
export function useActivityFilter() {
  const [text, setUrl] = useQueryState('filter', parseAsString.withDefault(''))
  const { range, setRange, isDefault } = useTimeRange('7d')
  const read = useMemo(() => readTerms(text, parseActivityFilter), [text])
  const [whole, setWhole] = useState(read.error ? undefined : text)
  if (!read.error && whole !== text) setWhole(text)

  const setText = (next: string) => void setUrl(next.trim() === '' ? null : next)
  const selection: ActivitySelection = { since: range.since, until: range.until, filter: whole || undefined }
  return {
    text,
    setText,
    terms: read.terms,
    error: read.error,
    isReadable: whole !== undefined,
    isFiltered: text !== '',
    clear: () => {
      void setUrl(null)
      if (!isDefault) setRange(null)
    },
    setValue: (field: ActivityFilterField, value: string | null) => setText(withValue(read.terms, field, value)),
    range,
    setRange,
    selection,
  }
}
