import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { events, PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { payloads } from '@/lib/contract/payloads'
import { retention } from '@/lib/contract/retention'
import { settings } from '@/lib/contract/settings'
import { startControlPlane } from '../testing'
import { found, recording } from '../trail/testing'
import { takeErasedAway } from './erasure/take-away'
import { openPart, PACK_BYTES_MAX, packsOf } from './pack'
import { captured } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { objects } = plane.services

/** Events with content that came in one batch. */
async function batchOf(count: number, contentOf = (at: number) => `{"secret":"number ${at}"}`) {
  const home = await recording(plane)
  await home.owner(settings.updateSecurity, { payload_capture: 'full' })
  const sent = Array.from({ length: count }, (_, at) =>
    captured(home.event(), { request: contentOf(at), response: `{"answer":"number ${at}"}` }),
  )
  const batch = { events: sent.map(({ event }) => event), captures: sent.map(({ capture }) => capture) }
  expect(await home.gateway(events.ingest, batch)).toMatchObject({ accepted: count, rejected: [] })
  const ids = sent.map(({ event }) => event.event_id)
  const reveal = (at: number) => home.owner(events.reveal, { id: ids[at] ?? '', reason: 'check' })
  const requestOf = async (at: number) => {
    const { request } = await reveal(at)
    return request && atob(request)
  }
  const erase = (at: number) => home.owner(payloads.erase, { id: ids[at] ?? '', reason: 'check' })
  const packs = async () => (await objects.list(`${home.orgId}/payloads/`)).objects
  const bytes = async () => {
    const all = await Promise.all((await packs()).map(({ key }) => objects.bytes(key, PACK_BYTES_MAX)))
    return Buffer.concat(all)
  }
  const rowOf = async (at: number, part = 'request') => {
    const [row] = await plane.owner<
      { key: string; salt: string; pack_offset: number; pack_length: number; object_key: string }[]
    >`select * from payloads where event_id = ${ids[at] ?? ''} and part = ${part}`
    if (!row) throw new Error('There is no such content.')
    return row
  }
  const takeAway = () => takeErasedAway(plane.services, home.orgId)
  return { ...home, ids, requestOf, reveal, erase, packs, bytes, rowOf, takeAway }
}

/** All that the database holds of an organisation, as text. */
async function everyRowOf(orgId: string): Promise<string> {
  const tables = await plane.owner<{ name: string }[]>`
    select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'org_id'`
  const texts = []
  for (const { name } of tables) {
    const rows = await plane.owner.unsafe(`select t::text as row from public.${name} t where org_id = '${orgId}'`)
    texts.push(...rows.map(({ row }) => String(row)))
  }
  return texts.join('\n')
}

describe('the content of a batch', () => {
  test('lies in one object, of which nobody can read anything without the database', async () => {
    const { packs, bytes, requestOf } = await batchOf(20)
    expect(await packs()).toHaveLength(1)
    expect((await bytes()).includes('secret')).toBe(false)
    expect(await requestOf(0)).toBe('{"secret":"number 0"}')
    expect(await requestOf(19)).toBe('{"secret":"number 19"}')
  })

  test('lies in several objects when it is more than one may have', async () => {
    const contentOf = (at: number) => String(at).repeat(PAYLOAD_BYTES_MAX)
    const { packs, requestOf } = await batchOf(9, contentOf)
    const sizes = (await packs()).map(({ size }) => size)
    expect(sizes).toHaveLength(2)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(PACK_BYTES_MAX)
    for (const at of [0, 6, 7, 8]) expect(await requestOf(at)).toBe(contentOf(at))
  }, 30_000)

  test('opens only as that of the event and the part that it was stored as', () => {
    const name = { orgId: 'org_1', eventId: 'evt_1', part: 'request' as const }
    const [pack] = packsOf([{ ...name, content: Buffer.from('content') }])
    const key = pack?.places[0]?.key ?? ''
    const sealed = pack?.bytes ?? Buffer.alloc(0)
    expect(openPart(sealed, name, key)?.toString()).toBe('content')
    expect(openPart(sealed, { ...name, eventId: 'evt_2' }, key)).toBeNull()
    expect(openPart(sealed, { ...name, orgId: 'org_2' }, key)).toBeNull()
    expect(openPart(sealed, { ...name, part: 'response' }, key)).toBeNull()
    expect(openPart(sealed, name, randomBytes(32).toString('base64'))).toBeNull()
    expect(openPart(sealed, name, '')).toBeNull()
    expect(openPart(sealed.subarray(0, 20), name, key)).toBeNull()
  })
})

describe('the erasure of one event', () => {
  test('leaves the others of its object as they were', async () => {
    const { erase, requestOf, reveal, packs, takeAway, owner, verify, sign } = await batchOf(3)
    expect(await erase(1)).toEqual({ erased: 1 })
    expect(await takeAway()).toBe(0)
    expect(await packs()).toHaveLength(1)
    expect(await reveal(1)).toMatchObject({ request: null, response: null, salt: null })
    expect([await requestOf(0), await requestOf(2)]).toEqual(['{"secret":"number 0"}', '{"secret":"number 2"}'])
    expect((await owner(retention.get, {})).payloads).toMatchObject({ kept: 4, leaving: 0 })
    await sign()
    const result = await verify()
    expect(result).toMatchObject({ chain_integrity: 'valid' })
    expect(result.findings.map(({ state }) => state)).toEqual(['PAYLOAD_REDACTED', 'PAYLOAD_REDACTED'])
  })

  test('leaves neither its content nor what would open it, in the database or the object', async () => {
    const { orgId, ids, erase, rowOf, bytes } = await batchOf(3)
    const { key, salt, pack_offset, pack_length } = await rowOf(1)
    const [other, answer] = [await rowOf(0), await rowOf(1, 'response')]
    const name = { orgId, eventId: ids[1] ?? '', part: 'request' as const }
    const lies = async () => (await bytes()).subarray(pack_offset, pack_offset + pack_length)
    expect(openPart(await lies(), name, key)?.toString()).toBe('{"secret":"number 1"}')
    expect(await everyRowOf(orgId)).toContain(key)

    await erase(1)

    const database = await everyRowOf(orgId)
    expect(database).toContain(other.key)
    for (const gone of [key, salt, answer.key, 'number 1', btoa('{"secret":"number 1"}')]) {
      expect(database).not.toContain(gone)
    }
    expect((await bytes()).includes('number 1')).toBe(false)
    expect(openPart(await lies(), name, other.key)).toBeNull()
  })

  test('takes the object along when it is the last, and not before', async () => {
    const { erase, takeAway, packs, requestOf } = await batchOf(3)
    for (const at of [2, 0]) {
      await erase(at)
      expect(await takeAway()).toBe(0)
    }
    expect(await requestOf(1)).toBe('{"secret":"number 1"}')
    await erase(1)
    expect(await takeAway()).toBe(1)
    expect(await packs()).toEqual([])
    expect(await takeAway()).toBe(0)
  })

  test('takes the object along also when all go at the same time', async () => {
    const { ids, erase, takeAway, packs } = await batchOf(6)
    await Promise.all(ids.map((_, at) => erase(at)))
    expect(await takeAway()).toBe(1)
    expect(await packs()).toEqual([])
  })
})

describe('a changed byte', () => {
  async function changedPart() {
    const home = await batchOf(3)
    const { object_key, pack_offset } = await home.rowOf(1, 'response')
    const bytes = await home.bytes()
    bytes[pack_offset + 15] = (bytes[pack_offset + 15] ?? 0) ^ 1
    await objects.put(object_key, bytes)
    return home
  }

  test('is found when its part is to be shown, and the other parts are', async () => {
    const { reveal, requestOf } = await changedPart()
    await expect(reveal(1)).rejects.toMatchObject({ code: 'payload_modified' })
    expect([await requestOf(0), await requestOf(2)]).toEqual(['{"secret":"number 0"}', '{"secret":"number 2"}'])
  })

  test('is found by a verification, as that of its event', async () => {
    const { owner, ids, sign, verify } = await changedPart()
    await sign()
    const { seq } = await owner(events.get, { id: ids[1] ?? '' })
    const result = await verify()
    expect(found(result)).toEqual([`PAYLOAD_MODIFIED ${seq}`])
    expect(result.chain_integrity).toBe('invalid')
  })
})

test('a verification reads each object once, and misses what is gone', async () => {
  const { sign, verify, packs, orgId } = await batchOf(50)
  await sign()
  const get = vi.spyOn(objects, 'get')
  const readOf = () => get.mock.calls.filter(([key]) => key.startsWith(`${orgId}/payloads/`)).length
  expect(await verify()).toMatchObject({ payloads_verified: 100, findings: [] })
  expect(readOf()).toBe(1)
  get.mockRestore()
  for (const { key } of await packs()) await objects.delete(key)
  expect(new Set((await verify()).findings.map(({ state }) => state))).toEqual(new Set(['PAYLOAD_MISSING']))
})
