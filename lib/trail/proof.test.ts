import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64, toBase64, utf8 } from './encoding'
import { PROOF_HASHES_MAX, proveConsistency, proveInclusion, verifyConsistency, verifyInclusion } from './proof'
import { native } from './testing'
import { growTiles, type TileReader } from './tiles'
import { leafHash, nodeHash, rootOf, SIZE_MAX, splitOf } from './tree'

const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', file), 'utf8')) as unknown
const bytes = (text: string) => fromBase64(text) ?? new Uint8Array()

type InclusionVector = { leafIdx: number; treeSize: number; root: string; leafHash: string; proof: string[] }
type ConsistencyVector = { size1: number; size2: number; root1: string; root2: string; proof: string[] }
type Verdict = { desc: string; wantErr: boolean }

const merkle = read('merkle.json') as {
  inclusion: (InclusionVector & Verdict)[]
  consistency: (ConsistencyVector & Verdict)[]
}

test('98 inclusion proofs, sound and damaged, get the verdict of transparency-dev/merkle', () => {
  expect(merkle.inclusion).toHaveLength(98)
  const others = merkle.inclusion.filter((vector) => {
    const { leafIdx: index, treeSize: size } = vector
    const proof = vector.proof.map(bytes)
    const accepted = verifyInclusion({ index, size, leafHash: bytes(vector.leafHash), proof, root: bytes(vector.root) })
    return accepted === vector.wantErr
  })
  expect(others).toEqual([])
})

test('92 consistency proofs get the verdict of transparency-dev/merkle, but those that say nothing', () => {
  expect(merkle.consistency).toHaveLength(92)
  const others = merkle.consistency.filter((vector) => {
    const { size1, size2, proof } = vector
    const roots = { root1: bytes(vector.root1), root2: bytes(vector.root2) }
    return verifyConsistency({ size1, size2, ...roots, proof: proof.map(bytes) }) === vector.wantErr
  })
  expect(others.map(({ desc, wantErr }) => ({ desc, wantErr }))).toEqual([{ desc: 'from empty', wantErr: false }])
})

const tlog = read('tlog.json') as {
  size: number
  inclusion: { a: number; b: number; proof: string[] }[]
  consistency: { a: number; b: number; proof: string[] }[]
}

/** Reads tiles of the whole tree, as a server would: larger than the tree that a proof is about. */
async function readerOf(hashes: Uint8Array[]): Promise<TileReader & { reads: string[] }> {
  const tiles = new Map<string, Uint8Array>()
  const reads: string[] = []
  const reader: TileReader = (level, index) => {
    reads.push(`${level}/${index}`)
    return Promise.resolve(tiles.get(`${level}/${index}`) ?? null)
  }
  for (const { level, index, hashes: tile } of await growTiles(0, hashes, reader, native))
    tiles.set(`${level}/${index}`, tile)
  reads.length = 0
  return Object.assign(reader, { reads })
}

const leaves = (count: number) => Array.from({ length: count }, (_, i) => leafHash(utf8(`leaf ${i}`), native))

test('proofs are those of golang.org/x/mod/sumdb/tlog, hash for hash', async () => {
  const reader = await readerOf(leaves(tlog.size))
  for (const { a, b, proof } of tlog.inclusion) {
    expect((await proveInclusion(a, b, reader, native)).map(toBase64)).toEqual(proof ?? [])
  }
  for (const { a, b, proof } of tlog.consistency) {
    expect((await proveConsistency(a, b, reader, native)).map(toBase64)).toEqual(proof ?? [])
  }
  expect(tlog.inclusion.length + tlog.consistency.length).toBeGreaterThanOrEqual(20)
})

test('every proof in trees of up to 128 leaves verifies, and none with a hash too many, too few or too short', async () => {
  const all = leaves(128)
  const roots = Array.from({ length: 129 }, (_, size) => rootOf(all.slice(0, size), native))
  const reader = await readerOf(all)
  let accepted = 0
  let damaged = 0
  const wrong: string[] = []
  for (let size = 1; size <= 128; size++) {
    const root = roots[size] as Uint8Array
    for (let index = 0; index < size; index++) {
      const sound = {
        index,
        size,
        leafHash: all[index] as Uint8Array,
        root,
        proof: await proveInclusion(index, size, reader, native),
      }
      if (verifyInclusion(sound, native)) accepted += 1
      else wrong.push(`leaf ${index} of ${size}`)
      for (const proof of damages(sound.proof, root)) {
        damaged += 1
        if (verifyInclusion({ ...sound, proof }, native)) wrong.push(`damaged: leaf ${index} of ${size}`)
      }
      if (index + 1 < size && verifyInclusion({ ...sound, index: index + 1 }, native))
        wrong.push(`shifted: ${index} of ${size}`)
    }
    for (let size1 = 1; size1 <= size; size1++) {
      const root1 = roots[size1] as Uint8Array
      const proof = await proveConsistency(size1, size, reader, native)
      const sound = { size1, size2: size, root1, root2: root, proof }
      if (verifyConsistency(sound, native)) accepted += 1
      else wrong.push(`from ${size1} to ${size}`)
      for (const hashes of damages(sound.proof, root)) {
        damaged += 1
        if (verifyConsistency({ ...sound, proof: hashes }, native)) wrong.push(`damaged: from ${size1} to ${size}`)
      }
      const other = roots[size1 - 1] as Uint8Array
      if (verifyConsistency({ ...sound, root1: other }, native)) wrong.push(`other root: from ${size1} to ${size}`)
    }
  }
  expect(wrong).toEqual([])
  expect(accepted).toBe((2 * 128 * 129) / 2)
  expect(damaged).toBe(98_556)
}, 60_000)

/** Without each end, with one hash more on either side, with one bit or one byte less in the middle. */
function* damages(proof: Uint8Array[], extra: Uint8Array): Generator<Uint8Array[]> {
  yield [...proof, extra]
  yield [extra, ...proof]
  if (proof.length === 0) return
  yield proof.slice(0, -1)
  yield proof.slice(1)
  const middle = Math.floor(proof.length / 2)
  const hash = proof[middle] as Uint8Array
  yield proof.with(
    middle,
    hash.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
  )
  yield proof.with(middle, hash.slice(1))
}

test('sizes beyond 2^53-1, fractions and negative numbers are refused', async () => {
  const hash = leafHash(new Uint8Array())
  for (const size of [SIZE_MAX + 1, 1.5, -1, Number.NaN, Infinity]) {
    expect(verifyInclusion({ index: 0, size, leafHash: hash, proof: [], root: hash })).toBe(false)
    expect(verifyConsistency({ size1: size, size2: size, root1: hash, root2: hash, proof: [] })).toBe(false)
    await expect(proveInclusion(0, size, () => Promise.resolve(null))).rejects.toThrow(RangeError)
    await expect(proveConsistency(size, size, () => Promise.resolve(null))).rejects.toThrow(RangeError)
  }
  expect(verifyConsistency({ size1: 0, size2: 1, root1: hash, root2: hash, proof: [] })).toBe(false)
  const long = Array.from({ length: PROOF_HASHES_MAX + 1 }, () => hash)
  expect(verifyInclusion({ index: 0, size: SIZE_MAX, leafHash: hash, proof: long, root: hash })).toBe(false)
})

test('a path that goes on above the root is refused, also when the root was made to fit', () => {
  const [a, b, c, d, above] = leaves(5) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const single = { index: 0, size: 1, leafHash: a, proof: [above], root: nodeHash(above, a) }
  expect(verifyInclusion(single)).toBe(false)
  const ab = nodeHash(a, b)
  const sound = { size1: 3, size2: 4, root1: nodeHash(ab, c), root2: nodeHash(ab, nodeHash(c, d)), proof: [c, d, ab] }
  expect(verifyConsistency(sound)).toBe(true)
  const [root1, root2] = [nodeHash(above, sound.root1), nodeHash(above, sound.root2)]
  expect(verifyConsistency({ ...sound, root1, root2, proof: [c, d, ab, above] })).toBe(false)
})

test('a path through the largest tree there can be is verified at its full length', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(
      fc.nat(SIZE_MAX - 1),
      hash,
      fc.array(hash, { minLength: 53, maxLength: 53 }),
      (index, leaf, siblings) => {
        const { root, used } = rootAlong(index, SIZE_MAX, leaf, siblings)
        const proof = siblings.slice(0, used)
        const sound = { index, size: SIZE_MAX, leafHash: leaf, root, proof }
        expect(verifyInclusion(sound, native)).toBe(true)
        expect(verifyInclusion({ ...sound, index: index === 0 ? 1 : index - 1 }, native)).toBe(false)
        expect(verifyInclusion({ ...sound, proof: proof.slice(1) }, native)).toBe(false)
      },
    ),
    { numRuns: 50 },
  )
})

/** The root by the recursion of RFC 6962 section 2.1.1, which goes down where the verifier goes up. */
function rootAlong(
  index: number,
  size: number,
  leaf: Uint8Array,
  siblings: Uint8Array[],
): { root: Uint8Array; used: number } {
  if (size === 1) return { root: leaf, used: 0 }
  const split = splitOf(size)
  const isLeft = index < split
  const { root, used } = rootAlong(isLeft ? index : index - split, isLeft ? split : size - split, leaf, siblings)
  const sibling = siblings[used] as Uint8Array
  return { root: isLeft ? nodeHash(root, sibling, native) : nodeHash(sibling, root, native), used: used + 1 }
}

test('a proof in a large tree reads a few tiles', async () => {
  const reader = await readerOf(leaves(70_000))
  await proveInclusion(12_345, 70_000, reader, native)
  const forInclusion = reader.reads.splice(0).length
  await proveConsistency(12_345, 70_000, reader, native)
  expect(forInclusion).toBeLessThanOrEqual(6)
  expect(reader.reads.length).toBeLessThanOrEqual(6)
})

test('a proof is refused rather than made from a tile that is missing or too short', async () => {
  const reader = await readerOf(leaves(600))
  const short: TileReader = async (level, index) => (await reader(level, index))?.subarray(0, 32) ?? null
  await expect(proveInclusion(3, 600, short, native)).rejects.toThrow('Tile')
  await expect(proveConsistency(3, 601, reader, native)).rejects.toThrow('Tile')
})
