import { and, eq, gte, sql } from 'drizzle-orm'
import { to as copyTo } from 'pg-copy-streams'
import { orgCounters } from '@/drizzle/schema/organizations'
import { trailTiles } from '@/drizzle/schema/trail'
import type { Leaf } from '@/lib/trail/leaf-line'
import type { TileReader } from '@/lib/trail/tiles'
import { HASH_BYTES } from '@/lib/trail/tree'
import { connectionOf, type Transaction } from '../../database'
import { onlyField } from './copy-field'

export type StoredLeaf = Leaf & { line: Uint8Array; leafHash: Uint8Array }

/** Records per statement, of which two answers are held at a time: some 30 MB. */
const LEAVES_PER_COPY = 4_000

/** The last place that is taken in the organisation's record. */
export async function recordedSize(tx: Transaction, orgId: string): Promise<number> {
  const [counters] = await tx.select({ seq: orgCounters.seq }).from(orgCounters).where(eq(orgCounters.orgId, orgId))
  if (!counters) throw new Error(`Organisation ${orgId} has no counters.`)
  return counters.seq
}

/** Tiles as they are stored; one that is partial has as many hashes as the tree had when it was last stored. */
export const storedTiles =
  (tx: Transaction, orgId: string): TileReader =>
  async (level, index) => {
    const [tile] = await tx
      .select({ hashes: trailTiles.hashes })
      .from(trailTiles)
      .where(and(eq(trailTiles.orgId, orgId), eq(trailTiles.level, level), eq(trailTiles.tileIndex, index)))
    return tile?.hashes ?? null
  }

/** How many records are stored with a seq in [first, last]. */
export async function countLeaves(tx: Transaction, orgId: string, first: number, last: number): Promise<number> {
  const { rows } = await tx.execute<{ count: string }>(sql`
    select (select count(*) from events where org_id = ${orgId} and seq between ${first} and ${last})
      + (select count(*) from activity where org_id = ${orgId} and seq between ${first} and ${last}) as count`)
  return Number(rows[0]?.count ?? 0)
}

/**
 * Stored records from `first` to `last` in the order of their seq, events and activity together, in batches. Reads by
 * COPY, which needs no parsing, and one batch ahead. Other queries of the transaction may be made in between.
 */
export async function* storedLeaves(
  tx: Transaction,
  orgId: string,
  first: number,
  last: number,
): AsyncGenerator<StoredLeaf[]> {
  let ahead: Promise<StoredLeaf[]> | undefined
  try {
    for (let from = first; from <= last; from += LEAVES_PER_COPY) {
      const batch = await (ahead ?? copyLeaves(tx, orgId, from, last))
      const next = from + LEAVES_PER_COPY
      ahead = next <= last ? copyLeaves(tx, orgId, next, last) : undefined
      // Whoever waits for it is told; until then a failure must not count as one that nobody handles.
      ahead?.catch(() => undefined)
      yield batch
    }
  } finally {
    await ahead?.catch(() => undefined)
  }
}

/**
 * One value for a whole batch: with a row for each record, half of the time of a verification goes into the messages that
 * carry them. Per record its seq in 8 bytes, then its hash and its line, each behind its length in 4.
 */
async function copyLeaves(tx: Transaction, orgId: string, from: number, last: number): Promise<StoredLeaf[]> {
  const client = connectionOf(tx)
  const org = client.escapeLiteral(orgId)
  const until = Math.min(last, from + LEAVES_PER_COPY - 1)
  const part = (table: string) =>
    `select seq, leaf_hash, line from ${table} where org_id = ${org} and seq between ${from} and ${until}`
  // COPY takes no parameters: the id is quoted by the driver, and the others are numbers.
  const stream = client.query(
    copyTo(`copy (
      select string_agg(int8send(seq) || int4send(octet_length(leaf_hash)) || leaf_hash
        || int4send(octet_length(line)) || textsend(line), ''::bytea)
      from (${part('events')} union all ${part('activity')}) as leaves) to stdout (format binary)`),
  )
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  // Put in order here: to do it over there, whole lines would be sorted, on disk.
  return [...leavesOf(onlyField(Buffer.concat(chunks)))].sort((a, b) => a.seq - b.seq)
}

function* leavesOf(bytes: Buffer): Generator<StoredLeaf> {
  for (let at = 0; at < bytes.length; ) {
    const hashAt = at + 12
    const lineAt = hashAt + bytes.readInt32BE(at + 8) + 4
    const end = lineAt + bytes.readInt32BE(lineAt - 4)
    yield {
      seq: Number(bytes.readBigInt64BE(at)),
      leafHash: bytes.subarray(hashAt, lineAt - 4),
      line: bytes.subarray(lineAt, end),
    }
    at = end
  }
}

/** Hashes of records as they were stored beside them, from `first` to `last`, when there is exactly one for each. */
export async function storedHashes(
  tx: Transaction,
  orgId: string,
  first: number,
  last: number,
): Promise<Buffer | null> {
  const { rows } = await tx.execute<{ count: string; hashes: Buffer | null; lengths_ok: boolean | null }>(sql`
    select count(*) as count, count(distinct seq) = count(*) and bool_and(octet_length(leaf_hash) = ${HASH_BYTES}) as lengths_ok,
      string_agg(leaf_hash, ''::bytea order by seq) as hashes
    from (
      select seq, leaf_hash from events where org_id = ${orgId} and seq between ${first} and ${last}
      union all
      select seq, leaf_hash from activity where org_id = ${orgId} and seq between ${first} and ${last}
    ) as leaves`)
  const [row] = rows
  return row?.lengths_ok && Number(row.count) === last - first + 1 ? row.hashes : null
}

/** The same one by one, for when something is wrong with them. */
export async function storedHashRows(tx: Transaction, orgId: string, first: number, last: number) {
  const { rows } = await tx.execute<{ seq: string; hash: Buffer }>(sql`
    select seq, leaf_hash as hash from events where org_id = ${orgId} and seq between ${first} and ${last}
    union all
    select seq, leaf_hash as hash from activity where org_id = ${orgId} and seq between ${first} and ${last}
    order by seq`)
  return rows.map(({ seq, hash }) => ({ seq: Number(seq), hash }))
}

/** Level 0 tiles from `index` on, a few at a time. */
export async function leafTiles(tx: Transaction, orgId: string, index: number, limit: number) {
  return tx
    .select({ index: trailTiles.tileIndex, hashes: trailTiles.hashes })
    .from(trailTiles)
    .where(and(eq(trailTiles.orgId, orgId), eq(trailTiles.level, 0), gte(trailTiles.tileIndex, index)))
    .orderBy(trailTiles.tileIndex)
    .limit(limit)
}
