import { hash } from 'node:crypto'
import { and, asc, eq, lt, sql } from 'drizzle-orm'
import { sessions, usedIdTokens, users } from '@/drizzle/schema/members'
import { installation } from '@/drizzle/schema/organizations'
import type { RoleId } from '@/lib/contract/permissions'
import type { sessions as contract } from '@/lib/contract/sessions'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { createToken, hashToken } from '@/lib/tokens'
import { appendAudit } from '../audit/append'
import { memberActor } from '../auth/member-actor'
import { type IdentityClaims, verifyIdToken } from '../auth/oidc'
import { verifyPassword } from '../auth/password'
import { countAttempt } from '../auth/sign-in-throttle'
import type { Context, OidcSettings, PublicContext } from '../context'
import type { Transaction } from '../database'
import type { Input } from '../routes'
import { securityOf } from '../settings/queries'
import { bindTenant, presentEmail } from '../tenant'
import { toSession } from './queries'

type UserRow = typeof users.$inferSelect

/** A stranger learns nothing: an unknown address, a wrong password and a disabled member look and take the same. */
const signInFailed = (cause?: unknown) =>
  new AppError('sign_in_failed', 'E-mail address or password is not right.', { cause })

export async function signIn(ctx: PublicContext, input: Input<typeof contract.create>) {
  const { services, request } = ctx
  const email = input.email.toLowerCase()
  const takeBack = await countAttempt(services.db, email, request.ip, request.now)
  const found = await services.db.transaction((tx) => findByEmail(tx, email))
  // No transaction is open here: hashing takes long, and others need the connection.
  const isRight = await verifyPassword(input.password, found?.disabledAt ? null : (found?.passwordHash ?? null))
  if (!found || !isRight) throw signInFailed()
  const answer = await services.db.transaction(async (tx) => {
    await bindTenant(tx, found.orgId)
    const [user] = await tx
      .select()
      .from(users)
      .where(and(eq(users.orgId, found.orgId), eq(users.id, found.id)))
    if (!user || user.disabledAt || user.passwordHash !== found.passwordHash) throw signInFailed()
    return openSession(tx, ctx, user, 'password')
  })
  await takeBack()
  return answer
}

/** An ID token of the configured provider opens one session. Whoever comes for the first time becomes a member. */
export async function signInWithOidc(ctx: PublicContext, input: Input<typeof contract.createFromOidc>) {
  const { services, request } = ctx
  if (!services.oidc) throw new AppError('not_found', 'No OpenID provider is configured here.')
  const { oidc } = services
  const takeBack = await countAttempt(services.db, null, request.ip, request.now)
  const answer = await exchangeIdToken(ctx, oidc, input.id_token).catch(async (thrown: unknown) => {
    const isTheirs = thrown instanceof AppError && thrown.code === 'sign_in_failed'
    if (!isTheirs) await takeBack()
    throw thrown
  })
  await takeBack()
  return answer
}

async function exchangeIdToken(ctx: PublicContext, oidc: OidcSettings, idToken: string) {
  const { services, request } = ctx
  const claims = await verifyIdToken(oidc, idToken, request.now)
  return services.db.transaction(async (tx) => {
    await useOnce(tx, idToken, claims, request.now)
    const found = await findByEmail(tx, claims.email)
    if (found?.disabledAt) throw signInFailed('disabled')
    const user = found ?? (await addMember(tx, ctx, claims, oidc.defaultRole))
    await bindTenant(tx, user.orgId)
    return openSession(tx, ctx, user, 'oidc')
  })
}

/** Ends one's own session; `current` is the one that asks. Ending it again changes nothing. */
export async function revokeSession(ctx: Context, { id }: Input<typeof contract.revoke>) {
  const { tx, actor, request } = ctx
  const wanted = id === 'current' ? actor.sessionId : id
  const mine = and(eq(sessions.orgId, actor.orgId), eq(sessions.userId, actor.id), eq(sessions.id, wanted ?? ''))
  const [session] = await tx.select().from(sessions).where(mine).for('update')
  if (!session) throw new AppError('not_found', 'There is no such session of yours.')
  if (!session.revokedAt) {
    await tx.update(sessions).set({ revokedAt: request.now.toISOString() }).where(mine)
    await appendAudit(ctx, { action: 'session.revoked', target: { type: 'session', id: session.id } })
  }
  return { revoked: true as const }
}

/** The member with this address in the oldest organisation that has one; those who can sign in come first. */
async function findByEmail(tx: Transaction, email: string): Promise<UserRow | undefined> {
  await presentEmail(tx, email)
  const [user] = await tx
    .select()
    .from(users)
    .where(eq(users.email, email))
    .orderBy(sql`${users.disabledAt} is not null`, asc(users.id))
    .limit(1)
  return user
}

/** A new token at each sign-in, so nobody can prepare one for somebody else. */
async function openSession(tx: Transaction, ctx: PublicContext, user: UserRow, method: 'password' | 'oidc') {
  const { request } = ctx
  const settings = await securityOf(tx, user.orgId)
  const token = createToken('st')
  const now = request.now.toISOString()
  const absoluteMs = request.now.getTime() + settings.session_absolute_hours * 3_600_000
  const [session] = await tx
    .insert(sessions)
    .values({
      orgId: user.orgId,
      id: newId('ses'),
      userId: user.id,
      hash: hashToken(token),
      method,
      createdAt: now,
      lastSeenAt: now,
      absoluteExpiresAt: new Date(absoluteMs).toISOString(),
      ip: request.ip,
      userAgent: request.userAgent,
    })
    .returning()
  if (!session) throw new Error('A session was not stored.')
  const me = and(eq(users.orgId, user.orgId), eq(users.id, user.id))
  await tx.update(users).set({ lastSignInAt: now }).where(me)
  const actor = memberActor(user, session.id)
  await appendAudit(
    { tx, actor, request },
    { action: 'session.created', target: { type: 'session', id: session.id }, after: { method } },
  )
  return {
    session_token: token,
    session: toSession(session, settings.session_idle_minutes, session.id),
    user: { id: user.id, email: user.email, name: user.name, role_id: user.roleId },
  }
}

/** Single use (OpenID Connect Core 1.0 leaves replay to us): the second to present an ID token is refused. */
async function useOnce(tx: Transaction, idToken: string, { expiresAt }: IdentityClaims, now: Date): Promise<void> {
  await tx.delete(usedIdTokens).where(lt(usedIdTokens.expiresAt, now.toISOString()))
  const [first] = await tx
    .insert(usedIdTokens)
    .values({ hash: hash('sha256', idToken, 'hex'), expiresAt: expiresAt.toISOString() })
    .onConflictDoNothing()
    .returning()
  if (!first) throw new AppError('sign_in_failed', 'This ID token was used before. Sign in again.')
}

async function addMember(tx: Transaction, { request }: PublicContext, { email, name }: IdentityClaims, roleId: RoleId) {
  const [home] = await tx.select({ orgId: installation.defaultOrganization }).from(installation)
  if (!home) throw signInFailed('no organisation takes new members')
  await bindTenant(tx, home.orgId)
  const [user] = await tx
    .insert(users)
    .values({ orgId: home.orgId, id: newId('usr'), email, name, roleId })
    .onConflictDoNothing()
    .returning()
  if (!user) throw new AppError('conflict', 'This member is being added by another sign-in. Try again.')
  await appendAudit(
    { tx, actor: memberActor(user, null), request },
    {
      action: 'member.created',
      target: { type: 'member', id: user.id, name: user.name },
      after: { email, role_id: roleId, method: 'oidc' },
    },
  )
  return user
}
