import type { TileCheck } from '@/lib/trail/beside'
import { TILE_WIDTH } from '@/lib/trail/tiles'
import { HASH_BYTES } from '@/lib/trail/tree'
import type { Transaction } from '../../database'
import type { StoredRecord } from '../tree/copied-records'
import { leafTiles } from '../tree/queries'

const TILES_PER_QUERY = 64

/**
 * Whether the hashes of leaves in the tree are those beside the records, looked at while these pass by. Proofs are made of
 * them, and no root of a deep look needs them.
 */
export class TileChecks {
  readonly #differing = new Map<number, number[]>()
  #tiles = new Map<number, Buffer>()

  /** @param size leaves whose hashes must be in the tree */
  constructor(
    private readonly tx: Transaction,
    private readonly orgId: string,
    private readonly size: number,
  ) {}

  async *watched(records: AsyncIterable<StoredRecord[]>): AsyncGenerator<StoredRecord[]> {
    for await (const batch of records) {
      for (const { seq, leafHash } of batch) {
        if (seq < 1 || seq > this.size) continue
        const index = Math.floor((seq - 1) / TILE_WIDTH)
        const tile = this.#tiles.get(index) ?? (await this.#read(index))
        const at = ((seq - 1) % TILE_WIDTH) * HASH_BYTES
        if (!leafHash.equals(tile.subarray(at, at + HASH_BYTES))) this.#note(index, seq)
      }
      yield batch
    }
  }

  /** To be read after all records have passed by. */
  results(): TileCheck[] {
    return [...this.#differing.values()].map((seqs) => ({ seqs }))
  }

  /** Holds what it has read last; of a tile that is not there, nothing. */
  async #read(index: number): Promise<Buffer> {
    const read = await leafTiles(this.tx, this.orgId, index, TILES_PER_QUERY)
    this.#tiles = new Map(read.map((tile) => [tile.index, tile.hashes]))
    if (!this.#tiles.has(index)) this.#tiles.set(index, Buffer.alloc(0))
    return this.#tiles.get(index) ?? Buffer.alloc(0)
  }

  #note(index: number, seq: number): void {
    const seqs = this.#differing.get(index)
    if (seqs) seqs.push(seq)
    else this.#differing.set(index, [seq])
  }
}
