import { hash } from 'node:crypto'
import { and, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import { signInThrottle } from '@/drizzle/schema/members'
import { AppError, type RateLimit } from '@/lib/errors'
import type { Database } from '../database'
import { networkOf } from './network-of'

const WINDOW_SECONDS = 900
const EMAIL_FAILURES_MAX = 5
const IP_FAILURES_MAX = 50
/** An attempt adds two counts at most. */
const FORGOTTEN_AT_ONCE = 20

/**
 * Counts an attempt before its password is looked at, in a transaction of its own: attempts made at the same time cannot
 * slip through together, and the count outlives the refusal.
 *
 * @param email null when the attempt is not at a certain address, but with a token of an OpenID provider
 * @returns how to take the attempt back: it succeeded, or failed for a reason that is not the caller's
 * @throws AppError `rate_limited` when an e-mail address or a network has failed too often
 */
export async function countAttempt(
  db: Database,
  email: string | null,
  ip: string | null,
  now: Date,
): Promise<() => Promise<void>> {
  const emailKey = email === null ? undefined : `email:${hash('sha256', email, 'hex')}`
  const ipKey = ip === null ? undefined : `ip:${networkOf(ip)}`
  const limits = [
    ...(emailKey ? [{ key: emailKey, max: EMAIL_FAILURES_MAX, policy: 'address' }] : []),
    ...(ipKey ? [{ key: ipKey, max: IP_FAILURES_MAX, policy: 'network' }] : []),
  ]
  // Not in the transaction: what it deletes another one may want to count, and the two would wait for each other.
  await forgetSome(db, now)
  const waits = await db.transaction(async (tx) => {
    const found: RateLimit[] = []
    for (const { key, max, policy } of limits) {
      const [row] = await tx
        .insert(signInThrottle)
        .values({ key, failures: 1, windowStartedAt: now.toISOString() })
        .onConflictDoUpdate({ target: signInThrottle.key, set: nextCount(now, max) })
        .returning()
      const blockedMs = row?.blockedUntil ? Date.parse(row.blockedUntil) - now.getTime() : 0
      if (blockedMs > 0) {
        found.push({ policy, quota: max, windowSeconds: WINDOW_SECONDS, resetSeconds: Math.ceil(blockedMs / 1_000) })
      }
    }
    return found
  })
  const [longest] = waits.toSorted((a, b) => b.resetSeconds - a.resetSeconds)
  if (longest) {
    throw new AppError('rate_limited', 'Too many failed sign-ins. Wait before you try again.', {
      retryAfterSeconds: longest.resetSeconds,
      rateLimit: longest,
    })
  }
  return async () => {
    if (emailKey) await db.delete(signInThrottle).where(inArray(signInThrottle.key, [emailKey]))
    if (!ipKey) return
    await db
      .update(signInThrottle)
      .set({ failures: sql`greatest(0, ${signInThrottle.failures} - 1)` })
      .where(inArray(signInThrottle.key, [ipKey]))
  }
}

/** Forgets counts that are over: their keys are whatever strangers typed, so nobody would come back for them. */
async function forgetSome(db: Database, now: Date): Promise<void> {
  const { key, windowStartedAt, blockedUntil } = signInThrottle
  const before = new Date(now.getTime() - WINDOW_SECONDS * 1_000).toISOString()
  const over = db
    .select({ key })
    .from(signInThrottle)
    .where(and(lt(windowStartedAt, before), or(isNull(blockedUntil), lt(blockedUntil, now.toISOString()))))
    .limit(FORGOTTEN_AT_ONCE)
    .for('update', { skipLocked: true })
  await db.delete(signInThrottle).where(inArray(key, over))
}

/**
 * A window that is over starts again. The attempt after the last allowed one closes the door for a whole window; while it
 * is closed nothing more is counted, so waiting always helps.
 */
function nextCount(now: Date, max: number) {
  const at = sql`${now.toISOString()}::timestamptz`
  const { failures, windowStartedAt, blockedUntil } = signInThrottle
  const isBlocked = sql`coalesce(${blockedUntil} > ${at}, false)`
  const isOver = sql`(${blockedUntil} <= ${at} or ${windowStartedAt} <= ${at} - make_interval(secs => ${WINDOW_SECONDS}))`
  const closes = sql`${failures} >= ${max}`
  return {
    failures: sql`case when ${isBlocked} then ${failures} when coalesce(${isOver}, false) then 1 else ${failures} + 1 end`,
    windowStartedAt: sql`case when not ${isBlocked} and coalesce(${isOver}, false) then ${at} else ${windowStartedAt} end`,
    blockedUntil: sql`case when ${isBlocked} then ${blockedUntil} when coalesce(${isOver}, false) then null
      when ${closes} then ${at} + make_interval(secs => ${WINDOW_SECONDS}) end`,
  }
}
