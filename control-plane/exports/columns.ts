import type { Activity } from '@/lib/contract/activity'
import type { DecisionEvent } from '@/lib/contract/events'
import type { ExportType } from '@/lib/contract/export-shapes'
import { AppError } from '@/lib/errors'
import { fieldOf } from '@/lib/filter'
import { nearestName } from '@/lib/policy/nearest-name'

/** How a column is written: `json` as a text that is JSON, `dollars` as a decimal, `time` as an instant. */
export type ColumnKind = 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'dollars' | 'json'

/** A field of a flat row, taken from the record itself. Names are those of filters where there is one. */
export type Column<R = unknown> = {
  name: string
  kind: ColumnKind
  of: (record: R) => unknown
  /** Large and rarely wanted: only there when it is asked for by name. */
  isOptional?: true
}

const EVENT_COLUMNS: Column<DecisionEvent>[] = [
  { name: 'event_id', kind: 'text', of: (e) => e.event_id },
  { name: 'event_type', kind: 'text', of: (e) => e.event_type },
  { name: 'timestamp', kind: 'time', of: (e) => e.timestamp },
  { name: 'recorded_at', kind: 'time', of: (e) => e.recorded_at },
  { name: 'org_id', kind: 'text', of: (e) => e.org_id },
  { name: 'seq', kind: 'integer', of: (e) => e.seq },
  { name: 'request_id', kind: 'text', of: (e) => e.request_id },
  { name: 'traceparent', kind: 'text', of: (e) => e.traceparent },
  { name: 'gateway_id', kind: 'text', of: (e) => e.gateway_id },
  { name: 'gateway_seq', kind: 'integer', of: (e) => e.gateway_seq },
  { name: 'team_id', kind: 'text', of: (e) => e.team_id },
  { name: 'user_id', kind: 'text', of: (e) => e.user_id },
  { name: 'agent_id', kind: 'text', of: (e) => e.agent_id },
  { name: 'token_id', kind: 'text', of: (e) => e.token_id },
  { name: 'token_name', kind: 'text', of: (e) => e.token_name },
  { name: 'token_secret_id', kind: 'text', of: (e) => e.token_secret_id },
  { name: 'identity', kind: 'text', of: (e) => e.identity },
  { name: 'client_ip', kind: 'text', of: (e) => e.client_ip },
  { name: 'user_agent', kind: 'text', of: (e) => e.user_agent },
  { name: 'conversation_id', kind: 'text', of: (e) => e.conversation_id },
  { name: 'verdict', kind: 'text', of: (e) => e.verdict },
  { name: 'reason_code', kind: 'text', of: (e) => e.reason_code },
  { name: 'config_id', kind: 'text', of: (e) => e.config_id },
  { name: 'config_name', kind: 'text', of: (e) => e.config_name },
  { name: 'config_version', kind: 'text', of: (e) => e.config_version },
  { name: 'provider', kind: 'text', of: (e) => e.provider },
  { name: 'target_id', kind: 'text', of: (e) => e.target_id },
  { name: 'model', kind: 'text', of: (e) => e.model },
  { name: 'model_requested', kind: 'text', of: (e) => e.model_requested },
  { name: 'route', kind: 'text', of: (e) => e.route },
  { name: 'api_shape', kind: 'text', of: (e) => e.api_shape },
  { name: 'status_code', kind: 'integer', of: (e) => e.status_code },
  { name: 'error_code', kind: 'text', of: (e) => e.error_code },
  { name: 'stream', kind: 'boolean', of: (e) => e.stream },
  { name: 'client_aborted', kind: 'boolean', of: (e) => e.client_aborted },
  { name: 'attempts', kind: 'integer', of: (e) => e.attempts.length },
  { name: 'tokens_input', kind: 'integer', of: (e) => e.tokens?.input },
  { name: 'tokens_output', kind: 'integer', of: (e) => e.tokens?.output },
  { name: 'tokens_cached', kind: 'integer', of: (e) => e.tokens?.cached },
  { name: 'tokens_reasoning', kind: 'integer', of: (e) => e.tokens?.reasoning },
  { name: 'tokens_total', kind: 'integer', of: (e) => fieldOf(e, 'tokens_total') },
  { name: 'latency_ms', kind: 'number', of: (e) => e.latency.total_ms },
  { name: 'upstream_ms', kind: 'number', of: (e) => e.latency.upstream_ms },
  { name: 'overhead_us', kind: 'number', of: (e) => e.latency.overhead_us },
  { name: 'ttft_ms', kind: 'number', of: (e) => e.latency.ttft_ms },
  { name: 'cost_usd', kind: 'dollars', of: (e) => e.event_cost_attribution.total_cost_usd },
  { name: 'input_cost_usd', kind: 'dollars', of: (e) => e.event_cost_attribution.input_cost_usd },
  { name: 'output_cost_usd', kind: 'dollars', of: (e) => e.event_cost_attribution.output_cost_usd },
  { name: 'price_status', kind: 'text', of: (e) => e.event_cost_attribution.price_status },
  { name: 'price_book_version', kind: 'text', of: (e) => e.event_cost_attribution.price_book_version },
  { name: 'cache_hit', kind: 'boolean', of: (e) => e.cache.hit },
  { name: 'avoided_cost_usd', kind: 'dollars', of: (e) => e.cache.avoided_cost_usd },
  { name: 'escalation_id', kind: 'text', of: (e) => e.escalation_id },
  { name: 'request_sha256', kind: 'text', of: (e) => e.payload.request_sha256 },
  { name: 'response_sha256', kind: 'text', of: (e) => e.payload.response_sha256 },
  { name: 'request_bytes', kind: 'integer', of: (e) => e.payload.request_bytes },
  { name: 'response_bytes', kind: 'integer', of: (e) => e.payload.response_bytes },
  { name: 'capture', kind: 'text', of: (e) => e.payload.capture },
  { name: 'degraded', kind: 'text', of: (e) => e.degraded },
  { name: 'policy_results', kind: 'json', of: (e) => e.policy_results, isOptional: true },
  { name: 'attempt_results', kind: 'json', of: (e) => e.attempts, isOptional: true },
  { name: 'citations', kind: 'json', of: (e) => e.citations, isOptional: true },
]

/** As its line has it: an activity entry with the organisation it belongs to. */
type ActivityRecord = Activity & { org_id: string }

const ACTIVITY_COLUMNS: Column<ActivityRecord>[] = [
  { name: 'id', kind: 'text', of: (a) => a.id },
  { name: 'org_id', kind: 'text', of: (a) => a.org_id },
  { name: 'seq', kind: 'integer', of: (a) => a.seq },
  { name: 'at', kind: 'time', of: (a) => a.at },
  { name: 'actor_type', kind: 'text', of: (a) => a.actor.type },
  { name: 'actor_id', kind: 'text', of: (a) => a.actor.id },
  { name: 'actor_name', kind: 'text', of: (a) => a.actor.name },
  { name: 'action', kind: 'text', of: (a) => a.action },
  { name: 'target_type', kind: 'text', of: (a) => a.target.type },
  { name: 'target_id', kind: 'text', of: (a) => a.target.id },
  { name: 'target_name', kind: 'text', of: (a) => a.target.name },
  { name: 'before', kind: 'json', of: (a) => a.before },
  { name: 'after', kind: 'json', of: (a) => a.after },
  { name: 'source', kind: 'text', of: (a) => a.source },
  { name: 'ip', kind: 'text', of: (a) => a.ip },
  { name: 'request_id', kind: 'text', of: (a) => a.request_id },
  { name: 'outcome', kind: 'text', of: (a) => a.outcome },
]

/** All columns of a type, in their order. What is read is a record of that type, so its own type says no more here. */
const columnsOf = (type: ExportType): Column[] => (type === 'activity' ? ACTIVITY_COLUMNS : EVENT_COLUMNS) as Column[]

/**
 * The names that a selection stands for; null when nothing was selected, so that records can stay as they are.
 *
 * @throws AppError `invalid_request` for a name that is not a column, or when nothing is left
 */
export function selectedFields(
  type: ExportType,
  { fields, without_fields }: { fields?: string[] | undefined; without_fields?: string[] | undefined },
): string[] | null {
  if (fields === undefined && without_fields === undefined) return null
  const known = columnsOf(type)
  for (const name of [...(fields ?? []), ...(without_fields ?? [])]) {
    if (known.some((column) => column.name === name)) continue
    const names = known.map((column) => column.name)
    const meant = nearestName(name, names)
    throw new AppError(
      'invalid_request',
      `There is no field "${name}". ${meant ? `Did you mean "${meant}"?` : `Fields: ${names.join(', ')}.`}`,
    )
  }
  const wanted = fields ?? known.filter(({ isOptional }) => !isOptional).map(({ name }) => name)
  const selected = [...new Set(wanted)].filter((name) => !without_fields?.includes(name))
  if (selected.length === 0) throw new AppError('invalid_request', 'No field is left.')
  return selected
}

/** The columns of an export, in its order; those that are there without being asked for when none were selected. */
export function exportedColumns(type: ExportType, fields: readonly string[] | null): Column[] {
  const known = columnsOf(type)
  if (fields === null) return known.filter(({ isOptional }) => !isOptional)
  return fields.map((name) => {
    const column = known.find((one) => one.name === name)
    if (!column) throw new Error(`No column ${name} of ${type}.`)
    return column
  })
}
