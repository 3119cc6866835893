import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical'
import {
  DIGEST_BYTES_MAX,
  type Digest,
  digestBytes,
  digestSha256,
  isDigestSignature,
  parseDigest,
  signDigest,
} from './digest'
import { toBase64, toHex, utf8 } from './encoding'
import { native, testKey } from './testing'

const KEY = testKey('digest')
const DIGEST: Digest = {
  v: 1,
  origin: 'keeptrusts/org_1',
  org: 'org_1',
  digest_id: 'dig_019a6f0e1c2d7000a1b2c3d4e5f60718',
  number: 7,
  period_start: '2026-04-23T09:00:00.000000Z',
  period_end: '2026-04-23T10:00:00.000000Z',
  seq_start: 41,
  seq_end: 60,
  event_count: 20,
  tree_size: 60,
  root_hash: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  oldest_event_time: '2026-04-23T09:00:01.000Z',
  newest_event_time: '2026-04-23T09:59:01.000Z',
  prev_digest_id: 'dig_019a6f0e1c2d7000a1b2c3d4e5f60717',
  prev_digest_sha256: 'a'.repeat(64),
  prev_signature: toBase64(new Uint8Array(64)),
  kid: KEY.kid,
  alg: 'Ed25519',
  storage_key: 'org_1/trail/digests/7.json',
}
const TEXT = canonicalJson(DIGEST)

test('the bytes that are signed are these, and have this hash and this signature', async () => {
  const bytes = digestBytes(DIGEST)
  expect(new TextDecoder().decode(bytes)).toBe(TEXT)
  expect(TEXT.startsWith('{"alg":"Ed25519","digest_id":"dig_019a')).toBe(true)
  expect(digestSha256(TEXT)).toBe(toHex(native.sha256(bytes)))
  const signed = await signDigest(DIGEST, KEY.sign)
  expect(signed.body).toBe(TEXT)
  expect(isDigestSignature(signed.body, signed.signature, KEY.raw)).toBe(true)
  expect(isDigestSignature(`${signed.body} `, signed.signature, KEY.raw)).toBe(false)
  expect(isDigestSignature(signed.body, signed.signature.slice(4), KEY.raw)).toBe(false)
  expect(isDigestSignature(signed.body, signed.signature, testKey('other').raw)).toBe(false)
})

test('a digest reads as it was written, from text and from bytes', () => {
  expect(parseDigest(TEXT)).toEqual(DIGEST)
  expect(parseDigest(digestBytes(DIGEST))).toEqual(DIGEST)
})

test.each([
  ['a repeated field', TEXT.replace('{', '{"alg":"Ed25519",')],
  ['a repeated field that says something else', TEXT.replace('"tree_size":60', '"tree_size":61,"tree_size":60')],
  ['bytes behind it', `${TEXT}\n`],
  ['bytes before it', ` ${TEXT}`],
  ['a byte order mark', `\ufeff${TEXT}`],
  ['space inside', TEXT.replace('":', '": ')],
  ['another order', TEXT.replace('"v":1', '').replace(',}', '}').replace('{', '{"v":1,')],
  ['a number in another form', TEXT.replace('"number":7', '"number":7.0')],
  ['an exponent', TEXT.replace('"number":7', '"number":70e-1')],
  ['a number beyond 2^53', TEXT.replace('"number":7', '"number":9007199254740993')],
  ['an escape that is not needed', TEXT.replace('Ed25519', '\\u0045d25519')],
  ['an unknown field', TEXT.replace('"v":1', '"v":1,"w":1')],
  ['a field that is missing', TEXT.replace('"v":1', '"w":1')],
  ['a prototype', TEXT.replace('"v":1', '"v":1,"__proto__":{}')],
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['more than a digest has', TEXT.replace('org_1/trail', 'x'.repeat(DIGEST_BYTES_MAX))],
  ['nesting', '['.repeat(8_000)],
])('text with %s is no digest', (_, text) => {
  expect(parseDigest(text)).toBeNull()
  expect(parseDigest(utf8(text))).toBeNull()
})

test('bytes that are not UTF-8 are no digest', () => {
  const bytes = digestBytes(DIGEST)
  bytes[30] = 0xff
  expect(parseDigest(bytes)).toBeNull()
})

test.each([
  ['a count that is not the range', { event_count: 19 }],
  ['a size that is not the last seq', { tree_size: 61 }],
  ['a range that begins at nothing', { seq_start: 0, event_count: 61 }],
  ['an end before the start', { period_end: '2026-04-23T08:59:59.999999Z' }],
  ['times without leaves', { seq_start: 61, event_count: 0 }],
  ['leaves without times', { oldest_event_time: null, newest_event_time: null }],
  ['no digest before it', { prev_digest_id: null, prev_digest_sha256: null, prev_signature: null }],
  ['half a digest before it', { prev_signature: null }],
  ['a day that no calendar has', { period_start: '2026-02-30T09:00:00Z' }],
  ['a zone', { period_start: '2026-04-23T09:00:00+00:00' }],
  ['a short signature before it', { prev_signature: toBase64(new Uint8Array(63)) }],
  ['a root in capitals', { root_hash: DIGEST.root_hash.toUpperCase() }],
  ['the first number and a digest before it', { number: 0 }],
] as [string, Partial<Digest>][])('%s is refused, and not signed', async (_, changes) => {
  const digest = { ...DIGEST, ...changes }
  expect(parseDigest(canonicalJson(digest))).toBeNull()
  await expect(signDigest(digest, KEY.sign)).rejects.toThrow(RangeError)
})

test('no text but the one is read as a digest', () => {
  fc.assert(
    fc.property(fc.nat(TEXT.length - 1), fc.string({ maxLength: 3 }), fc.nat(3), (at, added, removed) => {
      const text = TEXT.slice(0, at) + added + TEXT.slice(at + removed)
      const digest = parseDigest(text)
      // What reads at all reads back to exactly what was given.
      if (digest) expect(canonicalJson(digest)).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})
