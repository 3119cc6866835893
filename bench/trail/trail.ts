import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createOrganization } from '../../control-plane/organization/commands'
import { asSystem } from '../../control-plane/system'
import { inTenant } from '../../control-plane/tenant'
import { createToken } from '../../control-plane/tokens/commands'
import { signDigest } from '../../control-plane/trail/digests/commands'
import { currentKey } from '../../control-plane/trail/keys/queries'
import { nativePrimitives } from '../../control-plane/trail/native-primitives'
import { integrate } from '../../control-plane/trail/tree/commands'
import { newId } from '../../lib/ids'
import { formatCheckpoint, originOf } from '../../lib/trail/checkpoint'
import { type Digest, digestSha256, signDigest as signBytes } from '../../lib/trail/digest'
import { growTiles } from '../../lib/trail/tiles'
import { startBenchDatabase } from '../events/database'
import { generateEvents } from '../events/generate'
import { type BenchPlane, startBenchPlane } from '../events/plane'
import { outputOf } from '../processes'
import type { VerifyMeasure } from '../verify-one'

const EVENTS = Number(process.env.BENCH_EVENT_ROWS ?? 1_000_000)
const TREE_LEAVES = 10_000_000
const HOURS_OF_A_YEAR = 8_760
const HOUR_MS = 3_600_000
const PROOFS = 500
const LEAVES_PER_GROWTH = 65_536

type Row = [what: string, figure: string, target: string]

/**
 * What trails cost: a tree over a million events, the digest that reads all of them again, verification from the database,
 * and proofs through the API. Beside deep verification the bare limit: the same bytes read and only hashed.
 */
export async function benchTrail(): Promise<string> {
  const database = await startBenchDatabase()
  const client = new pg.Client({ connectionString: database.url })
  const plane = await startBenchPlane(database.url)
  try {
    await client.connect()
    // Not before what is recorded already: a record never says that it is older than the one before it.
    const endMs = Date.now() + 31 * 24 * HOUR_MS
    await generateEvents(client, { orgId: plane.orgId, count: EVENTS, days: 30, endMs, seed: 7 })
    await client.query('vacuum (freeze, analyze) events')
    const rows = [...(await million(plane)), ...(await year(plane, client)), ...(await tenMillion(plane, client))]
    return [
      '### Trail, PostgreSQL and verifier on the same cores',
      '',
      '| what | measured | wanted |',
      '|---|---|---|',
      ...rows.map((row) => `| ${row.join(' | ')} |`),
    ].join('\n')
  } finally {
    await client.end()
    await plane.close()
    await database.stop()
  }
}

async function million(plane: BenchPlane): Promise<Row[]> {
  const { services, orgId } = plane
  const grown = await timed(() => integrate(services, orgId))
  const signed = await timed(() => signDigest(services, orgId))
  const leaves = signed.value.treeSize
  const bare = await verify(plane, 'bare')
  const deep = await verify(plane, 'deep')
  const shallow = await verify(plane, 'shallow')
  const proof = await proofTimes(plane, orgId, leaves)
  const count = EVENTS.toLocaleString('en')
  return [
    [`hashes of ${count} records into the tree`, ms(grown.ms), ''],
    [`digest over ${count} records, all read again`, ms(signed.ms), ''],
    [`${bare.found} of lines read by COPY and hashed as one, the bare limit`, msOf(bare), ''],
    [`deep verification of ${count} (${deep.found})`, msOf(deep), '2,000 ms'],
    ['memory of its process, before and at most', `${mb(deep.baseRss)}, ${mb(deep.peakRss)}`, '256 MB'],
    ['shallow verification of the same', msOf(shallow), ''],
    [`inclusion proof in ${count} leaves, p95`, `${proof.toFixed(1)} ms`, '5 ms'],
  ]
}

/** A year of digests of empty hours, made and signed as the product does. */
async function year(plane: BenchPlane, client: pg.Client): Promise<Row[]> {
  const { services } = plane
  const orgId = newId('org')
  await createOrganization(services, { orgId, name: 'Year' })
  const first = await signDigest(services, orgId)
  const signer = await inTenant(services.db, orgId, async (tx) => {
    const row = await currentKey(tx, orgId)
    return row && (await services.trailSigner.open(orgId, row.kid))
  })
  if (!signer) throw new Error('There is no key.')
  await client.query('delete from trail_digests where org_id = $1', [orgId])
  const begin = Date.now() - HOURS_OF_A_YEAR * HOUR_MS
  await client.query('update trail_keys set not_before = $2 where org_id = $1', [orgId, new Date(begin).toISOString()])
  const rows: unknown[][] = []
  let before: { id: string; body: string; signature: string } | null = null
  const shape = JSON.parse(first.body) as Digest
  for (let number = 0; number < HOURS_OF_A_YEAR; number++) {
    const [from, to] = [begin + number * HOUR_MS, begin + (number + 1) * HOUR_MS].map((at) =>
      new Date(at).toISOString(),
    )
    if (!from || !to) throw new Error('There is no such hour.')
    const isFirst = number === 0
    const digest: Digest = {
      ...shape,
      digest_id: newId('dig'),
      number,
      period_start: from,
      period_end: to,
      seq_start: isFirst ? 1 : shape.tree_size + 1,
      event_count: isFirst ? shape.tree_size : 0,
      oldest_event_time: isFirst ? shape.oldest_event_time : null,
      newest_event_time: isFirst ? shape.newest_event_time : null,
      prev_digest_id: before?.id ?? null,
      prev_digest_sha256: before ? digestSha256(before.body, nativePrimitives) : null,
      prev_signature: before?.signature ?? null,
    }
    const signed = await signBytes(digest, signer.sign)
    before = { id: digest.digest_id, ...signed }
    rows.push([number, digest.digest_id, from, to, digest.seq_start, signed.body, signed.signature])
  }
  await client.query(
    `insert into trail_digests (org_id, number, digest_id, period_start, period_end, seq_start, seq_end, tree_size,
       root_hash, body, signature, kid, checkpoint, storage_key)
     select $1, r.number, r.digest_id, r.period_start, r.period_end, r.seq_start, $2, $2, $3, r.body, r.signature, $4, $5, $6
     from json_to_recordset($7) as r(number bigint, digest_id text, period_start timestamptz, period_end timestamptz,
       seq_start bigint, body text, signature text)`,
    [
      orgId,
      shape.tree_size,
      shape.root_hash,
      shape.kid,
      formatCheckpoint({ origin: originOf(orgId), size: shape.tree_size, root: Buffer.from(shape.root_hash, 'hex') }),
      shape.storage_key,
      JSON.stringify(
        rows.map(([number, digest_id, period_start, period_end, seq_start, body, signature]) => ({
          ...{ number, digest_id, period_start, period_end, seq_start, body, signature },
        })),
      ),
    ],
  )
  await client.query('analyze trail_digests')
  const shallow = await verify({ ...plane, orgId }, 'shallow')
  return [[`shallow verification of a year, ${HOURS_OF_A_YEAR} digests (${shallow.found})`, msOf(shallow), '1,000 ms']]
}

/** Proofs read hashes of the tree only, so that made-up ones tell as much as true ones. */
async function tenMillion(plane: BenchPlane, client: pg.Client): Promise<Row[]> {
  const { services } = plane
  const orgId = newId('org')
  await createOrganization(services, { orgId, name: 'Ten million' })
  const stored = new Map<string, Uint8Array>()
  for (let size = 0; size < TREE_LEAVES; size += LEAVES_PER_GROWTH) {
    const count = Math.min(LEAVES_PER_GROWTH, TREE_LEAVES - size)
    const random = randomBytes(count * 32)
    const hashes = Array.from({ length: count }, (_, i) => random.subarray(i * 32, (i + 1) * 32))
    const read = async (level: number, index: number) => stored.get(`${level}/${index}`) ?? null
    const tiles = await growTiles(size, hashes, read, nativePrimitives)
    stored.clear()
    for (const { level, index, width, hashes: bytes } of tiles) {
      if (width < 256) stored.set(`${level}/${index}`, bytes)
    }
    await client.query(
      `insert into trail_tiles (org_id, level, tile_index, width, hashes)
       select $1, level, tile_index, width, hashes from unnest($2::int[], $3::bigint[], $4::int[], $5::bytea[])
         as t(level, tile_index, width, hashes)
       on conflict (org_id, level, tile_index) do update set width = excluded.width, hashes = excluded.hashes`,
      [
        orgId,
        tiles.map(({ level }) => level),
        tiles.map(({ index }) => index),
        tiles.map(({ width }) => width),
        tiles.map(({ hashes: bytes }) => Buffer.from(bytes)),
      ],
    )
  }
  await client.query('update org_counters set seq = $2 where org_id = $1', [orgId, TREE_LEAVES])
  await client.query('update trail_state set integrated_size = $2 where org_id = $1', [orgId, TREE_LEAVES])
  await client.query('vacuum (analyze) trail_tiles')
  const p95 = await proofTimes(plane, orgId, TREE_LEAVES)
  return [['inclusion proof in 10 M leaves (made-up hashes), p95', `${p95.toFixed(1)} ms`, '5 ms']]
}

/** In a process of its own. */
async function verify({ url, orgId, objects }: BenchPlane, kind: 'bare' | 'deep' | 'shallow'): Promise<VerifyMeasure> {
  const env = { ...process.env, BENCH_APP_URL: url, BENCH_ORG_ID: orgId, BENCH_OBJECTS: objects }
  return JSON.parse(await outputOf('verify-one', [kind], env)) as VerifyMeasure
}

/** 95th percentile in milliseconds, through the API, of random leaves. */
async function proofTimes({ services, fetch }: BenchPlane, orgId: string, size: number): Promise<number> {
  const { key } = await asSystem(services, orgId, (ctx) =>
    createToken(ctx, { name: 'prover', token_type: 'access', permissions: ['trail:read'], scope: 'org' }),
  )
  const times: number[] = []
  for (let n = 0; n < PROOFS; n++) {
    const seq = 1 + Math.floor(Math.random() * size)
    const url = `http://bench/v1/trail/proof/inclusion?seq=${seq}&tree_size=${size}`
    const startedAt = performance.now()
    const answer = await fetch(new Request(url, { headers: { authorization: `Bearer ${key}` } }))
    const { proof = [] } = (await answer.json()) as { proof?: string[] }
    times.push(performance.now() - startedAt)
    if (proof.length === 0) throw new Error(`There is no proof of ${seq}: ${answer.status}`)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(PROOFS * 0.95)] ?? 0
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now()
  const value = await work()
  return { value, ms: performance.now() - startedAt }
}

const ms = (value: number) => `${Math.round(value).toLocaleString('en')} ms`
const msOf = ({ seconds }: VerifyMeasure) => ms(seconds * 1_000)
const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
