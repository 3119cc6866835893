import type { z } from 'zod'
import { EVENT_FILTER_FIELDS, type EventFacetField, type events } from '@/lib/contract/events'
import { completeFilter, EVENT_FILTER_CHOICES } from '@/lib/filter-completion'

type Facets = z.output<typeof events.facets.output>

/** What rows are picked by most, of what is counted. */
export const FACET_FIELDS: readonly { field: EventFacetField; label: string }[] = [
  { field: 'token_name', label: 'Key' },
  { field: 'model', label: 'Model' },
  { field: 'provider', label: 'Provider' },
  { field: 'reason_code', label: 'Reason' },
]

/** Counted for completion alone: values of these are typed rather than picked. */
const COMPLETED_FIELDS: readonly EventFacetField[] = ['agent_id', 'team_id', 'user_id']

export const COUNTED_FIELDS = [...FACET_FIELDS.map(({ field }) => field), ...COMPLETED_FIELDS].join(',')
export const VALUES_PER_FIELD = 20

/** Fields, operators, and the values that events of the range have, most frequent first. */
export function eventCompletion(facets: Facets | undefined) {
  const counted = (facets?.items ?? []).map(({ field, values }) => [field, values.map(({ value }) => value)])
  const values: Record<string, readonly string[]> = { ...Object.fromEntries(counted), ...EVENT_FILTER_CHOICES }
  return (text: string, caret: number) => completeFilter(text, caret, EVENT_FILTER_FIELDS, values)
}
