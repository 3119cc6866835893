import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex, utf8 } from './encoding'
import { proveConsistency, proveInclusion } from './proof'
import { native } from './testing'
import {
  decodeTile,
  encodeTile,
  frontierFromTiles,
  growTiles,
  parseTilePath,
  rememberTiles,
  subtreeFromTiles,
  type TilePlace,
  tilePath,
  tilesBetween,
  tilesOfLeaves,
  tilesOfProof,
} from './tiles'
import { leafHash, rootOf } from './tree'

const { tiles: fromTlog } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/tlog.json'), 'utf8')) as {
  tiles: (TilePlace & { path: string })[]
}

test('the tiles that a growing tree completes are those of golang.org/x/mod/sumdb/tlog, under the same paths', () => {
  // Its paths name the height of a tile, which is always 8 here.
  const theirs = fromTlog.map(({ path }) => path.replace('tile/8/', 'tile/'))
  const ours = [...tilesBetween(300, 70_000), ...fromTlog.slice(-3)].map(tilePath)
  expect(ours.toSorted()).toEqual(theirs.toSorted())
})

test('the example of C2SP tlog-tiles: a tree of 70,000', () => {
  const places = tilesBetween(0, 70_000)
  const at = (level: number, isFull: boolean) =>
    places.filter((tile) => tile.level === level && (tile.width === 256) === isFull)
  expect([at(0, true).length, at(1, true).length, at(2, true).length]).toEqual([273, 1, 0])
  expect([at(0, false), at(1, false), at(2, false)].map(([tile]) => tile?.width)).toEqual([112, 17, 1])
  expect(tilesBetween(0, 256)).toEqual([
    { level: 0, index: 0, width: 256 },
    { level: 1, index: 0, width: 1 },
  ])
  expect(tilesBetween(70_000, 70_000)).toEqual([])
})

test('a proof and its root are made of the tiles that are named for it, and of few', async () => {
  const sizes = fc.integer({ min: 1, max: 140_000 })
  const tiles = new Map<string, Uint8Array>()
  for (const tile of await growTiles(
    0,
    Array.from({ length: 140_000 }, () => new Uint8Array(32)),
    async () => null,
    native,
  ))
    tiles.set(`${tile.level}/${tile.index}`, tile.hashes)
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (size, given) => {
      const leaf = given % size
      const named = tilesOfProof(leaf, size)
      expect(named.length).toBeLessThanOrEqual(6)
      const places = new Set(named.map(({ level, index }) => `${level}/${index}`))
      expect(places.size).toBe(named.length)
      for (const place of places) expect(tiles.has(place)).toBe(true)
      const read = async (level: number, index: number) => {
        expect(places).toContain(`${level}/${index}`)
        return tiles.get(`${level}/${index}`) ?? null
      }
      await proveInclusion(leaf, size, read, native)
      await proveConsistency(leaf + 1, size, read, native)
      await subtreeFromTiles(0, leaf, read, native)
      await frontierFromTiles(leaf + 1, read, native)
      await frontierFromTiles(size, read, native)
    }),
    { numRuns: 50 },
  )
})

test('a path has one form, and only tiles have one', () => {
  expect(parseTilePath('tile/0/x001/x234/067')).toEqual({ level: 0, index: 1_234_067, width: 256 })
  expect(parseTilePath('tile/2/000.p/1')).toEqual({ level: 2, index: 0, width: 1 })
  const refused = ['tile/0/1', 'tile/0/x000/001', 'tile/0/001/002', 'tile/0/x001', 'tile/0/000.p/0', 'tile/0/000.p/01']
  const more = [
    'tile/0/000.p/256',
    'tile/7/000',
    'tile/00/000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
    'tile/0/../000',
  ]
  expect([...refused, ...more].filter((path) => parseTilePath(path) !== null)).toEqual([])
  fc.assert(
    fc.property(fc.nat(6), fc.nat(999_999_999), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width })
    }),
  )
})

test('a tree grown in any steps has the tiles of one grown at once, and they lead to its root', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 5 }), async (steps) => {
      const stored = new Map<string, Uint8Array>()
      const read = (level: number, index: number) => Promise.resolve(stored.get(`${level}/${index}`) ?? null)
      const leaves: Uint8Array[] = []
      for (const step of steps) {
        const added = Array.from({ length: step }, (_, i) => leafHash(utf8(`${leaves.length + i}`), native))
        const tiles = await growTiles(leaves.length, added, read, native)
        expect(tiles.map(({ level, index, width }) => ({ level, index, width }))).toEqual(
          tilesBetween(leaves.length, leaves.length + step),
        )
        for (const { level, index, hashes } of tiles) stored.set(`${level}/${index}`, hashes)
        leaves.push(...added)
      }
      const frontier = await frontierFromTiles(leaves.length, rememberTiles(read, 1), native)
      expect(toHex(frontier.root())).toBe(toHex(rootOf(leaves, native)))
    }),
    { numRuns: 15 },
  )
})

test('what stands above the lowest tiles is made again from them', async () => {
  const hashes = Array.from({ length: 70_000 }, (_, i) => leafHash(utf8(`${i}`), native))
  const grown = new Map(
    (await growTiles(0, hashes, async () => null, native)).map((tile) => [placeOf(tile), tile.hashes]),
  )
  const read = tilesOfLeaves(
    async (level, index) => (level === 0 ? (grown.get(placeOf({ level, index })) ?? null) : null),
    native,
  )
  for (const [level, index] of [
    [0, 3],
    [0, 273],
    [1, 0],
    [1, 1],
    [2, 0],
  ] as const) {
    expect(toHex((await read(level, index)) ?? new Uint8Array())).toBe(
      toHex(grown.get(placeOf({ level, index })) ?? utf8('x')),
    )
  }
  expect(await read(1, 2)).toBeNull()
  expect(await read(3, 0)).toBeNull()
})

const placeOf = ({ level, index }: Pick<TilePlace, 'level' | 'index'>) => `${level}/${index}`

test('a tile is 1 to 256 whole hashes', () => {
  const hash = leafHash(new Uint8Array())
  expect(decodeTile(encodeTile([hash, hash]))).toEqual([hash, hash])
  expect([0, 31, 33, 257 * 32].map((length) => decodeTile(new Uint8Array(length)))).toEqual([null, null, null, null])
  expect(() => encodeTile([])).toThrow(RangeError)
  expect(() => encodeTile([hash.slice(1)])).toThrow(RangeError)
})
