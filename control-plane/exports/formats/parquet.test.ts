import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { expect, test } from 'vitest'
import { canonicalJson } from '@/lib/trail/canonical'
import type { Column } from '../columns'
import { parquetEncoder } from './parquet'

const columns: Column[] = [
  ...(['text', 'integer', 'number', 'boolean', 'time', 'dollars', 'json'] as const).map((kind) => ({
    name: kind,
    kind,
    paths: [[kind]],
  })),
  // Of these, hardly any two are the same.
  { name: 'event_id', kind: 'text', paths: [['nested', 'id']] },
  { name: 'sum', kind: 'integer', paths: [['integer'], ['text']], from: (a, b) => (b === undefined ? null : a) },
]

const texts = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', '\u0001') }),
  fc.constantFrom('', 'ok', 'n', 'a longer text that comes again'),
)
const instants = fc
  .tuple(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), fc.stringMatching(/^\d{0,3}$/))
  .map(([date, more]) => date.toISOString().replace('Z', `${more}Z`))
const amounts = fc.stringMatching(/^(0|[1-9]\d{0,8})(\.\d{1,9})?$/)
const integers = fc.oneof(fc.nat(), fc.maxSafeNat())
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value)
const record = fc.record(
  {
    text: optional(texts),
    integer: optional(integers),
    number: optional(fc.double({ noNaN: true, noDefaultInfinity: true })),
    boolean: optional(fc.boolean()),
    time: optional(instants),
    dollars: optional(amounts),
    json: optional(fc.array(texts, { maxLength: 3 })),
    nested: optional(fc.record({ id: optional(texts) }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
)

async function rowsOf(...pieces: object[][]) {
  const encoder = parquetEncoder(columns, {}, { rows: 0, bytes: 0 }, [])
  const parts = [encoder.begin()]
  for (const piece of pieces) {
    const bytes = Buffer.from(piece.map((one) => `${canonicalJson(one)}\n`).join(''))
    parts.push(encoder.rows({ bytes, rows: piece.length }))
  }
  parts.push(encoder.endPart(), encoder.end())
  return parquetReadObjects({ file: new Uint8Array(Buffer.concat(parts)).buffer })
}

test('values that are taken out of lines are those that are read from them', async () => {
  // One letter that is not ASCII, and all of a piece is read.
  const other = { text: 'é' }
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), async (records) => {
      expect(await rowsOf(records, [other])).toEqual(await rowsOf([...records, other]))
    }),
    { numRuns: 100 },
  )
})

test('texts of every length are whole, also when a group has more of them than was thought', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(index * 400))
  const records = ids.map((id) => ({ nested: { id } }))
  const rows = [...(await rowsOf(records)), ...(await rowsOf([...records, { nested: { id: 'é' } }])).slice(0, -1)]
  expect(rows.map(({ event_id }) => event_id)).toEqual([...ids, ...ids])
})
