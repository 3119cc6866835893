import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson } from './canonical'
import { formatCheckpoint, originOf } from './checkpoint'
import { type Digest, digestSha256, type SignedDigest, signDigest } from './digest'
import type { FoundDigest } from './digest-chain'
import { fromHex, toBase64, toHex } from './encoding'
import { fingerprintOf, kidOf, spkiOf, successionStatement, type TrailKey } from './keys'
import type { Leaf } from './leaf-line'
import { composeNote, noteKey, signatureLine } from './note'
import type { Primitives } from './primitives'
import { growTiles, type TileReader } from './tiles'
import { Frontier, leafHash } from './tree'

/** The functions of the runtime: several times as fast, and OpenSSL's instead of our own choice of library. */
export const native: Primitives = {
  sha256: (bytes) => Buffer.from(hash('sha256', bytes, 'binary'), 'binary'),
  verifyEd25519: (publicKey, message, signature) => {
    return verify(null, message, publicKeyOf(publicKey), signature)
  },
}

const publicKeys = new Map<string, KeyObject>()

/** Reading a key takes as long as verifying with it. */
function publicKeyOf(raw: Uint8Array): KeyObject {
  const name = toBase64(raw)
  const key = publicKeys.get(name) ?? createPublicKey({ key: Buffer.from(spkiOf(raw)), format: 'der', type: 'spki' })
  publicKeys.set(name, key)
  return key
}

export const ORG = 'org_019a6f0e1c2d7000a1b2c3d4e5f60718'
const START_MS = Date.UTC(2026, 3, 23, 10)
export const HOUR_MS = 3_600_000

export type TestKey = { raw: Uint8Array; spki: Uint8Array; kid: string; sign: (bytes: Uint8Array) => Uint8Array }

/** The key of this seed. */
export function testKey(seed: string): TestKey {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), hash('sha256', seed, 'buffer')])
  const secret: KeyObject = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const spki = Uint8Array.from(createPublicKey(secret).export({ format: 'der', type: 'spki' }))
  return {
    raw: spki.slice(12),
    spki,
    kid: kidOf(spki, native),
    sign: (bytes) => Uint8Array.from(sign(null, bytes, secret)),
  }
}

export type TestTrail = {
  leaves: Required<Leaf>[]
  digests: (FoundDigest & { number: number; storageKey: string })[]
  keys: TrailKey[]
  signers: TestKey[]
  fingerprint: string
  tiles: Map<string, Uint8Array>
  read: TileReader
  /** Ten minutes after the end of the newest digest. */
  now: Date
  /** A note of the root at this size, by the newest key. */
  checkpoint: (size: number) => string
  rootAt: (size: number) => Uint8Array
}

export type TrailPlan = {
  org?: string
  /** Leaves in each period. */
  periods: readonly number[]
  /** The line of a leaf; what is given here replaces the usual one. */
  line?: (seq: number, usual: Record<string, unknown>) => Record<string, unknown>
  /** Changes a digest before it is signed. */
  digest?: (digest: Digest) => Digest
  /** Index of the key that signs each digest; later keys follow from earlier ones. Default: one key. */
  signer?: (number: number) => number
  seed?: string
  /** Hours between the end of a period and the start of the next. */
  pauseAfter?: (number: number) => number
}

/** A trail as a control plane leaves it, an hour per digest. */
export async function makeTrail(plan: TrailPlan): Promise<TestTrail> {
  const { org = ORG, periods, signer = () => 0, seed = 'test', pauseAfter = () => 0 } = plan
  const signers = Array.from({ length: Math.max(0, ...periods.map((_, i) => signer(i))) + 1 }, (_, i) =>
    testKey(`${seed}${i}`),
  )
  const trail = { leaves: [] as Required<Leaf>[], digests: [] as TestTrail['digests'] }
  const frontier = new Frontier(native)
  const notBefore = signers.map(() => START_MS - 365 * 24 * HOUR_MS)
  const notAfter = signers.map((): number | null => null)
  let start = START_MS
  let previous: { digest: Digest; signed: SignedDigest } | null = null
  for (const [number, count] of periods.entries()) {
    const end = start + HOUR_MS
    const seqStart = trail.leaves.length + 1
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const seq = seqStart + i
      const at = start + Math.floor((i * HOUR_MS) / count)
      const usual = seq % 5 === 0 ? activityOf(org, seq, at) : decisionOf(org, seq, at)
      const line = new TextEncoder().encode(canonicalJson(plan.line ? plan.line(seq, usual) : usual))
      trail.leaves.push({ seq, line, leafHash: leafHash(line, native) })
      frontier.append(leafHash(line, native))
      times.push(seq % 5 === 0 ? at : at - 3)
    }
    const by = signer(number)
    if (number > 0 && by !== signer(number - 1)) {
      notBefore[by] = start
      notAfter[by - 1] = start
    }
    const key = signers[by] as TestKey
    const usual: Digest = {
      v: 1,
      origin: originOf(org),
      org,
      digest_id: `dig_${String(number).padStart(6, '0')}`,
      number,
      period_start: new Date(start).toISOString(),
      period_end: new Date(end).toISOString(),
      seq_start: seqStart,
      seq_end: trail.leaves.length,
      event_count: count,
      tree_size: trail.leaves.length,
      root_hash: toHex(frontier.root()),
      oldest_event_time: count === 0 ? null : new Date(times.reduce((a, b) => Math.min(a, b))).toISOString(),
      newest_event_time: count === 0 ? null : new Date(times.reduce((a, b) => Math.max(a, b))).toISOString(),
      prev_digest_id: previous?.digest.digest_id ?? null,
      prev_digest_sha256: previous ? digestSha256(previous.signed.body, native) : null,
      prev_signature: previous?.signed.signature ?? null,
      kid: key.kid,
      alg: 'Ed25519',
      storage_key: `trail/${org}/${number}.json`,
    }
    const digest = plan.digest?.(usual) ?? usual
    const signed = await signDigest(digest, key.sign)
    trail.digests.push({ ...signed, number, storageKey: `trail/${org}/${number}.json` })
    previous = { digest, signed }
    start = end + pauseAfter(number) * HOUR_MS
  }
  return {
    ...trail,
    signers,
    now: new Date(start + 600_000),
    ...keysOf(signers, notBefore, notAfter, org),
    ...(await treeOf(trail.leaves, signers, org)),
  }
}

function keysOf(signers: TestKey[], notBefore: number[], notAfter: (number | null)[], org: string) {
  const keys = signers.map(({ spki, kid }, i): TrailKey => {
    const predecessor = signers[i - 1]
    const from = new Date(notBefore[i] ?? 0).toISOString()
    const until = notAfter[i]
    const signature = predecessor?.sign(
      successionStatement(originOf(org), fingerprintOf(predecessor.spki, native), fingerprintOf(spki, native), from),
    )
    return {
      kid,
      public_key: toBase64(spki),
      not_before: from,
      not_after: typeof until === 'number' ? new Date(until).toISOString() : null,
      predecessor_kid: predecessor?.kid ?? null,
      predecessor_signature: signature ? toBase64(signature) : null,
    }
  })
  return { keys, fingerprint: fingerprintOf(signers[0]?.spki ?? new Uint8Array(), native) }
}

async function treeOf(leaves: Required<Leaf>[], signers: TestKey[], org: string) {
  const tiles = new Map<string, Uint8Array>()
  const read: TileReader = (level, index) => Promise.resolve(tiles.get(`${level}/${index}`) ?? null)
  const hashes = leaves.map((leaf) => leaf.leafHash as Uint8Array)
  for (const tile of await growTiles(0, hashes, read, native)) tiles.set(`${tile.level}/${tile.index}`, tile.hashes)
  const rootAt = (size: number) => {
    const frontier = new Frontier(native)
    for (const leaf of hashes.slice(0, size)) frontier.append(leaf)
    return frontier.root()
  }
  const checkpoint = (size: number) => {
    const text = formatCheckpoint({ origin: originOf(org), size, root: rootAt(size) })
    const key = signers.at(-1) as TestKey
    return composeNote(text, [signatureLine(noteKey(originOf(org), key.raw), key.sign(new TextEncoder().encode(text)))])
  }
  return { tiles, read, rootAt, checkpoint }
}

/** Recorded three milliseconds after it happened. */
function decisionOf(org: string, seq: number, at: number): Record<string, unknown> {
  const happened = (at - 3).toString(16).padStart(12, '0')
  const id = `${happened}7${seq.toString(16).padStart(3, '0').slice(-3)}8${seq.toString(16).padStart(15, '0')}`
  return {
    event_id: `evt_${id}`,
    event_type: 'decision',
    request_id: `req_${seq}`,
    verdict: seq % 7 === 0 ? 'block' : 'allow',
    user_agent: 'a "quoted" \\ agent, "seq":1 \u{1f600}',
    policy_results: [{ kind: 'pii', coverage: { rule: 'r', skipped: [] } }],
    tokens: { input: seq, output: 2 },
    org_id: org,
    seq,
    recorded_at: microseconds(at),
  }
}

function activityOf(org: string, seq: number, at: number): Record<string, unknown> {
  return {
    id: `act_${seq}`,
    action: 'token.revoked',
    actor: { type: 'user', id: 'usr_1', name: 'Ada' },
    before: { seq: 1, recorded_at: '1999-01-01T00:00:00Z', org_id: 'org_other' },
    after: { list: [{ event_id: 'evt_ffffffffffff7000', seq: 2 }] },
    event_type: 'activity',
    target: { type: 'token', id: 'tok_1', name: null },
    source: 'console',
    request_id: `req_${seq}`,
    org_id: org,
    seq,
    at: microseconds(at),
    recorded_at: microseconds(at),
  }
}

const microseconds = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z')

export const bytesOfHex = (text: string): Uint8Array => {
  const bytes = fromHex(text)
  if (!bytes) throw new Error(`${text} is no hex`)
  return bytes
}
