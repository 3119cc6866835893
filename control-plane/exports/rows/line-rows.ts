import type { Lines } from '../formats/encoder'

/** What has been read so far. */
export type Totals = {
  rows: number
  costNanoUsd: bigint
  /** Rows with tokens and without a price. */
  unpriced: number
  seqFirst: number | null
  seqLast: number | null
}

export const noTotals = (): Totals => ({ rows: 0, costNanoUsd: 0n, unpriced: 0, seqFirst: null, seqLast: null })

/** `PGCOPY\n\377\r\n\0`, flags, and the length of an extension that no server sends. */
const HEADER_BYTES = 19
/** Field count and the four lengths; then seq, cost, whether it has tokens. */
const FIELDS = 4
const LINE_FEED = 0x0a
const TWO_32 = 2 ** 32
/** From here on a sum of numbers might round: it goes over to the bigint before. */
const CARRY_AT = 2 ** 52

/**
 * Takes apart what `COPY (SELECT seq, cost, has_tokens, line) TO STDOUT (FORMAT binary)` sends, in pieces cut anywhere
 * (PostgreSQL manual, COPY, Binary Format). The lines come out as they are stored, each with a line feed; the other
 * columns go into the totals.
 */
export class LineRows {
  readonly totals: Totals = noTotals()
  #rest: Buffer = Buffer.alloc(0)
  #isBegun = false
  #costCarry = 0

  /** The rows that are complete with this piece. What it returns is not touched again. */
  take(piece: Buffer): Lines {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = this.#isBegun ? 0 : HEADER_BYTES
    if (bytes.length < at) {
      this.#rest = bytes
      return { bytes: Buffer.alloc(0), rows: 0 }
    }
    this.#isBegun = true
    const out = Buffer.allocUnsafe(bytes.length)
    let size = 0
    let rows = 0
    for (;;) {
      const row = rowAt(bytes, at)
      if (!row) break
      this.#count(row)
      size += bytes.copy(out, size, row.lineStart, row.lineEnd)
      out[size++] = LINE_FEED
      rows += 1
      at = row.lineEnd
    }
    // A copy: the rest is short, and a view would keep all of the piece in memory.
    this.#rest = Buffer.from(bytes.subarray(at))
    this.totals.rows += rows
    return { bytes: out.subarray(0, size), rows }
  }

  /** Nothing may be left but the end mark. @throws Error when the rows broke off */
  end(): Totals {
    if (this.#rest.length !== 2 || this.#rest.readInt16BE() !== -1) throw new Error('The rows of an export broke off.')
    this.totals.costNanoUsd += BigInt(this.#costCarry)
    this.#costCarry = 0
    return this.totals
  }

  #count({ seq, cost, hasTokens }: Row): void {
    const { totals } = this
    if (totals.seqFirst === null || seq < totals.seqFirst) totals.seqFirst = seq
    if (totals.seqLast === null || seq > totals.seqLast) totals.seqLast = seq
    if (cost === null) {
      if (hasTokens) totals.unpriced += 1
    } else if (typeof cost === 'bigint') {
      totals.costNanoUsd += cost
    } else {
      this.#costCarry += cost
      if (Math.abs(this.#costCarry) < CARRY_AT) return
      totals.costNanoUsd += BigInt(this.#costCarry)
      this.#costCarry = 0
    }
  }
}

type Row = { seq: number; cost: number | bigint | null; hasTokens: boolean; lineStart: number; lineEnd: number }

/** The row that begins here; undefined when it is not all there, or when the end mark stands here. */
function rowAt(bytes: Buffer, start: number): Row | undefined {
  let at = start
  if (at + 2 > bytes.length) return undefined
  const fields = bytes.readInt16BE(at)
  if (fields === -1) return undefined
  if (fields !== FIELDS) throw new Error(`A row of an export has ${fields} fields.`)
  at += 2
  // Length and value of seq, length of cost.
  if (at + 16 > bytes.length) return undefined
  const seq = integerAt(bytes, at + 4)
  const costLength = bytes.readInt32BE(at + 12)
  at += 16
  const afterCost = at + Math.max(costLength, 0)
  // Length and value of the boolean, length of the line.
  if (afterCost + 9 > bytes.length) return undefined
  const cost = costLength === -1 ? null : integerAt(bytes, at)
  const hasTokens = bytes[afterCost + 4] === 1
  const lineStart = afterCost + 9
  const lineEnd = lineStart + bytes.readInt32BE(afterCost + 5)
  if (lineEnd > bytes.length) return undefined
  return { seq: Number(seq), cost, hasTokens, lineStart, lineEnd }
}

/** A number where it is exact. */
function integerAt(bytes: Buffer, at: number): number | bigint {
  const high = bytes.readInt32BE(at)
  return high > -0x10_0000 && high < 0x10_0000 ? high * TWO_32 + bytes.readUInt32BE(at + 4) : bytes.readBigInt64BE(at)
}
