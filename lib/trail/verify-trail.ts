import type { Retired } from './absences'
import { type BesideInput, checkBeside } from './beside'
import { openCheckpoint, originOf, readCheckpoint } from './checkpoint'
import type { Digest } from './digest'
import { DigestChain, type DigestReading, type FoundDigest, type Pause } from './digest-chain'
import { type Finding, Findings } from './findings'
import { type KeyHistory, KeysRefused, parsePin, readKeyHistory, type TrailKey } from './keys'
import type { LeafBatches } from './leaf-cursor'
import { NoteRefused, noteKey } from './note'
import { type Primitives, portable } from './primitives'
import { verifyConsistency } from './proof'
import type { TileReader } from './tiles'
import { HASH_BYTES, isSize } from './tree'
import { GRACE_MS, type Known, rootOf, TreeWalk } from './tree-walk'

/** A root that the caller knows from elsewhere: a signed note, or only its numbers. */
export type KnownCheckpoint = string | Known

/** What became of captured content; whoever can read it finds out by `payloadState`. */
export type PayloadCheck = {
  seq: number
  event_id: string
  part: 'request' | 'response'
  state: 'intact' | 'modified' | 'missing' | 'erased'
}

export type TrailInput = {
  org: string
  origin?: string
  keys: readonly TrailKey[]
  /** Fingerprint of a key that the caller trusts, from elsewhere. */
  fingerprint?: string | null
  /** By number, from the first whose period reaches into the requested range. */
  digests: AsyncIterable<FoundDigest> | Iterable<FoundDigest>
  /** Deep: leaves by seq, from `first` on, in batches. Not given: shallow. */
  leaves?: (first: number) => LeafBatches
  /** The last number that the log has given, for when the newest leaves are gone. */
  size?: number
  /** Shallow: how many leaves are stored with a seq in [first, last]. */
  countLeaves?: (first: number, last: number) => Promise<number>
  /** Stored hashes of the tree. They are evidence for nothing, but lead from one signed root to the next. */
  tiles?: TileReader
  payloads?: AsyncIterable<readonly PayloadCheck[]> | Iterable<readonly PayloadCheck[]>
  /** Deep: what is stored beside the lines. */
  beside?: BesideInput
  /** Leaves dropped by recorded retention, by seq; in order. */
  retired?: readonly Retired[]
  pauses?: readonly Pause[]
  /** RFC 3339; null is open. */
  requested: { since: string | null; until: string | null }
  known?: KnownCheckpoint | null
  now: Date
  /** Longest time that a digest covers, and how late it may be; default an hour and five minutes. */
  periodMaxMs?: number
  graceMs?: number
  /** How old the newest digest may be; default what a digest may cover and be late. */
  tailMaxMs?: number
  /** How far apart an event's time and that of its record may be before it is pointed out; default a week. */
  lagMaxMs?: number
  primitives?: Primitives
}

export type ChainIntegrity = 'valid' | 'invalid' | 'incomplete' | 'no_data'

export type TrailReport = {
  chain_integrity: ChainIntegrity
  mode: 'shallow' | 'deep'
  requested: { since: string | null; until: string | null }
  /** What the digests that were found cover; null without any. */
  found: {
    since: string
    until: string
    seq_start: number
    seq_end: number
    tree_size: number
    root_hash: string
  } | null
  digests_found: number
  digests_verified: number
  /** Leaves that hash into a signed root; always 0 when shallow. */
  records_verified: number
  leaves: { checked: number; retired: number; missing: number; pending: number }
  payloads: { checked: number; redacted: number }
  findings: Finding[]
  findings_more: number
  notes: string[]
}

export type TrailProgress = { digests: number; leaves: number; seq: number }

/**
 * Verifies a range of a trail and says exactly what is wrong with it. Memory does not grow with the range.
 *
 * Shallow looks at digests, signatures, keys, the chain, numbers, times and, given tiles, the roots; deep hashes every
 * leaf as well and recomputes the roots. `valid` means: no error, and digests cover the whole requested range.
 */
export async function* verifyTrail(input: TrailInput): AsyncGenerator<TrailProgress, TrailReport> {
  const primitives = input.primitives ?? portable
  const origin = input.origin ?? originOf(input.org)
  const findings = new Findings()
  const notes: string[] = []
  const keys = readKeys(input, origin, findings, notes, primitives)
  const known = readKnown(input, origin, keys, findings, primitives)
  const periodMaxMs = (input.periodMaxMs ?? HOUR_MS) + (input.graceMs ?? GRACE_MS)
  const opensCheckpoints = input.leaves !== undefined
  const rules = { org: input.org, origin, keys, pauses: input.pauses ?? [], periodMaxMs, opensCheckpoints, primitives }
  const chain = new DigestChain(rules, findings)
  const walk = new TreeWalk(input, known, primitives, findings, notes)
  let first: Digest | null = null
  try {
    for await (const reading of readAhead(input.digests, chain)) {
      const read = await chain.take(reading)
      if (!read) continue
      if (!first) {
        first = read.digest
        checkBeginning(input, first, chain.firstNumber ?? first.number, findings, notes)
      }
      for await (const seq of walk.to(read)) yield { digests: chain.seen, leaves: walk.checked, seq }
      compareByProof(known, read.digest, findings, primitives)
      if (!input.leaves && chain.seen % 64 === 0) yield { digests: chain.seen, leaves: 0, seq: read.digest.seq_end }
    }
    chain.end()
    if (input.requested.until === null) {
      for await (const seq of walk.end()) yield { digests: chain.seen, leaves: walk.checked, seq }
    }
  } finally {
    await walk.close()
  }
  checkTail(input, chain.last, input.tailMaxMs ?? periodMaxMs, findings)
  checkKnown(known, walk, chain.last, findings, notes)
  if (first && chain.last && input.countLeaves && !input.leaves) await count(input, first, chain.last, findings)
  if (input.beside) await checkBeside(input.beside, first?.seq_start ?? 1, findings, notes)
  const payloads = await checkPayloads(input, findings)
  const found = first && chain.last ? foundOf(first, chain.last) : null
  return {
    chain_integrity: integrityOf(input, found, first, walk.isIncomplete, findings),
    mode: input.leaves ? 'deep' : 'shallow',
    requested: input.requested,
    found,
    digests_found: chain.seen,
    digests_verified: chain.verified,
    records_verified: walk.verified,
    leaves: {
      checked: walk.checked,
      retired: walk.absences.retired,
      missing: walk.absences.missing,
      pending: walk.pending,
    },
    payloads,
    findings: findings.list,
    findings_more: findings.more,
    notes,
  }
}

/** Signatures of those that come next are verified meanwhile, aside. */
async function* readAhead(digests: TrailInput['digests'], chain: DigestChain): AsyncGenerator<DigestReading> {
  const ahead: DigestReading[] = []
  for await (const found of digests) {
    ahead.push(chain.read(found))
    const next = ahead.length > AHEAD_MAX ? ahead.shift() : undefined
    if (next) yield next
  }
  yield* ahead
}

/** Digests that are held at once, of 8 KB at most. */
const AHEAD_MAX = 64

/** Runs a verification to its end. */
export async function completeVerification(
  verification: AsyncGenerator<TrailProgress, TrailReport>,
  onProgress?: (progress: TrailProgress) => void | Promise<void>,
): Promise<TrailReport> {
  for (;;) {
    const step = await verification.next()
    if (step.done) return step.value
    await onProgress?.(step.value)
  }
}

const HOUR_MS = 3_600_000

function readKeys(input: TrailInput, origin: string, findings: Findings, notes: string[], primitives: Primitives) {
  const nobody: KeyHistory = { trusted: new Map(), earlier: new Map(), pinned: false }
  const pin = input.fingerprint ? parsePin(input.fingerprint) : null
  if (input.fingerprint && !pin) {
    findings.add('KEY_UNKNOWN', 'The given fingerprint is none: it has 64 hex digits.')
    return nobody
  }
  if (!pin) {
    notes.push('No fingerprint was given: the signatures show that one log signed, not whose log it is.')
  } else if (pin.kind === 'kid') {
    notes.push('Only a key id was given, which is half a fingerprint: compare all 64 digits to be certain.')
  }
  try {
    return readKeyHistory(input.keys, origin, pin, primitives)
  } catch (error) {
    if (!(error instanceof KeysRefused)) throw error
    findings.add('KEY_UNKNOWN', error.message)
    return nobody
  }
}

function readKnown(
  { known }: TrailInput,
  origin: string,
  keys: KeyHistory,
  findings: Findings,
  primitives: Primitives,
): Known | null {
  if (known === undefined || known === null) return null
  if (typeof known !== 'string') {
    if (isSize(known.size) && known.root.length === HASH_BYTES) return known
    findings.add('MALFORMED', 'The known checkpoint is none: it has a size and a root of 32 bytes.')
    return null
  }
  try {
    const { origin: stated } = readCheckpoint(known)
    if (stated !== origin) {
      findings.add('WRONG_LOG', `The known checkpoint is of ${stated}, not of ${origin}.`)
      return null
    }
    const epochs = [...keys.trusted.values(), ...keys.earlier.values()]
    return openCheckpoint(
      known,
      origin,
      epochs.map(({ raw }) => noteKey(origin, raw, 1, primitives)),
      primitives,
    )
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error
    findings.add('SIGNATURE_INVALID', `The known checkpoint is of no use: ${error.message}`)
    return null
  }
}

function checkBeginning(
  { requested }: TrailInput,
  first: Digest,
  number: number,
  findings: Findings,
  notes: string[],
): void {
  if (number === 0) return
  const isCovered = requested.since !== null && Date.parse(requested.since) >= Date.parse(first.period_start)
  if (isCovered) notes.push(`Digests before number ${number} were not asked for and not looked at.`)
  else {
    const which = number === 1 ? 'Digest 0 is' : `Digests up to ${number - 1} are`
    findings.add('DIGEST_MISSING', `${which} missing.`, { digest_id: first.digest_id })
  }
}

/** Every period has a digest, empty ones too: by now, or by the end of what was asked for, there must be one. */
function checkTail(input: TrailInput, last: Digest | null, tailMaxMs: number, findings: Findings): void {
  if (!last) return
  const until = input.requested.until === null ? Infinity : Date.parse(input.requested.until)
  const due = Math.min(input.now.getTime(), until)
  const end = Date.parse(last.period_end)
  const isPaused = (input.pauses ?? []).some((pause) => pause.from - end <= tailMaxMs && pause.until >= due)
  if (due - end <= tailMaxMs || isPaused) return
  const message = `The newest digest ends at ${last.period_end}; there must be later ones.`
  findings.add('TAIL_MISSING', message, { digest_id: last.digest_id })
}

function compareByProof(known: Known | null, digest: Digest, findings: Findings, primitives: Primitives): void {
  if (!known?.proof || known.proof.size !== digest.tree_size) return
  const proof = { size1: known.size, size2: digest.tree_size, root1: known.root, root2: rootOf(digest) }
  if (verifyConsistency({ ...proof, proof: known.proof.hashes }, primitives)) return
  const message = `The proof does not lead from the known checkpoint at size ${known.size} to this digest.`
  findings.add('PROOF_INVALID', message, { digest_id: digest.digest_id })
}

function checkKnown(
  known: Known | null,
  walk: TreeWalk,
  last: Digest | null,
  findings: Findings,
  notes: string[],
): void {
  if (!known) {
    notes.push(
      'No checkpoint from elsewhere was given: a history that its holder rewrote and signed anew, or whose newest part is gone for less than a period, cannot be told from the true one.',
    )
  } else if (known.size > (last?.tree_size ?? 0)) {
    const message = `A checkpoint of ${known.size} leaves is known; the newest digest covers ${last?.tree_size ?? 0}.`
    findings.add('ROLLED_BACK', message, last ? { digest_id: last.digest_id } : {})
  } else if (known.size > 0 && !walk.isKnownCompared && known.proof === undefined) {
    notes.push(
      `The known checkpoint of ${known.size} leaves lies where no root could be computed: it was not compared.`,
    )
  }
}

/** Finds the digest in which the number of leaves is wrong by halving, so that a year takes two dozen questions. */
async function count(input: TrailInput, first: Digest, last: Digest, findings: Findings): Promise<void> {
  const { countLeaves, retired = [], size = 0, requested } = input
  if (!countLeaves) return
  const end = requested.until === null ? Math.max(last.seq_end, size) : last.seq_end
  const pending: [number, number][] = [[first.seq_start, end]]
  for (let asked = 0; pending.length > 0 && asked < COUNTS_MAX; asked++) {
    const [from, to] = pending.pop() as [number, number]
    const dropped = retired.reduce((sum, r) => sum + Math.max(0, Math.min(r.last, to) - Math.max(r.first, from) + 1), 0)
    const expected = to - from + 1
    const stored = await countLeaves(from, to)
    // Of what retention has dropped, some may be kept.
    if (from > to || (stored <= expected && stored >= expected - dropped)) continue
    if (from === to) {
      const state = stored > expected ? 'EVENT_UNEXPECTED' : 'EVENT_MISSING'
      findings.add(state, `There are ${stored} leaves of number ${from}.`, { seq: from })
      continue
    }
    const middle = Math.floor((from + to) / 2)
    pending.push([middle + 1, to], [from, middle])
  }
}

const COUNTS_MAX = 2_000

async function checkPayloads({ payloads }: TrailInput, findings: Findings) {
  const counts = { checked: 0, redacted: 0 }
  for await (const batch of payloads ?? []) {
    for (const { seq, event_id, part, state } of batch) {
      counts.checked += 1
      if (state === 'intact') continue
      if (state === 'erased') {
        counts.redacted += 1
        findings.add('PAYLOAD_REDACTED', `The ${part} of ${event_id} was erased; the record of it stands.`, { seq })
      } else if (state === 'missing') {
        findings.add('PAYLOAD_MISSING', `The ${part} of ${event_id} is gone without a record of its erasure.`, { seq })
      } else {
        findings.add('PAYLOAD_MODIFIED', `The ${part} of ${event_id} is not what was committed to.`, { seq })
      }
    }
  }
  return counts
}

const foundOf = (first: Digest, last: Digest) => ({
  since: first.period_start,
  until: last.period_end,
  seq_start: first.seq_start,
  seq_end: last.seq_end,
  tree_size: last.tree_size,
  root_hash: last.root_hash,
})

function integrityOf(
  { requested }: TrailInput,
  found: TrailReport['found'],
  first: Digest | null,
  isIncomplete: boolean,
  findings: Findings,
): ChainIntegrity {
  if (findings.errors > 0) return 'invalid'
  if (!found || !first) return 'no_data'
  // Before its first digest a log has nothing that could be missing.
  const begins =
    first.number === 0 || (requested.since !== null && Date.parse(requested.since) >= Date.parse(found.since))
  const ends = requested.until === null || Date.parse(requested.until) <= Date.parse(found.until)
  return begins && ends && !isIncomplete ? 'valid' : 'incomplete'
}
