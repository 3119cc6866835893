import { areEqual } from '@/lib/trail/encoding'
import { LeafReader } from '@/lib/trail/leaf-line'
import { frontierFromTiles, TILE_WIDTH } from '@/lib/trail/tiles'
import { type Frontier, HASH_BYTES } from '@/lib/trail/tree'
import type { Transaction } from '../../database'
import { Damage, Damaged, has, type SeqRange } from '../damage'
import { nativePrimitives } from '../native-primitives'
import { leafTiles, storedLeaves, storedTiles } from '../tree/queries'

const TILES_PER_QUERY = 64

export type Reread = {
  root: Uint8Array
  /** Milliseconds since 1970; null when there are none. */
  oldestMs: number | null
  newestMs: number | null
}

type RereadOptions = {
  orgId: string
  /** What the digest before signed. */
  before: { size: number; root: Uint8Array }
  size: number
  accepted: readonly SeqRange[]
  signal: AbortSignal | undefined
}

/**
 * Reads all records behind a signed size again, up to another, and hashes them: each must have the hash that was stored
 * beside it and the one in the tree, and be of its place and organisation. The root is that of the hashes in the tree,
 * after the root that was signed before was found in them too. Holds a batch of records.
 *
 * @throws Damaged when anything is not as it was recorded and nobody has acknowledged it
 */
export async function reread(
  tx: Transaction,
  { orgId, before, size, accepted, signal }: RereadOptions,
): Promise<Reread> {
  const tiles = storedTiles(tx, orgId)
  const frontier = await frontierFromTiles(before.size, tiles, nativePrimitives)
  if (!areEqual(frontier.root(), before.root)) {
    throw new Damaged(
      `The stored hashes of the tree do not lead to the root that was signed at ${before.size} records.`,
      [],
    )
  }
  const walk = new Walk(orgId, frontier, leafHashes(tx, orgId, before.size, size), accepted)
  for await (const batch of storedLeaves(tx, orgId, before.size + 1, size)) {
    signal?.throwIfAborted()
    for (const leaf of batch) {
      while (walk.next < leaf.seq) await walk.lost()
      if (walk.next > leaf.seq) walk.damage.add(leaf.seq, 'is there twice')
      else await walk.take(leaf.seq, leaf.line, leaf.leafHash)
    }
  }
  while (walk.next <= size) await walk.lost()
  walk.damage.assertNone()
  const whole = await frontierFromTiles(size, tiles, nativePrimitives)
  if (!areEqual(whole.root(), frontier.root()))
    throw new Damaged('The stored hashes of the tree contradict each other.', [])
  return { root: frontier.root(), oldestMs: walk.oldestMs, newestMs: walk.newestMs }
}

class Walk {
  readonly damage = new Damage()
  oldestMs: number | null = null
  newestMs: number | null = null
  #recordedAt = 0
  readonly #reader: LeafReader

  constructor(
    orgId: string,
    private readonly frontier: Frontier,
    private readonly hashes: AsyncGenerator<Buffer>,
    private readonly accepted: readonly SeqRange[],
  ) {
    this.#reader = new LeafReader(orgId, nativePrimitives)
  }

  /** Seq of the record that comes next. */
  get next(): number {
    return this.frontier.size + 1
  }

  async take(seq: number, line: Uint8Array, stored: Uint8Array): Promise<void> {
    const inTree = await this.#nextHash()
    const reader = this.#reader
    const hash = reader.hash(line)
    reader.scan()
    const isSame = areEqual(hash, stored) && areEqual(hash, inTree)
    const isInPlace = reader.seq === seq && reader.isOfLog && reader.recordedAt >= this.#recordedAt
    if (!isSame || !isInPlace) {
      this.#blame(seq, isSame ? 'is not of its place' : 'is not what was recorded')
    } else {
      this.#recordedAt = reader.recordedAt
      this.#happened(reader.happenedAt)
    }
    this.frontier.append(inTree)
  }

  async lost(): Promise<void> {
    this.#blame(this.next, 'is missing')
    this.frontier.append(await this.#nextHash())
  }

  async #nextHash(): Promise<Buffer> {
    const { value, done } = await this.hashes.next()
    if (done) throw new Damaged(`The hash of record ${this.next} is not in the tree.`, [])
    return value
  }

  #blame(seq: number, what: string): void {
    if (!has(this.accepted, seq)) this.damage.add(seq, what)
  }

  #happened(ms: number): void {
    if (Number.isNaN(ms)) return
    if (this.oldestMs === null || ms < this.oldestMs) this.oldestMs = ms
    if (this.newestMs === null || ms > this.newestMs) this.newestMs = ms
  }
}

/** Hashes of leaves [from, to) as the tree has them. */
async function* leafHashes(tx: Transaction, orgId: string, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const tiles = await leafTiles(tx, orgId, Math.floor(at / TILE_WIDTH), TILES_PER_QUERY)
    const start = at
    for (const { index, hashes } of tiles) {
      if (index !== Math.floor(at / TILE_WIDTH)) return
      const width = hashes.length / HASH_BYTES
      for (let place = at % TILE_WIDTH; place < width && at < to; place++, at++) {
        yield hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)
      }
    }
    if (at === start) return
  }
}
