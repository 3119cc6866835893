import { AppError } from '@/lib/errors'
import { toHex } from '@/lib/trail/encoding'
import { proveConsistency, proveInclusion, rootOfInclusion } from '@/lib/trail/proof'
import { frontierFromTiles, subtreeFromTiles, TileMissing, type TileReader } from '@/lib/trail/tiles'
import { nativePrimitives } from '../native-primitives'

/** A tree, and the root in hex that a digest signed of it; null when none did. */
type Signed = { size: number; rootHash: string | null }

/**
 * Where a leaf stands, by stored hashes. They are a cache: where they do not lead to the root that was signed, nothing is
 * handed out, because it would speak against a record with which nothing is wrong.
 *
 * @throws AppError `conflict`
 */
export const inclusionIn = (read: TileReader, index: number, { size, rootHash }: Signed) =>
  fromWholeTiles(async () => {
    const proof = await proveInclusion(index, size, read, nativePrimitives)
    const leafHash = await subtreeFromTiles(0, index, read, nativePrimitives)
    const root = rootOfInclusion({ index, size, leafHash, proof }, nativePrimitives)
    if (root === null) throw new Error(`The path of leaf ${index} leads to no root of ${size} leaves.`)
    return { proof, leafHash, root: compared(toHex(root), rootHash) }
  })

/** The same for a smaller tree, whose root comes along. */
export const consistencyWith = (read: TileReader, from: number, { size, rootHash }: Signed) =>
  fromWholeTiles(async () => {
    const proof = await proveConsistency(from, size, read, nativePrimitives)
    const rootOf = async (leaves: number) => toHex((await frontierFromTiles(leaves, read, nativePrimitives)).root())
    return { proof, fromRoot: await rootOf(from), root: compared(await rootOf(size), rootHash) }
  })

async function fromWholeTiles<T>(prove: () => Promise<T>): Promise<T> {
  try {
    return await prove()
  } catch (thrown) {
    throw thrown instanceof TileMissing ? damaged() : thrown
  }
}

function compared(root: string, signed: string | null): string {
  if (signed !== null && signed !== root) throw damaged()
  return root
}

const damaged = () =>
  new AppError('conflict', 'The stored hashes of the tree do not lead to the root that was signed: verify the trail.')
