import { and, asc, desc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { bundles, configurations, configurationVersions } from '@/drizzle/schema/configurations'
import { gateways } from '@/drizzle/schema/gateways'
import type {
  Configuration,
  ConfigurationVersion,
  configurations as contract,
  RuntimeState,
} from '@/lib/contract/configurations'
import { toPage } from '@/lib/contract/page'
import { AppError } from '@/lib/errors'
import { lintPolicyConfig } from '@/lib/policy/config'
import { gatewaySpendOf } from '../budgets/gateway-spend'
import type { Actor, Context } from '../context'
import { cursorsOf } from '../cursor'
import { getGateway, keysRevision, listGateways } from '../gateways/queries'
import { gatewayStatus } from '../gateways/status'
import { providersOf } from '../model-pricing/bundle-targets'
import { priceTableFor } from '../model-pricing/queries'
import type { Input } from '../routes'
import { securityOf } from '../settings/queries'
import { gatewayKeysOf } from '../tokens/queries'

export type ConfigurationRow = typeof configurations.$inferSelect
export type VersionRow = typeof configurationVersions.$inferSelect

const Position = z.string().max(64)
const GATEWAYS_SHOWN_MAX = 500

/** Newest first. */
export async function listConfigurations(ctx: Context, input: Input<typeof contract.list>) {
  const { limit } = input
  const cursors = cursorsOf(ctx, 'configurations.list', input)
  const after = cursors.decode(Position)
  const rows = await ctx.tx
    .select()
    .from(configurations)
    .where(and(configurationsOf(ctx.actor), after === undefined ? undefined : lt(configurations.id, after)))
    .orderBy(desc(configurations.id))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ id }) => cursors.encode(id))
  return { ...page, items: await toConfigurations(ctx, page.items) }
}

export async function getConfiguration(ctx: Context, { id }: { id: string }): Promise<Configuration> {
  const [configuration] = await toConfigurations(ctx, [await findConfiguration(ctx, id)])
  if (!configuration) throw noSuchConfiguration()
  return configuration
}

export async function findConfiguration({ tx, actor }: Context, id: string): Promise<ConfigurationRow> {
  const [row] = await tx
    .select()
    .from(configurations)
    .where(and(configurationsOf(actor), eq(configurations.id, id)))
  if (!row) throw noSuchConfiguration()
  return row
}

export async function lintConfiguration(_ctx: Context, { yaml }: { yaml: string }) {
  const { config, diagnostics } = lintPolicyConfig(yaml)
  return { valid: config !== null, diagnostics }
}

/** In the order in which they were saved, newest first. */
export async function listVersions(ctx: Context, input: Input<typeof contract.listVersions>) {
  const { id, limit } = input
  const cursors = cursorsOf(ctx, 'configurations.listVersions', input)
  await findConfiguration(ctx, id)
  const after = cursors.decode(Position)
  const rows = await ctx.tx
    .select()
    .from(configurationVersions)
    .where(and(versionsOf(ctx.actor, id), after === undefined ? undefined : lt(configurationVersions.id, after)))
    .orderBy(desc(configurationVersions.id))
    .limit(limit + 1)
  const page = toPage(rows, limit, (row) => cursors.encode(row.id))
  return { ...page, items: await toVersions(ctx, page.items) }
}

export async function getVersion(ctx: Context, { id, version }: Input<typeof contract.getVersion>) {
  await findConfiguration(ctx, id)
  const row = await findVersion(ctx, id, version)
  const [shown] = row ? await toVersions(ctx, [row]) : []
  if (!row || !shown) throw new AppError('not_found', 'This configuration has no such version.')
  return { ...shown, yaml: row.yaml }
}

export async function findVersion({ tx, actor }: Context, configurationId: string, version: string) {
  const [row] = await tx
    .select()
    .from(configurationVersions)
    .where(and(versionsOf(actor, configurationId), eq(configurationVersions.version, version)))
  return row
}

export async function toVersions({ tx, actor }: Context, rows: VersionRow[]): Promise<ConfigurationVersion[]> {
  if (rows.length === 0) return []
  const running = await tx
    .select({ id: gateways.id, configurationId: bundles.configurationId, version: bundles.version })
    .from(gateways)
    .innerJoin(
      bundles,
      and(
        eq(bundles.orgId, gateways.orgId),
        eq(bundles.gatewayId, gateways.id),
        eq(bundles.generation, gateways.runningGeneration),
      ),
    )
    .where(
      and(
        eq(gateways.orgId, actor.orgId),
        inArray(bundles.configurationId, [...new Set(rows.map((row) => row.configurationId))]),
      ),
    )
    .orderBy(asc(gateways.id))
    .limit(GATEWAYS_SHOWN_MAX)
  return rows.map((row) => ({
    id: row.id,
    configuration_id: row.configurationId,
    version: row.version,
    sha256: row.sha256,
    created_at: row.createdAt,
    created_by: { id: row.createdById, name: row.createdByName },
    note: row.note,
    running_on: running
      .filter((gateway) => gateway.configurationId === row.configurationId && gateway.version === row.version)
      .map(({ id }) => id),
  }))
}

/** What every gateway runs, ordered by gateway. */
export async function listRuntime(ctx: Context, input: Input<typeof contract.listRuntime>) {
  const { items, next_cursor } = await listGateways(ctx, input)
  return {
    items: items.map((gateway) => ({
      gateway_id: gateway.id,
      status: gateway.status,
      configuration_id: gateway.configuration_id,
      configuration_name: gateway.configuration_name,
      desired_version: gateway.desired_version,
      running_version: gateway.running_version,
      last_seen_at: gateway.last_seen_at,
      last_error: gateway.last_error?.message ?? null,
    })),
    next_cursor,
  }
}

/** Everything a gateway needs. Hashes of keys are for the gateway itself only. */
export async function getRuntimeState(ctx: Context, { id }: { id: string }): Promise<RuntimeState> {
  const { tx, actor, request, services } = ctx
  const gateway = await getGateway(ctx, { id })
  const generations = [gateway.desired_generation, gateway.running_generation]
  const known = await tx
    .select({
      generation: bundles.generation,
      bundle: { kid: bundles.kid, payload: bundles.payload, signature: bundles.signature },
    })
    .from(bundles)
    .where(and(eq(bundles.orgId, actor.orgId), eq(bundles.gatewayId, id), inArray(bundles.generation, generations)))
  const { payload_capture, max_offline_key_age_seconds } = await securityOf(tx, actor.orgId)
  const revision = await keysRevision(tx, actor.orgId)
  const bundle = known.find(({ generation }) => generation === gateway.desired_generation)?.bundle
  const providers = providersOf(known.map(({ bundle: { payload } }) => payload))
  return {
    gateway_id: id,
    org_id: actor.orgId,
    server_time: request.now.toISOString(),
    desired_version: gateway.desired_version,
    desired_generation: gateway.desired_generation,
    bundle: bundle ?? null,
    signing_keys: [{ kid: services.signer.kid, public_key: services.signer.publicKey }],
    settings: { payload_capture, max_offline_key_age_seconds },
    keys_revision: revision,
    keys: actor.gatewayId === id ? await gatewayKeysOf(tx, actor.orgId) : [],
    prices: await priceTableFor(tx, actor.orgId, providers, request.now),
    spend: await gatewaySpendOf(tx, actor.orgId, request.now),
  }
}

export const noSuchConfiguration = () => new AppError('not_found', 'There is no such configuration.')

/** The key of a gateway process sees the configuration that its gateway is to run, and no other. */
export const configurationsOf = ({ orgId, gatewayId }: Actor): SQL | undefined =>
  and(
    eq(configurations.orgId, orgId),
    gatewayId === null
      ? undefined
      : sql`${configurations.id} = (select ${gateways.configurationId} from ${gateways}
            where ${gateways.orgId} = ${orgId} and ${gateways.id} = ${gatewayId})`,
  )

const versionsOf = ({ orgId }: Actor, configurationId: string) =>
  and(eq(configurationVersions.orgId, orgId), eq(configurationVersions.configurationId, configurationId))

async function toConfigurations({ tx, actor, request }: Context, rows: ConfigurationRow[]): Promise<Configuration[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const assigned = await tx
    .select()
    .from(gateways)
    .where(and(eq(gateways.orgId, actor.orgId), inArray(gateways.configurationId, ids)))
    .orderBy(asc(gateways.id))
    .limit(GATEWAYS_SHOWN_MAX)
  return rows.map((row) => ({
    id: row.id as Configuration['id'],
    name: row.name,
    created_at: row.createdAt,
    updated_at: row.updatedAt,
    latest_version: row.latestVersion,
    gateways: assigned
      .filter(({ configurationId }) => configurationId === row.id)
      .map((gateway) => ({
        gateway_id: gateway.id,
        status: gatewayStatus(gateway, request.now),
        desired_version: gateway.desiredVersion,
        running_version: gateway.runningVersion,
      })),
  }))
}

/** What the ETag of a configuration covers: what a writer must have seen, not where it happens to run. */
export const seenOf = ({ id, latest_version }: Pick<Configuration, 'id' | 'latest_version'>) => [id, latest_version]
