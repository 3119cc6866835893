import { and, asc, type Column, eq, gt, gte, lt, lte, type SQL, sql } from 'drizzle-orm'
import { events, usageDaily, type usageHourly, usageTotals } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import {
  type DecisionEvent,
  EVENT_FACET_FIELDS,
  EVENT_FILTER_FIELDS,
  type EventFacetField,
  type EventFilterField,
} from '@/lib/contract/events'
import { resolveWhen } from '@/lib/contract/fields'
import { AppError } from '@/lib/errors'
import { type FilterTerm, parseFilter } from '@/lib/filter'
import { parseJson } from '@/lib/parse-json'
import type { Actor, Context } from '../context'
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
  api_shape: events.apiShape,
  status_code: events.statusCode,
  tokens_total: events.tokensTotal,
  latency_ms: events.latencyMs,
  cost_usd: events.costNanoUsd,
  stream: events.stream,
  cache_hit: events.cacheHit,
} satisfies Record<EventFilterField, Column>

export type Rollup = typeof usageHourly | typeof usageDaily

const rollupColumns = (u: Rollup) =>
  ({
    verdict: u.verdict,
    reason_code: u.reasonCode,
    token_id: u.tokenId,
    token_name: u.tokenName,
    team_id: u.teamId,
    user_id: u.userId,
    agent_id: u.agentId,
    provider: u.provider,
    model: u.model,
  }) satisfies Record<EventFacetField, Column>

/** The column of a rollup that holds a field. */
export const rollupColumn = (rollup: Rollup, field: EventFacetField): Column => rollupColumns(rollup)[field]

export type EventRange = { since?: string | undefined; until?: string | undefined; filter?: string | undefined }

/** A filter together with what the actor may see at all, as conditions on events and on their rollups. */
export type EventCondition = {
  terms: FilterTerm[]
  /** On columns of `events`; every row that it lets through may be shown. */
  onEvents: SQL | undefined
  /** On columns of a rollup; weaker than `onEvents` unless `isExact`. */
  onRollup: (rollup: Rollup) => SQL | undefined
  /** On `usage_totals`, when it holds all that is compared; null when it does not. */
  onTotals: SQL | undefined | null
  /** Whether every event of the organisation is meant. */
  isEverything: boolean
  /** Whether rollups hold all that the filter compares. */
  isExact: boolean
  /** Whether rollups say anything about which events can match. */
  isNarrowed: boolean
}

/**
 * What an actor gets to see through a filter. Somebody whose scope is a team sees the events of that team only.
 *
 * @throws AppError `invalid_filter`
 */
export function conditionOf(actor: Actor, filter: string | undefined, more: FilterTerm[] = []): EventCondition {
  const terms = [...parseFilter(filter ?? ''), ...more]
  const counted = terms.filter((term): term is FilterTerm<EventFacetField> => isFacetField(term.field))
  const verdicts = terms.filter((term): term is FilterTerm<'verdict'> => term.field === 'verdict')
  const ofTeam = (team: Column) => {
    if (actor.scope === 'org') return undefined
    return actor.teamId === null ? sql`false` : eq(team, actor.teamId)
  }
  return {
    terms,
    onEvents: and(
      eq(events.orgId, actor.orgId),
      ofTeam(events.teamId),
      filterSql(terms, EVENT_FILTER_FIELDS, EVENT_COLUMNS),
    ),
    onRollup: (u) =>
      and(eq(u.orgId, actor.orgId), ofTeam(u.teamId), filterSql(counted, EVENT_FILTER_FIELDS, rollupColumns(u))),
    onTotals:
      actor.scope === 'org' && terms.every(({ field }) => field === 'verdict')
        ? and(
            eq(usageTotals.orgId, actor.orgId),
            filterSql(verdicts, EVENT_FILTER_FIELDS, { verdict: usageTotals.verdict }),
          )
        : null,
    isEverything: terms.length === 0 && actor.scope === 'org',
    isExact: counted.length === terms.length,
    isNarrowed: counted.length > 0 || actor.scope === 'team',
  }
}

export const isFacetField = (field: string): field is EventFacetField =>
  (EVENT_FACET_FIELDS as readonly string[]).includes(field)

/** Events that an actor may see, whatever the filter. */
export const visibleTo = (actor: Actor): SQL | undefined => conditionOf(actor, undefined).onEvents

/** The events of one key in a range of time, by the index on the combinations that were counted for it. */
export async function eventsOfToken(tx: Transaction, orgId: string, tokenId: string, since: string, until: string) {
  const counted = await tx
    .selectDistinct({ combo: usageDaily.combo })
    .from(usageDaily)
    .where(
      and(
        eq(usageDaily.orgId, orgId),
        eq(usageDaily.tokenId, tokenId),
        sql`${usageDaily.at} >= date_trunc('day', ${since}::timestamptz, 'UTC')`,
        lt(usageDaily.at, until),
      ),
    )
  const combos = counted.map(({ combo }) => String(combo))
  return and(
    eq(events.orgId, orgId),
    sql`${events.combo} = any(${sql.param(combos)}::bigint[])`,
    eq(events.tokenId, tokenId),
    gte(events.occurredAt, since),
    lt(events.occurredAt, until),
  )
}

export async function getEvent({ tx, actor }: Context, { id }: { id: string }): Promise<DecisionEvent> {
  const [row] = EVENT_ID.test(id)
    ? await tx
        .select({ line: events.line })
        .from(events)
        // The id says the time, and the time says the month: one partition is looked at.
        .where(and(visibleTo(actor), eq(events.eventId, id), sql`${events.occurredAt} = event_time(${id})`))
    : []
  if (!row) throw new AppError('not_found', 'There is no such event.')
  return readLine(row.line)
}

/** The newest `seq` of the record, whoever may see what has it. */
export async function lastSeq(tx: Transaction, orgId: string): Promise<number> {
  const [counter] = await tx.select({ seq: orgCounters.seq }).from(orgCounters).where(eq(orgCounters.orgId, orgId))
  return counter?.seq ?? 0
}

/**
 * The next events after a `seq` in order. `seq` is given out under a lock that lasts until the commit, so whatever is
 * up to a visible `seq` is visible too: nothing can appear later behind the position that this returns. Numbers that
 * entries of activity have are passed over.
 */
export async function eventsAfter(tx: Transaction, actor: Actor, after: number, limit: number) {
  const head = await lastSeq(tx, actor.orgId)
  // Somebody who may see few of many events must not make one query read them all.
  const through = Math.min(head, after + PLACES_PER_LOOK)
  const rows = await tx
    .select({ seq: events.seq, line: events.line })
    .from(events)
    .where(and(visibleTo(actor), gt(events.seq, after), lte(events.seq, through)))
    .orderBy(asc(events.seq))
    .limit(limit)
  const last = rows.at(-1)
  const position = last && rows.length === limit ? last.seq : Math.max(through, after)
  return { events: rows.map(({ line }) => readLine(line)), position, more: position < head }
}

const PLACES_PER_LOOK = 20_000

const EVENT_ID = /^evt_[0-9a-f]{32}$/

/** Lines were checked before they were stored, and the answer is checked again on its way out. */
export const readLine = (line: string): DecisionEvent => parseJson(line) as DecisionEvent

/** A date that both JavaScript and PostgreSQL can write: years 1 to 9999. */
export function instantOf(text: string, now: Date): Date {
  const ms = resolveWhen(text, now).getTime()
  return new Date(Math.min(Math.max(ms, Date.UTC(1970, 0)), Date.UTC(9999, 11)))
}
