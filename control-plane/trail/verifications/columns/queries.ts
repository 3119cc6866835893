import { and, asc, type Column, eq, gt, inArray, lte, type SQL, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { events, usageDaily, usageTotals } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { Transaction } from '../../../database'

export type EventRow = typeof events.$inferSelect
export type ActivityRow = typeof activity.$inferSelect

/** Of one UTC day, `YYYY-MM-DD`, and verdict. */
export type Counted = { day: string; verdict: string; events: number }
export type Stated = Counted & { table: 'usage_daily' | 'usage_totals' }

const json = (column: Column) => sql`coalesce(to_json(${column})::text, 'null')`

/** A run of members as it stands in a line: texts are constant, columns are written as JSON writes them. */
const run = (...parts: (string | Column | SQL)[]): SQL =>
  sql.join(
    parts.map((part) => {
      if (typeof part === 'string') return sql.raw(`'${part}'`)
      return 'getSQL' in part && !('table' in part) ? part : json(part as Column)
    }),
    sql` || `,
  )

const stands = (...parts: Parameters<typeof run>): SQL => sql`strpos(${events.line}, ${run(...parts)}) > 0`

const recordedAt = sql`to_char(${events.recordedAt} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`
const usd = sql`${events.costNanoUsd}::numeric / 1000000000`

/**
 * Whether a line certainly says what the columns beside it say. Keys of a line are in order, so that neighbours can be
 * compared as one text; each run has a name in it that occurs nowhere else, because nested objects have a `verdict` or a
 * `provider` of their own. A quote inside of a string is escaped, so that no run begins or ends in one.
 *
 * False says nothing yet: numbers and rare characters can be written in several ways, and are then compared exactly.
 */
const isConfirmed = sql.join(
  [
    sql`starts_with(${events.line}, ${run('{"agent_id":', events.agentId, ',"api_shape":', events.apiShape, ',"attempts":')})`,
    stands('"hit":', events.cacheHit, '},"citations":'),
    stands('"client_ip":', events.clientIp, ',"config_id":'),
    stands(
      '"config_name":',
      events.configName,
      ',"config_version":',
      events.configVersion,
      ',"conversation_id":',
      events.conversationId,
      ',"degraded":',
    ),
    stands('"error_code":', events.errorCode, ',"escalation_id":'),
    sql`case when ${events.costNanoUsd} is null then ${stands('"total_cost_usd":null,"units":')}
      else ${stands('"total_cost_usd":"', sql`round(${usd}, 9)::text`, '","units":')}
        or ${stands('"total_cost_usd":"', sql`trim_scale(${usd})::text`, '","units":')} end`,
    stands(
      '"event_id":',
      events.eventId,
      ',"event_type":"decision","gateway_id":',
      events.gatewayId,
      ',"gateway_seq":',
      events.gatewaySeq,
      ',"identity":',
      events.identity,
      ',"latency":',
    ),
    sql`${events.occurredAt} = event_time(${events.eventId})`,
    stands('"total_ms":', events.latencyMs, ',"ttft_ms":'),
    stands('"model":', events.model, ',"model_requested":', events.modelRequested, ',"org_id":'),
    stands(
      '"provider":',
      events.provider,
      ',"reason_code":',
      events.reasonCode,
      ',"recorded_at":"',
      recordedAt,
      'Z","request_id":',
      events.requestId,
      ',"route":',
    ),
    stands('"seq":', events.seq, ',"spend":'),
    stands(
      '"status_code":',
      events.statusCode,
      ',"stream":',
      events.stream,
      ',"target_id":',
      events.targetId,
      ',"team_id":',
      events.teamId,
      ',"timestamp":',
    ),
    stands('"token_id":', events.tokenId, ',"token_name":', events.tokenName, ',"token_secret_id":'),
    sql`case when num_nonnulls(${events.tokensInput}, ${events.tokensOutput}, ${events.tokensTotal}) = 0
      then ${stands('"tokens":null,"traceparent":')}
      else ${events.tokensTotal} = least(${events.tokensInput} + ${events.tokensOutput}, ${sql.raw(String(Number.MAX_SAFE_INTEGER))})
        and ${stands('"input":', events.tokensInput, ',"output":', events.tokensOutput, ',"reasoning":')} end`,
    sql`${events.line} like '%}' and ${endsWith('"user_id":', events.userId, ',"verdict":', events.verdict, '}')}`,
  ],
  sql` and `,
)

function endsWith(...parts: Parameters<typeof run>): SQL {
  const end = run(...parts)
  return sql`right(${events.line}, char_length(${end})) = ${end}`
}

/**
 * Events with a seq in [first, last] by day and verdict, and the seqs of those whose columns are not confirmed by a quick
 * look. One pass over what is stored.
 */
export async function stretchOfEvents(tx: Transaction, orgId: string, first: number, last: number) {
  const { rows } = await tx.execute<{ day: string; verdict: string; events: string; doubtful: string[] | null }>(sql`
    select to_char(${events.occurredAt} at time zone 'UTC', 'YYYY-MM-DD') as day, ${events.verdict} as verdict,
      count(*) as events, array_agg(${events.seq}::text) filter (where (${isConfirmed}) is not true) as doubtful
    from ${events} where ${events.orgId} = ${orgId} and ${events.seq} between ${first} and ${last}
    group by 1, 2`)
  return {
    counted: rows.map(({ day, verdict, events }): Counted => ({ day, verdict, events: Number(events) })),
    doubtful: rows
      .flatMap(({ doubtful }) => doubtful ?? [])
      .map(Number)
      .sort((a, b) => a - b),
  }
}

/** Two for a seq that is taken twice. */
export const eventsAt = (tx: Transaction, orgId: string, seqs: number[]): Promise<EventRow[]> =>
  tx
    .select()
    .from(events)
    .where(and(eq(events.orgId, orgId), inArray(events.seq, seqs)))
    .orderBy(asc(events.seq))

/** The first entries after a seq, up to `last`. */
export const activityAfter = (tx: Transaction, orgId: string, after: number, last: number, limit: number) =>
  tx
    .select()
    .from(activity)
    .where(and(eq(activity.orgId, orgId), gt(activity.seq, after), lte(activity.seq, last)))
    .orderBy(asc(activity.seq))
    .limit(limit)

/** What is counted by day and verdict, and the last seq that is counted in it: one statement sees one moment. */
export async function statedCounts(tx: Transaction, orgId: string): Promise<{ size: number; stated: Stated[] }> {
  const by = (table: typeof usageDaily | typeof usageTotals, name: Stated['table']) => sql`
    select ${sql.raw(`'${name}'`)} as table, to_char(${table.at} at time zone 'UTC', 'YYYY-MM-DD') as day,
      ${table.verdict} as verdict, sum(${table.events})::float8 as events
    from ${table} where ${table.orgId} = ${orgId} group by 2, 3`
  const { rows } = await tx.execute<{ size: string | null; stated: Stated[] | null }>(sql`
    select (select ${orgCounters.seq} from ${orgCounters} where ${orgCounters.orgId} = ${orgId}) as size,
      (select json_agg(counts) from (${by(usageDaily, 'usage_daily')} union all ${by(usageTotals, 'usage_totals')}) as counts)
        as stated`)
  const [row] = rows
  if (!row || row.size === null) throw new Error(`Organisation ${orgId} has no counters.`)
  return { size: Number(row.size), stated: row.stated ?? [] }
}
