'use client'

import { parseAsString, useQueryState } from 'nuqs'
import { useState } from 'react'
import { useTimeRange } from '@/components/ui/time-range'
import { type ActivityField, printActivityTerms, readActivityTerms, toSelection } from './activity-terms'

/** Which entries the page shows, from `filter`, `since` and `until` in the URL. */
export function useActivityFilter() {
  const [text, setUrl] = useQueryState('filter', parseAsString.withDefault(''))
  const { range, setRange, isDefault } = useTimeRange('7d')
  const read = readActivityTerms(text)
  const [whole, setWhole] = useState(read.error === undefined ? text : undefined)
  if (read.error === undefined && whole !== text) setWhole(text)

  const setText = (next: string) => void setUrl(next.trim() === '' ? null : next)
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
    setValue: (field: ActivityField, value: string | null) =>
      setText(printActivityTerms({ ...read.terms, [field]: value ?? undefined })),
    range,
    setRange,
    selection: toSelection(readActivityTerms(whole ?? '').terms, range.since, range.until),
  }
}
