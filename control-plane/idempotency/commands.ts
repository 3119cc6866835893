import { hash } from 'node:crypto'
import { and, asc, eq, lt, sql } from 'drizzle-orm'
import { idempotencyKeys } from '@/drizzle/schema/idempotency'
import type { Endpoint } from '@/lib/contract/endpoint'
import { AppError } from '@/lib/errors'
import { parseJson } from '@/lib/parse-json'
import { canonicalJson } from '@/lib/trail/canonical'
import type { Context } from '../context'
import type { Transaction } from '../database'

const KEY = /^[\x21-\x7e]{1,255}$/
/** More than one, so that keys are forgotten faster than they are made. */
const FORGOTTEN_AT_ONCE = 20

const isOver = lt(idempotencyKeys.createdAt, sql`now() - interval '24 hours'`)

/**
 * Runs `work` once per key: a repeat with the same input gets the first answer again, for 24 hours.
 *
 * The record is made in the transaction of the effect, so a crash leaves both or neither. A twin that arrives meanwhile is
 * told so at once instead of holding a connection until the first is done.
 *
 * @throws AppError `idempotency_key_in_use` while the first still runs, `idempotency_key_reused` when the key came before
 * with another input
 */
export async function once<T>(
  ctx: Context,
  endpoint: Endpoint,
  key: string,
  input: unknown,
  work: () => Promise<T>,
): Promise<{ answer: T; replayed: boolean }> {
  if (!KEY.test(key))
    throw new AppError('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters.')
  const { tx, actor, services } = ctx
  const fingerprint = hash('sha256', canonicalJson(input), 'hex')
  const id = { orgId: actor.orgId, actorId: actor.id, endpoint: endpoint.name, key }
  await claim(tx, Object.values(id))
  const mine = and(
    eq(idempotencyKeys.orgId, id.orgId),
    eq(idempotencyKeys.actorId, id.actorId),
    eq(idempotencyKeys.endpoint, id.endpoint),
    eq(idempotencyKeys.key, id.key),
  )
  await tx.delete(idempotencyKeys).where(and(mine, isOver))
  await forgetSome(ctx)
  const [first] = await tx
    .insert(idempotencyKeys)
    .values({ ...id, fingerprint })
    .onConflictDoNothing()
    .returning()
  if (first) {
    const answer = await work()
    await tx
      .update(idempotencyKeys)
      .set({ status: endpoint.status, sealedAnswer: services.sealing.seal(JSON.stringify(answer)) })
      .where(mine)
    return { answer, replayed: false }
  }

  const [known] = await tx.select().from(idempotencyKeys).where(mine)
  if (!known?.sealedAnswer) throw new Error('an idempotency key was committed without its answer')
  if (known.fingerprint !== fingerprint) {
    throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used before with another input.')
  }
  return { answer: parseJson(services.sealing.open(known.sealedAnswer)) as T, replayed: true }
}

/** Held until the transaction ends, however it ends. */
async function claim(tx: Transaction, id: readonly string[]): Promise<void> {
  const lock = hash('sha256', canonicalJson(id), 'buffer').readBigInt64BE()
  const { rows } = await tx.execute<{ claimed: boolean }>(sql`select pg_try_advisory_xact_lock(${lock}) as claimed`)
  if (!rows[0]?.claimed) {
    throw new AppError('idempotency_key_in_use', 'The same request is still running. Ask again soon.')
  }
}

/** Forgets other answers of the organisation that are over: they may hold secrets. Skips what another request forgets now. */
async function forgetSome({ tx, actor }: Context): Promise<void> {
  const { orgId, actorId, endpoint, key, createdAt } = idempotencyKeys
  const over = tx
    .select({ actorId, endpoint, key })
    .from(idempotencyKeys)
    .where(and(eq(orgId, actor.orgId), isOver))
    .orderBy(asc(createdAt))
    .limit(FORGOTTEN_AT_ONCE)
    .for('update', { skipLocked: true })
  await tx.delete(idempotencyKeys).where(and(eq(orgId, actor.orgId), sql`(${actorId}, ${endpoint}, ${key}) in ${over}`))
}
