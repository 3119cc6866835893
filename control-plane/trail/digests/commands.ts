import { eq, sql } from 'drizzle-orm'
import { organizations, orgCounters } from '@/drizzle/schema/organizations'
import { trailDigests, trailState } from '@/drizzle/schema/trail'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { formatCheckpoint, originOf } from '@/lib/trail/checkpoint'
import { type Digest, digestSha256, signDigest as signBytes } from '@/lib/trail/digest'
import { rawKeyOf } from '@/lib/trail/keys'
import { composeNote, noteKey, signatureLine } from '@/lib/trail/note'
import { emptyRoot } from '@/lib/trail/tree'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import type { Transaction } from '../../database'
import { objectKey } from '../../objects/object-store'
import { asSystem } from '../../system'
import { inTenant } from '../../tenant'
import { Damaged, type SeqRange } from '../damage'
import { ensureKey, keyAway } from '../keys/commands'
import { currentKey } from '../keys/queries'
import { nativePrimitives } from '../native-primitives'
import { handOut } from '../queues'
import { integrate, lockState } from '../tree/commands'
import { type DigestRow, digestOf, lastDigest, signedText } from './queries'
import { type Reread, reread } from './reread'

type SignOptions = { signal?: AbortSignal }
/** Everything up to `size` was recorded by `periodEnd`; everything after it is recorded later. */
type Fence = { size: number; periodEnd: string; last: DigestRow | undefined; since: string }

/**
 * Signs what is recorded since the digest before, after reading it again. Of several who do this at once, in whatever
 * processes, one signs each number; the others return its digest.
 *
 * @throws AppError `conflict` while an alarm stands, `unavailable` when the private key is not here
 */
export async function signDigest(services: Services, orgId: string, { signal }: SignOptions = {}): Promise<DigestRow> {
  await ensureKey(services, orgId)
  for (;;) {
    const { alarm, acceptedRanges } = await asSystem(services, orgId, ({ tx }) => readState(tx, orgId))
    if (alarm !== null) throw alarmStands(alarm)
    try {
      const fence = await inTenant(services.db, orgId, (tx) => drawFence(tx, orgId))
      await integrate(services, orgId, { upTo: fence.size, ...(signal ? { signal } : {}) })
      const read = await inTenant(services.db, orgId, (tx) => readAgain(tx, orgId, fence, acceptedRanges, signal))
      const signed = await inTenant(services.db, orgId, (tx) => signFence(tx, services, orgId, fence, read))
      if (signed) return signed
    } catch (thrown) {
      if (!(thrown instanceof Damaged)) throw thrown
      await raiseAlarm(services, orgId, thrown)
      throw alarmStands(thrown.message)
    }
  }
}

/** As somebody asks for it. */
export async function signNow(ctx: Context) {
  const row = await signDigest(ctx.services, ctx.actor.orgId)
  const digest = await digestOf(ctx.tx, row)
  await appendAudit(ctx, {
    action: 'trail.digest_signed',
    target: { type: 'digest', id: row.digestId },
    after: { number: row.number, tree_size: row.treeSize },
  })
  return digest
}

/** Nothing is signed until somebody has looked. What is found stands in the record of which it is a part. */
export async function raiseAlarm(services: Services, orgId: string, { message, ranges }: Damaged): Promise<void> {
  services.log.error({ org_id: orgId, ranges }, `trail: integrity failed: ${message}`)
  await asSystem(services, orgId, async (ctx) => {
    const state = await lockState(ctx.tx, orgId)
    if (state.alarm !== null) return
    await ctx.tx
      .update(trailState)
      .set({ alarm: message, alarmAt: sql`clock_timestamp()`, alarmRanges: ranges })
      .where(eq(trailState.orgId, orgId))
    await appendAudit(ctx, {
      action: 'trail.integrity_failed',
      target: { type: 'trail', id: originOf(orgId) },
      after: { message, ranges },
    })
  })
}

export const alarmStands = (message: string): AppError =>
  new AppError('conflict', `Nothing is signed until somebody acknowledges the alarm: ${message}`)

async function readState(tx: Transaction, orgId: string) {
  const [state] = await tx.select().from(trailState).where(eq(trailState.orgId, orgId))
  if (!state) throw new Error(`Organisation ${orgId} has no trail.`)
  return state
}

/**
 * The end of a period. Moving the counters' time forward keeps every later record from saying that it was recorded
 * before it; the lock lasts for one statement and the commit.
 */
async function drawFence(tx: Transaction, orgId: string): Promise<Fence> {
  const last = await lastDigest(tx, orgId)
  const [organization] = await tx
    .select({ createdAt: organizations.createdAt })
    .from(organizations)
    .where(eq(organizations.orgId, orgId))
  const [counters] = await tx
    .update(orgCounters)
    .set({ recordedAt: sql`greatest(clock_timestamp(), ${orgCounters.recordedAt})` })
    .where(eq(orgCounters.orgId, orgId))
    .returning({ size: orgCounters.seq, periodEnd: orgCounters.recordedAt })
  if (!counters || !organization) throw new Error(`Organisation ${orgId} has no counters.`)
  return { ...counters, last, since: last?.periodEnd ?? organization.createdAt }
}

async function readAgain(
  tx: Transaction,
  orgId: string,
  { last, size }: Fence,
  accepted: readonly SeqRange[],
  signal: AbortSignal | undefined,
): Promise<Reread> {
  const before = last ? await signedBefore(tx, last) : { size: 0, root: emptyRoot(nativePrimitives) }
  if (size < before.size) {
    throw new Damaged(`There are ${size} records; a digest was signed over ${before.size}.`, [])
  }
  return reread(tx, { orgId, before, size, accepted, signal })
}

/** What the digest before signed. To chain to one that was changed would vouch for the change. */
async function signedBefore(tx: Transaction, last: DigestRow) {
  const digest = await signedText(tx, last)
  if (!digest) throw new Damaged(`Digest ${last.number} is not what was signed.`, [])
  return { size: digest.tree_size, root: Buffer.from(digest.root_hash, 'hex') }
}

/**
 * Signs under the lock of the trail's state, and stores in the same transaction: whoever was paused and lost its lock
 * finds its number taken, and what it has signed is known to nobody.
 *
 * @returns null when the key changed meanwhile, so that it all has to be done again
 */
async function signFence(
  tx: Transaction,
  services: Services,
  orgId: string,
  fence: Fence,
  { root, oldestMs, newestMs }: Reread,
): Promise<DigestRow | null> {
  const { last, since, size, periodEnd } = fence
  const { alarm, acceptedRanges } = await lockState(tx, orgId)
  if (alarm !== null) throw alarmStands(alarm)
  const newest = await lastDigest(tx, orgId)
  if (newest && newest.number !== last?.number) return newest
  const row = await currentKey(tx, orgId)
  if (row && row.notBefore > periodEnd) return null
  const key = row && (await services.trailSigner.open(orgId, row.kid))
  if (!key) throw keyAway(row?.kid)

  const digestId = newId('dig')
  const count = size - (last?.treeSize ?? 0)
  const digest: Digest = {
    v: 1,
    origin: originOf(orgId),
    org: orgId,
    digest_id: digestId,
    number: last ? last.number + 1 : 0,
    period_start: since,
    period_end: periodEnd,
    seq_start: size - count + 1,
    seq_end: size,
    event_count: count,
    tree_size: size,
    root_hash: Buffer.from(root).toString('hex'),
    oldest_event_time: count === 0 ? null : timeOf(oldestMs, periodEnd),
    newest_event_time: count === 0 ? null : timeOf(newestMs, periodEnd),
    prev_digest_id: last?.digestId ?? null,
    prev_digest_sha256: last ? digestSha256(last.body, nativePrimitives) : null,
    prev_signature: last?.signature ?? null,
    kid: key.kid,
    alg: 'Ed25519',
    storage_key: storageKey(orgId, digestId, periodEnd),
  }
  const { body, signature } = await signBytes(digest, key.sign)
  const text = formatCheckpoint({ origin: digest.origin, size, root })
  const raw = rawKeyOf(key.publicKey)
  if (!raw) throw new Error(`Key ${key.kid} is no Ed25519 key.`)
  const named = noteKey(digest.origin, raw, 1, nativePrimitives)
  const checkpoint = composeNote(text, [signatureLine(named, await key.sign(Buffer.from(text)))])
  const [stored] = await tx
    .insert(trailDigests)
    .values({
      orgId,
      number: digest.number,
      digestId,
      periodStart: since,
      periodEnd,
      seqStart: digest.seq_start,
      seqEnd: size,
      treeSize: size,
      rootHash: digest.root_hash,
      body,
      signature,
      kid: key.kid,
      checkpoint,
      storageKey: digest.storage_key,
    })
    .returning()
  if (!stored) throw new Error('The digest was not stored.')
  // What was acknowledged is signed now, as it was recorded.
  const acceptedLater = acceptedRanges.filter(([, end]) => end > size)
  if (acceptedRanges.length > 0) {
    await tx.update(trailState).set({ acceptedRanges: acceptedLater }).where(eq(trailState.orgId, orgId))
  }
  await handOut(services, tx, orgId)
  return stored
}

/** Where all records are damaged none says when it happened. */
const timeOf = (ms: number | null, periodEnd: string) => (ms === null ? periodEnd : new Date(ms).toISOString())

const storageKey = (orgId: string, digestId: string, at: string): string =>
  objectKey(orgId, 'trail', 'digests', at.slice(0, 4), at.slice(5, 7), at.slice(8, 10), `${digestId}.json`)
