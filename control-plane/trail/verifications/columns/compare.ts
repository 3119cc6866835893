import { z } from 'zod'
import { searchable } from '@/lib/filter'
import { nanoUsdOf } from '@/lib/money'
import { parseJson } from '@/lib/parse-json'
import { canonicalJson } from '@/lib/trail/canonical'
import type { ActivityRow, EventRow } from './queries'

const text = z.string()
const optional = z.string().nullable()

/** What columns are made from (control-plane/events/event-columns.ts). */
const EventLine = z.object({
  event_id: text,
  seq: z.number(),
  recorded_at: text,
  request_id: text,
  gateway_id: text,
  gateway_seq: z.number(),
  verdict: text,
  reason_code: text,
  identity: text,
  token_id: optional,
  token_name: optional,
  team_id: optional,
  user_id: optional,
  agent_id: optional,
  conversation_id: optional,
  config_name: optional,
  config_version: optional,
  provider: optional,
  target_id: optional,
  model: optional,
  model_requested: optional,
  client_ip: text,
  api_shape: text,
  error_code: optional,
  status_code: z.number(),
  tokens: z.object({ input: z.number(), output: z.number() }).nullable(),
  event_cost_attribution: z.object({ total_cost_usd: optional }),
  latency: z.object({ total_ms: z.number() }),
  stream: z.boolean(),
  cache: z.object({ hit: z.boolean() }),
})

const Values = z.record(z.string(), z.unknown()).nullable()
const ActivityLine = z.object({
  id: text,
  seq: z.number(),
  at: text,
  actor: z.object({ type: text, id: text, name: text }),
  action: text,
  target: z.object({ type: text, id: text, name: optional }),
  before: Values,
  after: Values,
  source: text,
  ip: optional,
  request_id: text,
  outcome: text,
})

type Value = string | number | boolean | bigint | null
type Pairs = Record<string, readonly [column: Value, line: Value]>

/** The columns of an event that do not hold what its line says; `line` when that cannot be read. */
export function differencesOfEvent(row: EventRow): string[] {
  const line = parsed(EventLine, row.line)
  if (!line) return ['line']
  const { tokens } = line
  return differing({
    event_id: [row.eventId, searchable(line.event_id)],
    seq: [row.seq, line.seq],
    recorded_at: [inMicros(row.recordedAt), inMicros(line.recorded_at)],
    occurred_at: [inMicros(row.occurredAt), timeOfId(line.event_id)],
    request_id: [row.requestId, searchable(line.request_id)],
    gateway_id: [row.gatewayId, searchable(line.gateway_id)],
    gateway_seq: [row.gatewaySeq, line.gateway_seq],
    verdict: [row.verdict, line.verdict],
    reason_code: [row.reasonCode, searchable(line.reason_code)],
    identity: [row.identity, line.identity],
    token_id: [row.tokenId, held(line.token_id)],
    token_name: [row.tokenName, held(line.token_name)],
    team_id: [row.teamId, held(line.team_id)],
    user_id: [row.userId, held(line.user_id)],
    agent_id: [row.agentId, held(line.agent_id)],
    conversation_id: [row.conversationId, held(line.conversation_id)],
    config_name: [row.configName, held(line.config_name)],
    config_version: [row.configVersion, held(line.config_version)],
    provider: [row.provider, held(line.provider)],
    target_id: [row.targetId, held(line.target_id)],
    model: [row.model, held(line.model)],
    model_requested: [row.modelRequested, held(line.model_requested)],
    client_ip: [row.clientIp, searchable(line.client_ip)],
    api_shape: [row.apiShape, line.api_shape],
    error_code: [row.errorCode, held(line.error_code)],
    status_code: [row.statusCode, line.status_code],
    tokens_input: [row.tokensInput, tokens?.input ?? null],
    tokens_output: [row.tokensOutput, tokens?.output ?? null],
    tokens_total: [row.tokensTotal, tokens && Math.min(tokens.input + tokens.output, Number.MAX_SAFE_INTEGER)],
    cost_nano_usd: [row.costNanoUsd, costOf(line.event_cost_attribution.total_cost_usd)],
    latency_ms: [row.latencyMs, line.latency.total_ms],
    stream: [row.stream, line.stream],
    cache_hit: [row.cacheHit, line.cache.hit],
  })
}

/** The same of an entry of activity. */
export function differencesOfActivity(row: ActivityRow): string[] {
  const line = parsed(ActivityLine, row.line)
  if (!line) return ['line']
  return differing({
    id: [row.id, line.id],
    seq: [row.seq, line.seq],
    at: [inMicros(row.at), inMicros(line.at)],
    actor_type: [row.actorType, line.actor.type],
    actor_id: [row.actorId, line.actor.id],
    actor_name: [row.actorName, line.actor.name],
    action: [row.action, line.action],
    target_type: [row.targetType, line.target.type],
    target_id: [row.targetId, line.target.id],
    target_name: [row.targetName, line.target.name],
    before: [canonicalJson(row.before), canonicalJson(line.before)],
    after: [canonicalJson(row.after), canonicalJson(line.after)],
    source: [row.source, line.source],
    ip: [row.ip, line.ip],
    request_id: [row.requestId, line.request_id],
    outcome: [row.outcome, line.outcome],
  })
}

const differing = (pairs: Pairs): string[] =>
  Object.entries(pairs).flatMap(([name, [column, line]]) => (column === line ? [] : [name]))

const held = (value: string | null) => (value === null ? null : searchable(value))

/** An instant with six digits of a second, so that equal times are equal texts. */
const inMicros = (at: string) => at.replace(/(?:\.(\d{1,6}))?Z$/, (_, digits = '') => `.${digits.padEnd(6, '0')}Z`)

/** RFC 9562 section 5.7. */
function timeOfId(eventId: string): string | null {
  const millis = Number.parseInt(eventId.slice(4, 16), 16)
  return Number.isNaN(millis) ? null : inMicros(new Date(millis).toISOString())
}

/** What is no amount is equal to none. */
function costOf(usd: string | null): bigint | string | null {
  try {
    return usd === null ? null : nanoUsdOf(usd)
  } catch {
    return usd
  }
}

function parsed<T>(shape: z.ZodType<T>, line: string): T | null {
  try {
    return shape.safeParse(parseJson(line)).data ?? null
  } catch {
    return null
  }
}
