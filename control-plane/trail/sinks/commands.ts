import { and, count, eq, sql } from 'drizzle-orm'
import { trailCosignatures, trailSinks } from '@/drizzle/schema/trail'
import type { trail } from '@/lib/contract/trail'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { AddressNotAllowed } from '@/lib/public-address'
import { originOf } from '@/lib/trail/checkpoint'
import { parseNoteKey } from '@/lib/trail/note'
import { proveConsistency } from '@/lib/trail/proof'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import { toInstant } from '../../instant'
import { objectKey } from '../../objects/object-store'
import { post } from '../../outbound'
import type { Input } from '../../routes'
import { inTenant } from '../../tenant'
import { cosignedCheckpoint, type DigestRow, lastDigest } from '../digests/queries'
import { nativePrimitives } from '../native-primitives'
import { handOut } from '../queues'
import { storedTiles } from '../tree/queries'
import { appendCheckpoint } from './checkpoint-file'
import { allSinks, findSink, SINKS_MAX, type SinkRow, toSink } from './queries'
import { SinkFailed, type Told } from './sink'
import { checkedSettings } from './sink-settings'
import { askWitness, isWitnessKey } from './witness'

const DAY_MS = 86_400_000
const ERROR_LENGTH_MAX = 500

export async function createSink(ctx: Context, input: Input<typeof trail.createSink>) {
  const { tx, actor, request, services } = ctx
  const { orgId } = actor
  const settings = checkedSettings(services, input.kind, input.settings)
  const [known] = await tx.select({ sinks: count() }).from(trailSinks).where(eq(trailSinks.orgId, orgId))
  if ((known?.sinks ?? 0) >= SINKS_MAX) throw new AppError('conflict', `A trail has at most ${SINKS_MAX} sinks.`)
  const [row] = await tx
    .insert(trailSinks)
    .values({ orgId, id: newId('snk'), kind: input.kind, settings, createdAt: toInstant(request.now) })
    .returning()
  if (!row) throw new Error('The sink was not stored.')
  await handOut(services, tx, orgId)
  await appendAudit(ctx, {
    action: 'trail.sink_created',
    target: { type: 'trail_sink', id: row.id, name: row.kind },
    after: { kind: row.kind, settings },
  })
  return toSink(row)
}

export async function updateSink(ctx: Context, { id, enabled }: Input<typeof trail.updateSink>) {
  const { tx, actor, services } = ctx
  const before = await findSink(tx, actor.orgId, id)
  if (before.enabled === enabled) return toSink(before)
  const [row] = await tx
    .update(trailSinks)
    .set({ enabled })
    .where(and(eq(trailSinks.orgId, actor.orgId), eq(trailSinks.id, id)))
    .returning()
  if (enabled) await handOut(services, tx, actor.orgId)
  await appendAudit(ctx, {
    action: 'trail.sink_updated',
    target: { type: 'trail_sink', id, name: before.kind },
    before: { enabled: before.enabled },
    after: { enabled },
  })
  return toSink(row ?? before)
}

export async function deleteSink(ctx: Context, { id }: Input<typeof trail.deleteSink>) {
  const { tx, actor } = ctx
  const row = await findSink(tx, actor.orgId, id)
  await tx.delete(trailSinks).where(and(eq(trailSinks.orgId, actor.orgId), eq(trailSinks.id, id)))
  await appendAudit(ctx, {
    action: 'trail.sink_deleted',
    target: { type: 'trail_sink', id, name: row.kind },
    before: { kind: row.kind, settings: row.settings },
  })
  return toSink(row)
}

/** Now and whether or not it has taken this checkpoint before; a failure is what the answer says. */
export async function deliverNow(ctx: Context, { id }: Input<typeof trail.deliver>) {
  const { tx, actor, services } = ctx
  const row = await findSink(tx, actor.orgId, id)
  const digest = await lastDigest(tx, actor.orgId)
  if (!digest) throw new AppError('conflict', 'There is no checkpoint yet: sign a digest first.')
  await deliver(services, row, digest)
  await appendAudit(ctx, {
    action: 'trail.sink_asked',
    target: { type: 'trail_sink', id, name: row.kind },
    after: { tree_size: digest.treeSize },
  })
  return toSink(await findSink(tx, actor.orgId, id))
}

/** Tells the latest checkpoint to each sink that does not have it. @returns how many failed */
export async function deliverAll(services: Services, orgId: string, signal: AbortSignal): Promise<number> {
  const { digest, sinks } = await inTenant(services.db, orgId, async (tx) => ({
    digest: await lastDigest(tx, orgId),
    sinks: await allSinks(tx, orgId),
  }))
  if (!digest) return 0
  // Witnesses come first, so that what they sign goes to the others too.
  const due = sinks
    .filter((sink) => sink.enabled && (sink.lastSize !== digest.treeSize || sink.lastError !== null))
    .toSorted((a, b) => Number(b.kind === 'witness') - Number(a.kind === 'witness'))
  let failed = 0
  for (const sink of due) {
    signal.throwIfAborted()
    if (!(await deliver(services, sink, digest, signal))) failed += 1
  }
  return failed
}

async function deliver(services: Services, sink: SinkRow, digest: DigestRow, signal?: AbortSignal): Promise<boolean> {
  const { orgId, id } = sink
  const mine = and(eq(trailSinks.orgId, orgId), eq(trailSinks.id, id))
  try {
    const line = await tell(services, sink, digest, signal)
    await inTenant(services.db, orgId, async (tx) => {
      if (line !== null) {
        const cosignature = { orgId, treeSize: digest.treeSize, sinkId: id, line, at: sql`clock_timestamp()` }
        await tx.insert(trailCosignatures).values(cosignature).onConflictDoNothing()
      }
      const at = sql`clock_timestamp()`
      await tx.update(trailSinks).set({ lastSize: digest.treeSize, lastOkAt: at, lastError: null }).where(mine)
    })
    return true
  } catch (thrown) {
    if (signal?.aborted) throw thrown
    services.log.warn({ org_id: orgId, sink_id: id, err: thrown }, 'trail: a sink did not take a checkpoint')
    const lastError = reasonOf(thrown).slice(0, ERROR_LENGTH_MAX)
    await inTenant(services.db, orgId, (tx) => tx.update(trailSinks).set({ lastError }).where(mine))
    return false
  }
}

/** Null, or the line that a witness has signed with. */
async function tell(
  services: Services,
  sink: SinkRow,
  digest: DigestRow,
  signal?: AbortSignal,
): Promise<string | null> {
  const { orgId, settings } = sink
  const { sinkRules, objects, db } = services
  const note = await inTenant(db, orgId, (tx) => cosignedCheckpoint(tx, digest))
  const told: Told = {
    orgId,
    digestId: digest.digestId,
    origin: originOf(orgId),
    size: digest.treeSize,
    rootHash: digest.rootHash,
    note,
    signedAt: digest.periodEnd,
  }
  if (sink.kind === 'file') {
    await appendCheckpoint(sinkRules.directory, settings.name ?? 'checkpoints.jsonl', told)
    return null
  }
  if (sink.kind === 'object_store') {
    const days = Number(settings.retain_days ?? 0)
    const key = objectKey(orgId, 'trail', 'checkpoints', `${String(told.size).padStart(16, '0')}.txt`)
    const retain = days > 0 ? { retainUntil: new Date(Date.now() + days * DAY_MS) } : {}
    await objects.put(key, note, { contentType: 'text/plain; charset=utf-8', ...retain, ...(signal ? { signal } : {}) })
    return null
  }
  const rules = { allowPrivateNetwork: sinkRules.allowPrivateNetwork, ...(signal ? { signal } : {}) }
  if (sink.kind === 'webhook') {
    await callWebhook(settings.url ?? '', told, rules)
    return null
  }
  const key = parseNoteKey(settings.key ?? '', nativePrimitives)
  if (!isWitnessKey(key)) throw new SinkFailed('The key of the witness cannot be read any more.')
  return askWitness({
    url: settings.url ?? '',
    key,
    note: digest.checkpoint,
    oldSize: sink.lastSize,
    proveFrom: (from) =>
      inTenant(db, orgId, (tx) => proveConsistency(from, told.size, storedTiles(tx, orgId), nativePrimitives)),
    ...rules,
  })
}

async function callWebhook(url: string, told: Told, rules: { allowPrivateNetwork: boolean; signal?: AbortSignal }) {
  const body = JSON.stringify({
    type: 'trail.checkpoint',
    org_id: told.orgId,
    origin: told.origin,
    tree_size: told.size,
    root_hash: told.rootHash,
    digest_id: told.digestId,
    signed_at: told.signedAt,
    note: told.note,
  })
  const { status } = await post(url, { body, contentType: 'application/json', ...rules })
  if (status < 200 || status > 299) throw new SinkFailed(`The webhook answered ${status}.`)
}

/** What is not ours to word is named, but not shown: it may hold what a server says to us alone. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof SinkFailed || thrown instanceof AppError || thrown instanceof AddressNotAllowed)
    return thrown.message
  if (!(thrown instanceof Error)) return 'It failed.'
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name
  return `It could not be reached or written (${code}).`
}
