import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical'
import { type Digest, parseDigest } from './digest'
import type { Primitives } from './primitives'
import { makeTrail, native, ORG, type TestTrail } from './testing'
import { completeVerification, verifyTrail } from './verify-trail'

const verdicts = new Map<string, boolean>()

/** Most signatures of a trail are looked at again and again. */
const remembering: Primitives = {
  ...native,
  verifyEd25519: (key, message, signature) => {
    const question = Buffer.concat([key, signature, message]).toString('latin1')
    const known = verdicts.get(question)
    if (known !== undefined) return known
    const verdict = native.verifyEd25519(key, message, signature)
    if (verdicts.size > 10_000) verdicts.clear()
    verdicts.set(question, verdict)
    return verdict
  },
}

const verify = (trail: TestTrail) =>
  completeVerification(
    verifyTrail({
      org: ORG,
      keys: trail.keys,
      fingerprint: trail.fingerprint,
      digests: trail.digests,
      leaves: (first) => [trail.leaves.filter(({ seq }) => seq >= first)],
      requested: { since: null, until: null },
      now: trail.now,
      primitives: remembering,
    }),
  )

test('a thousand trails that nobody touched have no findings', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(1), { minLength: 4, maxLength: 4 }),
      async (periods, rotations) => {
        const epochs = rotations.map((_, i) => rotations.slice(1, i + 1).reduce((sum, r) => sum + r, 0))
        const report = await verify(await makeTrail({ periods, signer: (number) => epochs[number] ?? 0 }))
        expect(report).toMatchObject({ chain_integrity: 'valid', findings: [], findings_more: 0 })
        expect(report.records_verified).toBe(periods.reduce((sum, count) => sum + count, 0))
      },
    ),
    { numRuns: 1_000 },
  )
}, 60_000)

/** The places of one trail in which a bit can be flipped, as bytes with a way back. */
function parts(trail: TestTrail): { bytes: Uint8Array; put: (bytes: Uint8Array) => () => void }[] {
  const text = (holder: Record<string, unknown>, key: string) => {
    const before = holder[key] as string
    const put = (bytes: Uint8Array) => {
      holder[key] = Buffer.from(bytes).toString('latin1')
      return () => {
        holder[key] = before
      }
    }
    return { bytes: Buffer.from(before, 'latin1'), put }
  }
  const keys = trail.keys.flatMap((key) => [text(key, 'public_key'), text(key, 'kid')])
  const successions = trail.keys.slice(1).map((key) => text(key, 'predecessor_signature'))
  const digests = trail.digests.flatMap((digest) => [
    text(digest, 'body'),
    text(digest, 'body'),
    text(digest, 'signature'),
  ])
  const leaves = trail.leaves.flatMap((leaf) =>
    (['line', 'line', 'leafHash'] as const).map((part) => ({
      bytes: leaf[part] as Uint8Array,
      put: (bytes: Uint8Array) => {
        const before = leaf[part] as Uint8Array
        Object.assign(leaf, { [part]: bytes })
        return () => {
          Object.assign(leaf, { [part]: before })
        }
      },
    })),
  )
  return [...keys, ...successions, ...digests, ...leaves]
}

test('each of ten thousand single flipped bits in leaves, digests, signatures and keys is found', async () => {
  const trail = await makeTrail({ periods: [3, 0, 2], signer: (number) => (number === 2 ? 1 : 0) })
  const places = parts(trail)
  let state = 42
  const draw = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const unseen: string[] = []
  for (let i = 0; i < 10_000; i++) {
    const place = places[draw(places.length)] as (typeof places)[0]
    const bit = draw(place.bytes.length * 8)
    const bytes = Uint8Array.from(place.bytes)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const restore = place.put(bytes)
    const report = await verify(trail)
    if (report.chain_integrity !== 'invalid')
      unseen.push(`bit ${bit} of ${Buffer.from(place.bytes).toString('latin1')}`)
    restore()
  }
  expect(unseen).toEqual([])
  expect(await verify(trail)).toMatchObject({ chain_integrity: 'valid', findings: [] })
}, 120_000)

/** Twenty values for every field of a digest, none of them the true one. */
const OTHERS: unknown[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  3,
  -1,
  1.5,
  2 ** 53,
  '',
  '0',
  'x',
  'Ed25519',
  'org_other',
  'a'.repeat(64),
  'a'.repeat(32),
  '2026-04-23T10:00:00.000Z',
  '2026-04-23T11:30:00Z',
  [],
  {},
  `${'A'.repeat(86)}==`,
]

test('a digest with any field changed is found, in the form of a digest or not', async () => {
  const trail = await makeTrail({ periods: [3, 2, 4] })
  const found = trail.digests[1] as TestTrail['digests'][0]
  const digest = parseDigest(found.body) as Digest
  const fields = Object.keys(digest) as (keyof Digest)[]
  expect(fields).toHaveLength(20)
  const unseen: string[] = []
  let changed = 0
  for (const field of fields) {
    for (const value of OTHERS) {
      const body = canonicalJson({ ...digest, [field]: value })
      if (body === found.body) continue
      changed += 1
      trail.digests[1] = { ...found, body }
      if ((await verify(trail)).chain_integrity !== 'invalid') unseen.push(`${field}: ${JSON.stringify(value)}`)
    }
  }
  expect(unseen).toEqual([])
  expect(changed).toBeGreaterThan(20 * 20)
})
