import { isIP } from 'node:net'
import { sql } from 'drizzle-orm'
import { type events, GatewayEvent } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { searchable } from '@/lib/filter'
import type { Context } from '../context'
import type { Transaction } from '../database'
import { keepCaptures, storeCaptures } from '../payloads/commands'
import { announce } from '../push'
import type { Operation } from '../routes'
import { isLineOf, type PreparedLine, prepareLine } from './line'

type Rejected = { index: number; event_id: string | null; reason: string }
type Prepared = { event: GatewayEvent; line: PreparedLine }

/**
 * Records a batch. What was recorded before, or occurs twice in the batch, is counted and otherwise ignored. Of several
 * events with one id the first one recorded stands; one that says something else is refused, so that it is not lost unseen.
 *
 * A gateway's clock is believed for finding events, never for ordering the record: `seq` and `recorded_at` are given
 * here. No event is refused for its time, since a refusal would lose the record of something that happened.
 */
export const ingestEvents: Operation<typeof events.ingest> = async (ctx, input) => {
  const { tx, actor } = ctx
  if (actor.gatewayId === null) {
    throw new AppError('forbidden', 'Events are recorded by gateways: use a key with purpose gateway_runtime.')
  }
  const rejected: Rejected[] = []
  const batch = new Map<string, Prepared>()
  let duplicates = 0
  for (const [index, given] of input.events.entries()) {
    const parsed = GatewayEvent.safeParse(given)
    if (!parsed.success) {
      rejected.push({ index, event_id: eventIdOf(given), reason: reasonOf(parsed.error.issues[0]) })
    } else if (parsed.data.gateway_id !== actor.gatewayId) {
      const reason = `gateway_id: this key records for ${actor.gatewayId} only`
      rejected.push({ index, event_id: parsed.data.event_id, reason })
    } else if (batch.has(parsed.data.event_id)) {
      duplicates += 1
    } else {
      batch.set(parsed.data.event_id, { event: parsed.data, line: prepareLine(parsed.data, actor.orgId) })
    }
  }
  const captured = await storeCaptures(ctx, input.captures, batch)
  const { accepted, conflicting } =
    batch.size > 0 ? await record(tx, actor.orgId, batch) : { accepted: [], conflicting: new Set<string>() }
  duplicates += batch.size - accepted.length - conflicting.size
  for (const [index, given] of input.events.entries()) {
    const event_id = eventIdOf(given)
    if (event_id === null || !conflicting.delete(event_id)) continue
    rejected.push({ index, event_id, reason: 'event_id: another event was recorded under this id' })
  }
  await keepCaptures(ctx, captured, new Set(accepted.map(({ event_id }) => event_id)))
  rejected.push(...captured.refused)
  countUses(ctx, accepted)
  return { accepted: accepted.length, duplicates, rejected }
}

/** Stores what is new under contiguous numbers (drizzle/functions.sql) and says what is not. */
async function record(
  tx: Transaction,
  orgId: string,
  batch: Map<string, Prepared>,
): Promise<{ accepted: GatewayEvent[]; conflicting: Set<string> }> {
  const rows = [...batch.values()].map(rowOf)
  // Bytes, not text: the driver would measure and encode a text twice.
  const bytes = Buffer.from(JSON.stringify(rows))
  const { rows: answers } = await tx.execute<{ known: string[]; last_seq: string }>(
    sql`select known, last_seq from record_events(${orgId}, ${sql.param([...batch.keys()])}::text[], ${sql.param(bytes)}::json)`,
  )
  const [answer] = answers
  if (!answer) throw new Error('The database did not say what it recorded.')
  const known = new Set(answer.known)
  const accepted = [...batch.values()].flatMap(({ event }) => (known.has(event.event_id) ? [] : [event]))
  if (accepted.length > 0) await announce(tx, { orgId, kind: 'events', lastSeq: Number(answer.last_seq) })
  const conflicting = known.size > 0 ? await conflictsOf(tx, orgId, batch, answer.known) : new Set<string>()
  return { accepted, conflicting }
}

/** Ids under which something else was recorded. */
async function conflictsOf(tx: Transaction, orgId: string, batch: Map<string, Prepared>, known: string[]) {
  const { rows } = await tx.execute<{ event_id: string; line: string }>(sql`
    select event_id, line from events where org_id = ${orgId} and event_id = any(${sql.param(known)}::text[])`)
  const differs = ({ event_id, line }: (typeof rows)[number]) => {
    const sent = batch.get(event_id)
    return sent === undefined || !isLineOf(sent.line, line)
  }
  return new Set(rows.filter(differs).map(({ event_id }) => event_id))
}

/** What finds an event, and the line in three parts. lib/filter.ts compares the same values. */
const rowOf = ({ event, line }: Prepared) => ({
  event_id: event.event_id,
  line_head: line.head,
  line_middle: line.middle,
  line_tail: line.tail,
  request_id: searchable(event.request_id),
  gateway_id: searchable(event.gateway_id),
  gateway_seq: event.gateway_seq,
  verdict: event.verdict,
  reason_code: searchable(event.reason_code),
  identity: event.identity,
  token_id: orNull(event.token_id),
  token_name: orNull(event.token_name),
  team_id: orNull(event.team_id),
  user_id: orNull(event.user_id),
  agent_id: orNull(event.agent_id),
  conversation_id: orNull(event.conversation_id),
  config_name: orNull(event.config_name),
  config_version: orNull(event.config_version),
  provider: orNull(event.provider),
  target_id: orNull(event.target_id),
  model: orNull(event.model),
  model_requested: orNull(event.model_requested),
  client_ip: searchable(event.client_ip),
  api_shape: event.api_shape,
  error_code: orNull(event.error_code),
  status_code: event.status_code,
  tokens_input: event.tokens?.input ?? null,
  tokens_output: event.tokens?.output ?? null,
  tokens_total: event.tokens && Math.min(event.tokens.input + event.tokens.output, Number.MAX_SAFE_INTEGER),
  cost_nano_usd: nanoUsdOf(event.event_cost_attribution.total_cost_usd),
  latency_ms: event.latency.total_ms,
  stream: event.stream,
  cache_hit: event.cache.hit,
})

/** Nano-dollars of a decimal string of US dollars, as text: more than JSON numbers hold. */
function nanoUsdOf(usd: string | null): string | null {
  if (usd === null) return null
  const [whole = '', fraction = ''] = usd.split('.')
  return BigInt(`${whole}${fraction.padEnd(9, '0')}`).toString()
}

const orNull = (text: string | null) => (text === null ? null : searchable(text))

const CLOCK_LEAD_MAX_MS = 86_400_000
const EARLIEST_MS = Date.UTC(2000, 0)

/** More than a day ahead, or before there were gateways, a gateway's time cannot be true. */
const isPlausible = (statedMs: number, nowMs: number): boolean =>
  statedMs >= EARLIEST_MS && statedMs <= nowMs + CLOCK_LEAD_MAX_MS

/** Keys are marked as used in a while, together with the uses of access keys: that must not lengthen the lock. */
function countUses({ actor, services, request }: Context, accepted: GatewayEvent[]): void {
  const nowMs = request.now.getTime()
  for (const { token_id, token_secret_id, client_ip, timestamp } of accepted) {
    if (!token_id || !token_secret_id || !TOKEN_ID.test(token_id) || !SECRET_ID.test(token_secret_id)) continue
    const statedMs = Date.parse(timestamp)
    const at = new Date(isPlausible(statedMs, nowMs) ? Math.min(statedMs, nowMs) : nowMs).toISOString()
    services.uses.record(actor.orgId, token_id, token_secret_id, isIP(client_ip) ? client_ip : null, at)
  }
}

const TOKEN_ID = /^tok_[0-9a-z]{1,60}$/
const SECRET_ID = /^sec_[0-9a-z]{1,60}$/

const reasonOf = (issue: { path: PropertyKey[]; message: string } | undefined): string => {
  const path = issue?.path.map(String).join('.')
  return `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`.slice(0, 300)
}

function eventIdOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('event_id' in given)) return null
  return typeof given.event_id === 'string' ? given.event_id.slice(0, 64) : null
}
