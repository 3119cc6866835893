import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { readArchive, writeArchive } from './archive'
import { bundleArchive, bundleFiles, contentCommitment, type EvidenceBundle, parseBundle, payloadFile } from './bundle'
import { canonicalJson } from './canonical'
import { originOf } from './checkpoint'
import { type Digest, parseDigest } from './digest'
import { toBase64, toHex, utf8 } from './encoding'
import { fingerprintOf } from './keys'
import { portable } from './primitives'
import { proveConsistency, proveInclusion } from './proof'
import { makeTrail, native, ORG, type TestTrail } from './testing'
import { type BundleReport, verifyArchive, verifyBundle } from './verify-bundle'

const REQUEST = 'req_asked'
const SALT = new Uint8Array(32).fill(7)
const CONTENT = utf8('{"messages":[{"role":"user","content":"hello"}]}')
const SEQS = [3, 8]

/** Two events of one request, one with content of which the answer was erased, in a log with a rotated key. */
const trailOf = (seed = 'test', digest?: (digest: Digest) => Digest) =>
  makeTrail({
    periods: [4, 0, 6, 5],
    seed,
    ...(digest && { digest }),
    signer: (number) => (number === 3 ? 1 : 0),
    line: (seq, usual) =>
      SEQS.includes(seq) ? { ...usual, request_id: REQUEST, ...(seq === 3 && { payload: PAYLOAD }) } : usual,
  })

const PAYLOAD = {
  capture: 'redacted',
  commitment: 'salted',
  request_captured_sha256: contentCommitment(SALT, CONTENT, native),
  response_captured_sha256: 'a'.repeat(64),
}

async function bundleOf(
  trail: TestTrail,
  size = 15,
): Promise<{ bundle: EvidenceBundle; payloads: Map<string, Uint8Array> }> {
  const lines = new Map(SEQS.map((seq) => [seq, Buffer.from(trail.leaves[seq - 1]?.line ?? '').toString('utf8')]))
  const eventId = (JSON.parse(lines.get(3) ?? '') as { event_id: string }).event_id
  const file = payloadFile(eventId, 'request')
  const digests = trail.digests.flatMap((found) => {
    const digest = parseDigest(found.body)
    return digest && SEQS.some((seq) => digest.seq_start <= seq && seq <= digest.seq_end) ? [{ ...found, digest }] : []
  })
  const bundle: EvidenceBundle = {
    version: 1,
    org: ORG,
    origin: originOf(ORG),
    request_id: REQUEST,
    events: await Promise.all(
      SEQS.map(async (seq) => ({
        seq,
        leaf_index: seq - 1,
        line: lines.get(seq) ?? '',
        proof: (await proveInclusion(seq - 1, size, trail.read, native)).map(toBase64),
      })),
    ),
    payloads: [
      {
        event_id: eventId,
        part: 'request',
        state: 'kept',
        salt: toBase64(SALT),
        content_sha256: PAYLOAD.request_captured_sha256,
        file,
      },
      {
        event_id: eventId,
        part: 'response',
        state: 'erased',
        salt: null,
        content_sha256: PAYLOAD.response_captured_sha256,
        file: null,
      },
    ],
    digests: await Promise.all(
      digests.map(async ({ body, signature, digest }) => ({
        digest_id: digest.digest_id,
        number: digest.number,
        body,
        signature,
        proof: (await proveConsistency(digest.tree_size, size, trail.read, native)).map(toBase64),
      })),
    ),
    checkpoint: trail.checkpoint(size),
    keys: trail.keys,
  }
  return { bundle, payloads: new Map([[file, CONTENT]]) }
}

const failures = ({ checks }: BundleReport) => checks.filter(({ ok }) => !ok).map(({ name }) => name)
const trail = await trailOf()
const { fingerprint } = trail
const { bundle, payloads } = await bundleOf(trail)
const archive = bundleArchive(bundle, payloads, native)

test('a bundle verifies against a fingerprint, with the portable functions too, and says what it looked at', () => {
  for (const primitives of [portable, native]) {
    const report = verifyArchive(archive, { fingerprint, knownCheckpoint: trail.checkpoint(15), primitives })
    expect(failures(report)).toEqual([])
    expect(report).toMatchObject({ ok: true, org: ORG, request_id: REQUEST, checkpoint: { size: 15 } })
    expect(report.checks.map(({ name }) => name.replace(/evt_\w+/, 'evt'))).toEqual([
      'archive',
      'format',
      'files',
      'origin',
      'fingerprint',
      'keys',
      'checkpoint',
      'event 3',
      'inclusion 3',
      'event 8',
      'inclusion 8',
      'digest 0',
      'consistency 0',
      'digest 2',
      'consistency 2',
      'payload evt request',
      'known checkpoint',
    ])
    expect(report.notes).toEqual([expect.stringMatching(/response of evt_\w+ was erased/)])
  }
})

test('the same bundle is the same archive, byte for byte', async () => {
  const again = await bundleOf(await trailOf())
  expect(toHex(native.sha256(bundleArchive(again.bundle, again.payloads)))).toBe(toHex(native.sha256(archive)))
  const names = readArchive(archive).map(({ name }) => name.replace(/evt_\w+/, 'evt').replace(/[0-9a-f]{32}/, 'kid'))
  expect(names).toEqual([
    'README.txt',
    'bundle.json',
    'checkpoint.txt',
    'events/0000000000000003.json',
    'events/0000000000000008.json',
    'digests/0000000000000000.json',
    'digests/0000000000000000.sig',
    'digests/0000000000000002.json',
    'digests/0000000000000002.sig',
    'keys/kid.pem',
    'keys/kid.pem',
    'payloads/evt.request',
    'manifest.json',
  ])
})

test('the archive of version 1 never changes: those that were handed out are compared with it', () => {
  expect(toHex(native.sha256(archive))).toBe('7dfb81e061e050d35b0d55553c559cfb80a90ad757fd04081d74fb666177e8aa')
})

test('the fingerprint decides: of a thief, of nobody, of half a key, of a later key', async () => {
  expect(failures(verifyArchive(archive, { fingerprint: (await trailOf('thief')).fingerprint }))).toEqual([
    'fingerprint',
  ])
  expect(failures(verifyArchive(archive, { fingerprint: 'abc' }))).toEqual(['fingerprint'])
  const later = fingerprintOf(trail.signers[1]?.spki ?? new Uint8Array())
  const byLater = verifyArchive(archive, { fingerprint: later.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:') })
  expect(failures(byLater)).toEqual([])
  expect(byLater.notes.filter((note) => note.includes('before the pinned one'))).toHaveLength(2)
  const half = verifyArchive(archive, { fingerprint: fingerprint.slice(0, 32) })
  expect([failures(half), half.notes[0]]).toEqual([[], expect.stringContaining('half a fingerprint')])
})

test('a checkpoint by a key before the pinned one is refused: it may have been stolen since', async () => {
  const old = await makeTrail({
    periods: [4, 0, 6, 5],
    line: (seq, usual) => (SEQS.includes(seq) ? { ...usual, request_id: REQUEST } : usual),
  })
  const { bundle: earlier } = await bundleOf(trail)
  const forged = { ...earlier, checkpoint: old.checkpoint(15) }
  const later = fingerprintOf(trail.signers[1]?.spki ?? new Uint8Array())
  expect(failures(verifyArchive(bundleArchive(forged, payloads), { fingerprint: later }))).toContain('checkpoint')
})

test('another history with the same key is found by a known checkpoint, and only by one', async () => {
  const other = await makeTrail({
    periods: [4, 0, 6, 5],
    signer: (number) => (number === 3 ? 1 : 0),
    line: (seq, usual) =>
      seq === 5
        ? { ...usual, source: 'changed' }
        : SEQS.includes(seq)
          ? { ...usual, request_id: REQUEST, ...(seq === 3 && { payload: PAYLOAD }) }
          : usual,
  })
  const forged = await bundleOf(other)
  const bytes = bundleArchive(forged.bundle, forged.payloads)
  const alone = verifyArchive(bytes, { fingerprint })
  expect([alone.ok, alone.notes.at(-1)]).toEqual([true, expect.stringContaining('No checkpoint from elsewhere')])
  const compared = (size: number) => verifyArchive(bytes, { fingerprint, knownCheckpoint: trail.checkpoint(size) })
  expect(failures(compared(15))).toEqual(['known checkpoint'])
  expect(failures(compared(10))).toEqual(['known checkpoint'])
  expect([compared(9).ok, compared(9).notes.at(-1)]).toEqual([true, expect.stringContaining('not compared')])
  expect(failures(verifyArchive(bytes, { fingerprint, knownCheckpoint: 'x' }))).toEqual(['known checkpoint'])
})

/** Changes that leave every file in agreement with bundle.json, as whoever forges would. */
const FORGERIES: [string, (bundle: EvidenceBundle) => void, string[]][] = [
  ['a line', ({ events: [event] }) => change(event, 'line', (line) => line.replace('allow', 'block')), ['inclusion 3']],
  [
    'a place',
    ({ events: [event] }) => Object.assign(event ?? {}, { seq: 4, leaf_index: 3 }),
    ['event 4', 'inclusion 4'],
  ],
  ['an index', ({ events: [event] }) => Object.assign(event ?? {}, { leaf_index: 3 }), ['event 3', 'inclusion 3']],
  ['a proof without its end', ({ events: [event] }) => event?.proof.pop(), ['inclusion 3']],
  ['a proof without anything', ({ events: [event] }) => event?.proof.splice(0), ['inclusion 3']],
  ['another request', (forged) => Object.assign(forged, { request_id: 'req_other' }), ['event 3', 'event 8']],
  [
    'another organisation',
    (forged) => Object.assign(forged, { org: 'org_other' }),
    ['origin', 'event 3', 'event 8', 'digest 0', 'digest 2'],
  ],
  ['no events', (forged) => forged.events.splice(0), ['events', 'payload evt request', 'payload evt response']],
  [
    'a digest',
    ({ digests: [digest] }) =>
      change(digest, 'body', (body) => body.replace('"period_start":"2026', '"period_start":"2025')),
    ['digest 0'],
  ],
  [
    'a signature',
    ({ digests: [digest] }) => Object.assign(digest ?? {}, { signature: `${'A'.repeat(86)}==` }),
    ['digest 0'],
  ],
  ['a consistency proof', ({ digests: [digest] }) => digest?.proof.pop(), ['consistency 0']],
  [
    'the size of the checkpoint',
    (forged) => change(forged, 'checkpoint', (note) => note.replace('\n15\n', '\n16\n')),
    ['checkpoint'],
  ],
  ['a key', (forged) => change(forged.keys[1], 'not_before', (time) => time.replace('13:', '12:')), ['fingerprint']],
  ['no keys', (forged) => forged.keys.splice(0), ['fingerprint']],
  [
    'a salt',
    ({ payloads: [payload] }) => Object.assign(payload ?? {}, { salt: toBase64(new Uint8Array(32)) }),
    ['payload evt request'],
  ],
  [
    'a commitment',
    ({ payloads: [payload] }) => Object.assign(payload ?? {}, { content_sha256: 'b'.repeat(64) }),
    ['payload evt request'],
  ],
]

function change<T extends object, K extends keyof T>(
  holder: T | undefined,
  key: K,
  by: (text: string) => string,
): void {
  if (holder) Object.assign(holder, { [key]: by(String(holder[key])) })
}

test.each(FORGERIES)('a bundle with %s changed in all of its files fails by name', (_, forge, expected) => {
  const forged = structuredClone(bundle)
  forge(forged)
  const report = verifyArchive(bundleArchive(forged, payloads), { fingerprint, primitives: native })
  expect(failures(report).map((name) => name.replace(/evt_\w+/, 'evt'))).toEqual(expected)
})

test('a digest that a key signed for a time behind its own fails', async () => {
  const moved = '2026-04-23T15:00:00.000Z'
  const late = await trailOf('test', (digest) => (digest.number === 2 ? { ...digest, period_end: moved } : digest))
  const { bundle: forged } = await bundleOf(late)
  expect(failures(verifyArchive(bundleArchive(forged, payloads), { fingerprint }))).toEqual(['digest 2'])
})

test('a file that is missing, added, changed or made up is found', () => {
  const files = bundleFiles(bundle, payloads)
  const verify = (changed: typeof files) => failures(verifyBundle(changed, { fingerprint, primitives: native }))
  for (const [i, file] of files.entries()) {
    const without = verify(files.toSpliced(i, 1))
    expect(without).toContain(file.name === 'bundle.json' ? 'format' : 'files')
    const longer = new Uint8Array(file.bytes.length + 1)
    longer.set(file.bytes)
    expect(verify(files.with(i, { ...file, bytes: longer }))).toContain(
      file.name === 'bundle.json' ? 'format' : 'files',
    )
  }
  expect(verify([...files, { name: 'more.txt', bytes: utf8('x') }])).toEqual(['files'])
  expect(verify([...files, ...files.slice(0, 1)])).toEqual(['files'])
  expect(verify(files.toReversed())).toEqual(['files'])
})

test('two hundred bundles with a flipped bit in what is packed all fail', () => {
  const { length } = archive
  const passed: number[] = []
  for (let i = 0; i < 200; i++) {
    const bytes = Uint8Array.from(archive)
    const at = Math.floor((i * length) / 200)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8))
    if (verifyArchive(bytes, { fingerprint, primitives: native }).ok) passed.push(at)
  }
  expect(passed).toEqual([])
})

test('the form has one text, and bounds', () => {
  const text = canonicalJson(bundle)
  expect(parseBundle(text)).toEqual(bundle)
  expect(parseBundle(utf8(text))).toEqual(bundle)
  const others = [
    ` ${text}`,
    `${text}\n`,
    text.replace('{', '{"version":1,'),
    text.replace('"version":1', '"version":2'),
    text.replace('"version":1', '"version":1,"x":1'),
    canonicalJson({ ...bundle, events: Array.from({ length: 1_001 }, () => bundle.events[0]) }),
    canonicalJson({ ...bundle, events: null }),
    canonicalJson({ ...bundle, keys: [[]] }),
    '[]',
    'null',
    '',
    '[[[[',
    canonicalJson({ ...bundle, payloads: [{ ...bundle.payloads[0], file: 'bundle.json' }] }),
    canonicalJson({ ...bundle, payloads: [{ ...bundle.payloads[1], file: bundle.payloads[0]?.file }] }),
  ]
  expect(others.filter((other) => parseBundle(other) !== null)).toEqual([])
  expect(() => bundleFiles(bundle, new Map())).toThrow(RangeError)
})

test('what is no bundle is refused with a reason and without an exception', () => {
  for (const bytes of [new Uint8Array(), utf8('hello'), writeArchive([{ name: 'a', bytes: utf8('a') }])]) {
    expect(verifyArchive(bytes, { fingerprint })).toMatchObject({ ok: false, org: null })
  }
})
