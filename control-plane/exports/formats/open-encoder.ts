import type { ExportFormat, ExportType } from '@/lib/contract/export-shapes'
import { exportedColumns } from '../columns'
import { csvEncoder } from './csv'
import type { Before, Encoder } from './encoder'
import { jsonEncoder } from './json'
import { jsonLinesEncoder } from './json-lines'
import { parquetEncoder } from './parquet'

export const EXTENSIONS: Record<ExportFormat, string> = {
  json: 'json',
  json_lines: 'jsonl',
  csv: 'csv',
  parquet: 'parquet',
}

export const MEDIA_TYPES: Record<ExportFormat, string> = {
  json: 'application/json',
  json_lines: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
}

/** What a file says of itself where its format has room for it. */
export type FileHead = {
  /** Null for what is sent without being kept. */
  export_id: string | null
  type: ExportType
  created_at: string
  time_range: { since: string; until: string }
  filter: string
  through_seq: number
}

export type FileDefinition = { type: ExportType; format: ExportFormat; fields: readonly string[] | null }

/** Goes on behind finished parts, when there are some. `groups` is what a Parquet file must know of each of them. */
export function openEncoder(
  { type, format, fields }: FileDefinition,
  head: FileHead,
  before: Before = { rows: 0, bytes: 0 },
  groups: readonly Buffer[] = [],
): Encoder & { partGroups?: () => Buffer } {
  const selected = fields === null ? null : exportedColumns(type, fields)
  switch (format) {
    case 'json_lines':
      return jsonLinesEncoder(selected)
    case 'json':
      return jsonEncoder(selected, head, before)
    case 'csv':
      return csvEncoder(exportedColumns(type, fields))
    case 'parquet':
      return parquetEncoder(exportedColumns(type, fields), { keeptrusts: JSON.stringify(head) }, before, groups)
  }
}
