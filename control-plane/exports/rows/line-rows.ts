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
 * Lines are given out together in about so many bytes: each round trip to the file costs as much as some of them. Whoever makes
 * texts of them needs several times as much memory beside them.
 */
const GATHERED_BYTES = 131_072
/** Of lines that go into the file as they are. */
export const VERBATIM_BYTES = 524_288
/** How much of the next piece is tried first to complete a row that the last one left. */
const TRIED_BYTES = 4_096

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
  readonly #gathered: number
  #out: Buffer
  #size = 0
  #rows = 0

  /** @param gathered bytes that are given out together */
  constructor(gathered = GATHERED_BYTES) {
    this.#gathered = gathered
    this.#out = Buffer.allocUnsafeSlow(gathered)
  }

  /** What is gathered, once it is worth while. It is not touched again. */
  take(piece: Buffer): Lines | undefined {
    let at = this.#complete(piece)
    if (at === undefined) return undefined
    for (;;) {
      const row = rowAt(piece, at)
      if (!row) break
      this.#add(piece, row)
      at = row.lineEnd
    }
    // A copy: the rest is short, and a view would keep all of the piece in memory.
    this.#rest = Buffer.from(piece.subarray(at))
    return this.#size >= this.#gathered * 0.75 ? this.#give() : undefined
  }

  /** What was gathered last. Nothing may be left but the end mark. @throws Error when the rows broke off */
  end(): Lines {
    if (this.#rest.length !== 2 || this.#rest.readInt16BE() !== -1) throw new Error('The rows of an export broke off.')
    this.totals.costNanoUsd += BigInt(this.#costCarry)
    this.#costCarry = 0
    return this.#give()
  }

  /** Adds the row that the last piece left incomplete. @returns where the next one begins; undefined when more must come */
  #complete(piece: Buffer): number | undefined {
    if (this.#isBegun && this.#rest.length === 0) return 0
    for (let tried = TRIED_BYTES; ; tried *= 8) {
      const bytes = Buffer.concat([this.#rest, piece.subarray(0, tried)])
      const start = this.#isBegun ? 0 : HEADER_BYTES
      const row = bytes.length < start ? undefined : rowAt(bytes, start)
      if (row) {
        this.#isBegun = true
        this.#add(bytes, row)
        return row.lineEnd - this.#rest.length
      }
      if (tried < piece.length) continue
      // All of the piece belongs to a row whose end is still to come, or to the end mark.
      const isPastHeader = bytes.length >= start
      this.#rest = isPastHeader ? bytes.subarray(start) : bytes
      this.#isBegun ||= isPastHeader
      return undefined
    }
  }

  #add(bytes: Buffer, row: Row): void {
    this.#count(row)
    const needed = this.#size + row.lineEnd - row.lineStart + 1
    if (needed > this.#out.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#out.length))
      this.#out.copy(larger, 0, 0, this.#size)
      this.#out = larger
    }
    this.#size += bytes.copy(this.#out, this.#size, row.lineStart, row.lineEnd)
    this.#out[this.#size++] = LINE_FEED
    this.#rows += 1
  }

  #give(): Lines {
    const lines = { bytes: this.#out.subarray(0, this.#size), rows: this.#rows }
    this.totals.rows += this.#rows
    this.#out = Buffer.allocUnsafeSlow(this.#gathered)
    this.#size = 0
    this.#rows = 0
    return lines
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
