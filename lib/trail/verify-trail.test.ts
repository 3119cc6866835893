import { expect, test } from 'vitest'
import { originOf } from './checkpoint'
import { type Digest, parseDigest, signDigest } from './digest'
import { toBase64, utf8 } from './encoding'
import type { FindingState } from './findings'
import { fingerprintOf, successionStatement } from './keys'
import type { Leaf } from './leaf-line'
import { HOUR_MS, makeTrail, native, ORG, type TestTrail, type TrailPlan } from './testing'
import { leafHash } from './tree'
import { completeVerification, type TrailInput, type TrailReport, verifyTrail } from './verify-trail'

const PERIODS = [6, 7, 0, 8, 5]
const OPEN = { since: null, until: null }

type Mode = 'shallow' | 'deep'

/** Everything a server would hand over, in the mode asked for. */
const inputOf = (trail: TestTrail, mode: Mode, changes: Partial<TrailInput> = {}): TrailInput => ({
  org: ORG,
  keys: trail.keys,
  fingerprint: trail.fingerprint,
  digests: trail.digests,
  ...(mode === 'deep' && { leaves: (first: number) => batchesOf(trail.leaves.filter(({ seq }) => seq >= first)) }),
  tiles: trail.read,
  requested: OPEN,
  now: trail.now,
  primitives: native,
  ...changes,
})

function* batchesOf(leaves: readonly Leaf[]): Generator<readonly Leaf[]> {
  for (let at = 0; at < leaves.length; at += 4) yield leaves.slice(at, at + 4)
}

const reportOf = (trail: TestTrail, mode: Mode, changes: Partial<TrailInput> = {}): Promise<TrailReport> =>
  completeVerification(verifyTrail(inputOf(trail, mode, changes)))

const statesOf = ({ findings }: TrailReport) => findings.map(({ state }) => state)

test.each(['shallow', 'deep'] as const)('a trail that nobody touched is valid: %s', async (mode) => {
  const trail = await makeTrail({ periods: PERIODS })
  const report = await reportOf(trail, mode, { known: trail.checkpoint(13) })
  expect(report).toMatchObject({ chain_integrity: 'valid', mode, findings: [], findings_more: 0, digests_found: 5 })
  expect(report).toMatchObject({ digests_verified: 5, records_verified: mode === 'deep' ? 26 : 0, notes: [] })
  expect(report.found).toMatchObject({ seq_start: 1, seq_end: 26, tree_size: 26 })
})

/** Where in the trail an attack happens: the seq of a leaf, the number of a digest. */
const PLACES = { first: { seq: 1, digest: 0 }, middle: { seq: 9, digest: 2 }, last: { seq: 26, digest: 4 } }
type Place = (typeof PLACES)[keyof typeof PLACES]

type Attack = {
  name: string
  /** Changes the trail in place, or returns what else the verifier is given. */
  attack: (trail: TestTrail, place: Place) => Partial<TrailInput> | undefined | Promise<Partial<TrailInput> | undefined>
  plan?: (place: Place) => Partial<TrailPlan>
  shallow: FindingState[] | ((place: Place) => FindingState[])
  deep: FindingState[] | ((place: Place) => FindingState[])
}

const at = (trail: TestTrail, seq: number) => trail.leaves.findIndex((leaf) => leaf.seq === seq)
const textOf = (leaf: Leaf) => (typeof leaf.line === 'string' ? leaf.line : new TextDecoder().decode(leaf.line))
const edited = (leaf: Required<Leaf>): Required<Leaf> => {
  const line = utf8(textOf(leaf).replace(/"(allow|block|token\.revoked)"/, '"changed"'))
  return { ...leaf, line, leafHash: leafHash(line, native) }
}

const countOf = (trail: TestTrail) => async (first: number, last: number) =>
  trail.leaves.filter(({ seq }) => seq >= first && seq <= last).length

/** What is new is signed with the right key: by somebody who has stolen it. */
const rewritten = async (trail: TestTrail, { seq }: Place) => {
  const other = await makeTrail({
    periods: PERIODS,
    line: (n, usual) => (n === seq ? { ...usual, request_id: 'req_other' } : usual),
  })
  return { ...inputOf(other, 'shallow'), leaves: undefined, known: trail.checkpoint(26), other }
}

const ATTACKS: Attack[] = [
  {
    name: 'an edited event, its hash with it',
    attack: (trail, { seq }) => {
      trail.leaves[at(trail, seq)] = edited(trail.leaves[at(trail, seq)] as Required<Leaf>)
      return undefined
    },
    shallow: [],
    deep: ['EVENT_MODIFIED'],
  },
  {
    name: 'a deleted event',
    attack: (trail, { seq }) => {
      trail.leaves.splice(at(trail, seq), 1)
      return { countLeaves: countOf(trail) }
    },
    shallow: ['EVENT_MISSING'],
    deep: ['EVENT_MISSING'],
  },
  {
    name: 'an inserted event',
    attack: (trail, { seq }) => {
      trail.leaves.splice(at(trail, seq) + 1, 0, edited(trail.leaves[at(trail, seq)] as Required<Leaf>))
      return { countLeaves: countOf(trail) }
    },
    shallow: ['EVENT_UNEXPECTED'],
    deep: ['EVENT_UNEXPECTED'],
  },
  {
    name: 'two events that changed places',
    attack: (trail, { seq }) => {
      const here = at(trail, seq)
      const there = here === 0 ? 1 : here - 1
      const [one, two] = [trail.leaves[here], trail.leaves[there]] as [Required<Leaf>, Required<Leaf>]
      trail.leaves[here] = { ...two, seq: one.seq }
      trail.leaves[there] = { ...one, seq: two.seq }
      return undefined
    },
    shallow: [],
    deep: ['ORDER_VIOLATION', 'ORDER_VIOLATION'],
  },
  {
    name: 'a deleted digest',
    attack: (trail, { digest }) => {
      trail.digests.splice(digest, 1)
      return undefined
    },
    shallow: ({ digest }) => [digest === 4 ? 'TAIL_MISSING' : 'DIGEST_MISSING'],
    deep: ({ digest }) => [digest === 4 ? 'TAIL_MISSING' : 'DIGEST_MISSING'],
  },
  {
    name: 'the newest digests and their events deleted',
    attack: (trail, { digest }) => {
      const known = trail.checkpoint(26)
      const kept = Math.max(digest, 1)
      trail.digests.splice(kept)
      const size = JSON.parse(trail.digests.at(-1)?.body ?? '').tree_size as number
      trail.leaves.splice(size)
      return { known }
    },
    shallow: ['TAIL_MISSING', 'ROLLED_BACK'],
    deep: ['TAIL_MISSING', 'ROLLED_BACK'],
  },
  {
    name: 'another history, signed with the same key',
    attack: async (trail, place) => {
      const { other, leaves: _, ...changes } = await rewritten(trail, place)
      trail.leaves.splice(0, Infinity, ...other.leaves)
      return changes
    },
    shallow: ['FORKED'],
    deep: ['FORKED'],
  },
  {
    name: 'an event recorded now under an earlier time',
    plan: ({ seq }) => ({
      line: (n, usual) => (n === seq ? { ...usual, recorded_at: '2026-04-02T10:00:00.000000Z' } : usual),
    }),
    attack: () => undefined,
    shallow: [],
    // Nothing comes before the first; only the time in its id tells.
    deep: ({ seq }) => (seq === 1 ? ['BACKDATED'] : ['TIME_REGRESSION', 'BACKDATED']),
  },
  {
    name: 'a digest with an earlier period than its events',
    plan: ({ digest }) => ({
      digest: (usual) => (usual.number === digest ? backdated(usual) : usual),
    }),
    attack: () => undefined,
    shallow: ({ digest }) =>
      digest === 0
        ? ['UNEXPLAINED_GAP']
        : digest === 4
          ? ['TIME_REGRESSION', 'TAIL_MISSING']
          : ['TIME_REGRESSION', 'UNEXPLAINED_GAP'],
    deep: ({ digest }) => [
      ...(digest === 0 ? Array<FindingState>(6).fill('BACKDATED') : []),
      ...(digest === 4
        ? (['TIME_REGRESSION', ...Array<FindingState>(5).fill('BACKDATED'), 'TAIL_MISSING'] as FindingState[])
        : []),
      ...(digest === 2 ? (['TIME_REGRESSION'] as FindingState[]) : []),
      ...(digest < 4 ? (['UNEXPLAINED_GAP'] as FindingState[]) : []),
    ],
  },
  {
    name: 'everything from some digest on signed with a key that nobody knows',
    attack: async (trail, { digest }) => {
      const other = await makeTrail({ periods: PERIODS, seed: 'thief' })
      trail.digests.splice(digest, Infinity, ...other.digests.slice(digest))
      return undefined
    },
    shallow: ({ digest }) => Array<FindingState>(5 - digest).fill('KEY_UNKNOWN'),
    deep: ({ digest }) => Array<FindingState>(5 - digest).fill('KEY_UNKNOWN'),
  },
  {
    name: 'a digest signed with a key outside of its period',
    plan: ({ digest }) => ({ signer: (number) => (number >= Math.max(digest, 1) ? 1 : 0) }),
    attack: (trail, { digest }) => {
      // The first key was used after its end, or the second before its beginning, as a thief would backdate.
      const { period_end } = JSON.parse(trail.digests[digest]?.body ?? '') as { period_end: string }
      begin(trail, period_end, digest === 0 ? -1 : 1)
      return undefined
    },
    shallow: ['KEY_OUT_OF_PERIOD'],
    deep: ['KEY_OUT_OF_PERIOD'],
  },
  {
    name: 'a digest of another organisation',
    attack: async (trail, { digest }) => {
      const other = await makeTrail({ periods: PERIODS, org: 'org_other' })
      trail.digests[digest] = {
        ...(other.digests[digest] as TestTrail['digests'][0]),
        storageKey: trail.digests[digest]?.storageKey ?? '',
      }
      return undefined
    },
    shallow: ({ digest }) => (digest === 4 ? ['WRONG_LOG', 'TAIL_MISSING'] : ['WRONG_LOG']),
    deep: ({ digest }) => (digest === 4 ? ['WRONG_LOG', 'TAIL_MISSING'] : ['WRONG_LOG']),
  },
  {
    name: 'a digest that was moved',
    attack: (trail, { digest }) => {
      trail.digests[digest] = {
        ...(trail.digests[digest] as TestTrail['digests'][0]),
        storageKey: 'trail/elsewhere.json',
      }
      return undefined
    },
    shallow: ({ digest }) => (digest === 4 ? ['WRONG_LOG', 'TAIL_MISSING'] : ['WRONG_LOG']),
    deep: ({ digest }) => (digest === 4 ? ['WRONG_LOG', 'TAIL_MISSING'] : ['WRONG_LOG']),
  },
  {
    name: 'a digest with a repeated field',
    attack: (trail, { digest }) => {
      const found = trail.digests[digest] as TestTrail['digests'][0]
      trail.digests[digest] = { ...found, body: found.body.replace('{', '{"alg":"Ed25519",') }
      return undefined
    },
    shallow: ({ digest }) => (digest === 4 ? ['MALFORMED', 'TAIL_MISSING'] : ['MALFORMED']),
    deep: ({ digest }) => (digest === 4 ? ['MALFORMED', 'TAIL_MISSING'] : ['MALFORMED']),
  },
  {
    name: 'a proof cut to nothing',
    attack: (trail, { seq }) => {
      const size = seq === 26 ? 21 : seq
      return { known: { size, root: trail.rootAt(size), proof: { size: 26, hashes: [] } } }
    },
    shallow: ['PROOF_INVALID'],
    deep: ['PROOF_INVALID'],
  },
  {
    name: 'a logger that was stopped',
    plan: ({ digest }) => ({ pauseAfter: (number) => (number === Math.min(digest, 3) ? 5 : 0) }),
    attack: () => undefined,
    shallow: ['UNEXPLAINED_GAP'],
    deep: ['UNEXPLAINED_GAP'],
  },
  {
    name: 'content erased by law',
    attack: (_, { seq }) => ({
      payloads: [[{ seq, event_id: 'evt_1', part: 'request', state: 'erased' }]],
    }),
    shallow: ['PAYLOAD_REDACTED'],
    deep: ['PAYLOAD_REDACTED'],
  },
]

/** Lets the second key begin a second before or after a time, as the first one says. */
function begin(trail: TestTrail, time: string, seconds: number): void {
  const [one, two] = trail.keys as [TestTrail['keys'][0], TestTrail['keys'][0]]
  const from = new Date(Date.parse(time) + seconds * 1_000).toISOString()
  const [from1, to] = trail.signers.map(({ spki }) => fingerprintOf(spki, native)) as [string, string]
  one.not_after = from
  two.not_before = from
  two.predecessor_signature = toBase64(
    (trail.signers[0] as TestTrail['signers'][0]).sign(successionStatement(originOf(ORG), from1, to, from)),
  )
}

const backdated = <T extends { period_start: string; period_end: string }>(digest: T): T => ({
  ...digest,
  period_start: new Date(Date.parse(digest.period_start) - 24 * HOUR_MS).toISOString(),
  period_end: new Date(Date.parse(digest.period_end) - 24 * HOUR_MS).toISOString(),
})

const CASES = ATTACKS.flatMap((attack) =>
  (['first', 'middle', 'last'] as const).flatMap((position) =>
    (['shallow', 'deep'] as const).map((mode) => ({ ...attack, position, mode })),
  ),
)

test.each(CASES)(
  '$name, $position, $mode: exactly what it is',
  async ({ attack, plan, position, mode, ...expected }) => {
    const place = PLACES[position]
    const trail = await makeTrail({ periods: PERIODS, ...plan?.(place) })
    const changes = await attack(trail, place)
    const report = await reportOf(trail, mode, changes)
    const states = expected[mode]
    expect(statesOf(report)).toEqual(typeof states === 'function' ? states(place) : states)
    const isError = report.findings.some(({ severity }) => severity === 'error')
    expect(report.chain_integrity).toBe(isError ? 'invalid' : 'valid')
  },
)

const CLEAN: [string, TrailPlan, Partial<TrailInput>][] = [
  ['three rotations of the key', { periods: PERIODS, signer: (number) => Math.min(number, 3) }, {}],
  [
    'a pause that was recorded',
    { periods: PERIODS, pauseAfter: (number) => (number === 1 ? 5 : 0) },
    { pauses: [PAUSE()] },
  ],
  ['lines handed over as text', { periods: PERIODS }, {}],
  ['a single empty period', { periods: [0] }, {}],
]

function PAUSE() {
  const from = Date.UTC(2026, 3, 23, 12)
  return { from, until: from + 5 * HOUR_MS }
}

test.each(CLEAN)('%s is no finding', async (name, plan, changes) => {
  const trail = await makeTrail(plan)
  if (name === 'lines handed over as text') {
    trail.leaves.splice(0, Infinity, ...trail.leaves.map((leaf) => ({ ...leaf, line: textOf(leaf) })))
  }
  for (const mode of ['shallow', 'deep'] as const) {
    const report = await reportOf(trail, mode, changes)
    expect(report).toMatchObject({ chain_integrity: 'valid', findings: [] })
  }
})

test('without a fingerprint or a checkpoint from elsewhere, the report says what cannot be known', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const report = await reportOf(trail, 'deep', { fingerprint: null })
  expect(report.chain_integrity).toBe('valid')
  expect(report.notes.map((note) => note.slice(0, 40))).toEqual([
    'No fingerprint was given: the signatures',
    'No checkpoint from elsewhere was given: ',
  ])
  const hinted = await reportOf(trail, 'shallow', { fingerprint: trail.fingerprint.slice(0, 32) })
  expect(hinted.notes[0]).toContain('half a fingerprint')
})

test('a part of a trail is valid when its digests cover what was asked for, and incomplete when they do not', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const digests = trail.digests.slice(1, 4)
  const [since, until] = ['2026-04-23T11:00:00Z', '2026-04-23T14:00:00Z']
  for (const mode of ['shallow', 'deep'] as const) {
    const part = await reportOf(trail, mode, { digests, requested: { since, until } })
    expect(part).toMatchObject({ chain_integrity: 'valid', findings: [], found: { seq_start: 7, seq_end: 21 } })
    expect(part.leaves.pending).toBe(0)
    const later = await reportOf(trail, mode, { digests, requested: { since, until: '2026-04-23T14:30:00Z' } })
    expect(later).toMatchObject({ chain_integrity: 'incomplete', findings: [] })
  }
  const before = await reportOf(trail, 'deep', { digests, requested: { since: null, until } })
  expect(statesOf(before)).toEqual(['DIGEST_MISSING'])
  const blind = await reportOf(trail, 'deep', { digests, requested: { since, until }, tiles: undefined })
  expect(blind).toMatchObject({ chain_integrity: 'incomplete', findings: [], records_verified: 0 })
})

test('a log without digests has nothing to verify, unless a checkpoint of it is known', async () => {
  const trail = await makeTrail({ periods: [3] })
  const empty = await reportOf(trail, 'deep', { digests: [] })
  expect(empty).toMatchObject({ chain_integrity: 'no_data', found: null, leaves: { pending: 3 } })
  const report = await reportOf(trail, 'shallow', { digests: [], known: trail.checkpoint(3) })
  expect(statesOf(report)).toEqual(['ROLLED_BACK'])
})

test('events that retention has dropped are no error, and the leaves beside them still verify', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const isKept = ({ seq }: Leaf) => seq % 5 === 0 || seq > 13
  trail.leaves.splice(0, Infinity, ...trail.leaves.filter(isKept))
  const retired = [{ first: 1, last: 13 }]
  const report = await reportOf(trail, 'deep', { retired })
  expect(report).toMatchObject({ chain_integrity: 'valid', records_verified: 15, leaves: { retired: 11, missing: 0 } })
  expect(report.findings).toMatchObject([{ state: 'EVENT_RETIRED', severity: 'info', seq: 1 }])
  const counted = await reportOf(trail, 'shallow', { retired, countLeaves: countOf(trail) })
  expect(counted).toMatchObject({ chain_integrity: 'valid', findings: [] })
  const unrecorded = await reportOf(trail, 'deep')
  expect(unrecorded.findings.map(({ seq }) => seq)).toEqual([1, 6, 7, 11])
})

test('with the stored hashes of the tree a rewritten line is named by its number, without them by its digest', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  for (const seq of [3, 9, 10]) trail.leaves[seq - 1] = edited(trail.leaves[seq - 1] as Required<Leaf>)
  const named = await reportOf(trail, 'deep', { known: trail.checkpoint(10) })
  expect(named.findings.map(({ state, seq }) => [state, seq])).toEqual([3, 9, 10].map((seq) => ['EVENT_MODIFIED', seq]))
  expect(named.records_verified).toBe(23)
  const unnamed = await reportOf(trail, 'deep', { tiles: undefined })
  expect(unnamed.findings.map(({ state, digest_id }) => [state, digest_id])).toEqual([['EVENT_MODIFIED', 'dig_000000']])
})

test('a line and the hash beside it that disagree are one finding, whichever was changed', async () => {
  for (const part of ['line', 'leafHash'] as const) {
    const trail = await makeTrail({ periods: PERIODS })
    const leaf = trail.leaves[8] as Required<Leaf>
    trail.leaves[8] = { ...leaf, [part]: edited(leaf)[part] }
    const report = await reportOf(trail, 'deep', { tiles: undefined })
    expect(report.findings).toMatchObject([{ state: 'EVENT_MODIFIED', seq: 9 }])
    expect(report.records_verified).toBe(25)
  }
})

test('stored hashes of the tree that were changed are found, and do not hide that the leaves are right', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const tile = trail.tiles.get('0/0') as Uint8Array
  tile[40] = (tile[40] ?? 0) ^ 1
  expect(statesOf(await reportOf(trail, 'shallow'))).toEqual(['PROOF_INVALID'])
  expect(await reportOf(trail, 'deep')).toMatchObject({ chain_integrity: 'valid', records_verified: 26 })
})

test('a known checkpoint that is of another log, unsigned or none is told from one that was forked', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const other = await makeTrail({ periods: PERIODS, org: 'org_other' })
  const thief = await makeTrail({ periods: PERIODS, seed: 'thief' })
  const stateWith = async (known: TrailInput['known']) => statesOf(await reportOf(trail, 'deep', { known }))
  expect(await stateWith(other.checkpoint(13))).toEqual(['WRONG_LOG'])
  expect(await stateWith(thief.checkpoint(13))).toEqual(['SIGNATURE_INVALID'])
  expect(await stateWith('nothing')).toEqual(['SIGNATURE_INVALID'])
  expect(await stateWith({ size: 1.5, root: new Uint8Array(32) })).toEqual(['MALFORMED'])
  expect(await stateWith({ size: 10, root: trail.rootAt(9) })).toEqual(['FORKED'])
  expect(await stateWith({ size: 10, root: trail.rootAt(10) })).toEqual([])
})

test('keys older than the pinned one count only as far as the chain of digests leads to it', async () => {
  const trail = await makeTrail({ periods: PERIODS, signer: (number) => (number >= 3 ? 1 : 0) })
  const fingerprint = fingerprintOf(trail.signers[1]?.spki ?? new Uint8Array(), native)
  expect(await reportOf(trail, 'deep', { fingerprint })).toMatchObject({
    chain_integrity: 'valid',
    digests_verified: 5,
  })
  const requested = { since: null, until: '2026-04-23T12:00:00Z' }
  const alone = await reportOf(trail, 'deep', { fingerprint, digests: trail.digests.slice(0, 2), requested })
  expect(statesOf(alone)).toEqual(['KEY_UNKNOWN'])
  expect(alone.digests_verified).toBe(0)
})

test('a digest of an earlier key that the later one does not name is of no key that can be believed', async () => {
  const trail = await makeTrail({ periods: PERIODS, signer: (number) => (number >= 3 ? 1 : 0) })
  const fingerprint = fingerprintOf(trail.signers[1]?.spki ?? new Uint8Array(), native)
  await resign(trail, 2, (digest) => ({ ...digest, digest_id: 'dig_other' }))
  const report = await reportOf(trail, 'deep', { fingerprint })
  expect(statesOf(report)).toEqual(['DIGEST_MODIFIED', 'KEY_UNKNOWN'])
  expect(report.digests_verified).toBe(2)
})

/** As whoever has stolen the first key would. */
async function resign(trail: TestTrail, number: number, change: (digest: Digest) => Digest): Promise<void> {
  const found = trail.digests[number] as TestTrail['digests'][0]
  const sign = (trail.signers[0] as TestTrail['signers'][0]).sign
  trail.digests[number] = { ...found, ...(await signDigest(change(parseDigest(found.body) as Digest), sign)) }
}

const later = (digest: Digest): Digest => ({ ...digest, newest_event_time: '2026-04-23T13:59:59.000Z' })

test('the digest behind tells whether the bytes or the signature of one were changed', async () => {
  const statesWith = async (
    number: number,
    change: (found: TestTrail['digests'][0]) => Partial<TestTrail['digests'][0]>,
  ) => {
    const trail = await makeTrail({ periods: PERIODS })
    const found = trail.digests[number] as TestTrail['digests'][0]
    trail.digests[number] = { ...found, ...change(found) }
    return statesOf(await reportOf(trail, 'shallow'))
  }
  const body = ({ body }: TestTrail['digests'][0]) => ({
    body: body.replace(/"period_start":"2026/, '"period_start":"2025'),
  })
  const signature = () => ({ signature: toBase64(new Uint8Array(64)) })
  expect(await statesWith(3, signature)).toEqual(['SIGNATURE_INVALID'])
  expect(await statesWith(4, signature)).toEqual(['SIGNATURE_INVALID'])
  expect(await statesWith(3, body)).toEqual(['TIME_REGRESSION', 'UNEXPLAINED_GAP', 'DIGEST_MODIFIED'])
  expect(await statesWith(0, body)).toEqual(['DIGEST_MODIFIED'])
  const trail = await makeTrail({ periods: PERIODS })
  await resign(trail, 3, later)
  expect(statesOf(await reportOf(trail, 'shallow'))).toEqual(['DIGEST_MODIFIED'])
})

const LIES: [string, Partial<TrailPlan>, FindingState[], FindingState[]][] = [
  [
    'leaves that the digest before has',
    { digest: (usual) => (usual.number === 1 ? { ...usual, seq_start: 6, event_count: 8 } : usual) },
    ['ORDER_VIOLATION'],
    ['ORDER_VIOLATION'],
  ],
  [
    'another root without other leaves',
    { digest: (usual) => (usual.number === 2 ? { ...usual, root_hash: 'a'.repeat(64) } : usual) },
    ['FORKED', 'PROOF_INVALID'],
    ['FORKED', 'EVENT_MODIFIED'],
  ],
  [
    'times that its leaves have not',
    { digest: (usual) => (usual.number === 3 ? later(usual) : usual) },
    [],
    ['BACKDATED'],
  ],
  [
    'a leaf of another organisation',
    { line: (seq, usual) => (seq === 9 ? { ...usual, org_id: 'org_other' } : usual) },
    [],
    ['WRONG_LOG'],
  ],
  [
    'a leaf that says another number',
    { line: (seq, usual) => (seq === 9 ? { ...usual, seq: 10 } : usual) },
    [],
    ['ORDER_VIOLATION'],
  ],
  [
    'a leaf that says no number and no time',
    {
      line: (seq, usual) =>
        seq === 9 ? { ...usual, seq: 'nine' } : seq === 11 ? { ...usual, recorded_at: 'now' } : usual,
    },
    [],
    ['MALFORMED', 'MALFORMED'],
  ],
]

test.each(LIES)('what the log itself has signed is not believed: %s', async (_, plan, shallow, deep) => {
  const trail = await makeTrail({ periods: PERIODS, ...plan })
  expect(statesOf(await reportOf(trail, 'shallow'))).toEqual(shallow)
  expect(statesOf(await reportOf(trail, 'deep'))).toEqual(deep)
})

test('a known checkpoint between two digests is compared, in all ways of computing its root', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  const digests = trail.digests.slice(3)
  const requested = { since: '2026-04-23T13:00:00Z', until: null }
  const wrong = { size: 10, root: trail.rootAt(9) }
  expect(statesOf(await reportOf(trail, 'shallow', { known: wrong }))).toEqual(['FORKED'])
  expect(statesOf(await reportOf(trail, 'shallow', { known: wrong, digests, requested }))).toEqual(['FORKED'])
  expect(statesOf(await reportOf(trail, 'deep', { known: wrong, digests, requested }))).toEqual(['FORKED'])
  const blind = await reportOf(trail, 'shallow', { known: wrong, tiles: undefined })
  expect([blind.findings, blind.notes]).toEqual([[], [expect.stringContaining('not compared')]])
  const leaf = trail.leaves[8] as Required<Leaf>
  trail.leaves[8] = { ...leaf, line: edited(leaf).line }
  const known = { size: 10, root: trail.rootAt(10) }
  const repaired = await reportOf(trail, 'deep', { tiles: undefined, known })
  expect([statesOf(repaired), repaired.notes]).toEqual([['EVENT_MODIFIED'], []])
  expect(statesOf(await reportOf(trail, 'deep', { tiles: undefined, known: wrong }))).toEqual([
    'EVENT_MODIFIED',
    'FORKED',
  ])
})

test('findings beyond a thousand are counted, and what is no error does not crowd out errors', async () => {
  const trail = await makeTrail({ periods: [2_400, 3] })
  const retired = Array.from({ length: 600 }, (_, i) => ({ first: 2 * i + 1, last: 2 * i + 1 }))
  trail.leaves.splice(0, 2_400, ...trail.leaves.slice(0, 2_400).filter(({ seq }) => seq % 2 === 0))
  const report = await reportOf(trail, 'deep', { retired })
  expect(report.findings.filter(({ severity }) => severity === 'info')).toHaveLength(200)
  expect(report.findings.filter(({ severity }) => severity === 'error')).toHaveLength(600)
  expect(report.findings_more).toBe(400)
  const all = await reportOf(trail, 'deep')
  expect([all.findings.length, all.findings_more]).toEqual([800, 400])
})

test('the leaves are let go of when somebody stops a verification', async () => {
  const trail = await makeTrail({ periods: PERIODS })
  let isClosed = false
  const leaves = function* () {
    try {
      yield* batchesOf(trail.leaves)
    } finally {
      isClosed = true
    }
  }
  const verification = verifyTrail(inputOf(trail, 'deep', { leaves }))
  await verification.next()
  expect(isClosed).toBe(false)
  await verification.return({} as TrailReport)
  expect(isClosed).toBe(true)
})
