import type { ExportType } from '@/lib/contract/export-shapes'
import { AppError } from '@/lib/errors'
import { nearestName } from '@/lib/policy/nearest-name'

/** How a column is written: `json` as a text that is JSON, `dollars` as a decimal, `time` as an instant. */
export type ColumnKind = 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'dollars' | 'json'

/** A field of a flat row, taken from the record itself. Names are those of filters where there is one. */
export type Column = {
  name: string
  kind: ColumnKind
  /** Where in a record its value is, or what it is made from. */
  paths: string[][]
  /** Makes the value from what is at the paths; without it, it is what is at the only one. */
  from?: (...values: unknown[]) => unknown
  /** Large and rarely wanted: only there when it is asked for by name. */
  isOptional?: true
}

const column = (name: string, kind: ColumnKind, path = name): Column => ({ name, kind, paths: [path.split('.')] })

/** As filters compare it. */
const totalOf = (input: unknown, output: unknown): number | null =>
  typeof input === 'number' && typeof output === 'number' ? Math.min(input + output, Number.MAX_SAFE_INTEGER) : null

const lengthOf = (list: unknown): number | null => (Array.isArray(list) ? list.length : null)

const EVENT_COLUMNS: Column[] = [
  column('event_id', 'text'),
  column('event_type', 'text'),
  column('timestamp', 'time'),
  column('recorded_at', 'time'),
  column('org_id', 'text'),
  column('seq', 'integer'),
  column('request_id', 'text'),
  column('traceparent', 'text'),
  column('gateway_id', 'text'),
  column('gateway_seq', 'integer'),
  column('team_id', 'text'),
  column('user_id', 'text'),
  column('agent_id', 'text'),
  column('token_id', 'text'),
  column('token_name', 'text'),
  column('token_secret_id', 'text'),
  column('identity', 'text'),
  column('client_ip', 'text'),
  column('user_agent', 'text'),
  column('conversation_id', 'text'),
  column('verdict', 'text'),
  column('reason_code', 'text'),
  column('config_id', 'text'),
  column('config_name', 'text'),
  column('config_version', 'text'),
  column('provider', 'text'),
  column('target_id', 'text'),
  column('model', 'text'),
  column('model_requested', 'text'),
  column('route', 'text'),
  column('api_shape', 'text'),
  column('status_code', 'integer'),
  column('error_code', 'text'),
  column('stream', 'boolean'),
  column('client_aborted', 'boolean'),
  { name: 'attempts', kind: 'integer', paths: [['attempts']], from: lengthOf },
  column('tokens_input', 'integer', 'tokens.input'),
  column('tokens_output', 'integer', 'tokens.output'),
  column('tokens_cached', 'integer', 'tokens.cached'),
  column('tokens_reasoning', 'integer', 'tokens.reasoning'),
  {
    name: 'tokens_total',
    kind: 'integer',
    paths: [
      ['tokens', 'input'],
      ['tokens', 'output'],
    ],
    from: totalOf,
  },
  column('latency_ms', 'number', 'latency.total_ms'),
  column('upstream_ms', 'number', 'latency.upstream_ms'),
  column('overhead_us', 'number', 'latency.overhead_us'),
  column('ttft_ms', 'number', 'latency.ttft_ms'),
  column('cost_usd', 'dollars', 'event_cost_attribution.total_cost_usd'),
  column('input_cost_usd', 'dollars', 'event_cost_attribution.input_cost_usd'),
  column('output_cost_usd', 'dollars', 'event_cost_attribution.output_cost_usd'),
  column('price_status', 'text', 'event_cost_attribution.price_status'),
  column('price_book_version', 'text', 'event_cost_attribution.price_book_version'),
  column('cache_hit', 'boolean', 'cache.hit'),
  column('avoided_cost_usd', 'dollars', 'cache.avoided_cost_usd'),
  column('escalation_id', 'text'),
  column('request_sha256', 'text', 'payload.request_sha256'),
  column('response_sha256', 'text', 'payload.response_sha256'),
  column('request_bytes', 'integer', 'payload.request_bytes'),
  column('response_bytes', 'integer', 'payload.response_bytes'),
  column('capture', 'text', 'payload.capture'),
  column('degraded', 'text'),
  { ...column('policy_results', 'json'), isOptional: true },
  { ...column('attempt_results', 'json', 'attempts'), isOptional: true },
  { ...column('citations', 'json'), isOptional: true },
]

const ACTIVITY_COLUMNS: Column[] = [
  column('id', 'text'),
  column('org_id', 'text'),
  column('seq', 'integer'),
  column('at', 'time'),
  column('actor_type', 'text', 'actor.type'),
  column('actor_id', 'text', 'actor.id'),
  column('actor_name', 'text', 'actor.name'),
  column('action', 'text'),
  column('target_type', 'text', 'target.type'),
  column('target_id', 'text', 'target.id'),
  column('target_name', 'text', 'target.name'),
  column('before', 'json'),
  column('after', 'json'),
  column('source', 'text'),
  column('ip', 'text'),
  column('request_id', 'text'),
  column('outcome', 'text'),
]

/** All columns of a type, in their order. */
const columnsOf = (type: ExportType): Column[] => (type === 'activity' ? ACTIVITY_COLUMNS : EVENT_COLUMNS)

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
