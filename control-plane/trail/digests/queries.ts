import { and, asc, desc, eq, gt, gte, lt, lte } from 'drizzle-orm'
import { z } from 'zod'
import { trailCosignatures, trailDigests, trailState } from '@/drizzle/schema/trail'
import { resolveWhen } from '@/lib/contract/fields'
import { toPage } from '@/lib/contract/page'
import type { trail } from '@/lib/contract/trail'
import type { TrailDigestSummary } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { type Digest, digestSha256, isDigestSignature, parseDigest } from '@/lib/trail/digest'
import type { FoundDigest } from '@/lib/trail/digest-chain'
import { rawKeyOf } from '@/lib/trail/keys'
import { composeNote, NOTE_SIGNATURES_MAX } from '@/lib/trail/note'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import type { Transaction } from '../../database'
import { toInstant } from '../../instant'
import type { Input } from '../../routes'
import { findKey } from '../keys/queries'
import { nativePrimitives } from '../native-primitives'

export type DigestRow = typeof trailDigests.$inferSelect

const Position = z.number().int().min(0)
const DIGESTS_PER_QUERY = 500

export async function listDigests(ctx: Context, input: Input<typeof trail.digests>) {
  const { tx, actor, request } = ctx
  const cursors = cursorsOf(ctx, 'trail.digests', input)
  const before = cursors.decode(Position)
  const since = input.since && toInstant(resolveWhen(input.since, request.now))
  const until = input.until && toInstant(resolveWhen(input.until, request.now))
  const rows = await tx
    .select()
    .from(trailDigests)
    .where(
      and(
        eq(trailDigests.orgId, actor.orgId),
        before === undefined ? undefined : lt(trailDigests.number, before),
        since ? gt(trailDigests.periodEnd, since) : undefined,
        until ? lt(trailDigests.periodStart, until) : undefined,
      ),
    )
    .orderBy(desc(trailDigests.number))
    .limit(input.limit + 1)
  return toPage(rows.map(toSummary), input.limit, ({ number }) => cursors.encode(number))
}

export async function getDigest({ tx, actor }: Context, { id }: Input<typeof trail.digest>) {
  const row = await findDigest(tx, actor.orgId, id)
  if (!row) throw new AppError('not_found', 'There is no such digest.')
  return digestOf(tx, row)
}

/** As the contract has it. What is signed is read from the signed text, not from the columns beside it. */
export async function digestOf(tx: Transaction, row: DigestRow) {
  const signed = parseDigest(row.body)
  if (!signed) throw new AppError('conflict', `The stored text of digest ${row.number} is no digest any more.`)
  return {
    ...signed,
    body: row.body,
    signature: row.signature,
    sha256: digestSha256(row.body, nativePrimitives),
    checkpoint: await cosignedCheckpoint(tx, row),
    created_at: row.createdAt,
  }
}

export async function getCheckpoint({ tx, actor }: Context, { tree_size }: Input<typeof trail.checkpoint>) {
  const row =
    tree_size === undefined ? await lastDigest(tx, actor.orgId) : await digestOfSize(tx, actor.orgId, tree_size)
  if (!row) throw new AppError('not_found', 'There is no such checkpoint.')
  const note = await cosignedCheckpoint(tx, row)
  const [origin = ''] = note.split('\n')
  return {
    origin,
    tree_size: row.treeSize,
    root_hash: row.rootHash,
    note,
    digest_id: row.digestId,
    created_at: row.createdAt,
  }
}

/** The note with what witnesses have signed below the log's own line. */
export async function cosignedCheckpoint(tx: Transaction, row: DigestRow): Promise<string> {
  const lines = await tx
    .select({ line: trailCosignatures.line })
    .from(trailCosignatures)
    .where(and(eq(trailCosignatures.orgId, row.orgId), eq(trailCosignatures.treeSize, row.treeSize)))
    .orderBy(asc(trailCosignatures.at), asc(trailCosignatures.sinkId))
    .limit(NOTE_SIGNATURES_MAX - 1)
  const end = row.checkpoint.lastIndexOf('\n\n') + 1
  return composeNote(row.checkpoint.slice(0, end), [row.checkpoint.slice(end + 1), ...lines.map(({ line }) => line)])
}

export async function lastDigest(tx: Transaction, orgId: string): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(eq(trailDigests.orgId, orgId))
    .orderBy(desc(trailDigests.number))
    .limit(1)
  return row
}

/** What a digest says, if it is what was signed by a key of the history. */
export async function signedText(tx: Transaction, row: DigestRow): Promise<Digest | null> {
  const digest = parseDigest(row.body)
  const key = digest && (await findKey(tx, row.orgId, digest.kid))
  const raw = key && rawKeyOf(Buffer.from(key.publicKey, 'base64'))
  const isIntact =
    raw && digest.number === row.number && isDigestSignature(row.body, row.signature, raw, nativePrimitives)
  return isIntact ? digest : null
}

/** The newest digest that is what was signed. */
export async function newestSigned(tx: Transaction, orgId: string): Promise<Digest | null> {
  for (let row = await lastDigest(tx, orgId); row; row = await digestBefore(tx, row)) {
    const digest = await signedText(tx, row)
    if (digest) return digest
  }
  return null
}

async function digestBefore(tx: Transaction, { orgId, number }: DigestRow): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), lt(trailDigests.number, number)))
    .orderBy(desc(trailDigests.number))
    .limit(1)
  return row
}

/** Digests of empty periods have the size of the one before: the first of them stands for it. */
export async function digestOfSize(tx: Transaction, orgId: string, size: number): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), eq(trailDigests.treeSize, size)))
    .orderBy(asc(trailDigests.number))
    .limit(1)
  return row
}

/** How far the tree is made, and the digest of a size, if there is one: one statement. */
export async function treeOfSize(
  tx: Transaction,
  orgId: string,
  size: number,
): Promise<{ integratedSize: number; digest: DigestRow | undefined }> {
  const [row] = await tx
    .select({ integratedSize: trailState.integratedSize, digest: trailDigests })
    .from(trailState)
    .leftJoin(trailDigests, and(eq(trailDigests.orgId, trailState.orgId), eq(trailDigests.treeSize, size)))
    .where(eq(trailState.orgId, orgId))
    .orderBy(asc(trailDigests.number))
    .limit(1)
  return { integratedSize: row?.integratedSize ?? 0, digest: row?.digest ?? undefined }
}

/** The first digest of this key over a tree that a record is in. */
export async function firstOfKey(
  tx: Transaction,
  orgId: string,
  kid: string,
  seq: number,
): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), eq(trailDigests.kid, kid), gte(trailDigests.treeSize, seq)))
    .orderBy(asc(trailDigests.number))
    .limit(1)
  return row
}

/** The digest that covers a record, once there is one. */
export async function digestCovering(tx: Transaction, orgId: string, seq: number): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), gte(trailDigests.treeSize, seq), lte(trailDigests.seqStart, seq)))
    .orderBy(asc(trailDigests.treeSize), asc(trailDigests.number))
    .limit(1)
  return row
}

/** The newest digest whose period has begun by then; the newest of all for null. */
export async function newestBefore(
  tx: Transaction,
  orgId: string,
  until: string | null,
): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), until === null ? undefined : lte(trailDigests.periodStart, until)))
    .orderBy(desc(trailDigests.number))
    .limit(1)
  return row
}

export async function findDigest(tx: Transaction, orgId: string, id: string): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(trailDigests)
    .where(and(eq(trailDigests.orgId, orgId), eq(trailDigests.digestId, id)))
  return row
}

type Range = { since: string; until: string /** Later ones are left out. */; numberMax: number }

/** Digests whose periods touch the range, by number; holds a few hundred of them. */
export async function* digestsBetween(tx: Transaction, orgId: string, range: Range): AsyncGenerator<FoundDigest> {
  for (let after = -1; ; ) {
    const rows = await tx
      .select()
      .from(trailDigests)
      .where(
        and(
          eq(trailDigests.orgId, orgId),
          gt(trailDigests.number, after),
          lte(trailDigests.number, range.numberMax),
          gt(trailDigests.periodEnd, range.since),
          lte(trailDigests.periodStart, range.until),
        ),
      )
      .orderBy(asc(trailDigests.number))
      .limit(DIGESTS_PER_QUERY)
    yield* rows.map(foundOf)
    const last = rows.at(-1)
    if (!last || rows.length < DIGESTS_PER_QUERY) return
    after = last.number
  }
}

const foundOf = (row: DigestRow): FoundDigest => ({
  number: row.number,
  body: row.body,
  signature: row.signature,
  storageKey: row.storageKey,
  checkpoint: row.checkpoint,
  columns: {
    number: row.number,
    digest_id: row.digestId,
    period_start: row.periodStart,
    period_end: row.periodEnd,
    seq_start: row.seqStart,
    seq_end: row.seqEnd,
    tree_size: row.treeSize,
    root_hash: row.rootHash,
    kid: row.kid,
  },
})

export const toSummary = (row: DigestRow): TrailDigestSummary => ({
  digest_id: row.digestId as TrailDigestSummary['digest_id'],
  number: row.number,
  period_start: row.periodStart,
  period_end: row.periodEnd,
  seq_start: row.seqStart,
  seq_end: row.seqEnd,
  event_count: row.seqEnd - row.seqStart + 1,
  tree_size: row.treeSize,
  root_hash: row.rootHash,
  kid: row.kid,
  storage_key: row.storageKey,
  created_at: row.createdAt,
})
