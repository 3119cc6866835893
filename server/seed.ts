import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { and, eq, isNull } from 'drizzle-orm'
import { authenticated, readBearer } from '@/control-plane/auth/authenticate'
import { createConfiguration } from '@/control-plane/configurations/commands'
import { rollOut } from '@/control-plane/configurations/rollout/commands'
import type { Context, Services } from '@/control-plane/context'
import { registerGateway } from '@/control-plane/gateways/commands'
import { ensureInstallation, findInstallation } from '@/control-plane/installation/commands'
import { securityOf } from '@/control-plane/settings/queries'
import { asSystem, systemRequest } from '@/control-plane/system'
import { createToken, revokeToken } from '@/control-plane/tokens/commands'
import { gateways } from '@/drizzle/schema/gateways'
import { tokens } from '@/drizzle/schema/tokens'
import { AppError } from '@/lib/errors'
import { FIRST_START_FILE, FirstStart, GATEWAY_ID, GATEWAY_TOKEN_FILE } from './first-start'
import { readSecret, writeSecret } from './secret-file'
import { StartError } from './start-error'
import { STARTER_VERSION, starterConfiguration } from './starter-configuration'

const RUNTIME_KEY_NAME = `Gateway ${GATEWAY_ID}`
const PASSWORD_LENGTH_MIN = 12
/** The longest life of a key that must have an end and has no other bound. */
const LIFETIME_DAYS_DEFAULT = 365

type SeedOptions = { dataDirectory: string; env: NodeJS.ProcessEnv }

/**
 * Makes what a fresh installation needs to be tried: organisation and owner, a starter configuration, a gateway that runs
 * it, the key of that gateway's process, and one key for callers. Finds all of it made the next time.
 *
 * Secrets are on the disk before the change that makes them valid: a start that is cut off loses none.
 */
export async function seed(services: Services, options: SeedOptions): Promise<void> {
  const { dataDirectory, env } = options
  const orgId = (await findInstallation(services)) ?? (await makeInstallation(services, options))
  await asSystem(services, orgId, async (ctx) => {
    if (await isSeeded(ctx)) return
    const { id } = await createConfiguration(ctx, {
      name: 'starter',
      yaml: starterConfiguration(env),
      note: 'Made by the first start.',
    })
    await registerGateway(ctx, { id: GATEWAY_ID, name: 'Local', configuration_id: id })
    await rollOut(ctx, { gateway_ids: [GATEWAY_ID], version: STARTER_VERSION, configuration_id: id })
    const { key } = await createToken(ctx, { name: 'Getting started', token_type: 'gateway', scope: 'team' })
    const first = await readFirstStart(dataDirectory)
    if (first) await saveFirstStart(dataDirectory, { ...first, gateway_key: key })
  })
  await ensureRuntimeKey(services, orgId, join(dataDirectory, GATEWAY_TOKEN_FILE))
}

async function makeInstallation(services: Services, { dataDirectory, env }: SeedOptions): Promise<string> {
  const email = env.KEEPTRUSTS_ADMIN_EMAIL || 'admin@localhost'
  const chosen = env.KEEPTRUSTS_ADMIN_PASSWORD
  if (chosen && chosen.length < PASSWORD_LENGTH_MIN) {
    throw new StartError(`KEEPTRUSTS_ADMIN_PASSWORD must have at least ${PASSWORD_LENGTH_MIN} characters.`)
  }
  const password =
    chosen || (await readFirstStart(dataDirectory))?.admin_password || randomBytes(15).toString('base64url')
  await saveFirstStart(dataDirectory, { admin_email: email, admin_password: chosen ? undefined : password })
  const { orgId } = await ensureInstallation(services, { adminEmail: email, adminPassword: password })
  return orgId
}

async function isSeeded({ tx, actor }: Context): Promise<boolean> {
  const [known] = await tx
    .select({ id: gateways.id })
    .from(gateways)
    .where(and(eq(gateways.orgId, actor.orgId), eq(gateways.id, GATEWAY_ID)))
  return known !== undefined
}

/** The gateway's own key, in a file: replaced when it opens nothing any more, or is another database's. */
async function ensureRuntimeKey(services: Services, orgId: string, path: string): Promise<void> {
  const found = await readSecret(path)
  if (found && (await opens(services, found, orgId))) return
  await asSystem(services, orgId, async (ctx) => {
    const lost = await ctx.tx
      .select({ id: tokens.id })
      .from(tokens)
      .where(and(eq(tokens.orgId, orgId), eq(tokens.name, RUNTIME_KEY_NAME), isNull(tokens.revokedAt)))
    for (const { id } of lost) await revokeToken(ctx, { id, reason: 'Its secret was lost; the start makes a new one.' })
    const { key } = await createToken(ctx, {
      name: RUNTIME_KEY_NAME,
      token_type: 'access',
      purpose: 'gateway_runtime',
      scope: 'org',
      gateway_id: GATEWAY_ID,
      expires_at: await latestExpiry(ctx),
    })
    await writeSecret(path, key)
  })
}

async function opens(services: Services, token: string, orgId: string): Promise<boolean> {
  try {
    const presented = readBearer(`Bearer ${token}`)
    const actor = await authenticated(services, presented, systemRequest(), async (_, actor) => actor)
    return actor.orgId === orgId && actor.gatewayId === GATEWAY_ID
  } catch (error) {
    if (error instanceof AppError && error.status === 401) return false
    throw error
  }
}

/** As late as the organisation's settings allow; null when a key may live for ever. */
async function latestExpiry({ tx, actor, request }: Context): Promise<string | null> {
  const { key_lifetime_days_max: daysMax, key_expiry_required: isRequired } = await securityOf(tx, actor.orgId)
  if (daysMax === null && !isRequired) return null
  return new Date(request.now.getTime() + (daysMax ?? LIFETIME_DAYS_DEFAULT) * 86_400_000).toISOString()
}

async function readFirstStart(dataDirectory: string): Promise<FirstStart | undefined> {
  const text = await readSecret(join(dataDirectory, FIRST_START_FILE))
  return text === undefined ? undefined : FirstStart.parse(JSON.parse(text))
}

const saveFirstStart = (dataDirectory: string, first: FirstStart) =>
  writeSecret(join(dataDirectory, FIRST_START_FILE), JSON.stringify(first))
