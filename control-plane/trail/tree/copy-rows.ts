const HEADER_BYTES = 19
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')

/**
 * Rows of `COPY ... TO STDOUT (FORMAT binary)` out of chunks that may end anywhere (PostgreSQL, COPY, "Binary Format"):
 * a header, then per row a 16-bit count of fields and per field a 32-bit length and its bytes.
 */
export class CopyRows {
  #rest: Buffer = Buffer.alloc(0)
  #isOpen = false
  readonly #fields: number

  constructor(fields: number) {
    this.#fields = fields
  }

  /** The rows that are complete now, as views of the chunk; null stands for NULL. */
  take(chunk: Buffer): (Buffer | null)[][] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const rows: (Buffer | null)[][] = []
    let at = this.#isOpen ? 0 : this.#header(bytes)
    while (this.#isOpen) {
      const row: (Buffer | null)[] = []
      const end = this.#row(bytes, at, row)
      if (end === at) break
      if (row.length > 0) rows.push(row)
      at = end
    }
    this.#rest = bytes.subarray(at)
    return rows
  }

  /** Where the first row begins, once the whole header is there. */
  #header(bytes: Buffer): number {
    if (bytes.length < HEADER_BYTES) return 0
    const end = HEADER_BYTES + bytes.readInt32BE(15)
    if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('PostgreSQL sent no binary COPY.')
    if (bytes.length < end) return 0
    this.#isOpen = true
    return end
  }

  /** Where the next row begins; `at` itself while this one is not complete. */
  #row(bytes: Buffer, at: number, row: (Buffer | null)[]): number {
    if (bytes.length < at + 2) return at
    const count = bytes.readInt16BE(at)
    if (count === -1) return at + 2
    if (count !== this.#fields) throw new Error(`PostgreSQL sent a row of ${count} fields.`)
    let place = at + 2
    for (let field = 0; field < count; field++) {
      if (bytes.length < place + 4) return incomplete(at, row)
      const length = bytes.readInt32BE(place)
      place += 4
      if (length === -1) {
        row.push(null)
        continue
      }
      if (bytes.length < place + length) return incomplete(at, row)
      row.push(bytes.subarray(place, place + length))
      place += length
    }
    return place
  }
}

function incomplete(at: number, row: unknown[]): number {
  row.length = 0
  return at
}
