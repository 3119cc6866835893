import { and, eq, isNull, sql } from 'drizzle-orm'
import { gateways } from '@/drizzle/schema/gateways'
import { orgCounters } from '@/drizzle/schema/organizations'
import { tokenSecrets, tokens } from '@/drizzle/schema/tokens'
import type { tokens as contract, Token } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { createToken as createSecret, displayParts, hashToken } from '@/lib/tokens'
import { appendAudit } from '../audit/append'
import { changesBetween } from '../audit/changes'
import type { Context } from '../context'
import { toInstant } from '../instant'
import { defaultTeamId, teamExists } from '../organization/queries'
import { announce } from '../push'
import type { Input } from '../routes'
import { securityOf } from '../settings/queries'
import { purposeOf, refuseField } from './draft'
import { assertMayGrant, assertMayManage, defaultPermissions, RUNTIME_PERMISSIONS } from './grants'
import { assertLifetime } from './key-policy'
import { findToken, isNameTaken, liveSecrets, statusOf, type TokenRow, viewOf } from './queries'

export type WithKey = { key: string; token: Token }

/** Live keys of one organisation: gateways hold all gateway keys in memory and fetch them whole when they start. */
const KEYS_MAX = 10_000

/** Makes a key. Its secret is in the answer and nowhere else. */
export async function createToken(ctx: Context, input: Input<typeof contract.create>): Promise<WithKey> {
  const { tx, actor, request } = ctx
  const purpose = purposeOf(input)
  const grant = {
    tokenType: input.token_type,
    purpose,
    roleId: input.role_id ?? null,
    permissions: permissionsFor(ctx, input, purpose),
  }
  assertMayGrant(actor, grant)
  if (input.gateway_id) await assertGateway(ctx, input.gateway_id)

  await lockKeys(ctx)
  // Teams are deleted under the same lock: one that is there now has this key from now on.
  const teamId = await teamFor(ctx, input)
  await assertRoomForKey(ctx)
  const expiresAt = instantOf(input.expires_at)
  assertLifetime(await securityOf(tx, actor.orgId), { expiresAt, bornAt: request.now, now: request.now })
  await assertNameFree(ctx, input.name)

  const id = newId('tok')
  await tx.insert(tokens).values({
    ...grant,
    orgId: actor.orgId,
    id,
    name: input.name,
    scope: input.scope,
    teamId,
    allowedModels: input.allowed_models ?? null,
    allowedProviders: input.allowed_providers ?? null,
    agentId: input.agent_id ?? null,
    gatewayId: input.gateway_id ?? null,
    label: input.label ?? null,
    createdById: actor.id,
    createdByName: actor.name,
    ownerId: actor.memberId,
    expiresAt,
    revision: 0,
  })
  const key = await addSecret(ctx, { id, tokenType: input.token_type, label: input.label ?? null })
  const token = await changed(ctx, await findToken(ctx, id))
  await appendAudit(ctx, { action: 'token.created', target: targetOf(token), after: settingsOf(token) })
  return { key, token }
}

export async function updateToken(ctx: Context, input: Input<typeof contract.update>): Promise<Token> {
  const { tx, actor, request } = ctx
  await lockKeys(ctx)
  const row = await findToken(ctx, input.id)
  assertMayManage(actor, row)
  assertAlive(row, request.now)
  if (row.tokenType === 'access') {
    if (input.allowed_models) throw refuseField('allowed_models', 'belongs to gateway keys only')
    if (input.allowed_providers) throw refuseField('allowed_providers', 'belongs to gateway keys only')
  }
  if (input.name !== undefined) await assertNameFree(ctx, input.name, row.id)
  const expiresAt = input.expires_at === undefined ? row.expiresAt : instantOf(input.expires_at)
  if (input.expires_at !== undefined) await assertNewExpiry(ctx, row, expiresAt)

  const before = await viewOf(ctx, row)
  await tx
    .update(tokens)
    .set({
      name: input.name ?? row.name,
      allowedModels: input.allowed_models === undefined ? row.allowedModels : input.allowed_models,
      allowedProviders: input.allowed_providers === undefined ? row.allowedProviders : input.allowed_providers,
      expiresAt,
    })
    .where(and(eq(tokens.orgId, actor.orgId), eq(tokens.id, row.id)))
  const after = await findToken(ctx, row.id)
  const changes = changesBetween(settingsOf(before), settingsOf(await viewOf(ctx, after)))
  if (!changes) return before
  await endSecretsWith(ctx, after)
  const token = await changed(ctx, after)
  await appendAudit(ctx, { action: 'token.updated', target: targetOf(token), ...changes })
  return token
}

/** Revoking what is revoked changes nothing. */
export async function revokeToken(ctx: Context, { id, reason }: Input<typeof contract.revoke>): Promise<Token> {
  const { tx, actor, request } = ctx
  await lockKeys(ctx)
  const row = await findToken(ctx, id)
  assertMayManage(actor, row)
  if (row.revokedAt) return viewOf(ctx, row)
  const before = statusOf(row, request.now)
  await tx
    .update(tokens)
    .set({ revokedAt: request.now.toISOString() })
    .where(and(eq(tokens.orgId, actor.orgId), eq(tokens.id, id)))
  const token = await changed(ctx, await findToken(ctx, id))
  await appendAudit(ctx, {
    action: 'token.revoked',
    target: targetOf(token),
    before: { status: before },
    after: { status: 'revoked', ...(reason === undefined ? {} : { reason }) },
  })
  return token
}

/** Puts all changes of keys of one organisation in order. Taken before any key is read that is to be changed. */
export const lockKeys = ({ tx, actor }: Context) =>
  tx.select().from(orgCounters).where(eq(orgCounters.orgId, actor.orgId)).for('update')

/** Gateways are told of every change of a key that opens them. */
export async function changed(ctx: Context, row: TokenRow): Promise<Token> {
  const { tx, actor } = ctx
  if (row.tokenType === 'gateway') {
    const [counter] = await tx
      .update(orgCounters)
      .set({ keysRevision: sql`${orgCounters.keysRevision} + 1` })
      .where(eq(orgCounters.orgId, actor.orgId))
      .returning({ revision: orgCounters.keysRevision })
    if (!counter) throw new Error(`Organisation ${actor.orgId} has no counters.`)
    const mine = and(eq(tokens.orgId, actor.orgId), eq(tokens.id, row.id))
    await tx.update(tokens).set({ revision: counter.revision }).where(mine)
    await announce(tx, { orgId: actor.orgId, kind: 'key', tokenId: row.id })
  }
  return viewOf(ctx, row)
}

export async function addSecret(
  { tx, actor }: Context,
  { id, tokenType, label }: Pick<TokenRow, 'id' | 'tokenType' | 'label'>,
): Promise<string> {
  const key = createSecret(tokenType === 'access' ? 'ak' : 'gk', label ?? undefined)
  await tx.insert(tokenSecrets).values({
    orgId: actor.orgId,
    id: newId('sec'),
    tokenId: id,
    hash: hashToken(key),
    ...displayParts(key),
  })
  return key
}

export const endSecret = ({ tx, actor }: Context, id: string, endsAt: string) =>
  tx
    .update(tokenSecrets)
    .set({ endsAt })
    .where(and(eq(tokenSecrets.orgId, actor.orgId), eq(tokenSecrets.id, id)))

/** A secret in grace never outlives its key. */
async function endSecretsWith(ctx: Context, { id, expiresAt }: TokenRow): Promise<void> {
  const { previous } = await liveSecrets(ctx, id)
  if (previous?.endsAt && expiresAt && expiresAt < previous.endsAt) await endSecret(ctx, previous.id, expiresAt)
}

function permissionsFor({ actor }: Context, input: Input<typeof contract.create>, purpose: string) {
  if (input.token_type === 'gateway') return []
  if (purpose === 'gateway_runtime') return RUNTIME_PERMISSIONS
  return [...new Set(input.permissions ?? (input.role_id ? [] : defaultPermissions(actor)))]
}

/** Scope `team` without a team means one's own, or the organisation's first. */
async function teamFor(ctx: Context, { scope, team_id }: Input<typeof contract.create>): Promise<string | null> {
  const { actor } = ctx
  if (actor.scope === 'team') {
    const isOwn = scope === 'team' && (team_id === undefined || team_id === actor.teamId)
    if (!isOwn)
      throw new AppError('forbidden', 'You are limited to your team: make keys with scope team, for that team.')
    if (actor.teamId === null || !(await teamExists(ctx, actor.teamId))) {
      throw new AppError('forbidden', 'The team that you are limited to is gone.')
    }
    return actor.teamId
  }
  if (scope === 'org') return null
  if (team_id === undefined) {
    const own = actor.teamId ?? (await defaultTeamId(ctx))
    if (own === undefined) throw refuseField('team_id', 'there is no team; make one first')
    return own
  }
  if (!(await teamExists(ctx, team_id))) throw refuseField('team_id', 'there is no such team')
  return team_id
}

async function assertGateway({ tx, actor }: Context, id: string): Promise<void> {
  const [known] = await tx
    .select({ id: gateways.id })
    .from(gateways)
    .where(and(eq(gateways.orgId, actor.orgId), eq(gateways.id, id)))
  if (!known) throw refuseField('gateway_id', 'there is no such gateway; register it first')
}

async function assertRoomForKey({ tx, actor }: Context): Promise<void> {
  const live = and(eq(tokens.orgId, actor.orgId), isNull(tokens.revokedAt))
  if ((await tx.$count(tokens, live)) < KEYS_MAX) return
  throw new AppError('unprocessable', `An organisation may have ${KEYS_MAX} keys that are not revoked.`)
}

async function assertNameFree(ctx: Context, name: string, except?: string): Promise<void> {
  if (!(await isNameTaken(ctx, name, except))) return
  throw new AppError('name_taken', `Another live key is called ${JSON.stringify(name)}.`, {
    errors: [{ path: 'name', message: 'is taken by a live key, and free again once that is revoked' }],
  })
}

export function assertAlive(row: TokenRow, now: Date): void {
  const status = statusOf(row, now)
  if (status === 'revoked') throw new AppError('conflict', 'This key is revoked and stays so. Create another one.')
  if (status === 'expired') throw new AppError('conflict', 'This key has expired and stays so. Create another one.')
}

/** A key may end earlier than planned; to let it live longer takes the right to change the rules. */
async function assertNewExpiry(ctx: Context, row: TokenRow, expiresAt: string | null): Promise<void> {
  const { actor, request, tx } = ctx
  const isLater = row.expiresAt !== null && (expiresAt === null || expiresAt > row.expiresAt)
  if (isLater && !actor.permissions.has('settings:write')) {
    throw new AppError(
      'forbidden',
      'A key can only end earlier; to let it live longer needs the permission settings:write.',
    )
  }
  const { current } = await liveSecrets(ctx, row.id)
  const settings = await securityOf(tx, actor.orgId)
  assertLifetime(settings, { expiresAt, bornAt: new Date(current.createdAt), now: request.now })
}

const instantOf = (text: string | null | undefined) => (text ? toInstant(Date.parse(text)) : null)

export const targetOf = ({ id, name }: Token) => ({ type: 'token', id, name })

/** What a person decided about a key. */
const settingsOf = (token: Token) => ({
  name: token.name,
  token_type: token.token_type,
  purpose: token.purpose,
  scope: token.scope,
  role_id: token.role_id,
  permissions: token.permissions,
  allowed_models: token.allowed_models,
  allowed_providers: token.allowed_providers,
  team_id: token.team_id,
  agent_id: token.agent_id,
  gateway_id: token.gateway_id,
  expires_at: token.expires_at,
})
