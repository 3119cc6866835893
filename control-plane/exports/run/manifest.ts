import type { ExportManifest } from '@/lib/contract/export-shapes'
import { usdOfNano } from '@/lib/money'
import { toInstant } from '../../instant'
import type { ExportRow, PartRow } from '../queries'

export type WholeFile = { bytes: number; sha256: string }

/** What an export is, said when all of its parts are there. */
export function manifestOf(
  row: ExportRow,
  parts: PartRow[],
  whole: WholeFile,
  trail: ExportManifest['trail'],
  finishedAt: Date,
): ExportManifest {
  const sum = (of: (part: PartRow) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    manifest_version: 1,
    export_id: row.id,
    org_id: row.orgId,
    type: row.type,
    format: row.format,
    filter: row.filter,
    fields: row.fields,
    team_id: row.teamId,
    since: row.since,
    until: row.until,
    through_seq: row.throughSeq,
    rows: sum(({ rows }) => rows),
    cost_usd: usdOfNano(parts.reduce((total, { costNanoUsd }) => total + costNanoUsd, 0n)),
    unpriced: sum(({ unpriced }) => unpriced),
    bytes: whole.bytes,
    sha256: whole.sha256,
    parts: parts.map((part) => ({
      number: part.number,
      since: part.since,
      until: part.until,
      rows: part.rows,
      bytes: part.bytes,
      cost_usd: usdOfNano(part.costNanoUsd),
      unpriced: part.unpriced,
      seq_first: part.seqFirst,
      seq_last: part.seqLast,
      sha256: part.sha256,
    })),
    trail,
    purpose: row.purpose,
    created_at: row.createdAt,
    created_by: { id: row.createdById, name: row.createdByName },
    finished_at: toInstant(finishedAt),
  }
}
