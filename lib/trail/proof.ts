import { areEqual } from './encoding'
import { type Primitives, portable } from './primitives'
import { rememberTiles, subtreeFromTiles, subtreesOf, type TileReader } from './tiles'
import { HASH_BYTES, isSize, nodeHash, splitOf } from './tree'

/** The longest path in a tree of 2^53-1 leaves. */
export const PROOF_HASHES_MAX = 54

export type Inclusion = { index: number; size: number; leafHash: Uint8Array; proof: Uint8Array[]; root: Uint8Array }
export type Consistency = {
  size1: number
  size2: number
  root1: Uint8Array
  root2: Uint8Array
  proof: Uint8Array[]
}

/**
 * The audit path of a leaf (RFC 6962 section 2.1.1), from the leaf upwards.
 *
 * @throws RangeError when the tree has no such leaf
 * @throws TileMissing
 */
export async function proveInclusion(
  index: number,
  size: number,
  read: TileReader,
  primitives: Primitives = portable,
): Promise<Uint8Array[]> {
  if (!isSize(index) || !isSize(size) || index >= size) throw new RangeError('The tree has no such leaf.')
  const ranges: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      ranges.push([middle, end])
      end = middle
    } else {
      ranges.push([start, middle])
      start = middle
    }
  }
  return rootsOf(ranges.reverse(), read, primitives)
}

/**
 * The proof that a tree of `size2` leaves begins with one of `size1` (RFC 6962 section 2.1.2). Empty when they are one.
 *
 * @throws RangeError unless 0 < size1 <= size2
 * @throws TileMissing
 */
export async function proveConsistency(
  size1: number,
  size2: number,
  read: TileReader,
  primitives: Primitives = portable,
): Promise<Uint8Array[]> {
  if (!isSize(size1) || !isSize(size2) || size1 === 0 || size1 > size2) {
    throw new RangeError('A proof leads from a tree with leaves to one at least as large.')
  }
  const ranges: Range[] = []
  let [start, end] = [0, size2]
  while (end !== size1) {
    const middle = start + splitOf(end - start)
    if (size1 <= middle) {
      ranges.push([middle, end])
      end = middle
    } else {
      ranges.push([start, middle])
      start = middle
    }
  }
  // The whole smaller tree is what the verifier knows; a part of it is not.
  if (start > 0) ranges.push([start, end])
  return rootsOf(ranges.reverse(), read, primitives)
}

/** RFC 9162 section 2.1.3.2. Any hash too many, too few or of another length is a refusal. */
export function verifyInclusion({ root, ...path }: Inclusion, primitives: Primitives = portable): boolean {
  const found = rootOfInclusion(path, primitives)
  return found !== null && areHashes([root]) && areEqual(found, root)
}

/** The root that a leaf and its audit path lead to; null when they are none of a tree of this size. */
export function rootOfInclusion(
  { index, size, leafHash, proof }: Omit<Inclusion, 'root'>,
  primitives: Primitives = portable,
): Uint8Array | null {
  if (!isSize(index) || !isSize(size) || index >= size) return null
  if (!areHashes([leafHash, ...proof.slice(0, PROOF_HASHES_MAX)]) || proof.length > PROOF_HASHES_MAX) return null
  let place = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof) {
    if (last === 0) return null
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash, primitives)
      while (place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)]
    } else {
      hash = nodeHash(hash, sibling, primitives)
    }
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? hash : null
}

/** RFC 9162 section 2.1.4.2. A proof from the tree without leaves says nothing and is refused. */
export function verifyConsistency(
  { size1, size2, root1, root2, proof }: Consistency,
  primitives: Primitives = portable,
): boolean {
  if (!isSize(size1) || !isSize(size2) || size1 === 0 || size1 > size2) return false
  if (!areHashes([root1, root2, ...proof.slice(0, PROOF_HASHES_MAX)]) || proof.length > PROOF_HASHES_MAX) return false
  if (size1 === size2) return proof.length === 0 && areEqual(root1, root2)
  if (proof.length === 0) return false
  let place = size1 - 1
  let last = size2 - 1
  while (place % 2 === 1) [place, last] = [(place - 1) / 2, Math.floor(last / 2)]
  // A power of two is a complete subtree, which the proof leaves out.
  const [first, ...rest] = place === 0 ? [root1, ...proof] : proof
  let hash1 = first as Uint8Array
  let hash2 = hash1
  for (const sibling of rest) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      hash1 = nodeHash(sibling, hash1, primitives)
      hash2 = nodeHash(sibling, hash2, primitives)
      while (place % 2 === 0 && place !== 0) [place, last] = [place / 2, Math.floor(last / 2)]
    } else {
      hash2 = nodeHash(hash2, sibling, primitives)
    }
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && areEqual(hash1, root1) && areEqual(hash2, root2)
}

/** Leaves [start, end). */
type Range = [start: number, end: number]

async function rootsOf(ranges: Range[], read: TileReader, primitives: Primitives): Promise<Uint8Array[]> {
  const remembered = rememberTiles(read)
  const roots: Uint8Array[] = []
  for (const [start, end] of ranges) {
    let root: Uint8Array | null = null
    for (const { height, index } of subtreesOf(start, end).reverse()) {
      const hash = await subtreeFromTiles(height, index, remembered, primitives)
      root = root ? nodeHash(hash, root, primitives) : hash
    }
    if (root) roots.push(root)
  }
  return roots
}

const areHashes = (hashes: readonly Uint8Array[]) => hashes.every((hash) => hash.length === HASH_BYTES)
