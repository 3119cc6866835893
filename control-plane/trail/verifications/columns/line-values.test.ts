import fc from 'fast-check'
import { expect, test } from 'vitest'
import { searchable } from '@/lib/filter'
import { nanoUsdOf } from '@/lib/money'
import { toInstant } from '../../../instant'
import { type Kind, READERS } from './line-values'

/** What a reader says of a value in a line, behind and before other bytes, and of a column of binary COPY. */
function isConfirmed(kind: Kind, said: string, column: Buffer | null): boolean {
  const line = Buffer.from(`{"a":${said},"b":1}`)
  const row = Buffer.concat([Buffer.from('row'), column ?? Buffer.alloc(0), Buffer.from('"')])
  const end = READERS[kind](line, 5, row, 3, column?.length ?? -1)
  if (end !== -1) expect(line.toString('utf8', 5, end)).toBe(said)
  return end !== -1
}

const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
const float64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '/', '\n', '\u0001', '\u001f', '\u007f', '\u2028', 'é', '😀', '\ud800', ','),
  }),
)

test('a text is confirmed when the column holds it, and never when it holds another', () => {
  fc.assert(
    fc.property(texts, texts, (said, other) => {
      const json = JSON.stringify(said)
      expect(isConfirmed('text', json, Buffer.from(said))).toBe(said.isWellFormed())
      if (searchable(other) !== searchable(said)) expect(isConfirmed('text', json, Buffer.from(other))).toBe(false)
      expect(isConfirmed('text', json, null)).toBe(false)
      expect(isConfirmed('text', 'null', Buffer.from(said))).toBe(false)
    }),
  )
  expect(isConfirmed('text', 'null', null)).toBe(true)
})

test('a count is confirmed when the column holds it, and never when it holds another', () => {
  const counts = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 10, Number.MAX_SAFE_INTEGER))
  fc.assert(
    fc.property(counts, fc.oneof(counts, fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })), (said, other) => {
      expect(isConfirmed('integer', String(said), int64(BigInt(said)))).toBe(true)
      if (BigInt(other) !== BigInt(said)) expect(isConfirmed('integer', String(said), int64(BigInt(other)))).toBe(false)
    }),
  )
  expect(isConfirmed('integer', '200', Buffer.from([0, 0, 0, 200]))).toBe(true)
  expect(isConfirmed('integer', '0200', int64(200n))).toBe(false)
  expect(isConfirmed('integer', String(2n ** 53n + 1n), int64(2n ** 53n + 1n))).toBe(false)
  expect(isConfirmed('integer', 'null', null)).toBe(true)
})

test('a decimal is confirmed when the column holds it, and never when it holds another', () => {
  const decimals = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.nat(),
    fc.constantFrom(1e21, 1e-7, 0.5),
  )
  fc.assert(
    fc.property(decimals, decimals, (said, other) => {
      expect(isConfirmed('decimal', JSON.stringify(said), float64(said))).toBe(true)
      if (other !== said) expect(isConfirmed('decimal', JSON.stringify(said), float64(other))).toBe(false)
    }),
  )
})

test('an amount is confirmed when the column counts its nano-dollars, and never when it counts others', () => {
  const amounts = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.option(fc.stringMatching(/^\d{1,9}$/)))
    .map(([whole, fraction]) => (fraction === null ? String(whole) : `${whole}.${fraction}`))
  fc.assert(
    fc.property(amounts, amounts, (said, other) => {
      const isShort = said.split('.', 1).join().length <= 6
      expect(isConfirmed('dollars', `"${said}"`, int64(nanoUsdOf(said)))).toBe(isShort)
      if (nanoUsdOf(other) !== nanoUsdOf(said))
        expect(isConfirmed('dollars', `"${said}"`, int64(nanoUsdOf(other)))).toBe(false)
    }),
  )
  for (const none of ['""', '"."', '"1."', '".5"', '"1.0000000001"', '"-1"', '1', '"x"'])
    expect(isConfirmed('dollars', none, int64(1_000_000_000n))).toBe(false)
  expect(isConfirmed('dollars', 'null', null)).toBe(true)
})

test('an instant is confirmed when the column holds it to the microsecond, and never when it holds another', () => {
  const micros = fc.integer({ min: 0, max: 4_102_444_800_000_000 })
  const column = (at: number) => int64(BigInt(at) - 946_684_800_000_000n)
  const textOf = (at: number) =>
    `"${toInstant(Math.floor(at / 1_000)).replace('000Z', `${String(at % 1_000).padStart(3, '0')}Z`)}"`
  fc.assert(
    fc.property(micros, micros, (said, other) => {
      expect(isConfirmed('instant', textOf(said), column(said))).toBe(true)
      if (other !== said) expect(isConfirmed('instant', textOf(said), column(other))).toBe(false)
    }),
  )
  expect(isConfirmed('instant', textOf(0), int64(2n ** 63n - 1n))).toBe(false)
})

test('a boolean is confirmed when the column holds it', () => {
  for (const said of [true, false]) {
    expect(isConfirmed('boolean', String(said), Buffer.of(said ? 1 : 0))).toBe(true)
    expect(isConfirmed('boolean', String(said), Buffer.of(said ? 0 : 1))).toBe(false)
  }
})
