import { Absences, type Retired } from './absences'
import type { Digest } from './digest'
import type { ReadDigest } from './digest-chain'
import { areEqual, fromHex } from './encoding'
import type { Findings } from './findings'
import { type LeafBatches, LeafCursor } from './leaf-cursor'
import { type Leaf, LeafReader } from './leaf-line'
import type { Primitives } from './primitives'
import { decodeTile, extendByTiles, rememberTiles, TILE_WIDTH, TileMissing, type TileReader } from './tiles'
import { Frontier, HASH_BYTES } from './tree'

/** A root known from elsewhere; `proof` leads from it to a digest of `proof.size` leaves (RFC 6962 section 2.1.2). */
export type Known = { size: number; root: Uint8Array; proof?: { size: number; hashes: Uint8Array[] } }

export type WalkInput = {
  org: string
  leaves?: (first: number) => LeafBatches
  size?: number
  tiles?: TileReader
  retired?: readonly Retired[]
  graceMs?: number
  lagMaxMs?: number
}

export const GRACE_MS = 300_000
const LAG_MAX_MS = 7 * 86_400_000
/** Rows that are named one by one before a period is only said to be damaged. */
const NAMED_MAX = 1_000

/**
 * Recomputes the roots that digests sign: from every leaf when there are leaves, else from stored hashes of the tree.
 * Holds one frontier, or two once a line and the hash stored beside it disagree, as either may be the true one.
 */
export class TreeWalk {
  /** Leaves looked at; those of them under a signed root that was recomputed. */
  checked = 0
  verified = 0
  /** Leaves that no digest covers yet. */
  pending = 0
  isKnownCompared = false
  /** Some roots could not be recomputed. */
  isIncomplete = false
  #frontier: Frontier | null = null
  #byStored: Frontier | null = null
  #expected = 0
  #lastRecordedAt = 0
  #unconfirmed = 0
  /** Rows of the period that are known to be wrong. */
  #named = new Set<number>()
  #times = { oldest: Infinity, newest: -Infinity, isWhole: true }
  #knownRoots: { byLine: Uint8Array | null; byStored: Uint8Array | null } | null = null
  #period = { from: 0, until: 0 }
  /** Leaves before this are of a digest that is missing: nothing is known of when they were signed. */
  #periodStart = 0
  #cursor: LeafCursor | null = null
  readonly absences: Absences
  readonly #input: WalkInput
  readonly #known: Known | null
  readonly #primitives: Primitives
  readonly #findings: Findings
  readonly #notes: string[]
  readonly #reader: LeafReader
  readonly #tiles: TileReader | null
  readonly #lagMaxMs: number
  readonly #graceMs: number

  constructor(input: WalkInput, known: Known | null, primitives: Primitives, findings: Findings, notes: string[]) {
    this.#input = input
    this.#known = known
    this.#primitives = primitives
    this.#findings = findings
    this.#notes = notes
    this.absences = new Absences(input.retired ?? [], findings)
    this.#reader = new LeafReader(input.org, primitives)
    this.#tiles = input.tiles ? rememberTiles(input.tiles) : null
    this.#graceMs = input.graceMs ?? GRACE_MS
    this.#lagMaxMs = input.lagMaxMs ?? LAG_MAX_MS
  }

  /** Goes on to the end of a digest. Yields the seq it has come to. */
  async *to({ digest, isSound }: ReadDigest): AsyncGenerator<number> {
    if (this.#expected === 0) await this.#begin(digest)
    if (isSound) this.#compareDirectly(digest)
    this.#period = periodOf(digest, this.#graceMs)
    this.#periodStart = digest.seq_start
    if (this.#input.leaves) yield* this.#takeLeaves(digest)
    else if (this.#frontier && digest.tree_size >= this.#frontier.size) await this.#extend(digest.tree_size)
    if (isSound && this.#frontier?.size === digest.tree_size) await this.#compare(digest)
    this.#named = new Set()
    this.#times = { oldest: Infinity, newest: -Infinity, isWhole: true }
  }

  /** Looks at what no digest covers yet. */
  async *end(): AsyncGenerator<number> {
    if (!this.#input.leaves) return
    this.#cursor ??= new LeafCursor(this.#input.leaves(1))
    this.#expected = Math.max(this.#expected, 1)
    do {
      for (let leaf = this.#cursor.next; leaf; leaf = this.#cursor.next) {
        this.#cursor.skip()
        if (leaf.seq < this.#expected) this.#tellMisplaced(leaf)
        else this.#takePending(leaf)
      }
      yield this.#expected - 1
    } while (await this.#cursor.refill())
    const { size = 0 } = this.#input
    if (size >= this.#expected) this.absences.tell(this.#expected, size)
  }

  async close(): Promise<void> {
    await this.#cursor?.close()
  }

  #takePending(leaf: Leaf): void {
    this.pending += 1
    const hash = this.#reader.hash(leaf.line)
    if (leaf.leafHash && !areEqual(leaf.leafHash, hash)) this.#tellModified(leaf.seq)
    if (leaf.seq > this.#expected) this.absences.tell(this.#expected, leaf.seq - 1)
    this.#expected = leaf.seq + 1
  }

  async #begin(digest: Digest): Promise<void> {
    this.#expected = digest.seq_start
    this.#frontier = new Frontier(this.#primitives)
    if (digest.seq_start > 1 || !this.#input.leaves) await this.#extend(digest.seq_start - 1)
    if (!this.#frontier && this.#input.leaves) {
      this.isIncomplete = true
      this.#notes.push('The range begins inside of the tree, and without its stored hashes no root can be recomputed.')
    }
    if (this.#input.leaves) this.#cursor = new LeafCursor(this.#input.leaves(digest.seq_start))
  }

  async *#takeLeaves(digest: Digest): AsyncGenerator<number> {
    const target = digest.seq_end
    const cursor = this.#cursor
    while (cursor) {
      const leaf = cursor.next
      if (!leaf && (await cursor.refill())) {
        yield this.#expected - 1
      } else if (leaf && leaf.seq < this.#expected) {
        cursor.skip()
        this.#tellMisplaced(leaf)
      } else if (this.#expected > target) {
        return
      } else if (leaf && leaf.seq === this.#expected) {
        cursor.skip()
        this.#take(leaf)
        this.#expected += 1
      } else {
        await this.#skip(leaf ? Math.min(target, leaf.seq - 1) : target)
      }
    }
  }

  #take(leaf: Leaf): void {
    const reader = this.#reader
    const hash = reader.hash(leaf.line)
    reader.scan()
    this.checked += 1
    this.#unconfirmed += 1
    // What is no hash at all cannot be the one in the tree.
    const isHash = leaf.leafHash?.length === HASH_BYTES
    const stored = leaf.leafHash && isHash ? leaf.leafHash : hash
    if ((leaf.leafHash && !isHash) || (stored !== hash && !areEqual(stored, hash))) {
      this.#byStored ??= this.#frontier?.clone() ?? null
      if (Number.isNaN(reader.seq) || reader.seq === leaf.seq) this.#tellModified(leaf.seq)
      else this.#tellOrder(leaf.seq, reader.seq)
    } else if (reader.seq === leaf.seq) {
      this.#checkPlace(leaf.seq)
    } else if (Number.isNaN(reader.seq)) {
      this.#name('MALFORMED', leaf.seq, `Leaf ${leaf.seq} does not say its number.`)
    } else {
      this.#tellOrder(leaf.seq, reader.seq)
    }
    const frontier = this.#frontier
    if (!frontier) return
    frontier.append(hash)
    this.#byStored?.append(stored)
    if (frontier.size === this.#known?.size) this.#rememberKnown()
  }

  /** What a leaf says of itself, beside its number. */
  #checkPlace(seq: number): void {
    const { recordedAt, happenedAt, isOfLog } = this.#reader
    if (!isOfLog) this.#name('WRONG_LOG', seq, `Leaf ${seq} is of another organisation.`)
    if (Number.isNaN(recordedAt)) this.#name('MALFORMED', seq, `Leaf ${seq} does not say when it was recorded.`)
    if (recordedAt < this.#lastRecordedAt) {
      this.#name('TIME_REGRESSION', seq, `Leaf ${seq} says that it was recorded before the one before it.`)
    } else if (recordedAt > 0) {
      this.#lastRecordedAt = recordedAt
      if (seq >= this.#periodStart) this.#checkPeriod(seq, recordedAt / 1_000)
    }
    if (seq >= this.#periodStart) this.#noteTime(happenedAt)
    if (Math.abs(recordedAt / 1_000 - happenedAt) > this.#lagMaxMs) this.#tellLag(seq, recordedAt / 1_000 - happenedAt)
  }

  #noteTime(happenedAt: number): void {
    if (Number.isNaN(happenedAt)) this.#times.isWhole = false
    if (happenedAt < this.#times.oldest) this.#times.oldest = happenedAt
    if (happenedAt > this.#times.newest) this.#times.newest = happenedAt
  }

  /** No error: a gateway may have kept an event for long, and its clock may be wrong. */
  #tellLag(seq: number, lagMs: number): void {
    const days = Math.floor(Math.abs(lagMs) / 86_400_000)
    const message = `Leaf ${seq} was recorded ${days} days ${lagMs > 0 ? 'after' : 'before'} the time at which it says it happened.`
    this.#findings.add('BACKDATED', message, { seq, info: true })
  }

  #checkPeriod(seq: number, recordedMs: number): void {
    const isEarly = recordedMs < this.#period.from
    if (!isEarly && recordedMs <= this.#period.until) return
    const message = `Leaf ${seq} says that it was recorded ${isEarly ? 'before' : 'after'} the period that it was signed in.`
    this.#name('BACKDATED', seq, message)
  }

  /** Goes over leaves that are not there; their hashes may be among those of the tree. */
  async #skip(last: number): Promise<void> {
    const first = this.#expected
    this.absences.tell(first, last)
    if (last >= this.#periodStart) this.#times.isWhole = false
    this.#expected = last + 1
    this.#byStored = null
    await this.#extend(last)
  }

  /** Grows the frontier by stored hashes, with a stop at the size of the known checkpoint. Without them it is lost. */
  async #extend(size: number): Promise<void> {
    const frontier = this.#frontier
    if (!frontier) return
    try {
      if (!this.#tiles) throw new TileMissing('There are no stored hashes.')
      const stop = this.#known?.size ?? 0
      if (stop > frontier.size && stop <= size) {
        await extendByTiles(frontier, stop, this.#tiles, this.#primitives)
        this.#rememberKnown()
      }
      await extendByTiles(frontier, size, this.#tiles, this.#primitives)
    } catch (error) {
      if (!(error instanceof TileMissing)) throw error
      this.#loseFrontier(frontier.size)
    }
  }

  #loseFrontier(size: number): void {
    this.#frontier = null
    this.#byStored = null
    if (!this.#input.leaves && !this.#tiles) return
    this.isIncomplete = true
    this.#notes.push(`From leaf ${size + 1} on, roots could not be recomputed: leaves or stored hashes are missing.`)
  }

  async #compare(digest: Digest): Promise<void> {
    const root = rootOf(digest)
    const place = { digest_id: digest.digest_id }
    if (this.#frontier && areEqual(this.#frontier.root(), root)) {
      this.#judgeKnown(this.#knownRoots?.byLine)
    } else if (this.#byStored && areEqual(this.#byStored.root(), root)) {
      this.#frontier = this.#byStored
      this.#judgeKnown(this.#knownRoots?.byStored)
    } else if (!this.#input.leaves) {
      this.#findings.add('PROOF_INVALID', 'The stored hashes of the tree do not lead to the signed root.', place)
      this.#loseFrontier(digest.seq_start - 1)
    } else {
      await this.#findDamage(digest)
    }
    this.#byStored = null
    this.verified += Math.max(0, this.#unconfirmed - this.#named.size)
    this.#unconfirmed = 0
    this.#checkTimes(digest)
  }

  /** Stored hashes that lead to the signed root tell which leaves are not the signed ones. */
  async #findDamage(digest: Digest): Promise<void> {
    const frontier = await this.#frontierFromTiles(digest)
    if (frontier) {
      await this.#nameDamaged(digest)
      this.#frontier = frontier
      return
    }
    if (this.#named.size === 0) {
      const range = `${digest.seq_start} to ${digest.seq_end}`
      const message = `The leaves do not hash to the signed root; which of ${range} was changed cannot be told.`
      this.#findings.add('EVENT_MODIFIED', message, { digest_id: digest.digest_id })
    }
    this.#unconfirmed = 0
    this.#loseFrontier(digest.seq_start - 1)
  }

  async #frontierFromTiles(digest: Digest): Promise<Frontier | null> {
    if (!this.#tiles) return null
    try {
      const frontier = new Frontier(this.#primitives)
      const stop = Math.min(this.#known?.size ?? 0, digest.tree_size)
      await extendByTiles(frontier, stop, this.#tiles, this.#primitives)
      const knownRoot = frontier.root()
      await extendByTiles(frontier, digest.tree_size, this.#tiles, this.#primitives)
      if (!areEqual(frontier.root(), rootOf(digest))) return null
      if (stop === this.#known?.size && stop > 0) this.#judgeKnown(knownRoot)
      return frontier
    } catch (error) {
      if (error instanceof TileMissing) return null
      throw error
    }
  }

  /** A second look at the leaves of one digest, each beside its hash in the tree. */
  async #nameDamaged({ seq_start, seq_end }: Digest): Promise<void> {
    for await (const batch of this.#input.leaves?.(seq_start) ?? []) {
      for (const leaf of batch) {
        if (leaf.seq > seq_end || this.#named.size >= NAMED_MAX) return
        const index = leaf.seq - 1
        const tile = await this.#tiles?.(0, Math.floor(index / TILE_WIDTH))
        const hash = tile && decodeTile(tile)?.[index % TILE_WIDTH]
        const isSame = hash && areEqual(this.#reader.hash(leaf.line), hash)
        if (!isSame && !this.#named.has(leaf.seq)) this.#tellModified(leaf.seq)
      }
    }
  }

  /** A digest states when its events happened; its leaves say it themselves. */
  #checkTimes(digest: Digest): void {
    const { oldest, newest, isWhole } = this.#times
    if (!this.#input.leaves || !isWhole || this.#named.size > 0 || digest.event_count === 0) return
    const isTrue = timeOf(digest.oldest_event_time) === oldest && timeOf(digest.newest_event_time) === newest
    if (isTrue) return
    const message = 'The times that it states are not those of its leaves.'
    this.#findings.add('BACKDATED', message, { digest_id: digest.digest_id })
  }

  #rememberKnown(): void {
    this.#knownRoots = { byLine: this.#frontier?.root() ?? null, byStored: this.#byStored?.root() ?? null }
  }

  #compareDirectly(digest: Digest): void {
    if (digest.tree_size === this.#known?.size && digest.tree_size > 0) this.#judgeKnown(rootOf(digest))
  }

  #judgeKnown(root: Uint8Array | null | undefined): void {
    if (!root || !this.#known || this.isKnownCompared) return
    this.isKnownCompared = true
    if (areEqual(root, this.#known.root)) return
    this.#findings.add('FORKED', `At ${this.#known.size} leaves this log has another root than the known checkpoint.`)
  }

  #tellMisplaced({ seq }: Leaf): void {
    if (seq === this.#expected - 1) this.#name('EVENT_UNEXPECTED', seq, `There is a second leaf ${seq}.`)
    else this.#name('ORDER_VIOLATION', seq, `Leaf ${seq} comes after leaf ${this.#expected - 1}.`)
  }

  #tellModified(seq: number): void {
    this.#name('EVENT_MODIFIED', seq, `Leaf ${seq} is not what was recorded.`)
  }

  #tellOrder(seq: number, stated: number): void {
    this.#name('ORDER_VIOLATION', seq, `In the place of leaf ${seq} is one that says it is ${stated}.`)
  }

  #name(state: Parameters<Findings['add']>[0], seq: number, message: string): void {
    this.#findings.add(state, message, { seq })
    if (this.#named.size < NAMED_MAX) this.#named.add(seq)
  }
}

export const rootOf = (digest: Digest): Uint8Array => fromHex(digest.root_hash) ?? new Uint8Array()

const timeOf = (text: string | null): number => (text === null ? Number.NaN : Date.parse(text))

/** When a digest's leaves can have been recorded, in milliseconds. Those of the first may be as old as they like. */
const periodOf = (digest: Digest, graceMs: number) => ({
  from: digest.number === 0 ? -Infinity : timeOf(digest.period_start) - graceMs,
  until: timeOf(digest.period_end) + graceMs,
})
