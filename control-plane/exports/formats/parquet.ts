import { isAscii } from 'node:buffer'
import { deserialize, serialize } from 'node:v8'
import type { RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Column, ColumnKind } from '../columns'
import { type Before, type Encoder, type Lines, NOTHING } from './encoder'
import { GROUP_ROWS, heldColumn } from './held-column'
import { placesOf, rowReader } from './rows-of'
import { rangesOf } from './skimmer'

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
  const held = columns.map(({ name, kind }) => heldColumn(kind, ALL_DIFFERENT.has(name)))
  let rows = 0

  const takeBytes = () => {
    const written = bytes.getBytes().slice()
    bytes.index = 0
    return written
  }
  const writeGroup = () => {
    if (rows === 0) return
    const length = rows
    file.write({
      columnData: columns.map(({ name }, index) => ({
        name,
        // Made when its turn comes: of all columns at once, the values are what takes most memory.
        get data() {
          return held[index]?.values(length) ?? []
        },
        offsetIndex: false,
        statistics: WITH_STATISTICS.has(name),
        ...(ALL_DIFFERENT.has(name) ? { encoding: 'PLAIN' as const } : {}),
      })),
      rowGroupSize: rows,
    })
    // They would say where pages are, which these files do not.
    file.pendingIndexes = []
    rows = 0
  }

  const goOn = () => {
    rows += 1
    if (rows === GROUP_ROWS) writeGroup()
  }
  const set = (values: unknown[]) => {
    for (let index = 0; index < values.length; index++) held[index]?.set(rows, values[index])
    goOn()
  }
  const { paths, slots } = placesOf(columns)
  const skim = rangesOf(paths)
  const take = (line: Buffer) =>
    skim(line.toString('latin1'), ({ starts, ends, read: valueAt }) => {
      for (let index = 0; index < columns.length; index++) {
        const own = slots[index] as number[]
        const slot = own[0] as number
        const from = columns[index]?.from
        const start = starts[slot] as number
        if (from) held[index]?.set(rows, from(...own.map(valueAt)))
        else if (start === -1) held[index]?.set(rows, null)
        else if (!held[index]?.take(rows, line, start, ends[slot] as number)) held[index]?.set(rows, valueAt(slot))
      }
      goOn()
    })

  return {
    begin: takeBytes,
    rows(lines: Lines) {
      // Then bytes are where letters are.
      if (isAscii(lines.bytes)) take(lines.bytes)
      else for (const values of read(lines)) set(values)
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
