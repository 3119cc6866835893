import { parseJson } from '../parse-json'
import { type ArchiveFile, ArchiveRefused, readArchive, writeArchive } from './archive'
import { type BundleEvent, bundleFiles, contentCommitment, type EvidenceBundle, parseBundle } from './bundle'
import { type Checkpoint, openCheckpoint, originOf } from './checkpoint'
import { type Digest, isDigestSignature, parseDigest } from './digest'
import { areEqual, fromBase64, fromHex, toHex, utf8 } from './encoding'
import { type KeyHistory, KeysRefused, parsePin, readKeyHistory } from './keys'
import { NoteRefused, noteKey } from './note'
import { type Primitives, portable } from './primitives'
import { verifyConsistency, verifyInclusion } from './proof'
import { leafHash } from './tree'

export type BundleCheck = { name: string; ok: boolean; detail: string }

export type BundleReport = {
  /** Everything that was checked holds. */
  ok: boolean
  org: string | null
  request_id: string | null
  /** What the bundle proves its events to be leaves of; null unless a trusted key has signed it. */
  checkpoint: { origin: string; size: number; root_hash: string } | null
  checks: BundleCheck[]
  /** What is not known, and what is left out on purpose. */
  notes: string[]
}

export type BundleOptions = {
  /** SHA-256 of the key that is trusted, hex, from elsewhere. */
  fingerprint: string
  /** A checkpoint note of the same log that was kept elsewhere. */
  knownCheckpoint?: string
  primitives?: Primitives
}

/** Verifies an archive that anybody may have made. Needs no network, and never throws for what it is given. */
export function verifyArchive(archive: Uint8Array, options: BundleOptions): BundleReport {
  try {
    const files = readArchive(archive)
    const report = verifyBundle(files, options)
    // A bundle has one archive: in any other, something was put that no check looks at.
    const ok = areEqual(writeArchive(files), archive)
    const detail = ok
      ? 'Its bytes are those of the archive as it is made.'
      : 'Its bytes are not those of the archive as it is made.'
    return { ...report, ok: report.ok && ok, checks: [{ name: 'archive', ok, detail }, ...report.checks] }
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error
    return failed('archive', error.message)
  }
}

/** Verifies the files of a bundle. Each check is named, so that a reader sees what was looked at. */
export function verifyBundle(files: readonly ArchiveFile[], options: BundleOptions): BundleReport {
  const json = files.find(({ name }) => name === 'bundle.json')
  const bundle = json ? parseBundle(json.bytes) : null
  if (!bundle) return failed('format', json ? 'bundle.json is not in its form.' : 'There is no bundle.json.')
  return new Verification(bundle, files, options).report()
}

const failed = (name: string, detail: string): BundleReport => ({
  ok: false,
  org: null,
  request_id: null,
  checkpoint: null,
  checks: [{ name, ok: false, detail }],
  notes: [],
})

class Verification {
  readonly #checks: BundleCheck[] = [{ name: 'format', ok: true, detail: 'bundle.json is in its form, version 1.' }]
  readonly #notes: string[] = []
  readonly #primitives: Primitives
  readonly #bundle: EvidenceBundle
  readonly #files: readonly ArchiveFile[]
  readonly #options: BundleOptions

  constructor(bundle: EvidenceBundle, files: readonly ArchiveFile[], options: BundleOptions) {
    this.#bundle = bundle
    this.#files = files
    this.#options = options
    this.#primitives = options.primitives ?? portable
  }

  report(): BundleReport {
    const { org, origin, request_id, events, digests } = this.#bundle
    this.#check('files', this.#filesProblem(), 'Every file is the one that belongs to the bundle, and none is missing.')
    this.#check('origin', origin === originOf(org) ? null : `The log is ${origin}, not the organisation's.`, origin)
    const keys = this.#readKeys()
    const checkpoint = keys && this.#openCheckpoint(keys)
    if (events.length === 0) this.#check('events', 'There are no events.', '')
    const leaves = events.map((event) => this.#checkEvent(event, checkpoint))
    if (checkpoint && keys) for (const digest of digests) this.#checkDigest(digest, checkpoint, keys)
    for (const payload of this.#bundle.payloads) this.#checkPayload(payload, leaves)
    this.#noteMissingPayloads(leaves)
    if (checkpoint) this.#compareKnown(checkpoint, keys)
    return {
      ok: this.#checks.every(({ ok }) => ok),
      org,
      request_id,
      checkpoint: checkpoint && { origin, size: checkpoint.size, root_hash: toHex(checkpoint.root) },
      checks: this.#checks,
      notes: this.#notes,
    }
  }

  /** @param problem null when all is well */
  #check(name: string, problem: string | null, detail: string): void {
    this.#checks.push({ name, ok: problem === null, detail: problem ?? detail })
  }

  /** The files follow from the bundle and its payloads: made again they must be the same. */
  #filesProblem(): string | null {
    const given = new Map(this.#files.map(({ name, bytes }) => [name, bytes]))
    if (given.size !== this.#files.length) return 'A file occurs twice.'
    let expected: ArchiveFile[]
    try {
      expected = bundleFiles(this.#bundle, given, this.#primitives)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return error.message
    }
    for (const { name, bytes } of expected) {
      const found = given.get(name)
      if (!found) return `${name} is missing.`
      if (!areEqual(found, bytes)) return `${name} is not what belongs to the bundle.`
      given.delete(name)
    }
    const [other] = given.keys()
    if (other !== undefined) return `${JSON.stringify(other)} does not belong to the bundle.`
    const isInOrder = expected.every(({ name }, at) => this.#files[at]?.name === name)
    return isInOrder ? null : 'The files are not in the order that they have in a bundle.'
  }

  #readKeys(): KeyHistory | null {
    const pin = parsePin(this.#options.fingerprint)
    if (!pin) {
      this.#check('fingerprint', 'The given fingerprint is none: it has 64 hex digits.', '')
      return null
    }
    if (pin.kind === 'kid') {
      this.#notes.push('Only a key id was given, which is half a fingerprint: compare all 64 digits to be certain.')
    }
    try {
      const history = readKeyHistory(this.#bundle.keys, this.#bundle.origin, pin, this.#primitives)
      this.#check('fingerprint', null, 'The key with the given fingerprint is among the keys.')
      this.#check('keys', null, 'Each key is signed by the key before it.')
      return history
    } catch (error) {
      if (!(error instanceof KeysRefused)) throw error
      this.#check('fingerprint', error.message, '')
      return null
    }
  }

  /** By a key that follows from the pinned one: what an earlier key says now may be said by whoever has stolen it. */
  #openCheckpoint({ trusted }: KeyHistory): Checkpoint | null {
    const { origin, checkpoint } = this.#bundle
    const keys = [...trusted.values()].map(({ raw }) => noteKey(origin, raw, 1, this.#primitives))
    try {
      const opened = openCheckpoint(checkpoint, origin, keys, this.#primitives)
      this.#check('checkpoint', null, `A trusted key has signed the root of ${opened.size} leaves.`)
      return opened
    } catch (error) {
      if (!(error instanceof NoteRefused)) throw error
      this.#check('checkpoint', error.message, '')
      return null
    }
  }

  #checkEvent(event: BundleEvent, checkpoint: Checkpoint | null): Record<string, unknown> {
    const { seq, leaf_index: index, line } = event
    const leaf = objectOf(line)
    const isPlaced = leaf.seq === seq && leaf.org_id === this.#bundle.org && index === seq - 1
    const problem = isPlaced ? null : 'It is of another place or another organisation.'
    const isAsked = leaf.request_id === this.#bundle.request_id
    this.#check(
      `event ${seq}`,
      problem ?? (isAsked ? null : 'It is of another request.'),
      'It is of this request and place.',
    )
    if (!checkpoint) return leaf
    const proof = event.proof.map((hash) => fromBase64(hash) ?? new Uint8Array())
    const inclusion = {
      index,
      size: checkpoint.size,
      leafHash: leafHash(utf8(line), this.#primitives),
      proof,
      root: checkpoint.root,
    }
    const isIncluded = verifyInclusion(inclusion, this.#primitives)
    const refusal = 'Its exact bytes are not proven to be in the tree of the checkpoint.'
    this.#check(`inclusion ${seq}`, isIncluded ? null : refusal, 'Its exact bytes are in the tree of the checkpoint.')
    if (!this.#bundle.digests.some(({ body }) => covers(parseDigest(body), seq))) {
      this.#notes.push(`No digest covers event ${seq}: when it was recorded is only what it says itself.`)
    }
    return leaf
  }

  #checkDigest(
    { digest_id, number, body, signature, proof }: EvidenceBundle['digests'][0],
    checkpoint: Checkpoint,
    keys: KeyHistory,
  ): void {
    const digest = parseDigest(body)
    const name = `digest ${number}`
    const { org, origin } = this.#bundle
    if (
      !digest ||
      digest.digest_id !== digest_id ||
      digest.number !== number ||
      digest.org !== org ||
      digest.origin !== origin
    ) {
      this.#check(name, 'It is malformed, or of another place or organisation.', '')
      return
    }
    const epoch = keys.trusted.get(digest.kid) ?? keys.earlier.get(digest.kid)
    const end = Date.parse(digest.period_end)
    if (!epoch || end < epoch.notBefore || end > epoch.notAfter) {
      this.#check(name, `The key ${digest.kid} is unknown, or was not in use then.`, '')
      return
    }
    const isSigned = isDigestSignature(body, signature, epoch.raw, this.#primitives)
    this.#check(
      name,
      isSigned ? null : 'Its signature is not valid.',
      `Signed, for ${digest.period_start} to ${digest.period_end}.`,
    )
    if (!keys.trusted.has(digest.kid)) {
      this.#notes.push(`Digest ${number} is of a key before the pinned one: its times are only what that key says.`)
    }
    const hashes = proof.map((hash) => fromBase64(hash) ?? new Uint8Array())
    const roots = { root1: fromHex(digest.root_hash) ?? new Uint8Array(), root2: checkpoint.root }
    const sizes = { size1: digest.tree_size, size2: checkpoint.size }
    const isConsistent = verifyConsistency({ ...sizes, ...roots, proof: hashes }, this.#primitives)
    const refusal = 'The tree of the checkpoint is not proven to begin with that of the digest.'
    this.#check(
      `consistency ${number}`,
      isConsistent ? null : refusal,
      'The tree of the checkpoint begins with that of the digest.',
    )
  }

  #checkPayload(
    { event_id, part, state, salt, content_sha256, file }: EvidenceBundle['payloads'][0],
    leaves: Record<string, unknown>[],
  ): void {
    const name = `payload ${event_id} ${part}`
    const committed = leaves.filter((leaf) => leaf.event_id === event_id).map((leaf) => commitmentIn(leaf, part))
    if (!committed.includes(content_sha256)) {
      this.#check(name, 'No event of the bundle commits to it.', '')
    } else if (state === 'erased') {
      this.#notes.push(`The ${part} of ${event_id} was erased; that it was recorded is still proven.`)
    } else if (file === null) {
      this.#notes.push(`The ${part} of ${event_id} is not in the bundle.`)
    } else {
      const bytes = this.#files.find((given) => given.name === file)?.bytes ?? new Uint8Array()
      const found = contentCommitment(salt === null ? null : fromBase64(salt), bytes, this.#primitives)
      this.#check(
        name,
        found === content_sha256 ? null : 'It is not what was committed to.',
        'It is what the event commits to.',
      )
    }
  }

  /** Content that a record speaks of and the bundle does not. */
  #noteMissingPayloads(leaves: Record<string, unknown>[]): void {
    for (const leaf of leaves) {
      for (const part of ['request', 'response'] as const) {
        const isListed = this.#bundle.payloads.some(
          (payload) => payload.event_id === leaf.event_id && payload.part === part,
        )
        if (commitmentIn(leaf, part) !== null && !isListed) {
          this.#notes.push(`The ${part} of ${String(leaf.event_id)} is not in the bundle.`)
        }
      }
    }
  }

  #compareKnown(checkpoint: Checkpoint, keys: KeyHistory | null): void {
    const { knownCheckpoint } = this.#options
    if (knownCheckpoint === undefined) {
      this.#notes.push(
        'No checkpoint from elsewhere was given: another history, signed with the same key, would look the same.',
      )
      return
    }
    const { origin } = this.#bundle
    const epochs = [...(keys?.trusted.values() ?? []), ...(keys?.earlier.values() ?? [])]
    try {
      const known = openCheckpoint(
        knownCheckpoint,
        origin,
        epochs.map(({ raw }) => noteKey(origin, raw, 1, this.#primitives)),
        this.#primitives,
      )
      this.#compareRoots(known, checkpoint)
    } catch (error) {
      if (!(error instanceof NoteRefused)) throw error
      this.#check('known checkpoint', `It is of no use: ${error.message}`, '')
    }
  }

  #compareRoots(known: Checkpoint, checkpoint: Checkpoint): void {
    const roots = this.#bundle.digests.flatMap(({ body }) => {
      const digest = parseDigest(body)
      return digest?.tree_size === known.size ? [fromHex(digest.root_hash) ?? new Uint8Array()] : []
    })
    if (checkpoint.size === known.size) roots.push(checkpoint.root)
    if (roots.length === 0) {
      this.#notes.push(
        `The known checkpoint is of ${known.size} leaves, of which the bundle has no root: it was not compared.`,
      )
      return
    }
    const isSame = roots.every((root) => areEqual(root, known.root))
    const refusal = `FORKED: at ${known.size} leaves the bundle has another root.`
    this.#check('known checkpoint', isSame ? null : refusal, `At ${known.size} leaves the roots are the same.`)
  }
}

const covers = (digest: Digest | null, seq: number) =>
  digest !== null && digest.seq_start <= seq && seq <= digest.seq_end

function commitmentIn(leaf: Record<string, unknown>, part: 'request' | 'response'): string | null {
  const { payload } = leaf
  if (typeof payload !== 'object' || payload === null) return null
  const commitment: unknown = Reflect.get(payload, `${part}_captured_sha256`)
  return typeof commitment === 'string' ? commitment : null
}

/** The members of a line; none when it is no object. */
function objectOf(line: string): Record<string, unknown> {
  try {
    const value: unknown = parseJson(line)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
