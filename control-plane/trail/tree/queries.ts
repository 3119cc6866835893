import { and, eq, gte, sql } from 'drizzle-orm'
import { to as copyTo } from 'pg-copy-streams'
import { orgCounters } from '@/drizzle/schema/organizations'
import { trailTiles } from '@/drizzle/schema/trail'
import type { TileReader } from '@/lib/trail/tiles'
import { HASH_BYTES } from '@/lib/trail/tree'
import { connectionOf, executePrepared, type Transaction } from '../../database'
import { copiedRecords, type StoredLeaf, type StoredRecord } from './copied-records'

/** Records per statement, of which two answers are held at a time: some 10 MB. */
const RECORDS_PER_COPY = 2_048
const RECORDS_PER_VALUE = 64

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

/** The same, of which these are read at once: what is read one by one takes a round trip each. */
export async function storedTilesWith(
  tx: Transaction,
  orgId: string,
  places: readonly { level: number; index: number }[],
): Promise<TileReader> {
  const [levels, indexes] = [places.map(({ level }) => level), places.map(({ index }) => index)].map((c) =>
    sql.param(c),
  )
  const rows = await executePrepared<{ level: number; index: string; hashes: Buffer }>(
    tx,
    sql`
    select level, tile_index as index, hashes
    from unnest(${levels}::int[], ${indexes}::bigint[]) as wanted (level, tile_index)
    join ${trailTiles} as tile using (level, tile_index) where tile.org_id = ${orgId}`,
  )
  const read = storedTiles(tx, orgId)
  return async (level, index) =>
    rows.find((row) => row.level === level && Number(row.index) === index)?.hashes ?? read(level, index)
}

/** How many records are stored with a seq in [first, last]. */
export async function countLeaves(tx: Transaction, orgId: string, first: number, last: number): Promise<number> {
  const { rows } = await tx.execute<{ count: string }>(sql`
    select (select count(*) from events where org_id = ${orgId} and seq between ${first} and ${last})
      + (select count(*) from activity where org_id = ${orgId} and seq between ${first} and ${last}) as count`)
  return Number(rows[0]?.count ?? 0)
}

/** Stored records from `first` to `last` in the order of their seq, events and activity together, in batches. */
export const storedLeaves = (
  tx: Transaction,
  orgId: string,
  first: number,
  last: number,
): AsyncGenerator<StoredLeaf[]> => storedRecords(tx, orgId, { first, last, columns: [] })

type Wanted = { first: number; last: number; columns: readonly string[] }

/**
 * The same with these columns of events, which for activity are null. Reads by COPY, which needs no parsing, and one batch
 * ahead. Other queries of the transaction may be made in between.
 */
export async function* storedRecords(
  tx: Transaction,
  orgId: string,
  { first, last, columns }: Wanted,
): AsyncGenerator<StoredRecord[]> {
  let ahead: Promise<StoredRecord[]> | undefined
  try {
    for (let from = first; from <= last; from += RECORDS_PER_COPY) {
      const batch = await (ahead ?? copyRecords(tx, orgId, { first: from, last, columns }))
      const next = from + RECORDS_PER_COPY
      ahead = next <= last ? copyRecords(tx, orgId, { first: next, last, columns }) : undefined
      // Whoever waits for it is told; until then a failure must not count as one that nobody handles.
      ahead?.catch(() => undefined)
      yield batch
    }
  } finally {
    await ahead?.catch(() => undefined)
  }
}

/**
 * Some dozens of records in one value: with a row for each, half of the time goes into the messages that carry them, and
 * with a larger value PostgreSQL's goes into making room for it.
 */
async function copyRecords(tx: Transaction, orgId: string, { first, last, columns }: Wanted): Promise<StoredRecord[]> {
  const client = connectionOf(tx)
  const org = client.escapeLiteral(orgId)
  const until = Math.min(last, first + RECORDS_PER_COPY - 1)
  const part = (table: string, more: readonly string[]) =>
    `select ${['seq', 'leaf_hash', 'line', ...more].join(', ')} from ${table}
     where org_id = ${org} and seq between begin and least(begin + ${RECORDS_PER_VALUE - 1}, ${until})`
  const nulls = columns.map(() => 'null')
  // COPY takes no parameters: the id is quoted by the driver, and the others are numbers and names of ours.
  const stream = client.query(
    copyTo(`copy (
      select (select string_agg(record_send(records), ''::bytea)
        from (${part('events', columns)} union all ${part('activity', nulls)}) as records)
      from generate_series(${first}, ${until}, ${RECORDS_PER_VALUE}) as begin) to stdout (format binary)`),
  )
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  // Put in order here: to do it over there, whole lines would be sorted, on disk.
  return copiedRecords(Buffer.concat(chunks)).sort((a, b) => a.seq - b.seq)
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
