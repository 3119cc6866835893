import { and, count, eq } from 'drizzle-orm'
import { configurations } from '@/drizzle/schema/configurations'
import { gateways } from '@/drizzle/schema/gateways'
import { orgCounters } from '@/drizzle/schema/organizations'
import type { gateways as contract, Gateway } from '@/lib/contract/gateways'
import { AppError } from '@/lib/errors'
import { searchable } from '@/lib/filter'
import { appendAudit } from '../audit/append'
import type { Actor, Context } from '../context'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { getGateway, keysRevision, noSuchGateway } from './queries'

export const GATEWAYS_MAX = 500

export async function registerGateway(ctx: Context, input: Input<typeof contract.register>): Promise<Gateway> {
  const { tx, actor } = ctx
  const { id, name = id, configuration_id: configurationId = null } = input
  // Held until the commit: two registrations at once cannot pass the bound together.
  await tx.select({ held: orgCounters.orgId }).from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')
  const [known] = await tx.select({ total: count() }).from(gateways).where(eq(gateways.orgId, actor.orgId))
  if ((known?.total ?? 0) >= GATEWAYS_MAX) {
    throw new AppError('unprocessable', `An organisation may have ${GATEWAYS_MAX} gateways.`)
  }
  if (configurationId !== null) await assertConfiguration(tx, actor, configurationId)
  const [added] = await tx
    .insert(gateways)
    .values({ orgId: actor.orgId, id, name, configurationId })
    .onConflictDoNothing()
    .returning()
  if (!added) throw new AppError('name_taken', `There is a gateway ${id} already.`)
  await appendAudit(ctx, {
    action: 'gateway.registered',
    target: { type: 'gateway', id, name },
    after: { name, configuration_id: configurationId },
  })
  return getGateway(ctx, { id })
}

/** Reports are frequent and change nothing that a person decided, so they leave no activity entry. */
export async function recordHeartbeat({ tx, actor, request }: Context, input: Input<typeof contract.heartbeat>) {
  assertSpeaksFor(actor, input.id)
  const [gateway] = await tx
    .update(gateways)
    .set({
      lastSeenAt: request.now.toISOString(),
      pollIntervalSeconds: input.poll_interval_seconds,
      ready: input.ready,
      runningVersion: input.running_version === null ? null : searchable(input.running_version),
      runningGeneration: input.running_generation,
      configSource: input.config_source,
      softwareVersion: searchable(input.software_version),
      keysRevision: input.keys_revision,
      spoolDepth: input.spool_depth,
      spoolBytes: input.spool_bytes,
      requestsProcessed: input.requests_processed,
      overheadP50Us: input.overhead_p50_us,
      overheadP99Us: input.overhead_p99_us,
      clockOffsetMs: Date.parse(input.sent_at) - request.now.getTime(),
      streamConnected: input.stream_connected,
      lastError: input.last_error && {
        code: searchable(input.last_error.code),
        message: searchable(input.last_error.message),
        at: input.last_error.at,
        generation: input.last_error.generation,
      },
      models: input.models.map(searchable),
      providers: input.providers.map(searchable),
    })
    .where(and(eq(gateways.orgId, actor.orgId), eq(gateways.id, input.id)))
    .returning({ desiredGeneration: gateways.desiredGeneration })
  if (!gateway) throw noSuchGateway(input.id)
  return {
    server_time: request.now.toISOString(),
    desired_generation: gateway.desiredGeneration,
    keys_revision: await keysRevision(tx, actor.orgId),
  }
}

/** Whether the gateway is reached at once or only at its next poll. */
export async function markStream(
  tx: Transaction,
  orgId: string,
  id: string,
  streamConnected: boolean,
): Promise<boolean> {
  const marked = await tx
    .update(gateways)
    .set({ streamConnected })
    .where(and(eq(gateways.orgId, orgId), eq(gateways.id, id)))
    .returning({ id: gateways.id })
  return marked.length > 0
}

/** The key of a gateway process speaks for its own gateway; any other one does not exist for it. */
export function assertSpeaksFor({ gatewayId }: Actor, id: string): void {
  if (gatewayId === null)
    throw new AppError('forbidden', 'Only a key with purpose gateway_runtime speaks for a gateway.')
  if (gatewayId !== id) throw noSuchGateway(id)
}

async function assertConfiguration(tx: Transaction, { orgId }: Actor, id: string): Promise<void> {
  const isId = /^cfg_[0-9a-z]{1,60}$/.test(id)
  const [found] = isId
    ? await tx
        .select({ id: configurations.id })
        .from(configurations)
        .where(and(eq(configurations.orgId, orgId), eq(configurations.id, id)))
    : []
  if (!found) throw new AppError('not_found', 'There is no such configuration.')
}
