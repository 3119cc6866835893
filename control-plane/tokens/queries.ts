import { and, asc, desc, eq, gt, ilike, inArray, isNotNull, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { tokenSecrets, tokens } from '@/drizzle/schema/tokens'
import type { GatewayKey } from '@/lib/contract/gateways'
import { toPage } from '@/lib/contract/page'
import { type tokens as contract, TOKEN_EXPIRING_DAYS, type Token } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import type { Context } from '../context'
import { cursorsOf } from '../cursor'
import type { Transaction } from '../database'
import type { Input } from '../routes'

export type TokenRow = typeof tokens.$inferSelect
export type SecretRow = typeof tokenSecrets.$inferSelect

/** How long a gateway still knows why a key is dead, so that its holder is told. */
const DEAD_KEPT_DAYS = 30

const Position = z.tuple([z.string().max(64)])

/** Newest first; ids sort by creation, so the id alone is the position. */
export async function listTokens(ctx: Context, input: Input<typeof contract.list>) {
  const { type, status, q, name, facet, limit } = input
  const cursors = cursorsOf(ctx, 'tokens.list', input)
  const [after] = cursors.decode(Position) ?? []
  const now = ctx.request.now
  const rows = await ctx.tx
    .select()
    .from(tokens)
    .where(
      and(
        visibleTo(ctx),
        type && eq(tokens.tokenType, type),
        status && hasStatus(status, now),
        q ? ilike(tokens.name, `%${q.replace(/[\\%_]/g, '\\$&')}%`) : undefined,
        name === undefined ? undefined : eq(tokens.name, name),
        facet && FACETS[facet],
        after === undefined ? undefined : lt(tokens.id, after),
      ),
    )
    .orderBy(desc(tokens.id))
    .limit(limit + 1)
  const page = toPage(rows, limit, ({ id }) => cursors.encode([id]))
  return { ...page, items: await toTokens(ctx, page.items) }
}

export async function getToken(ctx: Context, { id }: { id: string }): Promise<Token> {
  return viewOf(ctx, await findToken(ctx, id))
}

/** @throws AppError `not_found` for what the actor may not see as for what does not exist */
export async function findToken(ctx: Context, id: string): Promise<TokenRow> {
  const [row] = await ctx.tx
    .select()
    .from(tokens)
    .where(and(visibleTo(ctx), eq(tokens.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such key.')
  return row
}

/** The one that is current and the one that a rotation has left alive, if any. */
export async function liveSecrets({ tx, actor, request }: Context, tokenId: string) {
  const rows = await tx
    .select()
    .from(tokenSecrets)
    .where(and(eq(tokenSecrets.orgId, actor.orgId), eq(tokenSecrets.tokenId, tokenId), isLiveSecret(request.now)))
    .orderBy(desc(tokenSecrets.id))
  const current = rows.find((row) => row.endsAt === null)
  if (!current) throw new Error(`Key ${tokenId} has no current secret.`)
  return { current, previous: rows.find((row) => row.endsAt !== null) }
}

/** Whether another live key of the organisation has this name. Lock the counters first: names have no index of their own. */
export async function isNameTaken({ tx, actor, request }: Context, name: string, except?: string): Promise<boolean> {
  const rows = await tx
    .select({ id: tokens.id })
    .from(tokens)
    .where(and(eq(tokens.orgId, actor.orgId), eq(tokens.name, name), hasStatus('live', request.now)))
    .limit(2)
  return rows.some(({ id }) => id !== except)
}

export async function viewOf(ctx: Context, row: TokenRow): Promise<Token> {
  const [token] = await toTokens(ctx, [row])
  if (!token) throw new Error(`Key ${row.id} has no current secret.`)
  return token
}

/** `revoked` and `expired` are for ever; the others pass. */
export function statusOf({ revokedAt, expiresAt }: TokenRow, now: Date): Token['status'] {
  if (revokedAt) return 'revoked'
  if (expiresAt === null) return 'active'
  const leftMs = Date.parse(expiresAt) - now.getTime()
  if (leftMs <= 0) return 'expired'
  return leftMs < TOKEN_EXPIRING_DAYS * 86_400_000 ? 'expiring' : 'active'
}

/** That of the last change of this key; undefined when there is no such key. */
export async function revisionOfKey(tx: Transaction, orgId: string, id: string): Promise<number | undefined> {
  const mine = and(eq(tokens.orgId, orgId), eq(tokens.id, id))
  const [row] = await tx.select({ revision: tokens.revision }).from(tokens).where(mine)
  return row?.revision
}

/**
 * Gateway keys as gateways know them: one entry per secret that lives or died lately. A secret that ends later, with its
 * key or with its grace, is told as living until then.
 *
 * @param tokenId only the secrets of this key
 */
export async function gatewayKeysOf(tx: Transaction, orgId: string, tokenId?: string): Promise<GatewayKey[]> {
  const lately = sql`now() - make_interval(days => ${DEAD_KEPT_DAYS})`
  const rows = await tx
    .select({ token: tokens, secret: tokenSecrets, now: sql<string>`now()`.mapWith(tokens.createdAt) })
    .from(tokens)
    .innerJoin(tokenSecrets, and(eq(tokenSecrets.orgId, tokens.orgId), eq(tokenSecrets.tokenId, tokens.id)))
    .where(
      and(
        eq(tokens.orgId, orgId),
        eq(tokens.tokenType, 'gateway'),
        tokenId === undefined ? undefined : eq(tokens.id, tokenId),
        or(isNull(tokens.revokedAt), gt(tokens.revokedAt, lately)),
        or(isNull(tokens.expiresAt), gt(tokens.expiresAt, lately)),
        or(isNull(tokenSecrets.endsAt), gt(tokenSecrets.endsAt, lately)),
      ),
    )
    .orderBy(asc(tokenSecrets.id))
  return rows.map(({ token, secret, now }) => ({
    hash: secret.hash,
    token_id: token.id,
    token_secret_id: secret.id,
    token_name: token.name,
    purpose: token.purpose,
    team_id: token.teamId,
    agent_id: token.agentId,
    allowed_models: token.allowedModels,
    allowed_providers: token.allowedProviders,
    expires_at_ms: token.expiresAt === null ? null : Date.parse(token.expiresAt),
    ends_at_ms: secret.endsAt === null ? null : Date.parse(secret.endsAt),
    dead: deathOf(token.revokedAt, token.expiresAt, secret.endsAt, now),
  }))
}

async function toTokens({ tx, actor, request }: Context, rows: TokenRow[]): Promise<Token[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const secrets = await tx
    .select()
    .from(tokenSecrets)
    .where(and(eq(tokenSecrets.orgId, actor.orgId), inArray(tokenSecrets.tokenId, ids), isLiveSecret(request.now)))
    .orderBy(desc(tokenSecrets.id))
  return rows.flatMap((row) => {
    const mine = secrets.filter(({ tokenId }) => tokenId === row.id)
    const current = mine.find(({ endsAt }) => endsAt === null)
    return current
      ? [
          toToken(
            row,
            current,
            mine.find(({ endsAt }) => endsAt !== null),
            request.now,
          ),
        ]
      : []
  })
}

function toToken(row: TokenRow, current: SecretRow, previous: SecretRow | undefined, now: Date): Token {
  const status = statusOf(row, now)
  const isLive = status === 'active' || status === 'expiring'
  return {
    id: row.id,
    name: row.name,
    token_type: row.tokenType,
    purpose: row.purpose,
    scope: row.scope,
    status,
    prefix: current.prefix,
    last4: current.last4,
    created_at: row.createdAt,
    created_by: { id: row.createdById, name: row.createdByName },
    expires_at: row.expiresAt,
    revoked_at: row.revokedAt,
    last_used_at: row.lastUsedAt,
    allowed_models: row.allowedModels,
    allowed_providers: row.allowedProviders,
    permissions: row.permissions,
    role_id: row.roleId,
    team_id: row.teamId,
    agent_id: row.agentId,
    gateway_id: row.gatewayId,
    previous_secret:
      isLive && previous?.endsAt
        ? {
            prefix: previous.prefix,
            last4: previous.last4,
            expires_at: previous.endsAt,
            last_used_at: previous.lastUsedAt,
            use_count: previous.useCount,
            source_ips: previous.sourceIps,
          }
        : null,
  }
}

/** Whoever is limited to a team sees the keys of that team only. */
const visibleTo = ({ actor }: Context): SQL | undefined =>
  and(eq(tokens.orgId, actor.orgId), actor.scope === 'team' ? eq(tokens.teamId, actor.teamId ?? '') : undefined)

const isLiveSecret = (now: Date) => or(isNull(tokenSecrets.endsAt), gt(tokenSecrets.endsAt, now.toISOString()))

function hasStatus(status: NonNullable<Input<typeof contract.list>['status']>, at: Date): SQL | undefined {
  const now = at.toISOString()
  const soon = new Date(at.getTime() + TOKEN_EXPIRING_DAYS * 86_400_000).toISOString()
  const live = and(isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), gt(tokens.expiresAt, now)))
  switch (status) {
    case 'revoked':
      return isNotNull(tokens.revokedAt)
    case 'expired':
      return and(isNull(tokens.revokedAt), lte(tokens.expiresAt, now))
    case 'expiring':
      return and(live, lt(tokens.expiresAt, soon))
    case 'active':
      return and(isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), sql`${tokens.expiresAt} >= ${soon}`))
    case 'live':
      return live
    case 'rotating':
      return and(
        live,
        sql`exists (select from ${tokenSecrets} where ${tokenSecrets.orgId} = ${tokens.orgId}
          and ${tokenSecrets.tokenId} = ${tokens.id} and ${tokenSecrets.endsAt} > ${now})`,
      )
  }
}

const FACETS = {
  never_used: isNull(tokens.lastUsedAt),
  no_expiry: isNull(tokens.expiresAt),
  no_model_limit: and(eq(tokens.tokenType, 'gateway'), isNull(tokens.allowedModels)),
}

/** In the order in which the control plane itself would say it (control-plane/auth/authenticate.ts). */
function deathOf(
  revokedAt: string | null,
  expiresAt: string | null,
  endsAt: string | null,
  now: string,
): GatewayKey['dead'] {
  if (revokedAt) return 'token_revoked'
  if (expiresAt && expiresAt <= now) return 'token_expired'
  return endsAt && endsAt <= now ? 'token_rotated_out' : null
}
