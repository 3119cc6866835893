import { and, asc, eq, inArray } from 'drizzle-orm'
import { bundles, configurations, configurationVersions } from '@/drizzle/schema/configurations'
import { gateways } from '@/drizzle/schema/gateways'
import type { BundlePayload, configurations as contract } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import { type GatewayRow, noSuchGateway } from '../../gateways/queries'
import { announce } from '../../push'
import type { Input } from '../../routes'
import { configurationsOf } from '../queries'

/** The oldest gateway that understands what this release writes into bundles. */
const MIN_GATEWAY_VERSION = '0.1.0'

type Release = {
  configuration: typeof configurations.$inferSelect
  version: typeof configurationVersions.$inferSelect
}
type RolledOut = { gateway_id: string; generation: number; previous_version: string | null }

/** Signs one bundle per gateway with the next generation. All gateways or none: it is one transaction. */
export async function rollOut(ctx: Context, input: Input<typeof contract.rollout>) {
  const rolloutId = newId('rol')
  const releases = await releasesOf(ctx, input.version)
  const rows = await lockGateways(ctx, input.gateway_ids)
  const chosen = rows.map((gateway) => ({ gateway, release: releaseFor(gateway, releases, input) }))
  const items: RolledOut[] = []
  for (const { gateway, release } of chosen) items.push(await sendBundle(ctx, rolloutId, gateway, release))
  for (const { configuration } of new Set(chosen.map(({ release }) => release))) {
    const mine = chosen
      .filter(({ release }) => release.configuration.id === configuration.id)
      .map(({ gateway }) => gateway)
    await appendAudit(ctx, {
      action: 'configuration.rolled_out',
      target: { type: 'configuration', id: configuration.id, name: configuration.name },
      before: { gateways: mine.map(({ id, desiredVersion }) => ({ id, version: desiredVersion })) },
      after: { rollout_id: rolloutId, version: input.version, gateways: mine.map(({ id }) => id) },
    })
  }
  return { rollout_id: rolloutId, version: input.version, items }
}

/**
 * The gateways with these ids, held until the commit and taken in one order, so that two commands cannot block each other.
 *
 * @throws AppError `not_found` that names those which do not exist
 */
export async function lockGateways({ tx, actor }: Context, ids: string[]): Promise<GatewayRow[]> {
  const wanted = [...new Set(ids)]
  const rows = await tx
    .select()
    .from(gateways)
    .where(and(eq(gateways.orgId, actor.orgId), inArray(gateways.id, wanted)))
    .orderBy(asc(gateways.id))
    .for('update')
  const missing = wanted.filter((id) => !rows.some((row) => row.id === id))
  if (missing.length > 0) throw noSuchGateway(...missing)
  return rows
}

const releasesOf = ({ tx, actor }: Context, version: string): Promise<Release[]> =>
  tx
    .select({ configuration: configurations, version: configurationVersions })
    .from(configurationVersions)
    .innerJoin(
      configurations,
      and(
        eq(configurations.orgId, configurationVersions.orgId),
        eq(configurations.id, configurationVersions.configurationId),
      ),
    )
    .where(and(configurationsOf(actor), eq(configurationVersions.version, version)))

/** Which configuration's version is meant: the gateway's own, else the one that is named, else the only one there is. */
function releaseFor(gateway: GatewayRow, releases: Release[], input: Input<typeof contract.rollout>): Release {
  const { version, configuration_id: named } = input
  const assigned = gateway.configurationId
  if (assigned !== null && named !== undefined && assigned !== named) {
    throw new AppError(
      'unprocessable',
      `${gateway.id} is assigned to another configuration; assign it to ${named} first.`,
    )
  }
  const id = assigned ?? named
  const candidates = id === undefined ? releases : releases.filter(({ configuration }) => configuration.id === id)
  const [release, second] = candidates
  if (!release) {
    const where = id === undefined ? 'No configuration' : `The configuration of ${gateway.id}`
    throw new AppError('not_found', `${where} has ${id === undefined ? 'a' : 'no'} version ${version}.`)
  }
  if (second) {
    const names = candidates.map(({ configuration }) => `${configuration.name} (${configuration.id})`).join(', ')
    throw new AppError(
      'unprocessable',
      `${gateway.id} has no configuration assigned and several have a version ${version}: ${names}. Name one in configuration_id.`,
    )
  }
  return release
}

async function sendBundle(
  { tx, actor, request, services }: Context,
  rolloutId: string,
  gateway: GatewayRow,
  { configuration, version }: Release,
): Promise<RolledOut> {
  const generation = gateway.desiredGeneration + 1
  const payload: BundlePayload = {
    format: 1,
    org_id: actor.orgId,
    gateway_id: gateway.id,
    generation,
    min_gateway_version: MIN_GATEWAY_VERSION,
    created_at: request.now.toISOString(),
    configuration: {
      id: configuration.id,
      name: configuration.name,
      version: version.version,
      sha256: version.sha256,
      yaml: version.yaml,
    },
  }
  const bytes = Buffer.from(JSON.stringify(payload))
  await tx.insert(bundles).values({
    orgId: actor.orgId,
    gatewayId: gateway.id,
    generation,
    rolloutId,
    configurationId: configuration.id,
    version: version.version,
    kid: services.signer.kid,
    payload: bytes.toString('base64'),
    signature: services.signer.sign(bytes),
  })
  await tx
    .update(gateways)
    .set({ configurationId: configuration.id, desiredVersion: version.version, desiredGeneration: generation })
    .where(and(eq(gateways.orgId, actor.orgId), eq(gateways.id, gateway.id)))
  await announce(tx, { orgId: actor.orgId, kind: 'bundle', gatewayId: gateway.id })
  return { gateway_id: gateway.id, generation, previous_version: gateway.desiredVersion }
}
