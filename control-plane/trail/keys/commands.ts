import { and, eq, sql } from 'drizzle-orm'
import { trailKeys } from '@/drizzle/schema/trail'
import { AppError } from '@/lib/errors'
import { originOf } from '@/lib/trail/checkpoint'
import { fingerprintOf, KEYS_MAX, successionStatement } from '@/lib/trail/keys'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import type { Transaction } from '../../database'
import { asSystem } from '../../system'
import { signDigest } from '../digests/commands'
import { nativePrimitives } from '../native-primitives'
import { lockState } from '../tree/commands'
import { currentKey, keyHistory, toKey } from './queries'
import type { SigningKey } from './trail-signer'

/**
 * Makes the organisation's first key unless it has one. The private half is durable before its public half is known to
 * anybody, so that no crash leaves a key that signs nothing.
 */
export async function ensureKey(services: Services, orgId: string): Promise<void> {
  const isThere = await asSystem(services, orgId, ({ tx }) => currentKey(tx, orgId))
  if (isThere) return
  const key = await services.trailSigner.create(orgId)
  const isUsed = await asSystem(services, orgId, async (ctx) => {
    await lockState(ctx.tx, orgId)
    // A row whose private half is lost is still a key: nothing but the key before may name another.
    if (await currentKey(ctx.tx, orgId)) return false
    const notBefore = await clock(ctx.tx)
    await ctx.tx.insert(trailKeys).values({ ...rowOf(orgId, key), notBefore })
    await appendAudit(ctx, {
      action: 'trail.key_created',
      target: { type: 'trail_key', id: key.kid },
      after: { fingerprint: fingerprintOf(key.publicKey, nativePrimitives), not_before: notBefore },
    })
    return true
  })
  if (!isUsed) await services.trailSigner.discard(orgId, key.kid)
}

/**
 * The present key signs everything there is, then its successor, and ends. A crash between leaves a file that nobody
 * names; the key of before goes on then.
 */
export async function rotateKey(ctx: Context) {
  const { tx, actor, services } = ctx
  const { orgId } = actor
  await signDigest(services, orgId)
  const next = await services.trailSigner.create(orgId)
  await lockState(tx, orgId)
  const present = await currentKey(tx, orgId)
  const signer = present && (await services.trailSigner.open(orgId, present.kid))
  if (!present || !signer) throw keyAway(present?.kid)
  const history = await keyHistory(tx, orgId)
  if (history.length >= KEYS_MAX) throw new AppError('conflict', `A trail has at most ${KEYS_MAX} keys.`)

  const notBefore = await clock(tx)
  const fingerprint = fingerprintOf(next.publicKey, nativePrimitives)
  const before = fingerprintOf(signer.publicKey, nativePrimitives)
  const statement = successionStatement(originOf(orgId), before, fingerprint, notBefore)
  const predecessorSignature = Buffer.from(await signer.sign(statement)).toString('base64')
  await tx
    .update(trailKeys)
    .set({ notAfter: notBefore })
    .where(and(eq(trailKeys.orgId, orgId), eq(trailKeys.kid, present.kid)))
  const [row] = await tx
    .insert(trailKeys)
    .values({ ...rowOf(orgId, next), notBefore, predecessorKid: present.kid, predecessorSignature })
    .returning()
  if (!row) throw new Error('The key was not stored.')
  await appendAudit(ctx, {
    action: 'trail.key_rotated',
    target: { type: 'trail_key', id: next.kid },
    before: { kid: present.kid, fingerprint: before },
    after: {
      kid: next.kid,
      fingerprint,
      not_before: notBefore,
      statement: Buffer.from(statement).toString('utf8'),
      predecessor_signature: predecessorSignature,
    },
  })
  return toKey(row)
}

export const keyAway = (kid: string | undefined): AppError =>
  new AppError(
    'unavailable',
    kid
      ? `The private key ${kid} is not here: put its file back from a backup of the data directory.`
      : 'There is no signing key yet.',
    { retryAfterSeconds: 60 },
  )

const rowOf = (orgId: string, key: SigningKey) => ({
  orgId,
  kid: key.kid,
  publicKey: Buffer.from(key.publicKey).toString('base64'),
})

/** The database's time: that of records and digests, in the form in which it is signed. */
async function clock(tx: Transaction): Promise<string> {
  const { rows } = await tx.execute<{ now: string }>(
    sql`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  if (!rows[0]) throw new Error('The database does not say what time it is.')
  return rows[0].now
}
