import { and, count, isNotNull, max, min, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { events } from '@/drizzle/schema/events'
import { resolveWhen } from '@/lib/contract/fields'
import { type tokens as contract, TOKEN_USAGE_NAMES_MAX } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import type { Context } from '../../context'
import { eventsOfToken } from '../../events/queries'
import type { Input } from '../../routes'
import { findToken } from '../queries'

const RANGE_DAYS_MAX = 400

/** What a key was really used for in a stretch of time, from its decision events: models, providers and where it called from. */
export async function getUsage(ctx: Context, { id, since, until }: Input<typeof contract.usage>) {
  const { tx, actor, request } = ctx
  await findToken(ctx, id)
  const to = until === undefined ? request.now : resolveWhen(until, request.now)
  const from = resolveWhen(since, request.now)
  const rangeMs = to.getTime() - from.getTime()
  if (rangeMs <= 0) throw new AppError('invalid_request', 'since must be before until.')
  if (rangeMs > RANGE_DAYS_MAX * 86_400_000) {
    throw new AppError('invalid_request', `The range may span ${RANGE_DAYS_MAX} days.`)
  }
  const ofKey = await eventsOfToken(tx, actor.orgId, id, from.toISOString(), to.toISOString())
  const [totals] = await tx
    .select({ requests: count(), blocked, first_at: min(events.occurredAt), last_at: max(events.occurredAt) })
    .from(events)
    .where(ofKey)

  const ranked = async (column: PgColumn, narrowed?: SQL) => {
    const rows = await tx
      .select({ name: sql<string>`${column}`, requests: count(), blocked, last_at: max(events.occurredAt) })
      .from(events)
      .where(and(ofKey, isNotNull(column), narrowed))
      .groupBy(column)
      .orderBy(sql`2 desc`, sql`1`)
      .limit(TOKEN_USAGE_NAMES_MAX + 1)
    return {
      items: rows.slice(0, TOKEN_USAGE_NAMES_MAX).map((row) => ({ ...row, last_at: row.last_at ?? to.toISOString() })),
      has_more: rows.length > TOKEN_USAGE_NAMES_MAX,
    }
  }
  return {
    since: from.toISOString(),
    until: to.toISOString(),
    requests: totals?.requests ?? 0,
    blocked: totals?.blocked ?? 0,
    first_at: totals?.first_at ?? null,
    last_at: totals?.last_at ?? null,
    models: await ranked(events.modelRequested, NO_TOOL),
    providers: await ranked(events.provider),
    source_ips: await ranked(events.clientIp),
    agents: await ranked(events.agentId),
  }
}

const blocked = sql<number>`(count(*) filter (where ${events.verdict} = 'block'))::int`

/** In the events of MCP calls a tool stands where elsewhere a model does. */
const NO_TOOL = sql`${events.provider} is distinct from 'mcp'`
