import { and, eq } from 'drizzle-orm'
import { instantOf } from '@/drizzle/columns'
import { sessions } from '@/drizzle/schema/members'
import { GATEWAY_RUNTIME_PERMISSIONS, type Permission, ROLES } from '@/lib/contract/permissions'
import { AppError } from '@/lib/errors'
import { hashToken, parseToken, type TokenKind } from '@/lib/tokens'
import type { Actor, RequestInfo, Services } from '../context'
import type { Transaction } from '../database'
import { memberActor } from './member-actor'
import { type PresentedKey, type PresentedSession, presentKey, presentSession } from './present-secret'

/** A token that has the right shape and checksum; whether it opens anything is the database's to say. */
export type PresentedToken = { kind: Exclude<TokenKind, 'gk'>; hash: string }

/** Refuses what cannot be a control-plane token before any query is made. Strangers all get the same answer. */
export function readBearer(authorization: string | null): PresentedToken {
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')
  const parsed = match?.[1] ? parseToken(match[1]) : null
  if (!match?.[1] || !parsed || parsed.kind === 'gk') throw strangers()
  return { kind: parsed.kind, hash: hashToken(match[1]) }
}

/** Turns a token into its actor and works in a transaction that is bound to the actor's organisation. */
export function authenticated<T>(
  services: Services,
  { kind, hash }: PresentedToken,
  request: RequestInfo,
  work: (tx: Transaction, actor: Actor) => Promise<T>,
): Promise<T> {
  const { db } = services
  return kind === 'st'
    ? db.begunWith<PresentedSession, T>(presentSession(hash), async (tx, [session]) =>
        work(tx, await fromSession(tx, session, request)),
      )
    : db.begunWith<PresentedKey, T>(presentKey(hash), (tx, [key]) => work(tx, fromKey(services, key, request)))
}

function fromKey(services: Services, key: PresentedKey | undefined, request: RequestInfo): Actor {
  if (!key) throw strangers()
  const now = request.now.toISOString()
  if (key.revoked_at !== null) throw new AppError('token_revoked', 'This key was revoked.')
  if (isOver(key.expires_at, now)) throw new AppError('token_expired', 'This key has expired.')
  if (isOver(key.secret_ends_at, now)) {
    throw new AppError('token_rotated_out', 'This secret was replaced by a rotation; use the new one.')
  }
  if (key.token_type !== 'access') throw strangers()

  services.uses.record(key.org_id, key.id, key.secret_id, request.ip, now)
  return {
    type: 'token',
    id: key.id,
    name: key.name,
    email: null,
    orgId: key.org_id,
    permissions: keyPermissions(key),
    roleId: key.role_id,
    scope: key.scope,
    teamId: key.team_id,
    gatewayId: key.gateway_id,
    memberId: key.owner_id,
    sessionId: null,
  }
}

const isOver = (end: string | null, now: string): boolean => end !== null && instantOf(end) <= now

/**
 * A key never allows more than the member behind it may do now: a demotion narrows the keys made before it, and a
 * disabled member's keys allow nothing. The keys of gateway processes go on, because they are not a person's.
 */
function keyPermissions({ purpose, permissions, role_id, owner_role_id, owner_disabled_at }: PresentedKey) {
  if (purpose === 'gateway_runtime') return new Set(GATEWAY_RUNTIME_PERMISSIONS)
  if (owner_disabled_at !== null) return new Set<Permission>()
  const granted = new Set([...permissions, ...(role_id ? (ROLES[role_id]?.permissions ?? []) : [])])
  return owner_role_id ? granted.intersection(new Set(ROLES[owner_role_id]?.permissions ?? [])) : granted
}

async function fromSession(
  tx: Transaction,
  session: PresentedSession | undefined,
  request: RequestInfo,
): Promise<Actor> {
  const over = () => new AppError('session_expired', 'This session is over. Sign in again.')
  if (!session || session.revoked_at !== null || session.disabled_at !== null) throw over()
  const { now } = request
  const idleSinceMs = now.getTime() - Date.parse(instantOf(session.last_seen_at))
  if (isOver(session.absolute_expires_at, now.toISOString()) || idleSinceMs > session.idle_minutes * 60_000) {
    throw over()
  }
  if (idleSinceMs > SEEN_GRANULARITY_MS) {
    const mine = and(eq(sessions.orgId, session.org_id), eq(sessions.id, session.session_id))
    await tx.update(sessions).set({ lastSeenAt: now.toISOString() }).where(mine)
  }
  const { id, email, name, org_id, role_id, team_id } = session
  return memberActor({ id, email, name, orgId: org_id, roleId: role_id, teamId: team_id }, session.session_id)
}

const SEEN_GRANULARITY_MS = 30_000

const strangers = () => new AppError('token_invalid', 'Send a valid access key as a bearer token.')
