import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBase64, toHex, utf8 } from './encoding'
import { portable } from './primitives'
import { bytesOfHex, native } from './testing'
import { emptyRoot, Frontier, leafHash, nodeHash, rootOf, SIZE_MAX, splitOf } from './tree'

/** The leaves of the reference tree that implementations of RFC 6962 share. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const hashes = LEAVES.map((leaf) => leafHash(bytesOfHex(leaf)))

test('the reference tree has the reference roots', () => {
  expect(toHex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(toHex(rootOf([]))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(toHex(rootOf(hashes.slice(0, 1)))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  expect(toHex(rootOf(hashes.slice(0, 7)))).toBe('ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c')
  expect(toHex(rootOf(hashes))).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
})

test('a tree of 600 leaves has the roots that golang.org/x/mod/sumdb/tlog computes', () => {
  const { roots } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/tlog.json'), 'utf8')) as {
    roots: Record<string, string>
  }
  const frontier = new Frontier()
  const found: Record<string, string> = {}
  for (let i = 0; i < 600; i++) {
    frontier.append(leafHash(utf8(`leaf ${i}`)))
    if (roots[i + 1]) found[i + 1] = toBase64(frontier.root())
  }
  expect(found).toEqual(roots)
})

test('the portable functions and those of the runtime agree', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      expect(toHex(leafHash(bytes, portable))).toBe(toHex(leafHash(bytes, native)))
    }),
  )
})

test('a tree grown by subtrees is the tree grown by leaves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 6 }), (size, height) => {
      const leaves = Array.from({ length: size + 2 ** height }, (_, i) => leafHash(Uint8Array.of(i, i >> 8), native))
      const start = size - (size % 2 ** height)
      const grown = new Frontier(native)
      for (const leaf of leaves.slice(0, start)) grown.append(leaf)
      grown.appendSubtree(rootOf(leaves.slice(start, start + 2 ** height), native), height)
      expect(grown.size).toBe(start + 2 ** height)
      expect(toHex(grown.root())).toBe(toHex(rootOf(leaves.slice(0, grown.size), native)))
      expect(toHex(new Frontier(native, grown.size, grown.hashes).root())).toBe(toHex(grown.root()))
    }),
    { numRuns: 60 },
  )
})

test('a frontier takes nothing that is no hash or out of place', () => {
  const frontier = new Frontier()
  frontier.append(hashes[0] as Uint8Array)
  expect(() => frontier.append(new Uint8Array(31))).toThrow(RangeError)
  expect(() => frontier.appendSubtree(hashes[0] as Uint8Array, 1)).toThrow(RangeError)
  expect(() => new Frontier(portable, 3, [hashes[0] as Uint8Array])).toThrow(RangeError)
  expect(() => new Frontier(portable, 2 ** 53, [hashes[0] as Uint8Array])).toThrow(RangeError)
  expect(toHex(frontier.root())).toBe(toHex(hashes[0] as Uint8Array))
})

test('trees are split below the next power of two, close to the largest size too', () => {
  expect([2, 3, 4, 5, 8, 9].map(splitOf)).toEqual([1, 2, 2, 4, 4, 8])
  expect(splitOf(2 ** 52)).toBe(2 ** 51)
  expect(splitOf(2 ** 52 + 1)).toBe(2 ** 52)
  expect(splitOf(SIZE_MAX)).toBe(2 ** 52)
})

test('a node is never taken for a leaf', () => {
  const [left, right] = [hashes[0] as Uint8Array, hashes[1] as Uint8Array]
  const both = new Uint8Array(64)
  both.set(left)
  both.set(right, 32)
  expect(toHex(nodeHash(left, right))).not.toBe(toHex(leafHash(both)))
})
