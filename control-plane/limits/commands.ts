import { and, count, eq, gt, or, sql } from 'drizzle-orm'
import { gateways } from '@/drizzle/schema/gateways'
import { limitLeases } from '@/drizzle/schema/limit-leases'
import { type limits as contract, type LimitLeaseAsk, ownShareOf } from '@/lib/contract/limits'
import { AppError } from '@/lib/errors'
import { searchable } from '@/lib/filter'
import type { Context } from '../context'
import type { Transaction } from '../database'
import { assertSpeaksFor } from '../gateways/commands'
import { noSuchGateway } from '../gateways/queries'
import type { Input } from '../routes'

/** A gateway that has reported within this time has its share of every limit, whether it uses it or not. */
const KNOWN_MS = 600_000
/** Rows of windows that have ended, removed at once by one request. */
const SWEPT_MAX = 500

/**
 * Hands out slices of windows. Each is taken by one conditional UPDATE, so that what gateways have of a window never comes
 * to more than its limit, whatever they ask for at the same time.
 */
export async function leaseLimits({ tx, actor, request }: Context, { id, asks }: Input<typeof contract.lease>) {
  assertSpeaksFor(actor, id)
  const nowMs = request.now.getTime()
  for (const ask of asks) assertCurrent(ask, nowMs)
  const known = await gatewaysKnown(tx, actor.orgId, id, nowMs)
  const granted = asks.map(() => 0)
  // In one order for everybody: two gateways that ask for the same windows wait for each other instead of both failing.
  const inOrder = asks.map((ask, at) => ({ ask, at })).toSorted((a, b) => (keyOf(a.ask) < keyOf(b.ask) ? -1 : 1))
  for (const { ask, at } of inOrder) granted[at] = await grant(tx, actor.orgId, ask, known)
  await sweep(tx, actor.orgId, request.now)
  return { granted, gateways: known, server_time: request.now.toISOString() }
}

const keyOf = (ask: LimitLeaseAsk): string =>
  [ask.name, ask.holder, ask.window_ms, ask.window_start_ms].map(String).join('\n')

function assertCurrent({ window_ms, window_start_ms }: LimitLeaseAsk, nowMs: number): void {
  const isWindow = window_start_ms % window_ms === 0
  if (isWindow && Math.abs(window_start_ms - nowMs) <= 2 * window_ms) return
  throw new AppError('unprocessable', 'Only windows of now begin at a whole multiple of their length.')
}

async function gatewaysKnown(tx: Transaction, orgId: string, id: string, nowMs: number): Promise<number> {
  const since = new Date(nowMs - KNOWN_MS).toISOString()
  const [row] = await tx
    .select({ total: count(), own: sql<number>`count(*) filter (where ${gateways.id} = ${id})::int` })
    .from(gateways)
    .where(and(eq(gateways.orgId, orgId), or(eq(gateways.id, id), gt(gateways.lastSeenAt, since))))
  if (!row || row.own === 0) throw noSuchGateway(id)
  return row.total
}

async function grant(tx: Transaction, orgId: string, ask: LimitLeaseAsk, known: number): Promise<number> {
  const { name, window_ms: windowMs, window_start_ms: windowStartMs, max, wanted } = ask
  const holder = searchable(ask.holder)
  await tx
    .insert(limitLeases)
    .values({
      orgId,
      name,
      holder,
      windowMs,
      windowStartMs,
      endsAt: new Date(windowStartMs + windowMs).toISOString(),
      windowLimit: max,
      granted: known * ownShareOf(max, known),
    })
    .onConflictDoNothing()
  const left = sql`greatest(0, ${max}::bigint - ${limitLeases.granted})`
  const slice = sql`least(${wanted}::bigint, ${left}, greatest(1, ceil(${left}::numeric / ${2 * known})::bigint))`
  const [row] = await tx
    .update(limitLeases)
    .set({
      lastGranted: slice,
      granted: sql`${limitLeases.granted} + ${slice}`,
      windowLimit: sql`greatest(${limitLeases.windowLimit}, ${max}::bigint)`,
    })
    .where(
      and(
        eq(limitLeases.orgId, orgId),
        eq(limitLeases.name, name),
        eq(limitLeases.holder, holder),
        eq(limitLeases.windowMs, windowMs),
        eq(limitLeases.windowStartMs, windowStartMs),
        sql`${limitLeases.granted} < ${max}::bigint`,
      ),
    )
    .returning({ granted: limitLeases.lastGranted })
  return row?.granted ?? 0
}

/** Windows that nobody can ask for any more. What another request removes at this moment is left to it. */
async function sweep(tx: Transaction, orgId: string, now: Date): Promise<void> {
  const before = new Date(now.getTime() - KNOWN_MS).toISOString()
  await tx.execute(sql`
    delete from ${limitLeases} where ctid = any(array(
      select ctid from ${limitLeases} where org_id = ${orgId} and ends_at + make_interval(secs => window_ms / 500.0) < ${before}
      limit ${SWEPT_MAX} for update skip locked))`)
}
