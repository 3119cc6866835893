import { and, asc, desc, eq, gte, lte, sql } from 'drizzle-orm'
import { exportParts } from '@/drizzle/schema/exports'
import { trailDigests } from '@/drizzle/schema/trail'
import type { ExportManifest } from '@/lib/contract/export-shapes'
import type { Transaction } from '../../database'
import type { PartRow } from '../queries'

/** In their order. */
export const finishedParts = (tx: Transaction, orgId: string, exportId: string): Promise<PartRow[]> =>
  tx
    .select()
    .from(exportParts)
    .where(and(eq(exportParts.orgId, orgId), eq(exportParts.exportId, exportId)))
    .orderBy(asc(exportParts.number))

/** More are counted and left out: a manifest is read by people too. */
const DIGESTS_MAX = 1_000

/** The digests of the trail between two places of the record, and what nothing signed covers yet. */
export async function coveringDigests(
  tx: Transaction,
  orgId: string,
  first: number | null,
  last: number | null,
): Promise<ExportManifest['trail']> {
  if (first === null || last === null) return { digests: [], digests_left_out: 0, uncovered: null }
  const covers = and(
    eq(trailDigests.orgId, orgId),
    gte(trailDigests.seqEnd, first),
    lte(trailDigests.seqStart, last),
    // A digest of a time without records covers none.
    gte(trailDigests.seqEnd, trailDigests.seqStart),
  )
  const digests = await tx
    .select({
      digest_id: trailDigests.digestId,
      seq_start: trailDigests.seqStart,
      seq_end: trailDigests.seqEnd,
      root_hash: trailDigests.rootHash,
    })
    .from(trailDigests)
    .where(covers)
    .orderBy(asc(trailDigests.number))
    .limit(DIGESTS_MAX)
  const [all] = await tx
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(trailDigests)
    .where(covers)
  const [newest] = await tx
    .select({ seqEnd: trailDigests.seqEnd })
    .from(trailDigests)
    .where(eq(trailDigests.orgId, orgId))
    .orderBy(desc(trailDigests.number))
    .limit(1)
  const signed = newest?.seqEnd ?? 0
  return {
    digests,
    digests_left_out: (all?.count ?? digests.length) - digests.length,
    uncovered: signed >= last ? null : { seq_first: Math.max(signed + 1, first), seq_last: last },
  }
}
