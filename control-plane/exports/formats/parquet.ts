import { deserialize, serialize } from 'node:v8'
import type { RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { nanoUsdOf } from '@/lib/money'
import type { Column, ColumnKind } from '../columns'
import { type Before, type Encoder, type Lines, NOTHING } from './encoder'
import { rowReader } from './rows-of'

/** Rows of one group: what is held in memory, and what a reader can skip. */
const GROUP_ROWS = 8_192
/** Statistics let readers skip groups; these columns run with the order of the rows. */
const WITH_STATISTICS = new Set(['timestamp', 'recorded_at', 'at', 'seq'])

/** Hardly any two rows have the same here: a dictionary would only be tried in vain. */
const ALL_DIFFERENT = new Set([
  'event_id',
  'timestamp',
  'recorded_at',
  'seq',
  'request_id',
  'traceparent',
  'gateway_seq',
  'latency_ms',
  'upstream_ms',
  'request_sha256',
  'response_sha256',
  'id',
  'at',
])

type ParquetEncoder = Encoder & {
  /** What the end of the file says of the groups of this part: whoever goes on in another process needs it. */
  partGroups: () => Buffer
}

/**
 * One Parquet file, written group by group as they fill, and the groups of a part end with it. Columns are typed: amounts
 * are decimals of nine places, instants are in UTC with microseconds.
 *
 * @param known what `partGroups` said of each part before
 */
export function parquetEncoder(
  columns: Column[],
  metadata: Record<string, string>,
  before: Before,
  known: readonly Buffer[],
): ParquetEncoder {
  const read = rowReader(columns)
  const bytes = new ByteWriter()
  const file = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'keeptrusts',
  })
  if (before.bytes > 0) {
    bytes.index = 0
    bytes.offset = before.bytes
    file.row_groups = known.flatMap((groups) => deserialize(groups) as RowGroup[])
    file.num_rows = BigInt(before.rows)
  }
  let partStart = file.row_groups.length
  let columnValues: unknown[][] = columns.map(() => [])
  const convert = columns.map(({ name, kind }) =>
    kind === 'text' ? textOf(ALL_DIFFERENT.has(name)) : (value: unknown) => parquetValue(kind, value),
  )

  const takeBytes = () => {
    const written = bytes.getBytes().slice()
    bytes.index = 0
    return written
  }
  const writeGroup = () => {
    const rows = columnValues[0]?.length ?? 0
    if (rows === 0) return
    file.write({
      columnData: columns.map(({ name }, index) => ({
        name,
        data: columnValues[index] ?? [],
        offsetIndex: false,
        statistics: WITH_STATISTICS.has(name),
        ...(ALL_DIFFERENT.has(name) ? { encoding: 'PLAIN' as const } : {}),
      })),
      rowGroupSize: rows,
    })
    // They would say where pages are, which these files do not.
    file.pendingIndexes = []
    columnValues = columns.map(() => [])
  }

  return {
    begin: takeBytes,
    rows(lines: Lines) {
      for (const row of read(lines)) {
        for (let index = 0; index < row.length; index++) {
          columnValues[index]?.push(convert[index]?.(row[index]))
        }
        if ((columnValues[0]?.length ?? 0) >= GROUP_ROWS) writeGroup()
      }
      return bytes.index > 0 ? takeBytes() : NOTHING
    },
    endPart() {
      writeGroup()
      return takeBytes()
    },
    end() {
      file.finish()
      return takeBytes()
    },
    partGroups() {
      const groups = serialize(file.row_groups.slice(partStart))
      partStart = file.row_groups.length
      return groups
    },
  }
}

/** Texts kept at a time for being met again. */
const KNOWN_MAX = 4_096

/**
 * A text that was cut out of a piece keeps all of the piece in memory, so what waits for its group is a copy: of texts
 * that come again and again the same one, which also makes the dictionary fast.
 */
function textOf(isDifferent: boolean): (value: unknown) => unknown {
  const known = new Map<string, string>()
  return (value) => {
    if (typeof value !== 'string') return null
    if (isDifferent) return Buffer.from(value)
    const same = known.get(value)
    if (same !== undefined) return same
    if (known.size === KNOWN_MAX) known.clear()
    const copy = Buffer.from(value).toString()
    known.set(copy, copy)
    return copy
  }
}

const TYPES: Record<ColumnKind, Omit<SchemaElement, 'name'>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
  dollars: { type: 'INT64', converted_type: 'DECIMAL', precision: 18, scale: 9 },
}

const schemaOf = (columns: Column[]): SchemaElement[] => [
  { name: 'root', num_children: columns.length },
  ...columns.map(({ name, kind }): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...TYPES[kind] })),
]

/** No single call costs so much; a decimal of 18 digits holds no more. */
const DOLLARS_NANO_MAX = 10n ** 18n - 1n

function parquetValue(kind: ColumnKind, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (kind) {
    case 'integer':
      return BigInt(value as number)
    case 'time':
      return microsOf(value as string)
    case 'dollars': {
      const nano = nanoUsdOf(value as string)
      return nano > DOLLARS_NANO_MAX || nano < -DOLLARS_NANO_MAX ? null : nano
    }
    case 'json':
      return JSON.stringify(value)
    default:
      return value
  }
}

/** Microseconds since 1970 of an instant in UTC with any number of decimals. */
function microsOf(instant: string): bigint | null {
  const ms = Date.parse(instant)
  if (Number.isNaN(ms)) return null
  const beyond = /\.\d{3}(\d{1,3})/.exec(instant)?.[1] ?? ''
  return BigInt(ms) * 1_000n + BigInt(beyond.padEnd(3, '0'))
}
