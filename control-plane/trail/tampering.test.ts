import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { trail } from '@/lib/contract/trail'
import { startControlPlane } from '../testing'
import { archiveDigests } from './archive/commands'
import { columnsOf, found, recording, remember } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { owner: database } = plane

/** Five digests; events and activity entries take turns. */
const { orgId, owner, record, sign, verify } = await recording(plane)
for (let digest = 0; digest < 5; digest++) {
  await record(20)
  await sign()
}
const { note: pinned, tree_size: size } = await owner(trail.checkpoint, {})
const stranger = await recording(plane)
await stranger.record(3)
await stranger.sign()

const seqs = (await database<{ seq: string }[]>`select seq from events where org_id = ${orgId} order by seq`).map(
  ({ seq }) => Number(seq),
)
const PLACES = [
  ['first', seqs[0] ?? 0, 0],
  ['middle', seqs[Math.floor(seqs.length / 2)] ?? 0, 2],
  ['last', seqs.at(-1) ?? 0, 4],
] as const
const restore = await remember(plane, orgId)

/** Does it, looks deep and shallow with and without what was kept elsewhere, and puts everything back. */
async function foundAfter(attack: () => Promise<unknown>) {
  await attack()
  try {
    return {
      deep: found(await verify()),
      shallow: found(await verify({ deep: false })),
      pinned: found(await verify({ deep: false, known: pinned })),
    }
  } finally {
    await restore()
  }
}
const lineOf = (seq: number) => database`select line, leaf_hash from events where org_id = ${orgId} and seq = ${seq}`
const REPLACED = `replace(line, '"verdict":"allow"', '"verdict":"block"')`

test('nothing is found in a trail that nobody touched', async () => {
  const untouched = await foundAfter(async () => undefined)
  expect(untouched).toEqual({ deep: [], shallow: [], pinned: [] })
  const result = await verify({ known: pinned })
  expect(result).toMatchObject({ chain_integrity: 'valid', records_verified: size, tree_size: size })
})

describe.each(PLACES)('at the %s place', (_, seq, number) => {
  test('a record that was changed is EVENT_MODIFIED', async () => {
    const { deep, shallow } = await foundAfter(() =>
      database.unsafe(`update events set line = ${REPLACED} where org_id = '${orgId}' and seq = ${seq}`),
    )
    expect(deep).toEqual([`EVENT_MODIFIED ${seq}`])
    expect(shallow).toEqual([])
  })

  test('a record that was changed together with its hash is EVENT_MODIFIED', async () => {
    const { deep } = await foundAfter(async () => {
      await database.unsafe(`update events set line = ${REPLACED},
        leaf_hash = sha256('\\x00'::bytea || convert_to(${REPLACED}, 'UTF8'))
        where org_id = '${orgId}' and seq = ${seq}`)
    })
    expect(deep).toEqual([`EVENT_MODIFIED ${seq}`])
  })

  test('a record that was deleted is EVENT_MISSING, also to a shallow look', async () => {
    const { deep, shallow } = await foundAfter(
      () => database`delete from events where org_id = ${orgId} and seq = ${seq}`,
    )
    expect(deep).toEqual([`EVENT_MISSING ${seq}`])
    expect(shallow).toEqual([`EVENT_MISSING ${seq}`])
  })

  test('a record that was deleted is no retired one because a row says so, nor an entry that nothing has signed', async () => {
    const ranges = JSON.stringify([[seq, seq]])
    const hash = createHash('sha256').update(ranges).digest('hex')
    const forge = async () => {
      await database`delete from events where org_id = ${orgId} and seq = ${seq}`
      await database`insert into retirements (org_id, month, events, ranges, retired_at)
        values (${orgId}, ${`2020-01-${10 + number}`}, 1, ${ranges}::text::jsonb, now())`
    }
    expect((await foundAfter(forge)).deep).toEqual([`EVENT_MISSING ${seq}`])
    const { deep } = await foundAfter(async () => {
      await forge()
      // Over an entry that is there: its columns and its line say what would explain the hole, its hash in the tree does not.
      await database`update activity set action = 'events.retired',
        line = json_build_object('action', 'events.retired', 'at', at, 'after', json_build_object('ranges_sha256', ${hash}::text))::text
        where org_id = ${orgId} and seq = (select min(seq) from activity where org_id = ${orgId})`
    })
    expect(deep).toContain(`EVENT_MISSING ${seq}`)
  })

  test('a record that was put beside another is EVENT_UNEXPECTED, also to a shallow look', async () => {
    const { deep, shallow } = await foundAfter(async () => {
      await database.unsafe(`create table copied as select * from events where org_id = '${orgId}' and seq = ${seq}`)
      const id = `evt_${Date.now().toString(16).padStart(12, '0')}7aaa8aaaaaaaaaaaaaaa`
      await database.unsafe(`update copied set event_id = '${id}', occurred_at = event_time('${id}')`)
      const columns = await columnsOf(plane, 'events')
      await database.unsafe(`insert into events (${columns}) select ${columns} from copied`)
      await database.unsafe('drop table copied')
    })
    expect(deep).toEqual([`EVENT_UNEXPECTED ${seq}`])
    expect(shallow).toEqual([`EVENT_UNEXPECTED ${seq}`])
  })

  test('records that changed places are ORDER_VIOLATION', async () => {
    const other = seq === seqs.at(-1) ? seq - 1 : seq + 1
    const { deep } = await foundAfter(async () => {
      const move = (from: number, to: number) =>
        database`update events set seq = ${to} where org_id = ${orgId} and seq = ${from}`
      await move(seq, -1)
      await move(other, seq)
      await move(-1, other)
    })
    expect(deep).toEqual(
      [`ORDER_VIOLATION ${Math.min(seq, other)}`, `ORDER_VIOLATION ${Math.max(seq, other)}`].toSorted(),
    )
  })

  test('a digest whose text was changed is DIGEST_MODIFIED, or the newest SIGNATURE_INVALID', async () => {
    const { shallow } = await foundAfter(
      () => database`update trail_digests set body = replace(body, '"event_count":', '"event_count":0')
        where org_id = ${orgId} and number = ${number}`,
    )
    // A number that begins with a zero is no form in which a digest is written.
    expect(shallow).toContain('MALFORMED')
    const hour = await foundAfter(
      () => database`update trail_digests
        set body = replace(body, '"oldest_event_time":"20', '"oldest_event_time":"19')
        where org_id = ${orgId} and number = ${number}`,
    )
    expect(hour.shallow).toEqual([number === 4 ? 'SIGNATURE_INVALID' : 'DIGEST_MODIFIED'])
  })

  test('a digest whose signature was exchanged is SIGNATURE_INVALID', async () => {
    const { shallow } = await foundAfter(
      () => database`update trail_digests set signature = (
          select signature from trail_digests where org_id = ${orgId} and number = ${(number + 1) % 5})
        where org_id = ${orgId} and number = ${number}`,
    )
    expect(shallow).toEqual(['SIGNATURE_INVALID'])
  })

  test('a digest that was deleted is DIGEST_MISSING, the newest ROLLED_BACK to who kept a checkpoint', async () => {
    const {
      deep,
      shallow,
      pinned: known,
    } = await foundAfter(() => database`delete from trail_digests where org_id = ${orgId} and number = ${number}`)
    expect(deep).toEqual(shallow)
    if (number === 4) {
      expect(shallow).toEqual([])
      expect(known).toEqual(['ROLLED_BACK'])
    } else expect(shallow).toEqual(['DIGEST_MISSING'])
  })

  test("another organisation's digest in its place is WRONG_LOG", async () => {
    const { shallow } = await foundAfter(
      () => database`update trail_digests set (body, signature) = (
          select body, signature from trail_digests where org_id = ${stranger.orgId} limit 1)
        where org_id = ${orgId} and number = ${number}`,
    )
    expect(shallow).toContain('WRONG_LOG')
    expect(shallow.every((state) => ['WRONG_LOG', 'DIGEST_MISSING'].includes(state))).toBe(true)
  })

  test('a digest that was moved is WRONG_LOG', async () => {
    const { shallow } = await foundAfter(
      () => database`update trail_digests set storage_key = storage_key || '.old'
        where org_id = ${orgId} and number = ${number}`,
    )
    expect(shallow[0]).toBe('WRONG_LOG')
  })
})

test.each([
  ['no bytes', `''`],
  ['one byte', `'\\x00'`],
  ['a byte too many', `leaf_hash || '\\x00'`],
])('a hash of %s beside a record is EVENT_MODIFIED, and hinders no verification', async (_, hash) => {
  const seq = seqs[3] ?? 0
  const { deep, shallow } = await foundAfter(() =>
    database.unsafe(`update events set leaf_hash = ${hash} where org_id = '${orgId}' and seq = ${seq}`),
  )
  expect({ deep, shallow }).toEqual({ deep: [`EVENT_MODIFIED ${seq}`], shallow: [] })
})

test('entries of activity that are gone before a digest covers them are EVENT_MISSING, also to a shallow look', async () => {
  const [newest] = await database<{ seq: string }[]>`select max(seq) as seq from activity where org_id = ${orgId}`
  const { deep, shallow } = await foundAfter(
    () => database`delete from activity where org_id = ${orgId} and seq = ${newest?.seq ?? 0}`,
  )
  expect({ deep, shallow }).toEqual({
    deep: [`EVENT_MISSING ${newest?.seq}`],
    shallow: [`EVENT_MISSING ${newest?.seq}`],
  })
})

test.each([
  ['number', 'number + 90'],
  ['digest_id', `'dig_019a6f0e1c2d7000a1b2c3d4e5f60718'`],
  ['period_start', `period_start - interval '1 microsecond'`],
  ['period_end', `period_end + interval '1 microsecond'`],
  ['seq_start', 'seq_start - 1'],
  ['seq_end', 'seq_end + 1'],
  ['tree_size', 'tree_size + 1'],
  ['root_hash', `repeat('0', 64)`],
  ['kid', `repeat('0', 32)`],
  ['checkpoint', `regexp_replace(checkpoint, E'\\n\\\\d+\\n', E'\\n9\\n')`],
])('what is kept beside a digest and says something else is DIGEST_MODIFIED: %s', async (column, value) => {
  const { deep, shallow } = await foundAfter(() =>
    database.unsafe(`update trail_digests set ${column} = ${value} where org_id = '${orgId}' and number = 4`),
  )
  expect({ deep, shallow }).toEqual({ deep: ['DIGEST_MODIFIED'], shallow: ['DIGEST_MODIFIED'] })
})

test('a checkpoint whose signature was changed is SIGNATURE_INVALID to a deep look', async () => {
  const { deep, shallow } = await foundAfter(
    () => database`update trail_digests set checkpoint = overlay(checkpoint placing 'AAAA' from length(checkpoint) - 20 for 4)
      where org_id = ${orgId} and number = 2`,
  )
  expect({ deep, shallow }).toEqual({ deep: ['SIGNATURE_INVALID'], shallow: [] })
})

test('a record of a tampered line is still the signed one, once it is put back', async () => {
  const [before] = await lineOf(seqs[3] ?? 0)
  await foundAfter(() => database.unsafe(`update events set line = ${REPLACED} where org_id = '${orgId}'`))
  expect(await lineOf(seqs[3] ?? 0)).toEqual([before])
  expect(found(await verify())).toEqual([])
})

test('a key that was taken out of the history is KEY_UNKNOWN', async () => {
  const { shallow } = await foundAfter(() => database`delete from trail_keys where org_id = ${orgId}`)
  expect(new Set(shallow)).toEqual(new Set(['KEY_UNKNOWN']))
})

test('a key whose time was cut short is KEY_OUT_OF_PERIOD', async () => {
  const { shallow } = await foundAfter(
    () => database`update trail_keys set not_after = (
        select period_end from trail_digests where org_id = ${orgId} and number = 3) where org_id = ${orgId}`,
  )
  expect(shallow).toEqual(['KEY_OUT_OF_PERIOD'])
})

test('hashes of the tree that were changed lead a shallow look to no signed root, and a deep one names whose they are', async () => {
  const { shallow, deep } = await foundAfter(
    () => database`update trail_tiles set hashes = set_byte(hashes, 40, (get_byte(hashes, 40) + 1) % 256)
      where org_id = ${orgId} and level = 0`,
  )
  expect(new Set(shallow)).toEqual(new Set(['PROOF_INVALID']))
  expect(deep).toEqual(['PROOF_INVALID 2'])
})

test('hashes of the tree that are gone are PROOF_INVALID', async () => {
  const { deep } = await foundAfter(() => database`delete from trail_tiles where org_id = ${orgId} and level = 0`)
  expect(deep).toEqual(['PROOF_INVALID 1'])
})

test('a trail cut back to an earlier digest is ROLLED_BACK; to a deep look the counts of days tell of the rest', async () => {
  const { deep, pinned: known } = await foundAfter(async () => {
    const [cut] = await database<{ tree_size: string }[]>`
      select tree_size from trail_digests where org_id = ${orgId} and number = 2`
    const end = Number(cut?.tree_size)
    await database`delete from trail_digests where org_id = ${orgId} and number > 2`
    await database`delete from events where org_id = ${orgId} and seq > ${end}`
    await database`delete from activity where org_id = ${orgId} and seq > ${end}`
    await database`update org_counters set seq = ${end} where org_id = ${orgId}`
    await database`update trail_state set integrated_size = ${end} where org_id = ${orgId}`
  })
  expect(known).toEqual(['ROLLED_BACK'])
  expect(new Set(deep)).toEqual(new Set(['EVENT_MODIFIED']))
})

test('a database without any digest that were signed is TAIL_MISSING: the object store has them', async () => {
  await archiveDigests(plane.services, orgId, new AbortController().signal)
  const { shallow } = await foundAfter(() => database`delete from trail_digests where org_id = ${orgId}`)
  expect(shallow).toEqual(['TAIL_MISSING'])
})
