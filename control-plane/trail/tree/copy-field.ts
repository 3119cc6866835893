const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')

/**
 * The one field of the one row that `COPY ... TO STDOUT (FORMAT binary)` sent (PostgreSQL, COPY, "Binary Format"): a header,
 * a 16-bit count of fields, a 32-bit length and the bytes. Empty for NULL.
 */
export function onlyField(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('PostgreSQL sent no binary COPY.')
  const row = SIGNATURE.length + 8 + bytes.readInt32BE(SIGNATURE.length + 4)
  const length = bytes.readInt32BE(row + 2)
  if (bytes.readInt16BE(row) !== 1) throw new Error('PostgreSQL sent a row of several fields.')
  return length === -1 ? Buffer.alloc(0) : bytes.subarray(row + 6, row + 6 + length)
}
