import { afterAll, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { holds } from '@/lib/contract/holds'
import { payloads } from '@/lib/contract/payloads'
import { settings } from '@/lib/contract/settings'
import { eraseOutlived } from '../../payloads/erasure/commands'
import { captured } from '../../payloads/testing'
import { asSystem } from '../../system'
import { startControlPlane } from '../../testing'
import { found, recording } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { owner: database } = plane

/** Events with a kept request each, of the users ana and bob in turn. */
async function withContent(count: number) {
  const source = await recording(plane)
  const { orgId, owner, gateway, event } = source
  await owner(settings.updateSecurity, { payload_capture: 'full' })
  const sent = Array.from({ length: count }, (_, at) =>
    captured(
      event({
        user_id: at % 2 === 0 ? 'usr_ana' : 'usr_bob',
        timestamp: new Date(Date.now() - (count - at) * 1_000).toISOString(),
      }),
      { request: `${at}`, response: null },
    ),
  )
  await gateway(events.ingest, {
    events: sent.map(({ event }) => event),
    captures: sent.map(({ capture }) => capture),
  })
  const ids = sent.map(({ event }) => event.event_id)
  const rows = await database<{ seq: string }[]>`select seq from events where org_id = ${orgId} order by seq`
  /** What somebody does who can write to the database. */
  const blank = (at: number) => database`
    update payloads set salt = null, key = null, object_key = null, pack_offset = null, pack_length = null,
      erased_at = now(), erased_by = 'Owner', erase_reason = 'Erasure request 12'
    where org_id = ${orgId} and event_id = ${ids[at] ?? ''}`
  const finding = (state: string, at: number) => `PAYLOAD_${state} ${rows[at]?.seq}`
  return { ...source, ids, blank, finding }
}

test('content whose row says that it was erased, and the record does not, is PAYLOAD_MISSING', async () => {
  const { blank, sign, verify, finding } = await withContent(2)
  await blank(0)
  expect(found(await verify())).toEqual([finding('MISSING', 0)])
  await sign()
  const result = await verify()
  expect(found(result)).toEqual([finding('MISSING', 0)])
  expect(result.chain_integrity).toBe('invalid')
})

test('an honest erasure is none that nobody recorded, because the newest digest was tampered with', async () => {
  const { owner, orgId, ids, sign, verify, finding } = await withContent(1)
  await sign()
  await owner(payloads.erase, { id: ids[0] ?? '', reason: 'asked' })
  await sign()
  await database`update trail_digests set body = regexp_replace(body, '"root_hash":"..', '"root_hash":"00')
    where org_id = ${orgId} and number = 1`
  expect(found(await verify())).toEqual([finding('REDACTED', 0), 'SIGNATURE_INVALID'])
})

test('an honest erasure is none that nobody recorded, because hashes of the tree were changed', async () => {
  const { owner, orgId, ids, record, sign, verify, finding } = await withContent(1)
  await record(300)
  await owner(payloads.erase, { id: ids[0] ?? '', reason: 'asked' })
  await sign()
  await database`update trail_tiles set hashes = set_byte(hashes, 0, (get_byte(hashes, 0) + 1) % 256)
    where org_id = ${orgId} and level = 1`
  expect(found(await verify())).toEqual([finding('REDACTED', 0)])
})

test('content whose row names no object is PAYLOAD_MISSING, and hinders no verification', async () => {
  const { orgId, ids, verify, finding } = await withContent(2)
  await database`update payloads set object_key = 'x' where org_id = ${orgId} and event_id = ${ids[0] ?? ''}`
  expect(found(await verify())).toEqual([finding('MISSING', 0)])
})

test('the recorded erasure of one event explains no other', async () => {
  const { owner, ids, blank, sign, verify, finding } = await withContent(3)
  await owner(payloads.erase, { id: ids[1] ?? '', reason: 'asked' })
  await blank(2)
  const expected = [finding('MISSING', 2), finding('REDACTED', 1)]
  expect(found(await verify())).toEqual(expected)
  await sign()
  expect(found(await verify())).toEqual(expected)
})

test('the erasure of what a filter found explains what it finds', async () => {
  const { owner, blank, sign, verify, finding } = await withContent(3)
  expect(await owner(payloads.eraseMany, { filter: 'user_id=usr_ana', since: '1h', reason: 'asked' })).toMatchObject({
    erased: 2,
  })
  await sign()
  expect(found(await verify())).toEqual([finding('REDACTED', 0), finding('REDACTED', 2)])
  await blank(1)
  expect(found(await verify())).toEqual([finding('MISSING', 1), finding('REDACTED', 0), finding('REDACTED', 2)])
})

test('an erasure explains nothing that was recorded after it', async () => {
  const { orgId, owner, gateway, event, verify } = await withContent(1)
  await owner(payloads.eraseMany, { until: '2100-01-01', reason: 'asked' })
  const later = captured(event(), { request: 'later', response: null })
  await gateway(events.ingest, { events: [later.event], captures: [later.capture] })
  await database`update payloads set salt = null, key = null, erased_at = now()
    where org_id = ${orgId} and event_id = ${later.event.event_id}`
  expect(found(await verify()).filter((one) => one.startsWith('PAYLOAD_MISSING'))).toHaveLength(1)
})

test('an entry that was made up, or changed, explains nothing', async () => {
  const { orgId, ids, blank, sign, verify, finding } = await withContent(2)
  await sign()
  await blank(0)
  await database`update activity set action = 'payload.erased', target_id = ${ids[0] ?? ''},
      line = json_build_object('action', 'payload.erased', 'at', at, 'target', json_build_object('id', ${ids[0] ?? ''}::text))::text
    where org_id = ${orgId} and seq = (select min(seq) from activity where org_id = ${orgId})`
  expect(found(await verify())).toContain(finding('MISSING', 0))
})

const occurred = (id = '') => new Date(Number.parseInt(id.slice(4, 16), 16)).toISOString()
const soon = () => new Date(Date.now() + 60_000).toISOString()

test.each(['stored_before', 'month'] as const)(
  'content whose %s was over is explained by what retention recorded',
  async (by) => {
    const { orgId, ids, sign, verify, finding } = await withContent(1)
    const which = by === 'month' ? { month: occurred(ids[0]).slice(0, 7) } : { stored_before: soon() }
    expect(await asSystem(plane.services, orgId, (ctx) => eraseOutlived(ctx, which, 'too old', 10))).toBe(1)
    await sign()
    expect(found(await verify())).toEqual([finding('REDACTED', 0)])
  },
)

test('what a hold kept from retention, and what was not due, is not explained by it', async () => {
  const { orgId, owner, ids, blank, sign, verify, finding } = await withContent(2)
  await owner(holds.create, { name: 'Case', reason: 'notice', since: occurred(ids[1]) })
  const expire = (which: Parameters<typeof eraseOutlived>[1]) =>
    asSystem(plane.services, orgId, (ctx) => eraseOutlived(ctx, which, 'too old', 10))
  expect(await expire({ stored_before: soon() })).toBe(1)
  await sign()
  await blank(1)
  expect(found(await verify())).toEqual([finding('MISSING', 1), finding('REDACTED', 0)])
})
