import { type Primitives, portable } from './primitives'
import { Frontier, HASH_BYTES, isSize, nodeHash } from './tree'

/** Hashes in a full tile, and the height of the tree below each hash of the next level (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8
/** 256^7 exceeds the largest size of a tree. */
export const TILE_LEVEL_MAX = 6

export type TilePlace = { level: number; index: number; width: number }
export type Tile = TilePlace & { hashes: Uint8Array }

/**
 * Reads the hashes of a tile, 32 bytes each; null when there is none. A tile that has grown meanwhile may answer with
 * more than a smaller tree needs: what is complete never changes.
 */
export type TileReader = (level: number, index: number) => Promise<Uint8Array | null>

export class TileMissing extends Error {
  override readonly name = 'TileMissing'
}

/** `tile/<level>/<index>[.p/<width>]`, the index in groups of three digits of which all but the last begin with x. */
export function tilePath({ level, index, width }: TilePlace): string {
  if (!isPlace({ level, index, width })) throw new RangeError('There is no such tile.')
  return `tile/${level}/${groupsOf(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** What a path names, in the one form that `tilePath` gives; null for anything else. */
export function parseTilePath(path: string): TilePlace | null {
  const match = /^tile\/(\d)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (!match) return null
  const place = {
    level: Number(match[1]),
    index: Number((match[2] ?? '').replaceAll(/[x/]/g, '')),
    width: match[3] === undefined ? TILE_WIDTH : Number(match[3]),
  }
  return isPlace(place) && tilePath(place) === path ? place : null
}

/** Hashes of a tile's bytes, as views. Null when they are not 1 to 256 hashes. */
export function decodeTile(bytes: Uint8Array): Uint8Array[] | null {
  const width = bytes.length / HASH_BYTES
  if (!isWidth(width)) return null
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}

export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length < 1 || hashes.length > TILE_WIDTH) throw new RangeError('A tile has 1 to 256 hashes.')
  const bytes = new Uint8Array(hashes.length * HASH_BYTES)
  for (const [i, hash] of hashes.entries()) {
    if (hash.length !== HASH_BYTES) throw new RangeError('A hash has 32 bytes.')
    bytes.set(hash, i * HASH_BYTES)
  }
  return bytes
}

/** The tiles that a tree of `to` leaves has and one of `from` leaves has not, lowest level first. */
export function tilesBetween(from: number, to: number): TilePlace[] {
  if (!isSize(from) || !isSize(to) || from > to) throw new RangeError('A tree only grows.')
  const places: TilePlace[] = []
  for (let level = 0, had = from, has = to; has > 0 && level <= TILE_LEVEL_MAX; level++) {
    for (let index = Math.floor(had / TILE_WIDTH); index * TILE_WIDTH < has; index++) {
      const width = Math.min(has - index * TILE_WIDTH, TILE_WIDTH)
      if (index * TILE_WIDTH + width > had) places.push({ level, index, width })
    }
    had = Math.floor(had / TILE_WIDTH)
    has = Math.floor(has / TILE_WIDTH)
  }
  return places
}

/** All tiles that a proof of this leaf in a tree of so many, and its root, are made of: two per level at most. */
export function tilesOfProof(leaf: number, size: number): Pick<TilePlace, 'level' | 'index'>[] {
  const places: Pick<TilePlace, 'level' | 'index'>[] = []
  for (let level = 0, at = leaf, end = size; end > 0 && level <= TILE_LEVEL_MAX; level++) {
    at = Math.floor(at / TILE_WIDTH)
    // What is complete of the right edge stands on the level above.
    const edge = end % TILE_WIDTH === 0 ? at : Math.floor(end / TILE_WIDTH)
    end = Math.floor(end / TILE_WIDTH)
    for (const index of new Set([at, edge])) if (index <= edge) places.push({ level, index })
  }
  return places
}

/**
 * The tiles to store when these leaves are appended to a tree of `from` leaves: exactly those of `tilesBetween`. Reads
 * at most one partial tile per level.
 *
 * @throws TileMissing when a partial tile of the tree is not there
 */
export async function growTiles(
  from: number,
  leafHashes: readonly Uint8Array[],
  read: TileReader,
  primitives: Primitives = portable,
): Promise<Tile[]> {
  const tiles: Tile[] = []
  let had = from
  let added = leafHashes
  for (let level = 0; added.length > 0; level++) {
    const first = Math.floor(had / TILE_WIDTH)
    const kept = had % TILE_WIDTH
    const row = kept > 0 ? [...(await readHashes(read, level, first, 0, kept)), ...added] : added
    const above: Uint8Array[] = []
    for (let at = 0; at < row.length; at += TILE_WIDTH) {
      const hashes = row.slice(at, at + TILE_WIDTH)
      const index = first + at / TILE_WIDTH
      tiles.push({ level, index, width: hashes.length, hashes: encodeTile(hashes) })
      if (hashes.length === TILE_WIDTH) above.push(subtreeRoot(hashes, primitives))
    }
    had = first
    added = above
  }
  return tiles
}

/**
 * Root of the complete subtree of `2^height` leaves at this place among those of its height.
 *
 * @throws TileMissing
 */
export async function subtreeFromTiles(
  height: number,
  index: number,
  read: TileReader,
  primitives: Primitives = portable,
): Promise<Uint8Array> {
  const level = Math.floor(height / TILE_HEIGHT)
  const count = 2 ** (height % TILE_HEIGHT)
  const start = index * count
  const offset = start % TILE_WIDTH
  const hashes = await readHashes(read, level, Math.floor(start / TILE_WIDTH), offset, offset + count)
  return subtreeRoot(hashes, primitives)
}

/**
 * Grows a frontier to `size` leaves by the hashes of tiles, in a number of reads that is the logarithm of the growth.
 *
 * @throws TileMissing
 */
export async function extendByTiles(
  frontier: Frontier,
  size: number,
  read: TileReader,
  primitives: Primitives = portable,
): Promise<void> {
  if (!isSize(size) || size < frontier.size) throw new RangeError('A tree only grows.')
  for (const { height, index } of subtreesOf(frontier.size, size)) {
    frontier.appendSubtree(await subtreeFromTiles(height, index, read, primitives), height)
  }
}

export async function frontierFromTiles(
  size: number,
  read: TileReader,
  primitives: Primitives = portable,
): Promise<Frontier> {
  const frontier = new Frontier(primitives)
  await extendByTiles(frontier, size, read, primitives)
  return frontier
}

/** The complete subtrees that make up the leaves [start, end), from left to right. */
export function subtreesOf(start: number, end: number): { height: number; index: number }[] {
  const subtrees: { height: number; index: number }[] = []
  for (let at = start; at < end; ) {
    let height = 0
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= end) height += 1
    subtrees.push({ height, index: at / 2 ** height })
    at += 2 ** height
  }
  return subtrees
}

/** A reader that asks once for each tile. Keeps the last `tilesMax` tiles of 8 KiB. */
export function rememberTiles(read: TileReader, tilesMax = 64): TileReader {
  const kept = new Map<string, Uint8Array | null>()
  return async (level, index) => {
    const key = `${level}/${index}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const hashes = await read(level, index)
    const [oldest] = kept.keys()
    if (kept.size >= tilesMax && oldest !== undefined) kept.delete(oldest)
    kept.set(key, hashes)
    return hashes
  }
}

/**
 * The same tree from its lowest tiles alone: what stands above them is hashed again, which takes a hash for each leaf. For
 * when the stored hashes above do not lead to a signed root.
 */
export function tilesOfLeaves(read: TileReader, primitives: Primitives = portable): TileReader {
  const above = rememberTiles(async (level, index) => {
    const hashes: Uint8Array[] = []
    for (let child = index * TILE_WIDTH; child < (index + 1) * TILE_WIDTH; child++) {
      const tile = await reader(level - 1, child)
      const row = tile && decodeTile(tile)
      if (row?.length !== TILE_WIDTH) break
      hashes.push(subtreeRoot(row, primitives))
    }
    return hashes.length > 0 ? encodeTile(hashes) : null
  })
  const reader: TileReader = (level, index) => (level === 0 ? read(0, index) : above(level, index))
  return reader
}

/** Hashes [from, to) of a tile. */
async function readHashes(read: TileReader, level: number, index: number, from: number, to: number) {
  const bytes = await read(level, index)
  if (!bytes || !isWidth(bytes.length / HASH_BYTES) || bytes.length < to * HASH_BYTES) {
    throw new TileMissing(`Tile ${level}/${index} has fewer than ${to} hashes.`)
  }
  return Array.from({ length: to - from }, (_, i) =>
    bytes.subarray((from + i) * HASH_BYTES, (from + i + 1) * HASH_BYTES),
  )
}

/** The number of hashes is a power of two. */
function subtreeRoot(hashes: Uint8Array[], primitives: Primitives): Uint8Array {
  const row = hashes.slice()
  for (let width = row.length; width > 1; width /= 2) {
    for (let i = 0; i < width; i += 2) {
      row[i / 2] = nodeHash(row[i] as Uint8Array, row[i + 1] as Uint8Array, primitives)
    }
  }
  return row[0] as Uint8Array
}

const isWidth = (width: number) => Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH

const isPlace = ({ level, index, width }: TilePlace) =>
  isSize(level) && level <= TILE_LEVEL_MAX && isSize(index) && isWidth(width)

function groupsOf(index: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}
