import { afterAll, describe, expect, test } from 'vitest'
import { trail } from '@/lib/contract/trail'
import { fromBase64, fromHex } from '@/lib/trail/encoding'
import { verifyConsistency, verifyInclusion } from '@/lib/trail/proof'
import type { Services } from '../../context'
import { openDatabase } from '../../database'
import { startControlPlane } from '../../testing'
import { found, recording, remember, signedInOwner } from '../testing'
import { integrate } from '../tree/commands'
import { signDigest } from './commands'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { services, owner: database } = plane

const numbersOf = async (orgId: string) =>
  (await database<{ number: string }[]>`select number from trail_digests where org_id = ${orgId} order by number`).map(
    ({ number }) => Number(number),
  )

describe('a digest', () => {
  test('covers events and activity in one sequence, and goes on where the one before ended', async () => {
    const { owner, record, sign, verify } = await recording(plane)
    await record(3)
    const first = await sign()
    const second = await sign()
    expect(first).toMatchObject({ number: 0, seq_start: 1, prev_digest_id: null })
    expect(second).toMatchObject({
      number: 1,
      seq_start: first.seq_end + 1,
      period_start: first.period_end,
      prev_digest_id: first.digest_id,
      prev_digest_sha256: first.sha256,
      prev_signature: first.signature,
    })
    expect(await owner(trail.digest, { id: first.digest_id })).toEqual(first)
    expect(await verify()).toMatchObject({ chain_integrity: 'valid', findings: [], tree_size: second.tree_size })
  })

  test('is signed for an empty period too, with the root of before', async () => {
    const { orgId, sign, verify } = await recording(plane)
    const first = await sign()
    await signDigest(services, orgId)
    const empty = await signDigest(services, orgId)
    expect(empty).toMatchObject({ seqStart: empty.seqEnd + 1, number: first.number + 2 })
    expect(found(await verify())).toEqual([])
    expect(JSON.parse(empty.body)).toMatchObject({ event_count: 0, oldest_event_time: null, newest_event_time: null })
  })

  test('is listed newest first, page by page', async () => {
    const { owner, orgId } = await recording(plane)
    for (let n = 0; n < 3; n++) await signDigest(services, orgId)
    const page = await owner(trail.digests, { limit: 2 })
    expect(page.items.map(({ number }) => number)).toEqual([2, 1])
    const rest = await owner(trail.digests, { limit: 2, cursor: page.next_cursor ?? '' })
    expect(rest).toMatchObject({ items: [{ number: 0 }], next_cursor: null })
    expect((await owner(trail.digests, { until: '1d' })).items).toEqual([])
  })

  test('no record that comes later says that it was recorded within its period', async () => {
    const { orgId, record } = await recording(plane)
    await record(2)
    const { periodEnd, seqEnd } = await signDigest(services, orgId)
    await database`update org_counters set recorded_at = recorded_at where org_id = ${orgId}`
    await record(1)
    const [next] = await database`
      select recorded_at >= ${periodEnd}::timestamptz as later from events where org_id = ${orgId} and seq > ${seqEnd}`
    expect(next?.later).toBe(true)
  })
})

describe('before a digest is signed', () => {
  test('all it covers is read again: one bit flipped anywhere, and nothing is signed', async () => {
    const { orgId, owner, record } = await recording(plane)
    await record(40)
    await integrate(services, orgId)
    const rows = await database<{ seq: string; line: string }[]>`
      select seq, line from events where org_id = ${orgId} order by seq`
    for (let trial = 0; trial < 50; trial++) {
      const { seq = '', line = '' } = rows[Math.floor(Math.random() * rows.length)] ?? {}
      const at = Math.floor(Math.random() * line.length)
      // Bit 0 keeps an ASCII letter one, so that it can be stored in a text column.
      const flipped = String.fromCharCode(line.charCodeAt(at) ^ 1)
      const put = (text: string) => database`update events set line = ${text} where org_id = ${orgId} and seq = ${seq}`
      await put(line.slice(0, at) + flipped + line.slice(at + 1))
      const refused = await signDigest(services, orgId).catch((error: unknown) => error)
      expect(refused, `character ${at} of record ${seq}`).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`Record ${seq} is not what was recorded.`),
      })
      await put(line)
      await database`update trail_state set alarm = null, alarm_at = null, alarm_ranges = '[]' where org_id = ${orgId}`
    }
    expect(await numbersOf(orgId)).toEqual([])
    expect((await owner(trail.sign, {})).number).toBe(0)
  })

  test.each([
    ['a hash that was changed', 'update events set leaf_hash = sha256(leaf_hash)', 'is not what was recorded'],
    ['a record that was deleted', 'delete from events', 'is missing'],
    [
      'a record that was changed with its hash',
      `update events set line = replace(line, 'allow', 'block'),
        leaf_hash = sha256('\\x00'::bytea || convert_to(replace(line, 'allow', 'block'), 'UTF8'))`,
      'is not what was recorded',
    ],
  ])('%s in the tree raises the alarm', async (_, attack, what) => {
    const { orgId, owner, home, record } = await recording(plane)
    await record(5)
    await integrate(services, orgId)
    const [row] = await database<{ seq: string }[]>`
      select min(seq) + 2 as seq from events where org_id = ${orgId}`
    await database.unsafe(`${attack} where org_id = '${orgId}' and seq = ${row?.seq}`)
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'conflict' })
    expect((await owner(trail.status, {})).alarm?.message).toBe(`Record ${row?.seq} ${what}.`)
    expect((await home.recorded()).at(-1)).toBe('Keeptrusts trail.integrity_failed')
  })

  test('a record that was taken away before its hash was in the tree raises the alarm too', async () => {
    const { orgId, owner, record } = await recording(plane)
    await record(5)
    const [row] = await database<{ seq: string }[]>`select max(seq) - 1 as seq from events where org_id = ${orgId}`
    await database`delete from events where org_id = ${orgId} and seq = ${row?.seq ?? 0}`
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'conflict' })
    expect((await owner(trail.status, {})).alarm?.message).toBe(`Record ${row?.seq} is missing.`)
  })

  test('the digest before is looked at: to chain to a changed one would vouch for it', async () => {
    const { orgId, owner, sign } = await recording(plane)
    await sign()
    await database`update trail_digests set body = replace(body, '"event_count":', '"event_count": ') where org_id = ${orgId}`
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'conflict' })
    expect((await owner(trail.status, {})).alarm?.message).toBe('Digest 0 is not what was signed.')
  })

  test('and so are the hashes of the tree', async () => {
    const { orgId, owner, record, sign } = await recording(plane)
    await record(3)
    await sign()
    await database`update trail_tiles set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) where org_id = ${orgId}`
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'conflict' })
    expect((await owner(trail.status, {})).alarm?.message).toMatch(/do not lead to the root/)
  })
})

describe('an alarm', () => {
  async function alarmed() {
    const given = await recording(plane)
    await given.record(5)
    await integrate(services, given.orgId)
    const [row] = await database<
      { seq: string }[]
    >`select min(seq) + 1 as seq from events where org_id = ${given.orgId}`
    await database`update events set line = replace(line, 'allow', 'block') where org_id = ${given.orgId} and seq = ${row?.seq ?? 0}`
    await expect(given.sign()).rejects.toMatchObject({ code: 'conflict' })
    return { ...given, seq: Number(row?.seq) }
  }

  test('is acknowledged by a person, by nobody’s key', async () => {
    const { owner } = await alarmed()
    await expect(owner(trail.acknowledgeAlarm, { reason: 'It is fine.' })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('once acknowledged lets digests be signed, who did it is on record, and the damage is found for ever', async () => {
    const { orgId, home, seq, verify, sign } = await alarmed()
    const ana = await signedInOwner(plane, orgId)
    const { acknowledged } = await ana(trail.acknowledgeAlarm, { reason: 'Disk fault, ticket 4711.' })
    expect(acknowledged.message).toContain(`Record ${seq}`)
    expect(await home.recorded()).toContain('Ana trail.alarm_acknowledged')
    await sign()
    await sign()
    expect(found(await verify())).toEqual([`EVENT_MODIFIED ${seq}`])
    await expect(ana(trail.acknowledgeAlarm, { reason: 'Again.' })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('about one record says nothing for the next', async () => {
    const { orgId, owner, seq } = await alarmed()
    const ana = await signedInOwner(plane, orgId)
    await ana(trail.acknowledgeAlarm, { reason: 'Known.' })
    await database`update events set line = replace(line, 'allow', 'block') where org_id = ${orgId} and seq = ${seq + 2}`
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'conflict' })
    expect((await owner(trail.status, {})).alarm?.message).toBe(`Record ${seq + 2} is not what was recorded.`)
  })
})

describe('several who sign at once', () => {
  test('sign each number once, and a chain comes of it', async () => {
    const { orgId, record, verify } = await recording(plane)
    await record(30)
    await Promise.all(Array.from({ length: 6 }, () => signDigest(services, orgId)))
    const numbers = await numbersOf(orgId)
    expect(numbers).toEqual(numbers.map((_, at) => at))
    expect(found(await verify())).toEqual([])
  })

  test('one who was paused while it signed, and lost its lock, adds nothing', async () => {
    const { orgId, sign, verify } = await recording(plane)
    const first = await sign()
    const elsewhere = openDatabase(plane.databaseUrl, { poolMax: 2 })
    const { promise: resumed, resolve: resume } = Promise.withResolvers<void>()
    const { promise: paused, resolve: isPaused } = Promise.withResolvers<void>()
    const sleeper: Services = {
      ...services,
      db: elsewhere.db,
      trailSigner: {
        ...services.trailSigner,
        create: (org) => services.trailSigner.create(org),
        discard: (org, kid) => services.trailSigner.discard(org, kid),
        open: async (org, kid) => {
          const key = await services.trailSigner.open(org, kid)
          return (
            key && {
              ...key,
              sign: async (bytes) => {
                isPaused()
                await resumed
                return key.sign(bytes)
              },
            }
          )
        },
      },
    }
    const slept = signDigest(sleeper, orgId).then(
      () => 'signed',
      () => 'failed',
    )
    await paused
    // What the database does to a session that is idle in its transaction for too long.
    await database`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`
    const second = await signDigest(services, orgId)
    resume()
    expect(await slept).toBe('failed')
    expect(await numbersOf(orgId)).toEqual([first.number, second.number])
    expect(found(await verify())).toEqual([])
    await elsewhere.close()
  })
})

describe('the tree', () => {
  test('is made of the same hashes, in whatever steps and by how many at once', async () => {
    const { orgId, record, verify, sign } = await recording(plane)
    for (let n = 0; n < 3; n++) {
      await record(300)
      await Promise.all([integrate(services, orgId), integrate(services, orgId), record(50)])
    }
    await sign()
    expect(await verify()).toMatchObject({ chain_integrity: 'valid', findings: [] })
  })

  test('proves that a record is in it, and that it only grew', async () => {
    const { owner, record, sign } = await recording(plane)
    await record(20)
    const first = await sign()
    await record(300)
    await sign()
    const { leaf_index, tree_size, root_hash, leaf_hash, proof } = await owner(trail.inclusion, { seq: 7 })
    const bytes = (text: string) => fromBase64(text) ?? new Uint8Array()
    const hash = (text: string) => fromHex(text) ?? new Uint8Array()
    const inclusion = {
      index: leaf_index,
      size: tree_size,
      leafHash: hash(leaf_hash),
      root: hash(root_hash),
      proof: proof.map(bytes),
    }
    expect(verifyInclusion(inclusion)).toBe(true)
    expect(verifyInclusion({ ...inclusion, index: leaf_index + 1 })).toBe(false)
    const grown = await owner(trail.consistency, { from: first.tree_size })
    expect(grown.from_root_hash).toBe(first.root_hash)
    expect(
      verifyConsistency({
        size1: grown.from,
        size2: grown.tree_size,
        root1: hash(first.root_hash),
        root2: hash(grown.root_hash),
        proof: grown.proof.map(bytes),
      }),
    ).toBe(true)
    await expect(owner(trail.inclusion, { seq: 1_000_000 })).rejects.toMatchObject({ code: 'not_found' })
    await expect(owner(trail.inclusion, {})).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(owner(trail.consistency, { from: 0 })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('what the application role may do to the record', () => {
  test.each(['trail_digests', 'trail_keys', 'trail_cosignatures', 'events', 'activity'])(
    '%s: add, and neither change, delete, empty nor disarm it',
    async (table) => {
      const { orgId, sign } = await recording(plane)
      await sign()
      for (const statement of [
        `update ${table} set org_id = org_id`,
        `delete from ${table}`,
        `truncate ${table}`,
        `drop table ${table}`,
        `alter table ${table} disable trigger all`,
        `alter table ${table} disable row level security`,
        `drop policy tenant on ${table}`,
      ]) {
        await expect(
          plane.database.sql.begin(async (sql) => {
            await sql`select set_config('app.org_id', ${orgId}, true)`
            await sql.unsafe(statement)
          }),
          statement,
        ).rejects.toThrow(/permission denied|must be owner/)
      }
    },
  )
})

test('hashes of the tree are added to and never changed or deleted by the application', async () => {
  const { orgId, sign } = await recording(plane)
  await sign()
  const attempt = (statement: string) =>
    plane.database.sql.begin(async (sql) => {
      await sql`select set_config('app.org_id', ${orgId}, true)`
      await sql.unsafe(statement)
    })
  const changed = `set_byte(hashes, 0, 255 - get_byte(hashes, 0))`
  await expect(attempt(`update trail_tiles set hashes = ${changed}`)).rejects.toThrow(/only grows/)
  await expect(attempt('update trail_tiles set tile_index = tile_index + 1')).rejects.toThrow(/only grows/)
  await expect(attempt('update trail_tiles set hashes = substr(hashes, 1, 32)')).rejects.toThrow(/only grows/)
  await expect(attempt('delete from trail_tiles')).rejects.toThrow(/permission denied/)
  await expect(
    attempt(`insert into retirements values ('${orgId}', '2020-01-01', 1, '[[1,1]]', now())`),
  ).rejects.toThrow(/permission denied/)
})

describe('who kept a checkpoint', () => {
  test('finds out that an old backup was restored, and that another history grew from it', async () => {
    const { orgId, owner, record, sign, verify } = await recording(plane)
    await record(4)
    await sign()
    const restore = await remember(plane, orgId)
    await record(4)
    await sign()
    const { note } = await owner(trail.checkpoint, {})
    expect(found(await verify({ known: note }))).toEqual([])
    await restore()
    expect(found(await verify({ known: note }))).toEqual(['ROLLED_BACK'])
    await record(9)
    await sign()
    expect(found(await verify({ known: note }))).toEqual(['FORKED'])
    expect(found(await verify({ known: note, deep: false }))).toEqual(['FORKED'])
    const result = await verify()
    expect(result.findings).toEqual([])
    expect(result.notes.join(' ')).toContain('No checkpoint from elsewhere was given')
  })
})
