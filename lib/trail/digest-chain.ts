import { formatCheckpoint } from './checkpoint'
import { type Digest, digestSha256, isDigestSignatureAside, parseDigest, type SignedDigest } from './digest'
import { fromHex } from './encoding'
import type { Findings } from './findings'
import type { Epoch, KeyHistory } from './keys'
import { ED25519, type NoteKey, NoteRefused, noteKey, openNote } from './note'
import type { Primitives } from './primitives'

/** A digest as it was found, and where. */
export type FoundDigest = SignedDigest & {
  /** Where it was found; compared with what it says itself. */
  storageKey?: string
  /** The number under which it was found, for when it does not tell. */
  number?: number
  /** What is kept beside it for finding it, by the names that it has in the digest. */
  columns?: Partial<Digest>
  /** The note about its root that is kept with it. */
  checkpoint?: string
}

/** `isSound`: its root can be relied upon, as far as the chain up to it shows. */
export type ReadDigest = { digest: Digest; isSound: boolean }

/** Time in which nothing was meant to be recorded, by signed records of a stop and a start; milliseconds since 1970. */
export type Pause = { from: number; until: number }

export type ChainRules = {
  org: string
  origin: string
  keys: KeyHistory
  pauses: readonly Pause[]
  /** Longest time that a digest may cover or leave uncovered. */
  periodMaxMs: number
  /** Whether signatures of the checkpoints that are kept with digests are verified too. */
  opensCheckpoints: boolean
  primitives: Primitives
}

/** What one digest says by itself, without those before it. */
export type DigestReading = {
  found: FoundDigest
  /** Null when it is none. */
  digest: Digest | null
  epoch: Epoch | null
  isSigned: boolean | Promise<boolean>
}

type Link = { digest: Digest; found: FoundDigest; isSigned: boolean }

/**
 * Follows digests one by one, in the order of their numbers, and names what is wrong with each and between them. What a
 * bad signature means is only known from the digest after it: that one says which bytes were signed.
 */
export class DigestChain {
  /** Digests that a key that can be believed has signed, in its period. */
  verified = 0
  seen = 0
  last: Digest | null = null
  /** Of the first digest, readable or not. */
  firstNumber: number | null = null
  #previous: Link | null = null
  /** The number that comes next, and where its leaves begin; null before the first digest. */
  #expected: { number: number; seq: number } | null = null
  /** Digests of keys before the pinned one, until the chain reaches one of a trusted key. */
  #waiting: { count: number; kid: string; digest_id: string } | null = null
  readonly #rules: ChainRules
  readonly #findings: Findings

  constructor(rules: ChainRules, findings: Findings) {
    this.#rules = rules
    this.#findings = findings
  }

  /** May be called before those before it are taken. */
  read(found: FoundDigest): DigestReading {
    const { keys, primitives } = this.#rules
    const digest = parseDigest(found.body)
    const epoch = digest && (keys.trusted.get(digest.kid) ?? keys.earlier.get(digest.kid) ?? null)
    return { found, digest, epoch, isSigned: epoch !== null && isDigestSignatureAside(found, epoch.raw, primitives) }
  }

  /** Null when it is nothing to go on with. */
  async take({ found, digest, epoch, isSigned: verifying }: DigestReading): Promise<ReadDigest | null> {
    this.seen += 1
    if (!digest) return this.#lose('MALFORMED', 'A digest is not in the form in which digests are signed.', found)
    const wrong = this.#wrongPlace(digest, found)
    if (wrong) return this.#lose('WRONG_LOG', wrong, found, digest.digest_id)
    this.firstNumber ??= digest.number
    if (!epoch) this.#findings.add('KEY_UNKNOWN', `The key ${digest.kid} is not in the history.`, where(digest))
    const isSigned = await verifying
    const link = { digest, found, isSigned }
    if (epoch && isSigned) this.#checkBeside(link, epoch)
    if (!this.#follows(link)) return null
    this.#judgePrevious(link)
    const isInPeriod = epoch !== null && this.#isInPeriod(digest, epoch)
    const isSound = isSigned && isInPeriod
    if (!isSound || !this.#isLinked(link)) this.#settle(false)
    if (isSound) this.#count(digest)
    // Without a key there is nothing to judge a signature by; that was said.
    this.#previous = epoch ? link : null
    this.last = digest
    this.#expected = { number: digest.number + 1, seq: digest.seq_end + 1 }
    return { digest, isSound }
  }

  /** To be called when there are no more digests. */
  end(): void {
    if (this.#previous && !this.#previous.isSigned) {
      const { digest } = this.#previous
      this.#findings.add('SIGNATURE_INVALID', 'The signature of the newest digest is not valid.', where(digest))
    }
    this.#previous = null
    this.#settle(false)
  }

  #lose(state: 'MALFORMED' | 'WRONG_LOG', message: string, { number }: FoundDigest, digest_id?: string): null {
    this.#findings.add(state, message, digest_id === undefined ? {} : { digest_id })
    this.#leavePrevious()
    // It stands in the place of the one that was expected.
    if (this.#expected) this.#expected.number += 1
    else if (number !== undefined) {
      this.firstNumber ??= number
      this.#expected = { number: number + 1, seq: Number.NaN }
    }
    return null
  }

  #wrongPlace({ org, origin, storage_key }: Digest, found: FoundDigest): string | null {
    if (org !== this.#rules.org) return `A digest is of the organisation ${org}.`
    if (origin !== this.#rules.origin) return `A digest is of the log ${origin}.`
    if (found.storageKey !== undefined && storage_key !== found.storageKey) {
      return `A digest that belongs at ${storage_key} was found at ${found.storageKey}.`
    }
    return null
  }

  /** What stands beside a digest that is the signed one. */
  #checkBeside({ digest, found: { columns = {}, checkpoint } }: Link, { raw }: Epoch): void {
    const differing = Object.entries(columns).flatMap(([name, value]) =>
      digest[name as keyof Digest] === value ? [] : [name],
    )
    if (differing.length > 0) {
      const message = `The columns by which it is found do not say what its text says: ${differing.join(', ')}.`
      this.#findings.add('DIGEST_MODIFIED', message, where(digest))
    }
    if (checkpoint === undefined) return
    const { opensCheckpoints, primitives } = this.#rules
    const { origin, tree_size: size } = digest
    const text = formatCheckpoint({ origin, size, root: fromHex(digest.root_hash) ?? new Uint8Array() })
    if (!checkpoint.startsWith(`${text}\n`)) {
      this.#findings.add('DIGEST_MODIFIED', 'The checkpoint that is kept with it is not of its root.', where(digest))
    } else if (opensCheckpoints && !isNoteOf(checkpoint, noteKey(origin, raw, ED25519, primitives), primitives)) {
      this.#findings.add('SIGNATURE_INVALID', 'The checkpoint that is kept with it is not signed.', where(digest))
    }
  }

  #isInPeriod(digest: Digest, { notBefore, notAfter }: Epoch): boolean {
    const end = Date.parse(digest.period_end)
    if (end >= notBefore && end <= notAfter) return true
    const message = `The key ${digest.kid} was not in use when the digest was signed.`
    this.#findings.add('KEY_OUT_OF_PERIOD', message, where(digest))
    return false
  }

  /** Whether number, leaves and times go on where those of the digest before ended. */
  #follows({ digest }: Link): boolean {
    const expected = this.#expected
    if (!expected) return true
    if (digest.number < expected.number) {
      const message = `There is a second digest ${digest.number}, or it is out of order.`
      this.#findings.add(digest.number === expected.number - 1 ? 'FORKED' : 'ORDER_VIOLATION', message, where(digest))
      return false
    }
    const missing = digest.number - expected.number
    if (missing > 0) {
      const which =
        missing === 1 ? `Digest ${expected.number} is` : `Digests ${expected.number} to ${digest.number - 1} are`
      this.#findings.add('DIGEST_MISSING', `${which} missing.`, where(digest))
      this.#leavePrevious()
    } else if (this.last?.number === digest.number - 1) {
      this.#checkTimes(digest)
      if (digest.seq_start !== expected.seq) {
        const message = `Its leaves begin at ${digest.seq_start}; the digest before ends at ${expected.seq - 1}.`
        this.#findings.add('ORDER_VIOLATION', message, where(digest))
      } else if (digest.event_count === 0 && digest.root_hash !== this.last.root_hash) {
        this.#findings.add('FORKED', 'It adds no leaves and has another root than the digest before it.', where(digest))
      }
    }
    return true
  }

  #checkTimes(digest: Digest): void {
    const from = Date.parse(this.last?.period_end ?? digest.period_start)
    const [start, end] = [Date.parse(digest.period_start), Date.parse(digest.period_end)]
    const { periodMaxMs } = this.#rules
    if (start < from) {
      const message = `Its period begins at ${digest.period_start}, before the one before it ends.`
      this.#findings.add('TIME_REGRESSION', message, where(digest))
    } else if (start > from && !this.#isPaused(from, start)) {
      const message = `No digest covers the time from ${this.last?.period_end} to ${digest.period_start}.`
      this.#findings.add('UNEXPLAINED_GAP', message, where(digest))
    }
    if (end - start > periodMaxMs && !this.#isPaused(start, end)) {
      const message = `Nothing was signed from ${digest.period_start} to ${digest.period_end}.`
      this.#findings.add('UNEXPLAINED_GAP', message, where(digest))
    }
  }

  /** Whether what is left of the time beside pauses is no longer than a digest may cover. */
  #isPaused(from: number, until: number): boolean {
    const paused = this.#rules.pauses.reduce(
      (sum, pause) => sum + Math.max(0, Math.min(pause.until, until) - Math.max(pause.from, from)),
      0,
    )
    return paused > 0 && until - from - paused <= this.#rules.periodMaxMs
  }

  /** The digest before, in the light of what this one says about it. */
  #judgePrevious(next: Link): void {
    const previous = this.#previous
    if (!previous) return
    const place = where(previous.digest)
    const isSame = digestSha256(previous.found.body, this.#rules.primitives) === next.digest.prev_digest_sha256
    if (!next.isSigned) {
      if (!previous.isSigned) this.#findings.add('SIGNATURE_INVALID', 'The signature is not valid.', place)
    } else if (!isSame) {
      this.#findings.add('DIGEST_MODIFIED', 'Its bytes are not those that the digest after it names.', place)
    } else if (!previous.isSigned || previous.found.signature !== next.digest.prev_signature) {
      this.#findings.add('SIGNATURE_INVALID', 'The signature is not the one that was made.', place)
    } else if (previous.digest.digest_id !== next.digest.prev_digest_id) {
      this.#findings.add('DIGEST_MODIFIED', 'The digest after it names another id.', place)
    }
  }

  /** Whether the chain leads here without a break; the first digest that is looked at has nothing before it. */
  #isLinked({ digest }: Link): boolean {
    const previous = this.#previous
    if (!previous) return true
    return digest.prev_digest_sha256 === digestSha256(previous.found.body, this.#rules.primitives)
  }

  /** A break: nothing will say more about the digest before it. */
  #leavePrevious(): void {
    if (this.#previous && !this.#previous.isSigned) {
      this.#findings.add('SIGNATURE_INVALID', 'The signature is not valid.', where(this.#previous.digest))
    }
    this.#previous = null
    this.#settle(false)
  }

  #count(digest: Digest): void {
    if (this.#rules.keys.trusted.has(digest.kid)) {
      this.#settle(true)
      this.verified += 1
    } else {
      this.#waiting ??= { count: 0, kid: digest.kid, digest_id: digest.digest_id }
      this.#waiting.count += 1
    }
  }

  #settle(isReached: boolean): void {
    if (!this.#waiting) return
    const { count, kid, digest_id } = this.#waiting
    this.#waiting = null
    if (isReached) this.verified += count
    else {
      const message = `The key ${kid} is older than the pinned one, and no chain of digests leads from it to that.`
      this.#findings.add('KEY_UNKNOWN', message, { digest_id })
    }
  }
}

const where = ({ digest_id }: Digest) => ({ digest_id })

function isNoteOf(note: string, key: NoteKey, primitives: Primitives): boolean {
  try {
    openNote(note, [key], primitives)
    return true
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error
    return false
  }
}
