import type { Leaf } from './leaf-line'

export type LeafBatches = AsyncIterable<readonly Leaf[]> | Iterable<readonly Leaf[]>

/** Reads batches of leaves one by one without waiting inside of a batch: waiting costs more than hashing. */
export class LeafCursor {
  #batch: readonly Leaf[] = []
  #at = 0
  #stream: AsyncIterator<readonly Leaf[]> | Iterator<readonly Leaf[]> | null

  constructor(source: LeafBatches) {
    this.#stream = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** The next leaf; undefined at the end of the batch. */
  get next(): Leaf | undefined {
    return this.#batch[this.#at]
  }

  skip(): void {
    this.#at += 1
  }

  /** Goes on to the next batch that is not empty; false at the end of the leaves. */
  async refill(): Promise<boolean> {
    this.#at = 0
    while (this.#stream) {
      const step = await this.#stream.next()
      this.#batch = step.done ? [] : step.value
      if (step.done) this.#stream = null
      else if (this.#batch.length > 0) return true
    }
    return false
  }

  async close(): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    await stream?.return?.()
  }
}
