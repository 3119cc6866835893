import { and, asc, desc, eq, gt, gte, lt, lte, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { events } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { DecisionEvent, EventFilterField, Verdict } from '@/lib/contract/events'
import { resolveWhen } from '@/lib/contract/fields'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import { parseFilter, searchable } from '@/lib/filter'
import type { Actor, Context } from '../context'
import { decodeCursor, encodeCursor } from '../cursor'
import type { Transaction } from '../database'
import { filterSql } from './filter-sql'

export const EVENT_COLUMNS = {
  event_id: events.eventId,
  request_id: events.requestId,
  verdict: events.verdict,
  reason_code: events.reasonCode,
  identity: events.identity,
  token_id: events.tokenId,
  token_name: events.tokenName,
  team_id: events.teamId,
  user_id: events.userId,
  agent_id: events.agentId,
  gateway_id: events.gatewayId,
  conversation_id: events.conversationId,
  config_name: events.configName,
  config_version: events.configVersion,
  provider: events.provider,
  target_id: events.targetId,
  model: events.model,
  model_requested: events.modelRequested,
  client_ip: events.clientIp,
  error_code: events.errorCode,
  status_code: events.statusCode,
  tokens_total: events.tokensTotal,
  latency_ms: events.latencyMs,
  stream: events.stream,
} satisfies Record<EventFilterField, unknown>

export type EventRange = { since?: string | undefined; until?: string | undefined; filter?: string | undefined }

/** Newest first by the time the gateway stated, then by `seq`; the cursor names both. */
export async function listEvents(
  { tx, actor, request }: Context,
  input: EventRange & { agent_id?: string | undefined; cursor?: string | undefined; limit: number },
) {
  const rows = await tx
    .select({ seq: events.seq, occurredAt: events.occurredAt, line: events.line })
    .from(events)
    .where(
      and(
        visibleTo(actor),
        input.since ? gte(events.occurredAt, instantOf(input.since, request.now).toISOString()) : undefined,
        input.until ? lt(events.occurredAt, instantOf(input.until, request.now).toISOString()) : undefined,
        input.agent_id === undefined ? undefined : eq(events.agentId, searchable(input.agent_id)),
        input.filter ? filterSql(parseFilter(input.filter), EVENT_COLUMNS) : undefined,
        input.cursor === undefined ? undefined : before(input.cursor),
      ),
    )
    .orderBy(desc(events.occurredAt), desc(events.seq))
    .limit(input.limit + 1)
  const page = toPage(rows, input.limit, ({ occurredAt, seq }) => encodeCursor([occurredAt, seq]))
  const items = page.items.map(({ line }) => readLine(line))
  return { items, events: items, next_cursor: page.next_cursor }
}

export async function getEvent({ tx, actor }: Context, { id }: { id: string }): Promise<DecisionEvent> {
  const [row] = EVENT_ID.test(id)
    ? await tx
        .select({ line: events.line })
        .from(events)
        .where(and(visibleTo(actor), eq(events.eventId, id)))
    : []
  if (!row) throw new AppError('not_found', 'There is no such event.')
  return readLine(row.line)
}

const DAY_MS = 86_400_000
const HISTOGRAM_DAYS_MAX = 400

/** Counts by verdict in buckets of equal width; the last one may reach beyond `until`. Empty buckets are there too. */
export async function countEvents({ tx, actor, request }: Context, input: EventRange & { buckets: number }) {
  const until = input.until ? instantOf(input.until, request.now) : request.now
  const since = input.since ? instantOf(input.since, request.now) : new Date(until.getTime() - DAY_MS)
  const rangeMs = until.getTime() - since.getTime()
  if (rangeMs <= 0) throw new AppError('invalid_request', 'since must be before until.')
  if (rangeMs > HISTOGRAM_DAYS_MAX * DAY_MS) {
    throw new AppError('invalid_request', `The range may span ${HISTOGRAM_DAYS_MAX} days.`)
  }
  const widthMs = Math.ceil(rangeMs / input.buckets)
  const bucket = sql<number>`floor(extract(epoch from ${events.occurredAt} - ${since.toISOString()}::timestamptz) * 1000 / ${widthMs}::float8)::int`
  const rows = await tx
    .select({ bucket, verdict: events.verdict, count: sql<number>`count(*)::int` })
    .from(events)
    .where(
      and(
        visibleTo(actor),
        gte(events.occurredAt, since.toISOString()),
        lt(events.occurredAt, until.toISOString()),
        input.filter ? filterSql(parseFilter(input.filter), EVENT_COLUMNS) : undefined,
      ),
    )
    .groupBy(sql`1`, events.verdict)
  const totals = noEvents()
  const items = Array.from({ length: Math.ceil(rangeMs / widthMs) }, (_, index) => ({
    at: new Date(since.getTime() + index * widthMs).toISOString(),
    ...noEvents(),
  }))
  for (const { bucket: index, verdict, count } of rows) {
    const item = items[index]
    if (item) item[verdict] += count
    totals[verdict] += count
  }
  return { since: since.toISOString(), until: until.toISOString(), bucket_seconds: widthMs / 1_000, items, totals }
}

/** The newest `seq` of the record, whoever may see what has it. */
export async function lastSeq(tx: Transaction, orgId: string): Promise<number> {
  const [counter] = await tx.select({ seq: orgCounters.seq }).from(orgCounters).where(eq(orgCounters.orgId, orgId))
  return counter?.seq ?? 0
}

/**
 * The next events after a `seq` in order. `seq` is given out under a lock that lasts until the commit, so whatever is
 * up to a visible `seq` is visible too: nothing can appear later behind the position that this returns.
 */
export async function eventsAfter(tx: Transaction, actor: Actor, after: number, limit: number) {
  const head = await lastSeq(tx, actor.orgId)
  const rows = await tx
    .select({ seq: events.seq, line: events.line })
    .from(events)
    .where(and(visibleTo(actor), gt(events.seq, after), lte(events.seq, head)))
    .orderBy(asc(events.seq))
    .limit(limit)
  const last = rows.at(-1)
  const position = last && rows.length === limit ? last.seq : Math.max(head, after)
  return { events: rows.map(({ line }) => readLine(line)), position, more: position < head }
}

/** Somebody whose scope is a team sees the events of that team only. */
function visibleTo({ orgId, scope, teamId }: Actor): SQL | undefined {
  const ofOrg = eq(events.orgId, orgId)
  if (scope === 'org') return ofOrg
  return and(ofOrg, teamId === null ? sql`false` : eq(events.teamId, teamId))
}

const EVENT_ID = /^evt_[0-9a-f]{32}$/

const noEvents = (): Record<Verdict, number> => ({ allow: 0, redact: 0, block: 0, escalate: 0 })

/** Lines were checked before they were stored, and the answer is checked again on its way out. */
const readLine = (line: string): DecisionEvent => JSON.parse(line) as DecisionEvent

/** A date that both JavaScript and PostgreSQL can write: years 1 to 9999. */
function instantOf(text: string, now: Date): Date {
  const ms = resolveWhen(text, now).getTime()
  return new Date(Math.min(Math.max(ms, Date.UTC(1970, 0)), Date.UTC(9999, 11)))
}

const Position = z.tuple([z.iso.datetime({ precision: 6 }), z.int().min(0)])

function before(cursor: string): SQL | undefined {
  const position = decodeCursor(Position, cursor)
  return position && sql`(${events.occurredAt}, ${events.seq}) < (${position[0]}::timestamptz, ${position[1]}::bigint)`
}
