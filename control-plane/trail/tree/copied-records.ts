import type { Leaf } from '@/lib/trail/leaf-line'

export type StoredLeaf = Leaf & { line: Buffer; leafHash: Buffer }
/** A record with the columns that were asked for: in `row` from `columnsAt` on, each as `fieldLength` and `fieldStart` say. */
export type StoredRecord = StoredLeaf & { row: Buffer; columnsAt: number }

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const TWO_32 = 2 ** 32
/** Before the bytes of a field: the number of its type and its length, which is -1 for NULL. */
const FIELD_HEAD = 8

export const fieldStart = (at: number): number => at + FIELD_HEAD
export const fieldLength = (row: Buffer, at: number): number => row.readInt32BE(at + 4)

/**
 * The records that `COPY (SELECT string_agg(record_send(...), '')) TO STDOUT (FORMAT binary)` sent: a header, then for each
 * row a 16-bit count of fields, which is 1, and a 32-bit length (PostgreSQL manual, COPY, Binary Format). In it stand
 * records, each a 32-bit count of fields and the fields; the first are seq, leaf_hash and line. What is returned are views.
 *
 * @throws Error when these are not such rows, or not all of them
 */
export function copiedRecords(bytes: Buffer): StoredRecord[] {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('PostgreSQL sent no binary COPY.')
  const records: StoredRecord[] = []
  let at = SIGNATURE.length + 8 + bytes.readInt32BE(SIGNATURE.length + 4)
  while (bytes.readInt16BE(at) !== -1) {
    const length = bytes.readInt32BE(at + 2)
    at += 6
    for (const end = at + length; at < end; ) {
      const fields = bytes.readInt32BE(at)
      const hashAt = at + 4 + FIELD_HEAD + 8
      const lineAt = hashAt + FIELD_HEAD + fieldLength(bytes, hashAt)
      const columnsAt = lineAt + FIELD_HEAD + fieldLength(bytes, lineAt)
      records.push({
        seq: integerAt(bytes, fieldStart(at + 4)),
        leafHash: bytes.subarray(fieldStart(hashAt), lineAt),
        line: bytes.subarray(fieldStart(lineAt), columnsAt),
        row: bytes,
        columnsAt,
      })
      at = columnsAt
      for (let field = 3; field < fields; field++) at += FIELD_HEAD + Math.max(fieldLength(bytes, at), 0)
    }
  }
  return records
}

/** A 64-bit integer; not exact, and no safe integer either, beyond 2^53. */
export const integerAt = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
