import { type Primitives, portable } from './primitives'

export const HASH_BYTES = 32
/** Sizes and indexes are numbers: beyond this they would no longer be exact. */
export const SIZE_MAX = Number.MAX_SAFE_INTEGER

export const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0

let leafBytes = new Uint8Array(4_096)
const nodeBytes = new Uint8Array(1 + 2 * HASH_BYTES)
nodeBytes[0] = 1

/** Hash of the tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export const emptyRoot = (primitives: Primitives = portable): Uint8Array => primitives.sha256(new Uint8Array())

/** SHA-256 of 0x00 and the leaf (RFC 6962 section 2.1); the prefix keeps a node from being passed off as a leaf. */
export function leafHash(leaf: Uint8Array, primitives: Primitives = portable): Uint8Array {
  if (leaf.length >= leafBytes.length) leafBytes = new Uint8Array(2 * leaf.length)
  leafBytes[0] = 0
  leafBytes.set(leaf, 1)
  return primitives.sha256(leafBytes.subarray(0, leaf.length + 1))
}

/** SHA-256 of 0x01 and both hashes (RFC 6962 section 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array, primitives: Primitives = portable): Uint8Array {
  nodeBytes.set(left, 1)
  nodeBytes.set(right, 1 + HASH_BYTES)
  return primitives.sha256(nodeBytes)
}

/**
 * The right edge of a growing tree: the roots of its largest complete subtrees, one per bit of the size, largest first.
 * Appending costs one node hash on average, and memory is the logarithm of the size.
 */
export class Frontier {
  #hashes: Uint8Array[]
  #size: number
  readonly #primitives: Primitives

  /** @throws RangeError when there is not one hash per bit of the size */
  constructor(primitives: Primitives = portable, size = 0, hashes: readonly Uint8Array[] = []) {
    if (!isSize(size)) throw new RangeError('A tree has at most 2^53-1 leaves.')
    if (hashes.length !== bitsOf(size) || hashes.some((hash) => hash.length !== HASH_BYTES)) {
      throw new RangeError('A frontier has one hash of 32 bytes per bit of its size.')
    }
    this.#primitives = primitives
    this.#size = size
    this.#hashes = [...hashes]
  }

  get size(): number {
    return this.#size
  }

  get hashes(): readonly Uint8Array[] {
    return this.#hashes
  }

  clone(): Frontier {
    return new Frontier(this.#primitives, this.#size, this.#hashes)
  }

  /** Appends one leaf. The hash is kept and must not change. */
  append(hash: Uint8Array): void {
    this.#push(hash, this.#size, 1)
  }

  /**
   * Appends a complete subtree of `2^height` leaves.
   *
   * @throws RangeError when the size is no multiple of that
   */
  appendSubtree(hash: Uint8Array, height: number): void {
    const leaves = 2 ** height
    if (this.#size % leaves !== 0) throw new RangeError('A subtree begins at a multiple of its size.')
    this.#push(hash, this.#size / leaves, leaves)
  }

  root(): Uint8Array {
    let root = this.#hashes[this.#hashes.length - 1]
    if (root === undefined) return emptyRoot(this.#primitives)
    for (let i = this.#hashes.length - 2; i >= 0; i--) {
      root = nodeHash(this.#hashes[i] as Uint8Array, root, this.#primitives)
    }
    return root
  }

  /** `index` is the subtree's place among those of its height: every odd one completes a pair. */
  #push(added: Uint8Array, index: number, leaves: number): void {
    if (added.length !== HASH_BYTES) throw new RangeError('A hash has 32 bytes.')
    if (this.#size + leaves > SIZE_MAX) throw new RangeError('A tree has at most 2^53-1 leaves.')
    let hash = added
    let place = index
    while (place % 2 === 1) {
      hash = nodeHash(this.#hashes.pop() as Uint8Array, hash, this.#primitives)
      place = (place - 1) / 2
    }
    this.#hashes.push(hash)
    this.#size += leaves
  }
}

/** Root of the tree over these leaf hashes. */
export function rootOf(leafHashes: Iterable<Uint8Array>, primitives: Primitives = portable): Uint8Array {
  const frontier = new Frontier(primitives)
  for (const hash of leafHashes) frontier.append(hash)
  return frontier.root()
}

/** The largest power of two below `size`, where RFC 6962 splits a tree. `size` is at least 2. */
export function splitOf(size: number): number {
  let split = 2 ** Math.floor(Math.log2(size))
  // Close to 2^53 the logarithm rounds up.
  while (split >= size) split /= 2
  return split
}

function bitsOf(size: number): number {
  let bits = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2
  return bits
}
