import type { z } from 'zod'
import type { Facet } from '@/components/ui/filter-bar'
import type { events } from '@/lib/contract/events'
import { countText } from './event-words'
import { FACET_FIELDS } from './filter-suggestions'
import { onlyValueOf } from './filter-terms'
import type { EventFilter } from './use-event-filter'

type Facets = z.output<typeof events.facets.output>

/** What events are picked by, with how many there are of each; a value chosen elsewhere stays in the list. */
export function facetsOf(filter: EventFilter, counted: Facets | undefined): Facet[] {
  return FACET_FIELDS.map(({ field, label }) => {
    const chosen = onlyValueOf(filter.terms, field)
    const values = counted?.items.find((item) => item.field === field)?.values ?? []
    const isListed = chosen === null || values.some(({ value }) => value === chosen)
    return {
      id: field,
      label,
      value: chosen,
      options: [
        ...(isListed ? [] : [{ value: chosen, label: named(chosen) }]),
        ...values.map(({ value, count }) => ({
          value,
          label: (
            <span className="flex items-baseline justify-between gap-4">
              {named(value)} <span className="text-fg-muted text-xs tabular-nums">{countText(count)}</span>
            </span>
          ),
          chosenLabel: named(value),
        })),
      ],
      onChange: (next: string | null) => filter.setValue(field, next),
    }
  }).filter(({ options }) => options.length > 0)
}

const named = (value: string) => (value === '' ? 'None' : value)
