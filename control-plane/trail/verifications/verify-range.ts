import type { VerificationResult } from '@/lib/contract/trail-shapes'
import { completeVerification, type TrailReport, verifyTrail } from '@/lib/trail/verify-trail'
import type { Services } from '../../context'
import type { Transaction } from '../../database'
import { digestsBetween, findDigest, newestBefore, newestSigned } from '../digests/queries'
import { keyHistory } from '../keys/queries'
import { nativePrimitives } from '../native-primitives'
import { countLeaves, recordedSize, storedLeaves, storedTiles } from '../tree/queries'
import { ColumnChecks } from './columns/column-checks'
import { statedCounts } from './columns/queries'
import { PayloadChecks } from './payload-checks'
import { recordedPauses, retiredMonths, retiredRanges, type VerificationInput } from './queries'
import { type DifferingSums, daysWithSums, differingSums } from './sums/queries'
import { TileChecks } from './tile-checks'

/** Digests are hourly, and a sweep comes once a minute: this late, one is missing. */
const TAIL_MAX_MS = 65 * 60_000
/** A service that was away signs for all of that time at once; a longer silence needs a recorded stop. */
const PERIOD_MAX_MS = 25 * 60 * 60_000

export type Progress = { done: number; total: number }

type VerifyOptions = {
  orgId: string
  input: VerificationInput
  now: Date
  signal: AbortSignal
  onProgress?: (progress: Progress) => Promise<void>
}

/**
 * Verifies a range straight from the database, in memory that does not grow with it. Everything it reads is only ever
 * added to, and what comes in while it runs is left out.
 */
export async function verifyRange(
  tx: Transaction,
  services: Pick<Services, 'objects'>,
  { orgId, input, now, signal, onProgress }: VerifyOptions,
): Promise<VerificationResult> {
  const startedAt = performance.now()
  const until = input.end_time
  const newest = await newestBefore(tx, orgId, until)
  // Read after the newest digest, so that all records under it are counted.
  const { size, stated } = input.deep_verify
    ? await statedCounts(tx, orgId)
    : { size: await recordedSize(tx, orgId), stated: [] }
  const last = until === null ? size : (newest?.treeSize ?? 0)
  const payloads = new PayloadChecks(tx, services.objects, orgId, last, signal)
  const retired = await retiredMonths(tx, orgId)
  const onCaptured = (seq: number) => payloads.notice(seq)
  const columns = new ColumnChecks(tx, { orgId, last, signal, stated, retired, onCaptured })
  const tiles = new TileChecks(tx, orgId, (await newestSigned(tx, orgId))?.tree_size ?? 0)
  // What is damaged is read a second time.
  let isFirstLook = true
  const leaves = (first: number) => {
    if (!isFirstLook) return storedLeaves(tx, orgId, first, last)
    isFirstLook = false
    return tiles.watched(columns.watched(first))
  }
  const range = { since: input.start_time, until: until ?? input.asked_at, numberMax: newest?.number ?? -1 }
  const verification = verifyTrail({
    org: orgId,
    keys: await keyHistory(tx, orgId),
    digests: digestsBetween(tx, orgId, range),
    tiles: storedTiles(tx, orgId),
    retired: await retiredRanges(tx, orgId),
    pauses: await recordedPauses(tx, orgId),
    requested: { since: input.start_time, until },
    known: input.known_checkpoint,
    size,
    now,
    periodMaxMs: PERIOD_MAX_MS,
    tailMaxMs: TAIL_MAX_MS,
    primitives: nativePrimitives,
    ...(input.deep_verify
      ? {
          leaves,
          payloads: payloads.results(),
          beside: {
            tiles: () => tiles.results(),
            columns: (first: number) => columns.results(first),
            // What is counted is all there is, and not only what came until then.
            ...(until === null
              ? { counts: () => columns.counts(), sums: () => sumsOfDays(tx, orgId, columns.days(), retired, signal) }
              : {}),
          },
        }
      : { countLeaves: (first: number, end: number) => countLeaves(tx, orgId, first, end) }),
  })
  const report = await completeVerification(verification, async ({ leaves, digests }) => {
    signal.throwIfAborted()
    await onProgress?.(
      input.deep_verify ? { done: leaves, total: last } : { done: digests, total: (newest?.number ?? 0) + 1 },
    )
  })
  if (until === null) await lookBehind(tx, services, orgId, newest?.storageKey, report)
  return { ...resultOf(report, input), duration_ms: Math.round(performance.now() - startedAt) }
}

/** By the days of the record, and those that sums claim. */
async function* sumsOfDays(
  tx: Transaction,
  orgId: string,
  recorded: readonly string[],
  retired: ReadonlySet<string>,
  signal: AbortSignal,
): AsyncGenerator<DifferingSums[]> {
  for (const day of new Set([...recorded, ...(await daysWithSums(tx, orgId))])) {
    signal.throwIfAborted()
    if (!retired.has(day.slice(0, 7))) yield await differingSums(tx, orgId, day)
  }
}

/**
 * The object store keeps digests as well, outside of the database, under names that sort by time: one behind the newest
 * that the database has was taken out of it.
 */
async function lookBehind(
  tx: Transaction,
  { objects }: Pick<Services, 'objects'>,
  orgId: string,
  newestKey: string | undefined,
  report: TrailReport,
): Promise<void> {
  const behind = newestKey === undefined ? {} : { after: newestKey }
  const { objects: later } = await objects.list(`${orgId}/trail/digests/`, { ...behind, limit: 1 })
  const id = later[0] && /\/(dig_[0-9a-z]+)\.json$/.exec(later[0].key)?.[1]
  // It may have been signed while this went on.
  if (id === undefined || (await findDigest(tx, orgId, id))) return
  const message =
    newestKey === undefined
      ? 'The object store has digests, the database none.'
      : 'The object store has a newer digest than the newest of the database.'
  report.findings.push({ state: 'TAIL_MISSING', severity: 'error', digest_id: id, message })
  report.chain_integrity = 'invalid'
}

const resultOf = (report: TrailReport, input: VerificationInput): Omit<VerificationResult, 'duration_ms'> => ({
  chain_integrity: report.chain_integrity,
  requested: { start_time: input.start_time, end_time: input.end_time ?? input.asked_at },
  found: report.found && { start_time: report.found.since, end_time: report.found.until },
  digests_verified: report.digests_verified,
  records_covered: report.found ? report.found.seq_end - report.found.seq_start + 1 : 0,
  records_verified: report.records_verified,
  payloads_verified: report.payloads.checked,
  tree_size: report.found?.tree_size ?? 0,
  root_hash: report.found?.root_hash ?? null,
  // What is no error comes last, however early it was found.
  findings: [...report.findings].sort((a, b) => Number(a.severity === 'info') - Number(b.severity === 'info')),
  findings_more: report.findings_more,
  notes: report.notes,
})
