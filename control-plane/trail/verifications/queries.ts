import { hash } from 'node:crypto'
import { and, desc, eq, inArray, lt, lte, type SQL } from 'drizzle-orm'
import { z } from 'zod'
import { activity } from '@/drizzle/schema/activity'
import { payloads, retirements } from '@/drizzle/schema/events'
import { trailVerifications } from '@/drizzle/schema/trail'
import { toPage } from '@/lib/contract/page'
import type { trail } from '@/lib/contract/trail'
import { type Verification, VerificationResult } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { parseJson } from '@/lib/parse-json'
import type { Retired } from '@/lib/trail/absences'
import { canonicalJson } from '@/lib/trail/canonical'
import type { Pause } from '@/lib/trail/digest-chain'
import { fromHex, utf8 } from '@/lib/trail/encoding'
import { proveInclusion, verifyInclusion } from '@/lib/trail/proof'
import { rememberTiles, TileMissing, type TileReader, tilesOfLeaves } from '@/lib/trail/tiles'
import { leafHash } from '@/lib/trail/tree'
import type { Context } from '../../context'
import { cursorsOf } from '../../cursor'
import type { Transaction } from '../../database'
import type { Input } from '../../routes'
import { newestSigned } from '../digests/queries'
import { nativePrimitives } from '../native-primitives'
import { storedTiles } from '../tree/queries'

/** Entries of one kind that are looked at; the newest. */
const ENTRIES_MAX = 2_000

export const VerificationInput = z.object({
  start_time: z.string(),
  /** Null for whatever there is, also what no digest covers yet. */
  end_time: z.string().nullable(),
  /** What `end_time` null stood for when it was asked. */
  asked_at: z.string(),
  deep_verify: z.boolean(),
  known_checkpoint: z.string().nullable(),
})
export type VerificationInput = z.infer<typeof VerificationInput>

type Row = typeof trailVerifications.$inferSelect

export async function listVerifications(ctx: Context, input: Input<typeof trail.verifications>) {
  const cursors = cursorsOf(ctx, 'trail.verifications', input)
  const before = cursors.decode(z.string())
  const rows = await ctx.tx
    .select()
    .from(trailVerifications)
    .where(
      and(
        eq(trailVerifications.orgId, ctx.actor.orgId),
        before === undefined ? undefined : lt(trailVerifications.id, before),
      ),
    )
    .orderBy(desc(trailVerifications.id))
    .limit(input.limit + 1)
  return toPage(rows.map(toVerification), input.limit, ({ id }) => cursors.encode(id))
}

export const getVerification = async ({ tx, actor }: Context, { id }: Input<typeof trail.verification>) =>
  toVerification(await findVerification(tx, actor.orgId, id))

export async function findVerification(tx: Transaction, orgId: string, id: string): Promise<Row> {
  const [row] = await tx
    .select()
    .from(trailVerifications)
    .where(and(eq(trailVerifications.orgId, orgId), eq(trailVerifications.id, id)))
  if (!row) throw new AppError('not_found', 'There is no such verification.')
  return row
}

/** What is kept of the content of these events. */
export const payloadsOfEvents = (tx: Transaction, orgId: string, events: readonly { event_id: string }[]) =>
  tx
    .select()
    .from(payloads)
    .where(
      and(
        eq(payloads.orgId, orgId),
        inArray(
          payloads.eventId,
          events.map(({ event_id }) => event_id),
        ),
      ),
    )

/**
 * Ranges of records that retention has dropped, in order, without overlaps. Only those count whose SHA-256 stands in a
 * signed entry of the activity: a row that somebody put there hides nothing.
 */
export async function retiredRanges(tx: Transaction, orgId: string): Promise<Retired[]> {
  const rows = await tx.select({ ranges: retirements.ranges }).from(retirements).where(eq(retirements.orgId, orgId))
  if (rows.length === 0) return []
  const signed = new Set((await signedEntries(tx, orgId, ['events.retired'])).map(({ after }) => after?.ranges_sha256))
  const sorted = rows
    .filter(({ ranges }) => signed.has(hash('sha256', canonicalJson(ranges), 'hex')))
    .flatMap(({ ranges }) => ranges)
    .toSorted(([a], [b]) => a - b)
  const merged: Retired[] = []
  for (const [first, last] of sorted) {
    const before = merged.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else merged.push({ first, last })
  }
  return merged
}

/** Months, `2026-04`, of which retention has dropped events. */
export async function retiredMonths(tx: Transaction, orgId: string): Promise<Set<string>> {
  const entries = await provenEntries(tx, orgId, RetiredEntry, { where: eq(activity.action, 'events.retired') })
  return new Set(entries.map(({ after }) => after.month))
}

/** From each signed stop to the start after it; of the last, which has none yet, the end is open. */
export async function recordedPauses(tx: Transaction, orgId: string): Promise<Pause[]> {
  const pauses: Pause[] = []
  for (const { action, at } of await signedEntries(tx, orgId, ['trail.paused', 'trail.resumed'])) {
    const open = pauses.at(-1)
    if (action === 'trail.paused') pauses.push({ from: Date.parse(at), until: Number.POSITIVE_INFINITY })
    else if (open?.until === Number.POSITIVE_INFINITY) open.until = Date.parse(at)
  }
  return pauses
}

const SignedEntry = z.object({
  action: z.string(),
  at: z.string(),
  after: z.object({ ranges_sha256: z.string().optional() }).nullable(),
})

const RetiredEntry = z.object({ action: z.literal('events.retired'), after: z.object({ month: z.string() }) })

/** The newest entries of these actions that the newest digest proves to be in the record, oldest first. */
const signedEntries = async (tx: Transaction, orgId: string, actions: string[]) =>
  (await provenEntries(tx, orgId, SignedEntry, { where: inArray(activity.action, actions), signedOnly: true })).filter(
    ({ action }) => actions.includes(action),
  )

type Wanted = { where: SQL | undefined; signedOnly?: boolean }

/**
 * The newest entries of activity that a condition finds and a shape takes, oldest first. Under the newest digest only what
 * it proves to be in the record counts; what is newer, unless `signedOnly`, counts as it is. What an entry says is read
 * from its line, not from the columns beside it.
 */
export async function provenEntries<T>(
  tx: Transaction,
  orgId: string,
  shape: z.ZodType<T>,
  { where, signedOnly = false }: Wanted,
): Promise<T[]> {
  const proof = await recordProof(tx, orgId)
  const rows = await tx
    .select({ seq: activity.seq, line: activity.line })
    .from(activity)
    .where(and(eq(activity.orgId, orgId), where, signedOnly ? lte(activity.seq, proof.size) : undefined))
    .orderBy(desc(activity.seq))
    .limit(ENTRIES_MAX)
  const entries: T[] = []
  for (const row of rows.toReversed()) {
    const entry = (await proof.holds(row)) ? entryOf(shape, row.line) : null
    if (entry !== null) entries.push(entry)
  }
  return entries
}

export type StoredEntry = { seq: number; line: string }
export type RecordProof = { size: number; holds: (entry: StoredEntry) => Promise<boolean> }

/**
 * What the newest digest says of entries: `holds` is false for one under it that is not what was signed. One that was tampered
 * with is reported for itself and proves nothing: what it covered counts as what is newer than the digest before.
 */
export async function recordProof(tx: Transaction, orgId: string): Promise<RecordProof> {
  const digest = await newestSigned(tx, orgId)
  const root = digest && fromHex(digest.root_hash)
  if (!digest || !root) return { size: 0, holds: async () => true }
  const size = digest.tree_size
  const stored = rememberTiles(storedTiles(tx, orgId))
  const readers = [stored, tilesOfLeaves(stored, nativePrimitives)]
  const holds = async ({ seq, line }: StoredEntry) => {
    if (seq > size) return true
    const place = { index: seq - 1, size, root, leafHash: leafHash(utf8(line), nativePrimitives) }
    for (const read of readers) {
      const proof = await proofOf(seq - 1, size, read)
      if (proof !== null && verifyInclusion({ ...place, proof }, nativePrimitives)) return true
    }
    return false
  }
  return { size, holds }
}

/** Entries about the erasure of the content of these events, one by one. */
export const erasuresOf = (tx: Transaction, orgId: string, eventIds: string[]): Promise<StoredEntry[]> =>
  tx
    .select({ seq: activity.seq, line: activity.line })
    .from(activity)
    .where(and(eq(activity.orgId, orgId), inArray(activity.targetId, eventIds), eq(activity.action, 'payload.erased')))

/** The newest entries about the erasure of content of many events at once, newest first. */
export const erasuresOfMany = (tx: Transaction, orgId: string, limit: number): Promise<StoredEntry[]> =>
  tx
    .select({ seq: activity.seq, line: activity.line })
    .from(activity)
    .where(
      and(
        eq(activity.orgId, orgId),
        inArray(activity.targetId, ['filter', 'retention']),
        inArray(activity.action, ['payloads.erased', 'payloads.expired']),
      ),
    )
    .orderBy(desc(activity.seq))
    .limit(limit)

/** Null for what is no such entry. What was tampered with is reported for itself. */
export function entryOf<T>(shape: z.ZodType<T>, line: string): T | null {
  try {
    return shape.safeParse(parseJson(line)).data ?? null
  } catch {
    return null
  }
}

/** Null where hashes of the tree are missing, which is reported for itself. */
async function proofOf(index: number, size: number, read: TileReader): Promise<Uint8Array[] | null> {
  try {
    return await proveInclusion(index, size, read, nativePrimitives)
  } catch (thrown) {
    if (thrown instanceof TileMissing) return null
    throw thrown
  }
}

export function toVerification(row: Row): Verification {
  const input = VerificationInput.parse(row.input)
  const result = row.result === null ? null : VerificationResult.parse(row.result)
  return {
    id: row.id,
    state: row.state,
    input: {
      start_time: input.start_time,
      end_time: input.end_time ?? input.asked_at,
      deep_verify: input.deep_verify,
      known_checkpoint: input.known_checkpoint,
    },
    progress: { done: row.recordsDone, total: row.recordsTotal },
    chain_integrity: result?.chain_integrity ?? null,
    records_verified: result?.records_verified ?? 0,
    findings: result?.findings ?? [],
    result,
    error: row.error,
    created_at: row.createdAt,
    created_by: row.createdBy,
    finished_at: row.finishedAt,
  }
}
