import { and, eq, gt } from 'drizzle-orm'
import { tokenSecrets } from '@/drizzle/schema/tokens'
import type { tokens as contract, Token } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { appendAudit } from '../../audit/append'
import type { Context } from '../../context'
import { toInstant } from '../../instant'
import type { Input } from '../../routes'
import { securityOf } from '../../settings/queries'
import { addSecret, assertAlive, changed, endSecret, lockKeys, targetOf, type WithKey } from '../commands'
import { assertMayGrant, assertMayManage } from '../grants'
import { assertLifetime } from '../key-policy'
import { findToken, liveSecrets, type TokenRow } from '../queries'

/**
 * Gives a key another secret. The one before lives on for `grace_seconds`, never longer than the key; one that an earlier
 * rotation left alive ends at once, so there are never more than two.
 */
export async function rotateToken(ctx: Context, input: Input<typeof contract.rotate>): Promise<WithKey> {
  const { tx, actor, request } = ctx
  await lockKeys(ctx)
  const row = await findToken(ctx, input.id)
  assertMayManage(actor, row)
  assertAlive(row, request.now)
  assertMayGrant(actor, row)
  const { expiresAt } = row
  assertLifetime(await securityOf(tx, actor.orgId), { expiresAt, bornAt: request.now, now: request.now })

  const { current } = await liveSecrets(ctx, row.id)
  const endsAt = graceEnd(request.now, input.grace_seconds, expiresAt)
  await endGrace(ctx, row.id)
  await endSecret(ctx, current.id, endsAt)
  await countUsesAnew(ctx, current.id)
  const key = await addSecret(ctx, row)
  const token = await changed(ctx, row)
  await appendAudit(ctx, {
    action: 'token.rotated',
    target: targetOf(token),
    before: { last4: current.last4 },
    after: { last4: token.last4, previous_secret_expires_at: endsAt },
  })
  return { key, token }
}

export async function extendRotation(ctx: Context, input: Input<typeof contract.extendRotation>): Promise<Token> {
  return moveGraceEnd(ctx, input.id, 'token.rotation_extended', (row) =>
    graceEnd(ctx.request.now, input.grace_seconds, row.expiresAt),
  )
}

export async function finishRotation(ctx: Context, { id }: Input<typeof contract.finishRotation>): Promise<Token> {
  return moveGraceEnd(ctx, id, 'token.rotation_finished', () => toInstant(ctx.request.now))
}

async function moveGraceEnd(
  ctx: Context,
  id: string,
  action: string,
  endOf: (row: TokenRow) => string,
): Promise<Token> {
  await lockKeys(ctx)
  const row = await findToken(ctx, id)
  assertMayManage(ctx.actor, row)
  assertAlive(row, ctx.request.now)
  const { previous } = await liveSecrets(ctx, id)
  if (!previous) throw new AppError('conflict', 'No rotation of this key is under way.')
  const endsAt = endOf(row)
  await endSecret(ctx, previous.id, endsAt)
  const token = await changed(ctx, row)
  await appendAudit(ctx, {
    action,
    target: targetOf(token),
    before: { previous_secret_expires_at: previous.endsAt },
    after: { previous_secret_expires_at: endsAt },
  })
  return token
}

/** Who still uses the old secret is asked from the rotation on; uses before it say nothing. */
const countUsesAnew = ({ tx, actor }: Context, secretId: string) =>
  tx
    .update(tokenSecrets)
    .set({ useCount: 0, lastUsedAt: null, sourceIps: [] })
    .where(and(eq(tokenSecrets.orgId, actor.orgId), eq(tokenSecrets.id, secretId)))

/** Ends whatever earlier rotations left alive; with several at once it may be more than one by this request's clock. */
const endGrace = ({ tx, actor, request }: Context, tokenId: string) => {
  const now = request.now.toISOString()
  const { orgId, endsAt } = tokenSecrets
  const inGrace = and(eq(orgId, actor.orgId), eq(tokenSecrets.tokenId, tokenId), gt(endsAt, now))
  return tx.update(tokenSecrets).set({ endsAt: now }).where(inGrace)
}

function graceEnd(now: Date, graceSeconds: number, expiresAt: string | null): string {
  const end = toInstant(now.getTime() + graceSeconds * 1_000)
  return expiresAt !== null && expiresAt < end ? expiresAt : end
}
