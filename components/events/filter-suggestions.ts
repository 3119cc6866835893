import { type DecisionEvent, EVENT_FILTER_FIELDS, type EventFilterField } from '@/lib/contract/events'
import { fieldOf, printFilter } from '@/lib/filter'

/** What rows are picked by most. */
export const FACET_FIELDS: readonly { field: EventFilterField; label: string }[] = [
  { field: 'token_name', label: 'Key' },
  { field: 'model_requested', label: 'Model' },
  { field: 'provider', label: 'Provider' },
  { field: 'reason_code', label: 'Reason' },
  { field: 'status_code', label: 'Status' },
]

const COMPLETED_FIELDS: readonly EventFilterField[] = [
  ...FACET_FIELDS.map(({ field }) => field),
  'verdict',
  'identity',
  'agent_id',
  'team_id',
  'gateway_id',
  'config_name',
  'config_version',
  'error_code',
]
const ROWS_READ_MAX = 500
const VALUES_MAX = 15

/** The values of a field among the rows, most frequent first; `''` stands for "not set". */
export function foundValues(rows: readonly DecisionEvent[], field: EventFilterField): string[] {
  const counts = new Map<string, number>()
  for (const row of rows.slice(0, ROWS_READ_MAX)) {
    const value = String(fieldOf(row, field) ?? '')
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, VALUES_MAX)
    .map(([value]) => value)
}

/** Fields, and the values that the rows have. */
export const filterCompletions = (rows: readonly DecisionEvent[]): string[] => [
  ...Object.keys(EVENT_FILTER_FIELDS).map((field) => `${field}=`),
  ...COMPLETED_FIELDS.flatMap((field) =>
    foundValues(rows, field)
      .filter((value) => value !== '')
      .map((value) => printFilter([{ field, operator: '=', values: [value] }])),
  ),
]
