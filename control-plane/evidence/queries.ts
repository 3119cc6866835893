import { and, asc, eq } from 'drizzle-orm'
import { events } from '@/drizzle/schema/events'
import { AppError } from '@/lib/errors'
import { searchable } from '@/lib/filter'
import { type BundlePayload, type EvidenceBundle, payloadFile } from '@/lib/trail/bundle'
import { originOf } from '@/lib/trail/checkpoint'
import { toBase64 } from '@/lib/trail/encoding'
import { rememberTiles } from '@/lib/trail/tiles'
import type { Context } from '../context'
import { visibleTo } from '../events/queries'
import { PARTS, type PayloadRow, payloadsOf } from '../payloads/queries'
import { cosignedCheckpoint, type DigestRow, digestCovering, digestOfSize, firstOfKey } from '../trail/digests/queries'
import { currentKey, keyHistory } from '../trail/keys/queries'
import { consistencyWith, inclusionIn } from '../trail/tree/proofs'
import { storedTiles } from '../trail/tree/queries'

/** A request leaves one event, or a few where others take its id. */
const EVENTS_MAX = 100

export type RecordedEvent = { eventId: string; seq: number; line: string }

/** The events of a request that the actor may see, in order. */
export async function eventsOfRequest({ tx, actor }: Context, requestId: string): Promise<RecordedEvent[]> {
  const rows = await tx
    .select({ eventId: events.eventId, seq: events.seq, line: events.line })
    .from(events)
    .where(and(visibleTo(actor), eq(events.requestId, searchable(requestId))))
    .orderBy(asc(events.seq))
    .limit(EVENTS_MAX + 1)
  if (rows.length === 0) throw new AppError('not_found', 'There is no record of such a request.')
  if (rows.length > EVENTS_MAX) {
    throw new AppError('conflict', `More than ${EVENTS_MAX} events name this request: prove them one by one.`)
  }
  return rows
}

/** Of these places, whether a digest covers each. */
export async function isCovered({ tx, actor }: Context, seq: number): Promise<boolean> {
  return (await digestCovering(tx, actor.orgId, seq)) !== undefined
}

/**
 * All that proves these events.
 *
 * @param treeSize of the checkpoint they are proven in; the first of the present key that covers them all unless given
 * @param withContent whether salts are handed over: with the bytes only, because short content could be guessed with them
 */
export async function buildBundle(
  ctx: Context,
  requestId: string,
  recorded: readonly RecordedEvent[],
  { treeSize, withContent }: { treeSize?: number | undefined; withContent: boolean },
): Promise<{ bundle: EvidenceBundle; contents: PayloadRow[] }> {
  const { tx, actor } = ctx
  const { orgId } = actor
  const read = rememberTiles(storedTiles(tx, orgId))
  const checkpoint = await checkpointOf(ctx, recorded, treeSize)
  const signed = { size: checkpoint.treeSize, rootHash: checkpoint.rootHash }
  const digests: DigestRow[] = []
  const bundleEvents: EvidenceBundle['events'] = []
  const contents: PayloadRow[] = []
  for (const { eventId, seq, line } of recorded) {
    const { proof } = await inclusionIn(read, seq - 1, signed)
    bundleEvents.push({ seq, leaf_index: seq - 1, line, proof: proof.map(toBase64) })
    const covering = await digestCovering(tx, orgId, seq)
    if (covering && digests.at(-1)?.number !== covering.number) digests.push(covering)
    contents.push(...inOrder(await payloadsOf(ctx, eventId)))
  }
  const bundle: EvidenceBundle = {
    version: 1,
    org: orgId,
    origin: originOf(orgId),
    request_id: requestId,
    events: bundleEvents,
    payloads: contents.map((row) => payloadOf(row, withContent)),
    digests: [],
    checkpoint: await cosignedCheckpoint(tx, checkpoint),
    keys: (await keyHistory(tx, orgId)).map(
      ({ kid, public_key, not_before, not_after, predecessor_kid, predecessor_signature }) => ({
        kid,
        public_key,
        not_before,
        not_after,
        predecessor_kid,
        predecessor_signature,
      }),
    ),
  }
  for (const { digestId, number, body, signature, treeSize: size } of digests) {
    const { proof } = await consistencyWith(read, size, signed)
    bundle.digests.push({ digest_id: digestId, number, body, signature, proof: proof.map(toBase64) })
  }
  return { bundle, contents }
}

async function checkpointOf(
  { tx, actor }: Context,
  recorded: readonly RecordedEvent[],
  treeSize: number | undefined,
): Promise<DigestRow> {
  const last = recorded.at(-1)?.seq ?? 0
  if (treeSize === undefined) {
    // What an earlier key has signed counts for nothing to whoever pins the present one.
    const key = await currentKey(tx, actor.orgId)
    const covering =
      (key && (await firstOfKey(tx, actor.orgId, key.kid, last))) ?? (await digestCovering(tx, actor.orgId, last))
    if (!covering) throw new AppError('conflict', 'No digest covers this request yet.', { retryAfterSeconds: 60 })
    return covering
  }
  const asked = await digestOfSize(tx, actor.orgId, treeSize)
  if (!asked) throw new AppError('not_found', `There is no checkpoint of ${treeSize} records.`)
  if (treeSize < last)
    throw new AppError('conflict', `The checkpoint of ${treeSize} records is older than record ${last}.`)
  return asked
}

const inOrder = (rows: PayloadRow[]) => PARTS.flatMap((part) => rows.filter((row) => row.part === part))

/** Whether its bytes can be handed over. */
export const isKept = (row: PayloadRow): boolean => row.erasedAt === null && row.objectKey !== null

function payloadOf(row: PayloadRow, withContent: boolean): BundlePayload {
  const isGiven = withContent && isKept(row)
  return {
    event_id: row.eventId,
    part: row.part,
    state: row.erasedAt === null ? 'kept' : 'erased',
    salt: isGiven ? row.salt : null,
    content_sha256: row.commitment,
    file: isGiven ? payloadFile(row.eventId, row.part) : null,
  }
}
