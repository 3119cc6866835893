import { hash } from 'node:crypto'
import { and, eq, sql } from 'drizzle-orm'
import { configurations, configurationVersions } from '@/drizzle/schema/configurations'
import { gateways } from '@/drizzle/schema/gateways'
import type { Configuration, ConfigurationVersion, configurations as contract } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { lintPolicyConfig } from '@/lib/policy/config'
import type { PolicyConfig } from '@/lib/policy/config/schema'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import { etagOf, namesEtag } from '../etag'
import type { Input } from '../routes'
import { type ConfigurationRow, findConfiguration, findVersion, getConfiguration, seenOf, toVersions } from './queries'
import { lockGateways } from './rollout/commands'

export async function createConfiguration(
  ctx: Context,
  { name, yaml, note }: Input<typeof contract.create>,
): Promise<Configuration> {
  const { version } = checked(yaml).pack
  const id = newId('cfg')
  const [added] = await ctx.tx
    .insert(configurations)
    .values({ orgId: ctx.actor.orgId, id, name, latestVersion: version })
    .onConflictDoNothing()
    .returning()
  if (!added) throw new AppError('name_taken', `There is a configuration named "${name}" already.`)
  const { sha256 } = await insertVersion(ctx, id, version, yaml, note)
  await appendAudit(ctx, {
    action: 'configuration.created',
    target: { type: 'configuration', id, name },
    after: { version, sha256, note: note ?? null },
  })
  return getConfiguration(ctx, { id })
}

/** Saving the newest text again under its version changes nothing, so a lost answer can be asked for again. */
export async function createVersion(
  ctx: Context,
  { id, yaml, note, expected_latest_version: expected }: Input<typeof contract.createVersion>,
): Promise<ConfigurationVersion> {
  const { version } = checked(yaml).pack
  const configuration = await lockConfiguration(ctx, id)
  const existing = await findVersion(ctx, id, version)
  if (existing && existing.yaml === yaml) return shown(ctx, existing)
  const { ifMatch } = ctx.request
  const isSeen =
    ifMatch === null || namesEtag(ifMatch, etagOf(seenOf({ id, latest_version: configuration.latestVersion })))
  if (!isSeen)
    throw new AppError('precondition_failed', 'The configuration has changed since the answer with this ETag.')
  if (expected !== undefined && expected !== configuration.latestVersion) {
    throw new AppError('precondition_failed', `The newest version is ${configuration.latestVersion}, not ${expected}.`)
  }
  if (existing) {
    throw new AppError('conflict', `Version ${version} exists with another content. Raise pack.version.`)
  }
  const row = await insertVersion(ctx, id, version, yaml, note)
  await ctx.tx
    .update(configurations)
    .set({ latestVersion: version, updatedAt: sql`now()` })
    .where(and(eq(configurations.orgId, ctx.actor.orgId), eq(configurations.id, id)))
  await appendAudit(ctx, {
    action: 'configuration.version_created',
    target: { type: 'configuration', id, name: configuration.name },
    before: { version: configuration.latestVersion },
    after: { version, sha256: row.sha256, note: note ?? null },
  })
  return shown(ctx, row)
}

/** Gateways go on running what they were last told to; a rollout of this configuration changes that. */
export async function assignConfiguration(
  ctx: Context,
  { id, gateway_ids }: Input<typeof contract.assign>,
): Promise<Configuration> {
  const { tx, actor } = ctx
  const configuration = await findConfiguration(ctx, id)
  const others = (await lockGateways(ctx, gateway_ids)).filter(({ configurationId }) => configurationId !== id)
  for (const gateway of others) {
    await tx
      .update(gateways)
      .set({ configurationId: id })
      .where(and(eq(gateways.orgId, actor.orgId), eq(gateways.id, gateway.id)))
  }
  if (others.length > 0) {
    await appendAudit(ctx, {
      action: 'configuration.assigned',
      target: { type: 'configuration', id, name: configuration.name },
      before: { gateways: others.map((gateway) => ({ id: gateway.id, configuration_id: gateway.configurationId })) },
      after: { gateways: others.map((gateway) => ({ id: gateway.id, configuration_id: id })) },
    })
  }
  return getConfiguration(ctx, { id })
}

/** @throws AppError `invalid_configuration` with every error and where it is */
function checked(yaml: string): PolicyConfig {
  const { config, diagnostics } = lintPolicyConfig(yaml)
  if (config) return config
  const errors = diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ path, line, column, code, message, suggestion }) => ({
      path,
      message: `${line}:${column} ${code} ${message}${suggestion ? ` Did you mean "${suggestion}"?` : ''}`,
    }))
  const detail = errors
    .map(({ message }) => message)
    .join('; ')
    .slice(0, 2_000)
  throw new AppError('invalid_configuration', detail, { errors: errors.slice(0, 50) })
}

async function lockConfiguration(ctx: Context, id: string): Promise<ConfigurationRow> {
  await ctx.tx
    .select({ id: configurations.id })
    .from(configurations)
    .where(and(eq(configurations.orgId, ctx.actor.orgId), eq(configurations.id, id)))
    .for('update')
  return findConfiguration(ctx, id)
}

async function insertVersion({ tx, actor }: Context, id: string, version: string, yaml: string, note?: string) {
  const [row] = await tx
    .insert(configurationVersions)
    .values({
      orgId: actor.orgId,
      id: newId('cfv'),
      configurationId: id,
      version,
      yaml,
      sha256: hash('sha256', yaml, 'hex'),
      note: note ?? null,
      createdById: actor.id,
      createdByName: actor.name,
    })
    .returning()
  if (!row) throw new Error('A version was not stored.')
  return row
}

async function shown(ctx: Context, row: typeof configurationVersions.$inferSelect): Promise<ConfigurationVersion> {
  const [version] = await toVersions(ctx, [row])
  if (!version) throw new Error('A version was not found again.')
  return version
}
