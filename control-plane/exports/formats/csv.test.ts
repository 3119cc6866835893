import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '@/lib/trail/canonical'
import type { Column, ColumnKind } from '../columns'
import { csvEncoder } from './csv'

const KINDS: ColumnKind[] = ['text', 'integer', 'number', 'boolean', 'time', 'dollars', 'json']
const columns: Column[] = [
  ...KINDS.map((kind) => ({ name: kind, kind, paths: [[kind]] })),
  { name: 'inner', kind: 'text', paths: [['nested', 'inner']] },
  { name: 'sum', kind: 'integer', paths: [['integer'], ['number']], from: (a, b) => (a === undefined ? b : [a, b]) },
]

const ascii = fc.string({ unit: 'grapheme-ascii' })
const tricky = fc.string({ unit: fc.constantFrom('=', '+', ' ', '\t', '\r', '\n', '"', '\\', ',', 'a', '0', '\u0001') })
const value = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1,
    1.5e-7,
    1e21,
    '',
    'ok',
    '2026-11-22T00:00:00.000000Z',
    '0.001286400',
    [],
    {},
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  ascii,
  tricky,
  fc.array(tricky, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('inner', 'b'), tricky),
)
const record = fc.dictionary(fc.constantFrom(...KINDS, 'nested', 'other'), value)

const encoded = (records: unknown[]) => {
  const lines = Buffer.from(records.map((one) => `${canonicalJson(one)}\n`).join(''))
  return Buffer.from(csvEncoder(columns).rows({ bytes: lines, rows: records.length })).toString()
}

test('fields that are copied out of lines are those that are read from them', () => {
  // One letter that is not ASCII, and a whole piece is read instead of copied.
  const other = { text: 'é' }
  fc.assert(
    fc.property(fc.array(record, { maxLength: 8 }), (records) => {
      expect(encoded(records) + encoded([other])).toBe(encoded([...records, other]))
    }),
    { numRuns: 1_000 },
  )
})
