import { and, eq } from 'drizzle-orm'
import { sessions, users } from '@/drizzle/schema/members'
import { securitySettings } from '@/drizzle/schema/organizations'
import { tokenSecrets, tokens } from '@/drizzle/schema/tokens'
import { GATEWAY_RUNTIME_PERMISSIONS, type Permission, ROLES, type RoleId } from '@/lib/contract/permissions'
import { AppError } from '@/lib/errors'
import { hashToken, parseToken, type TokenKind } from '@/lib/tokens'
import type { Actor, RequestInfo, Services } from '../context'
import type { Transaction } from '../database'
import { bindTenant, presentSecret } from '../tenant'
import { memberActor } from './member-actor'

/** A token that has the right shape and checksum; whether it opens anything is the database's to say. */
export type PresentedToken = { kind: Exclude<TokenKind, 'gk'>; hash: string }

/** Refuses what cannot be a control-plane token before any query is made. Strangers all get the same answer. */
export function readBearer(authorization: string | null): PresentedToken {
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')
  const parsed = match?.[1] ? parseToken(match[1]) : null
  if (!match?.[1] || !parsed || parsed.kind === 'gk') throw strangers()
  return { kind: parsed.kind, hash: hashToken(match[1]) }
}

/** Turns a token into its actor and binds the transaction to the actor's organisation. */
export async function authenticate(
  tx: Transaction,
  services: Services,
  presented: PresentedToken,
  request: RequestInfo,
): Promise<Actor> {
  await presentSecret(tx, presented.hash)
  return presented.kind === 'st'
    ? fromSession(tx, presented.hash, request)
    : fromKey(tx, services, presented.hash, request)
}

async function fromKey(tx: Transaction, services: Services, hash: string, request: RequestInfo): Promise<Actor> {
  const [secret] = await tx.select().from(tokenSecrets).where(eq(tokenSecrets.hash, hash)).limit(1)
  if (!secret) throw strangers()
  await bindTenant(tx, secret.orgId)
  const [row] = await tx
    .select({ token: tokens, owner: { roleId: users.roleId, disabledAt: users.disabledAt } })
    .from(tokens)
    .leftJoin(users, and(eq(users.orgId, tokens.orgId), eq(users.id, tokens.ownerId)))
    .where(and(eq(tokens.orgId, secret.orgId), eq(tokens.id, secret.tokenId)))
  if (!row) throw strangers()
  const { token, owner } = row
  const now = request.now.toISOString()
  if (token.revokedAt) throw new AppError('token_revoked', 'This key was revoked.')
  if (token.expiresAt && token.expiresAt <= now) throw new AppError('token_expired', 'This key has expired.')
  if (secret.endsAt && secret.endsAt <= now) {
    throw new AppError('token_rotated_out', 'This secret was replaced by a rotation; use the new one.')
  }
  if (token.tokenType !== 'access') throw strangers()

  services.uses.record(token.orgId, token.id, secret.id, request.ip, now)
  return {
    type: 'token',
    id: token.id,
    name: token.name,
    email: null,
    orgId: token.orgId,
    permissions: keyPermissions(token, owner),
    roleId: token.roleId,
    scope: token.scope,
    teamId: token.teamId,
    gatewayId: token.gatewayId,
    memberId: token.ownerId,
    sessionId: null,
  }
}

/**
 * A key never allows more than the member behind it may do now: a demotion narrows the keys made before it, and a
 * disabled member's keys allow nothing. The keys of gateway processes go on, because they are not a person's.
 */
function keyPermissions(
  token: { purpose: string; roleId: RoleId | null; permissions: Permission[] },
  owner: { roleId: RoleId; disabledAt: string | null } | null,
): Set<Permission> {
  if (token.purpose === 'gateway_runtime') return new Set(GATEWAY_RUNTIME_PERMISSIONS)
  if (owner?.disabledAt) return new Set()
  const granted = new Set([...token.permissions, ...(token.roleId ? (ROLES[token.roleId]?.permissions ?? []) : [])])
  return owner ? granted.intersection(new Set(ROLES[owner.roleId]?.permissions ?? [])) : granted
}

async function fromSession(tx: Transaction, hash: string, request: RequestInfo): Promise<Actor> {
  const over = () => new AppError('session_expired', 'This session is over. Sign in again.')
  const [found] = await tx.select({ orgId: sessions.orgId }).from(sessions).where(eq(sessions.hash, hash)).limit(1)
  if (!found) throw over()
  await bindTenant(tx, found.orgId)
  const [row] = await tx
    .select({ session: sessions, user: users, idleMinutes: securitySettings.sessionIdleMinutes })
    .from(sessions)
    .innerJoin(users, and(eq(users.orgId, sessions.orgId), eq(users.id, sessions.userId)))
    .innerJoin(securitySettings, eq(securitySettings.orgId, sessions.orgId))
    .where(and(eq(sessions.orgId, found.orgId), eq(sessions.hash, hash)))
  if (!row || row.session.revokedAt || row.user.disabledAt) throw over()
  const { session, user, idleMinutes } = row
  const now = request.now
  const idleSinceMs = now.getTime() - Date.parse(session.lastSeenAt)
  if (session.absoluteExpiresAt <= now.toISOString() || idleSinceMs > idleMinutes * 60_000) throw over()
  if (idleSinceMs > SEEN_GRANULARITY_MS) {
    const mine = and(eq(sessions.orgId, session.orgId), eq(sessions.id, session.id))
    await tx.update(sessions).set({ lastSeenAt: now.toISOString() }).where(mine)
  }
  return memberActor(user, session.id)
}

const SEEN_GRANULARITY_MS = 30_000

const strangers = () => new AppError('token_invalid', 'Send a valid access key as a bearer token.')
