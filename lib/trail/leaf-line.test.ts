import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical'
import { toHex, utf8 } from './encoding'
import { LeafReader } from './leaf-line'
import { native, ORG } from './testing'
import { leafHash } from './tree'

const reader = new LeafReader(ORG, native)
const fieldsOf = (line: Uint8Array | string) => {
  reader.hash(line)
  reader.scan()
  const { seq, recordedAt, happenedAt, isOfLog } = reader
  return { seq, recordedAt, happenedAt, isOfLog }
}

const instants = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '"seq":9,',
    '","recorded_at":"1999-01-01T00:00:00Z","seq":9,"',
    '\\"seq\\":9',
    `"org_id":"${ORG}"`,
    '{"action":',
  ),
)

test('the fields of a decision are found whatever its texts say', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1 }),
      instants,
      hostile,
      hostile,
      fc.nat(999),
      fc.nat(2 ** 47),
      (seq, at, one, two, micros, id) => {
        const recorded_at = `${at.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`
        const event_id = `evt_${id.toString(16).padStart(12, '0')}7000a1b2c3d4e5f60718`
        const line = canonicalJson({
          event_id,
          event_type: 'decision',
          client_ip: one,
          org_id: ORG,
          policy_results: [{ kind: two }],
          reason_code: one,
          recorded_at,
          request_id: two,
          route: one,
          seq,
          status_code: 200,
          tokens: { input: 1 },
          user_agent: two,
        })
        const expected = { seq, recordedAt: at.getTime() * 1_000 + micros, happenedAt: id, isOfLog: true }
        expect(fieldsOf(line)).toEqual(expected)
        expect(fieldsOf(utf8(line))).toEqual(expected)
        expect(toHex(reader.hash(line))).toBe(toHex(leafHash(utf8(line))))
      },
    ),
    { numRuns: 500 },
  )
})

test('the fields of activity are found whatever was changed', () => {
  const nested = fc.dictionary(
    fc.constantFrom('seq', 'recorded_at', 'org_id', 'event_id', 'x'),
    fc.jsonValue({ maxDepth: 3 }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1 }), instants, nested, nested, hostile, (seq, at, before, after, name) => {
      const recorded_at = at.toISOString()
      const line = canonicalJson({
        id: 'act_1',
        action: 'x.y',
        actor: { type: 'user', id: 'u', name },
        after,
        at: recorded_at,
        before,
        event_type: 'activity',
        ip: null,
        org_id: ORG,
        outcome: 'success',
        recorded_at,
        request_id: name,
        seq,
        source: 'api',
        target: { type: 't', id: name, name },
      })
      expect(fieldsOf(line)).toEqual({ seq, recordedAt: at.getTime() * 1_000, happenedAt: at.getTime(), isOfLog: true })
    }),
    { numRuns: 500 },
  )
})

test('the time of a decision is that of its own id, however long the line before it was', () => {
  const lineOf = (id: number, citations: object[]) =>
    canonicalJson({
      citations,
      event_id: `evt_${id.toString(16).padStart(12, '0')}7000a1b2c3d4e5f60718`,
      org_id: ORG,
      recorded_at: '2026-04-23T10:00:00.100000Z',
      seq: 1,
    })
  const cited = [{ text_span: 'x'.repeat(2_000) }]
  expect(
    [lineOf(1, []), lineOf(2, cited), lineOf(3, []), lineOf(4, cited)].map((line) => fieldsOf(line).happenedAt),
  ).toEqual([1, 2, 3, 4])
})

test('what a line does not say is not found', () => {
  const base = `{"event_id":"evt_019a6f0e1c2d7000","org_id":"${ORG}","recorded_at":"2026-04-23T10:00:00.000000Z","seq":12}`
  expect(fieldsOf(base)).toMatchObject({ seq: 12, recordedAt: Date.UTC(2026, 3, 23, 10) * 1_000, isOfLog: true })
  const seqs = ['0', '01', '-1', '1.5', '"1"', '9007199254740992', '99999999999999999999', '']
  for (const seq of seqs) expect(fieldsOf(base.replace(':12', `:${seq}`)).seq).toBeNaN()
  const times = [
    '2026-04-23 10:00:00Z',
    '2026-04-23T10:00:00',
    '2026-04-23T1O:00:00Z',
    '2026-04-23T10:00:00.0000000Z',
    '',
  ]
  for (const time of times) expect(fieldsOf(base.replace(/2026[^"]*/, time)).recordedAt).toBeNaN()
  expect(fieldsOf(base.replace(ORG, 'org_other')).isOfLog).toBe(false)
  expect(fieldsOf(base.replace('evt_019a', 'evt_x19a')).happenedAt).toBeNaN()
  expect(fieldsOf(base.replace('evt_', 'x')).happenedAt).toBeNaN()
  const nothing = { seq: Number.NaN, recordedAt: Number.NaN, happenedAt: Number.NaN, isOfLog: false }
  for (const line of ['', '{', '{"action":', '"recorded_at":"', '"seq":']) expect(fieldsOf(line)).toEqual(nothing)
})

test('lines of any length are hashed as they are', () => {
  for (const length of [0, 1, 8_190, 8_191, 8_192, 100_000]) {
    const line = new Uint8Array(length).fill(0x61)
    expect(toHex(reader.hash(line))).toBe(toHex(leafHash(line)))
    expect(toHex(reader.hash('\u00e9'.repeat(length)))).toBe(toHex(leafHash(utf8('\u00e9'.repeat(length)))))
  }
})
