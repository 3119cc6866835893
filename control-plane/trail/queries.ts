import { and, eq, gt, sql } from 'drizzle-orm'
import { activity } from '@/drizzle/schema/activity'
import { events } from '@/drizzle/schema/events'
import { orgCounters } from '@/drizzle/schema/organizations'
import { trailState } from '@/drizzle/schema/trail'
import type { trail } from '@/lib/contract/trail'
import { AppError } from '@/lib/errors'
import { originOf } from '@/lib/trail/checkpoint'
import { toBase64, toHex } from '@/lib/trail/encoding'
import { rememberTiles, tilesOfProof } from '@/lib/trail/tiles'
import type { Context } from '../context'
import type { Transaction } from '../database'
import { toInstant } from '../instant'
import type { Input } from '../routes'
import { cosignedCheckpoint, type DigestRow, digestOfSize, lastDigest, toSummary, treeOfSize } from './digests/queries'
import { nextDigestAt } from './due'
import { currentKey, toKey } from './keys/queries'
import { allSinks, toSink } from './sinks/queries'
import { consistencyWith, inclusionIn } from './tree/proofs'
import { recordedSize, storedTilesWith } from './tree/queries'

export async function getStatus({ tx, actor, services, request }: Context) {
  const { orgId } = actor
  const [state] = await tx.select().from(trailState).where(eq(trailState.orgId, orgId))
  const [counters] = await tx.select().from(orgCounters).where(eq(orgCounters.orgId, orgId))
  if (!state || !counters) throw new Error(`Organisation ${orgId} has no trail.`)
  const last = await lastDigest(tx, orgId)
  const key = await currentKey(tx, orgId)
  const covered = last?.treeSize ?? 0
  const since = counters.seq > covered ? await firstRecordedAfter(tx, orgId, covered) : null
  const due = last ? nextDigestAt(last.periodEnd) : request.now.getTime()
  return {
    origin: originOf(orgId),
    tree_size: counters.seq,
    integrated_size: state.integratedSize,
    undigested: Math.max(0, counters.seq - covered),
    lag_seconds: since === null ? 0 : Math.max(0, (request.now.getTime() - Date.parse(since)) / 1_000),
    last_digest: last ? toSummary(last) : null,
    next_digest_due_at: state.alarm === null ? toInstant(due) : null,
    alarm: state.alarm === null || state.alarmAt === null ? null : { message: state.alarm, raised_at: state.alarmAt },
    key: key ? toKey(key) : null,
    can_sign: key !== undefined && (await services.trailSigner.open(orgId, key.kid)) !== null,
    sinks: (await allSinks(tx, orgId)).map(toSink),
  }
}

/** When the first record behind this size was recorded. */
async function firstRecordedAfter(tx: Transaction, orgId: string, size: number): Promise<string | null> {
  const event = await tx
    .select({ seq: events.seq, at: events.recordedAt })
    .from(events)
    .where(and(eq(events.orgId, orgId), gt(events.seq, size)))
    .orderBy(events.seq)
    .limit(1)
  const entry = await tx
    .select({ seq: activity.seq, at: activity.at })
    .from(activity)
    .where(and(eq(activity.orgId, orgId), gt(activity.seq, size)))
    .orderBy(activity.seq)
    .limit(1)
  return [...event, ...entry].toSorted((a, b) => a.seq - b.seq)[0]?.at ?? null
}

export async function getInclusion({ tx, actor }: Context, input: Input<typeof trail.inclusion>) {
  const { orgId } = actor
  if ((input.seq === undefined) === (input.event_id === undefined)) {
    throw new AppError('invalid_request', 'Give either seq or event_id.')
  }
  const seq = input.seq ?? (await seqOf(tx, orgId, input.event_id ?? ''))
  const tree = await treeAsked(tx, orgId, input.tree_size)
  if (seq < 1 || (seq > tree.size && seq > (await recordedSize(tx, orgId)))) {
    throw new AppError('not_found', 'There is no such record.')
  }
  if (seq > tree.size) {
    throw new AppError('conflict', `A tree of ${tree.size} records does not have record ${seq} yet.`)
  }
  const read = rememberTiles(await storedTilesWith(tx, orgId, tilesOfProof(seq - 1, tree.size)))
  const index = seq - 1
  const { proof, leafHash, root } = await inclusionIn(read, index, signedOf(tree))
  return {
    seq,
    leaf_index: index,
    leaf_hash: toHex(leafHash),
    ...(await signedRootOf(tx, tree, root)),
    proof: proof.map(toBase64),
  }
}

export async function getConsistency({ tx, actor }: Context, input: Input<typeof trail.consistency>) {
  const { orgId } = actor
  const tree = await treeAsked(tx, orgId, input.to)
  if (input.from < 1 || input.from > tree.size) {
    throw new AppError('invalid_request', `from: must be from 1 to ${tree.size}, the size of the larger tree`)
  }
  const read = rememberTiles(await storedTilesWith(tx, orgId, tilesOfProof(input.from - 1, tree.size)))
  const { proof, fromRoot, root } = await consistencyWith(read, input.from, signedOf(tree))
  return {
    from: input.from,
    from_root_hash: fromRoot,
    ...(await signedRootOf(tx, tree, root)),
    proof: proof.map(toBase64),
  }
}

/** `digest`: the one that signed this size, if one did. */
type AskedTree = { size: number; digest: DigestRow | undefined }

const signedOf = ({ size, digest }: AskedTree) => ({ size, rootHash: digest?.rootHash ?? null })

const signedRootOf = async (tx: Transaction, { size, digest }: AskedTree, root: string) => ({
  tree_size: size,
  root_hash: root,
  checkpoint: digest ? await cosignedCheckpoint(tx, digest) : null,
})

async function treeAsked(tx: Transaction, orgId: string, asked: number | undefined): Promise<AskedTree> {
  if (asked === undefined) {
    const last = await lastDigest(tx, orgId)
    if (!last) throw new AppError('conflict', 'There is no checkpoint yet: the first digest brings it.')
    return { size: last.treeSize, digest: await digestOfSize(tx, orgId, last.treeSize) }
  }
  const { integratedSize, digest } = await treeOfSize(tx, orgId, asked)
  if (asked > integratedSize) throw new AppError('conflict', `The tree has ${integratedSize} records now.`)
  return { size: asked, digest }
}

async function seqOf(tx: Transaction, orgId: string, id: string): Promise<number> {
  const [row] = id.startsWith('act_')
    ? await tx
        .select({ seq: activity.seq })
        .from(activity)
        .where(and(eq(activity.orgId, orgId), eq(activity.id, id)))
    : EVENT_ID.test(id)
      ? await tx
          .select({ seq: events.seq })
          .from(events)
          // The time in the id says in which month to look.
          .where(and(eq(events.orgId, orgId), eq(events.eventId, id), sql`occurred_at = event_time(${id})`))
      : []
  if (!row) throw new AppError('not_found', 'There is no such record.')
  return row.seq
}

const EVENT_ID = /^evt_[0-9a-f]{32}$/
