import { eq, sql } from 'drizzle-orm'
import { trailState, trailTiles } from '@/drizzle/schema/trail'
import { utf8 } from '@/lib/trail/encoding'
import { growTiles, type Tile } from '@/lib/trail/tiles'
import { HASH_BYTES, leafHash } from '@/lib/trail/tree'
import type { Services } from '../../context'
import type { Transaction } from '../../database'
import { inTenant } from '../../tenant'
import { Damage, has } from '../damage'
import { nativePrimitives } from '../native-primitives'
import { recordedSize, storedHashes, storedHashRows, storedTiles } from './queries'

/** Leaves per transaction: some 300 kB of hashes, and a lock of some tens of milliseconds. */
const LEAVES_PER_STEP = 8_192

/**
 * Puts the hashes of records into the organisation's tree, up to this size or to all that is recorded. May be stopped at
 * any point and goes on from there; of several at once, each step is made by one.
 *
 * @throws Damaged when records are missing or there are two of one number, and nobody has acknowledged it
 * @returns how many leaves are in the tree now
 */
export async function integrate(
  { db }: Pick<Services, 'db'>,
  orgId: string,
  { upTo, signal }: { upTo?: number; signal?: AbortSignal } = {},
): Promise<number> {
  for (;;) {
    signal?.throwIfAborted()
    const { size, isDone } = await inTenant(db, orgId, (tx) => integrateStep(tx, orgId, upTo))
    if (isDone) return size
  }
}

/** The row's lock puts those who integrate and those who sign in order: a second one finds the step made. */
export async function lockState(tx: Transaction, orgId: string) {
  const [state] = await tx.select().from(trailState).where(eq(trailState.orgId, orgId)).for('update')
  if (!state) throw new Error(`Organisation ${orgId} has no trail.`)
  return state
}

async function integrateStep(tx: Transaction, orgId: string, upTo = Number.POSITIVE_INFINITY) {
  const { integratedSize, acceptedRanges } = await lockState(tx, orgId)
  const target = Math.min(await recordedSize(tx, orgId), upTo)
  if (integratedSize >= target) return { size: integratedSize, isDone: true }

  const size = Math.min(target, integratedSize + LEAVES_PER_STEP)
  const hashes = await hashesBetween(tx, orgId, integratedSize + 1, size, acceptedRanges)
  const tiles = await growTiles(integratedSize, hashes, storedTiles(tx, orgId), nativePrimitives)
  await storeTiles(tx, orgId, tiles)
  await tx.update(trailState).set({ integratedSize: size }).where(eq(trailState.orgId, orgId))
  return { size, isDone: size >= target }
}

async function hashesBetween(
  tx: Transaction,
  orgId: string,
  first: number,
  last: number,
  accepted: readonly [number, number][],
): Promise<Buffer[]> {
  const joined = await storedHashes(tx, orgId, first, last)
  if (joined) {
    return Array.from({ length: last - first + 1 }, (_, i) => joined.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
  }
  const bySeq = Map.groupBy(await storedHashRows(tx, orgId, first, last), ({ seq }) => seq)
  const damage = new Damage()
  const hashes: Buffer[] = []
  for (let seq = first; seq <= last; seq++) {
    const [row, ...others] = bySeq.get(seq) ?? []
    const isWhole = row?.hash.length === HASH_BYTES && others.length === 0
    if (!isWhole && !has(accepted, seq)) {
      damage.add(seq, row === undefined ? 'is missing' : others.length > 0 ? 'is there twice' : 'has no hash')
    }
    hashes.push(row?.hash.length === HASH_BYTES ? row.hash : lostLeafHash(seq))
  }
  damage.assertNone()
  return hashes
}

/** What stands in the tree for a record of which nothing is left; no record has these bytes. */
const lostLeafHash = (seq: number): Buffer => Buffer.from(leafHash(utf8(`lost record ${seq}`), nativePrimitives))

async function storeTiles(tx: Transaction, orgId: string, tiles: readonly Tile[]): Promise<void> {
  await tx
    .insert(trailTiles)
    .values(
      tiles.map(({ level, index, width, hashes }) => ({
        orgId,
        level,
        tileIndex: index,
        width,
        hashes: Buffer.from(hashes),
      })),
    )
    .onConflictDoUpdate({
      target: [trailTiles.orgId, trailTiles.level, trailTiles.tileIndex],
      set: { width: sql`excluded.width`, hashes: sql`excluded.hashes` },
    })
}
