import { expect, test } from 'vitest'
import { originOf } from './checkpoint'
import { toBase64 } from './encoding'
import {
  fingerprintOf,
  KEYS_MAX,
  KeysRefused,
  kidOf,
  parsePin,
  pemOf,
  rawKeyOf,
  readKeyHistory,
  spkiOf,
  successionStatement,
  type TrailKey,
} from './keys'
import { makeTrail, native, ORG, testKey } from './testing'

const trail = await makeTrail({ periods: [1, 1, 1], signer: (number) => number })
const ORIGIN = originOf(ORG)
const read = (keys: TrailKey[], pin: string | null = null) =>
  readKeyHistory(keys, ORIGIN, pin === null ? null : parsePin(pin), native)
const fingerprints = trail.signers.map(({ spki }) => fingerprintOf(spki))
const kids = trail.signers.map(({ kid }) => kid)

test('a key is named by its SPKI, which OpenSSL reads', () => {
  const { raw, spki, kid } = testKey('a')
  expect(spkiOf(raw)).toEqual(spki)
  expect(rawKeyOf(spki)).toEqual(raw)
  expect(kidOf(spki)).toBe(kid)
  expect(fingerprintOf(spki).slice(0, 32)).toBe(kid)
  expect(pemOf(spki)).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=]{60}\n-----END PUBLIC KEY-----\n$/)
  expect(rawKeyOf(spki.slice(1))).toBeNull()
  expect(rawKeyOf(spki.map((byte, i) => (i === 8 ? byte ^ 1 : byte)))).toBeNull()
})

test('a fingerprint is read as people write it; half of one is only a hint', () => {
  const [fingerprint = ''] = fingerprints
  const value = { kind: 'fingerprint', value: fingerprint }
  expect(parsePin(fingerprint)).toEqual(value)
  expect(parsePin(` SHA256:${fingerprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')}\n`)).toEqual(value)
  expect(parsePin(fingerprint.slice(0, 32))).toEqual({ kind: 'kid', value: fingerprint.slice(0, 32) })
  expect(['', fingerprint.slice(1), `${fingerprint}00`, 'g'.repeat(64)].map(parsePin)).toEqual([null, null, null, null])
})

test('from a pinned key all that follow are trusted, and those before only as a way to it', () => {
  const middle = read(trail.keys, fingerprints[1])
  expect([[...middle.earlier.keys()], [...middle.trusted.keys()]]).toEqual([kids.slice(0, 1), kids.slice(1)])
  const first = read(trail.keys.toReversed(), fingerprints[0])
  expect([[...first.earlier.keys()], [...first.trusted.keys()]]).toEqual([[], kids])
  expect(read(trail.keys).pinned).toBe(false)
})

const with_ = (index: number, changes: Partial<TrailKey>) =>
  trail.keys.with(index, { ...(trail.keys[index] as TrailKey), ...changes })

test.each([
  ['a key that nobody signed', with_(1, { predecessor_signature: null })],
  ['a signature of another key', with_(2, { predecessor_signature: trail.keys[1]?.predecessor_signature ?? null })],
  ['a period that begins earlier than was signed', with_(1, { not_before: '2026-04-23T10:00:00.000Z' })],
  ['a period that goes on into the next', with_(0, { not_after: '2026-04-23T12:00:00.000Z' })],
  ['a period without end before another', with_(0, { not_after: null })],
  ['a period that ends before it begins', with_(2, { not_after: '2020-01-01T00:00:00Z' })],
  ['times that are none', with_(0, { not_before: 'yesterday' })],
  ['a kid of another key', with_(0, { kid: kids[1] ?? '' })],
  ['a kid that is made up', [{ ...(trail.keys[0] as TrailKey), kid: 'a'.repeat(32) }]],
  ['a key of another kind', with_(0, { public_key: toBase64(new Uint8Array(44)) })],
  ['a key that is not base64', with_(0, { public_key: 'x' })],
  ['one key twice', [...trail.keys, ...trail.keys.slice(0, 1)]],
  ['two lines of keys', with_(1, { predecessor_kid: null, predecessor_signature: null })],
  ['a circle', with_(0, { predecessor_kid: kids[2] ?? '' })],
  ['a fork', with_(2, { predecessor_kid: kids[0] ?? '' })],
  ['a missing key', trail.keys.toSpliced(1, 1)],
  ['a first key with a signature', with_(0, { predecessor_signature: toBase64(new Uint8Array(64)) })],
  ['too many keys', Array.from({ length: KEYS_MAX + 1 }, () => trail.keys[0] as TrailKey)],
])('a history with %s is refused', (_, keys) => {
  expect(() => read(keys)).toThrow(KeysRefused)
})

test('a history of another log, or without the pinned key, is refused', () => {
  expect(() => readKeyHistory(trail.keys, 'keeptrusts/org_other', null, native)).toThrow(KeysRefused)
  expect(() => read(trail.keys, fingerprintOf(testKey('other').spki))).toThrow('not in the history')
})

test('the statement that names a successor is five lines', () => {
  const text = new TextDecoder().decode(successionStatement('o', 'a', 'b', '2026-04-23T10:00:00Z'))
  expect(text).toBe('keeptrusts key succession v1\no\npredecessor a\nsuccessor b\nnot_before 2026-04-23T10:00:00Z\n')
})
