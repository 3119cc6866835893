import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineRows } from './line-rows'

type Given = { seq: number; cost: bigint | null; hasTokens: boolean; line: string }

/** PostgreSQL manual, COPY, Binary Format. */
function binary(rows: Given[]): Buffer {
  const pieces: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]
  for (const { seq, cost, hasTokens, line } of rows) {
    const fields = [
      int64(BigInt(seq)),
      cost === null ? null : int64(cost),
      Buffer.of(hasTokens ? 1 : 0),
      Buffer.from(line),
    ]
    const count = Buffer.alloc(2)
    count.writeInt16BE(fields.length)
    pieces.push(count)
    for (const field of fields) {
      const length = Buffer.alloc(4)
      length.writeInt32BE(field?.length ?? -1)
      pieces.push(length, field ?? Buffer.alloc(0))
    }
  }
  return Buffer.concat([...pieces, Buffer.of(0xff, 0xff)])
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

const row = fc.record({
  seq: fc.maxSafeNat(),
  cost: fc.option(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })),
  hasTokens: fc.boolean(),
  line: fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 6_000, maxLength: 9_000 })),
})

test('rows come out whole wherever the pieces are cut, and their totals are exact', () => {
  const property = fc.property(
    fc.array(row, { maxLength: 40 }),
    fc.infiniteStream(fc.integer({ min: 1, max: 9_000 })),
    (rows, cuts) => {
      const bytes = binary(rows)
      const reader = new LineRows()
      const out: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const length = cuts.next().value
        const lines = reader.take(bytes.subarray(at, at + length))
        if (lines) out.push(lines.bytes)
        at += length
      }
      out.push(reader.end().bytes)
      expect(Buffer.concat(out).toString()).toBe(rows.map(({ line }) => `${line}\n`).join(''))
      const seqs = rows.map(({ seq }) => seq)
      expect(reader.totals).toEqual({
        rows: rows.length,
        costNanoUsd: rows.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n),
        unpriced: rows.filter(({ cost, hasTokens }) => cost === null && hasTokens).length,
        seqFirst: seqs.length > 0 ? Math.min(...seqs) : null,
        seqLast: seqs.length > 0 ? Math.max(...seqs) : null,
      })
    },
  )
  fc.assert(property, { numRuns: 150 })
})

test('what breaks off is no export', () => {
  const bytes = binary([{ seq: 1, cost: null, hasTokens: false, line: '{}' }])
  for (const length of [0, 10, 19, 30, bytes.length - 2, bytes.length - 1]) {
    const reader = new LineRows()
    reader.take(bytes.subarray(0, length))
    expect(() => reader.end(), String(length)).toThrow('broke off')
  }
})
