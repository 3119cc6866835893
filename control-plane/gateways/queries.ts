import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { configurations } from '@/drizzle/schema/configurations'
import { gatewayPositions } from '@/drizzle/schema/events'
import { gateways } from '@/drizzle/schema/gateways'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { gateways as contract, Gateway } from '@/lib/contract/gateways'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { gatewayStatus } from './status'

export type GatewayRow = typeof gateways.$inferSelect

const Position = z.string().max(80)

/** Ordered by id. */
export async function listGateways(ctx: Context, input: Input<typeof contract.list>) {
  const { tx, actor, request } = ctx
  const { limit } = input
  const cursors = cursorsOf(ctx, 'gateways.list', input)
  const after = cursors.decode(Position)
  const rows = await withConfiguration(
    tx,
    and(gatewaysOf(actor), after === undefined ? undefined : gt(gateways.id, after)),
  )
    .orderBy(asc(gateways.id))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ gateway }) => cursors.encode(gateway.id))
  const ids = page.items.map(({ gateway }) => gateway.id)
  const missing = await missingEvents(tx, actor.orgId, ids)
  const items = page.items.map(({ gateway, name }) =>
    toGateway(gateway, name, missing.get(gateway.id) ?? 0, request.now),
  )
  return { ...page, items }
}

export async function getGateway({ tx, actor, request }: Context, { id }: { id: string }): Promise<Gateway> {
  const [row] = await withConfiguration(tx, and(gatewaysOf(actor), eq(gateways.id, id)))
  if (!row) throw noSuchGateway(id)
  const missing = await missingEvents(tx, actor.orgId, [id])
  return toGateway(row.gateway, row.name, missing.get(id) ?? 0, request.now)
}

/** The gateways that an actor may see: those of its organisation, and for the key of a gateway process only its own. */
export const gatewaysOf = ({ orgId, gatewayId }: Actor): SQL | undefined =>
  and(eq(gateways.orgId, orgId), gatewayId === null ? undefined : eq(gateways.id, gatewayId))

/** Gateways with the names of their configurations. */
export const withConfiguration = (tx: Transaction, where: SQL | undefined) =>
  tx
    .select({ gateway: gateways, name: configurations.name })
    .from(gateways)
    .leftJoin(
      configurations,
      and(eq(configurations.orgId, gateways.orgId), eq(configurations.id, gateways.configurationId)),
    )
    .where(where)
    .$dynamic()

/** Counts changes of gateway keys. Read it before the keys: then they are never older than it says. */
export async function keysRevision(tx: Transaction, orgId: string): Promise<number> {
  const [counter] = await tx
    .select({ revision: orgCounters.keysRevision })
    .from(orgCounters)
    .where(eq(orgCounters.orgId, orgId))
  return counter?.revision ?? 0
}

/** How many numbers lie in the gaps of gateways, by id. */
async function missingEvents(tx: Transaction, orgId: string, ids: string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .select({
      id: gatewayPositions.gatewayId,
      missing: sql<number>`least(sum(${gatewayPositions.missing}), ${Number.MAX_SAFE_INTEGER})::float8`,
    })
    .from(gatewayPositions)
    .where(and(eq(gatewayPositions.orgId, orgId), inArray(gatewayPositions.gatewayId, ids)))
    .groupBy(gatewayPositions.gatewayId)
  return new Map(rows.map(({ id, missing }) => [id, missing]))
}

export const noSuchGateway = (...ids: string[]): AppError =>
  new AppError(
    'not_found',
    ids.length > 1 ? `There are no gateways ${ids.join(', ')}.` : `There is no gateway ${ids[0]}.`,
  )

function toGateway(row: GatewayRow, configurationName: string | null, missing: number, now: Date): Gateway {
  const status = gatewayStatus(row, now)
  return {
    id: row.id,
    name: row.name,
    status,
    created_at: row.createdAt,
    last_seen_at: row.lastSeenAt,
    configuration_id: row.configurationId,
    configuration_name: configurationName,
    desired_version: row.desiredVersion,
    desired_generation: row.desiredGeneration,
    running_version: row.runningVersion,
    running_generation: row.runningGeneration,
    config_source: row.configSource,
    software_version: row.softwareVersion,
    keys_revision: row.keysRevision,
    spool_depth: row.spoolDepth,
    spool_bytes: row.spoolBytes,
    requests_processed: row.requestsProcessed,
    overhead_p50_us: row.overheadP50Us,
    overhead_p99_us: row.overheadP99Us,
    clock_offset_ms: row.clockOffsetMs,
    // Nobody was left to take the mark away when a control plane was killed.
    stream_connected: row.streamConnected && status !== 'offline',
    last_error: row.lastError,
    models: row.models,
    providers: row.providers,
    missing_events: missing,
  }
}
