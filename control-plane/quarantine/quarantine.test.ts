import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { QUARANTINE_WAITING_BYTES_MAX, QUARANTINE_WAITING_MAX, quarantine } from '@/lib/contract/quarantine'
import { newId, newIdAt } from '@/lib/ids'
import { gatewayOf } from '../events/testing'
import { runRetention } from '../retention/run'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

async function start() {
  const organization = await plane.organization()
  return { organization, ...(await gatewayOf(organization)) }
}

const DAY_MS = 86_400_000
const ahead = () => {
  const ms = Date.now() + 3 * DAY_MS
  return { event_id: newIdAt('evt', ms), timestamp: new Date(ms).toISOString() }
}

describe('an event that cannot be recorded', () => {
  test('is kept as it was sent, with its reason, and one entry says so for the batch', async () => {
    const { organization, gateway, admin, event } = await start()
    const good = event()
    const bad = `{ "event_id" : "${newId('evt')}",\n"b":"\\u0000\\ud800" }`
    const body = `{"events":[${JSON.stringify(good)}, ${bad} ,7,7]}`
    const { json } = await plane.send('POST', '/v1/events', { token: gateway.token, body })
    const answer = events.ingest.output.parse(json)

    expect(answer).toMatchObject({ accepted: 1, rejected: [{ index: 1 }, { index: 2 }, { index: 3 }] })
    const [first, seven, again] = answer.rejected.map(({ quarantine_id }) => quarantine_id ?? '')
    expect(again).toBe(seven)
    const shown = await admin(quarantine.get, { id: first ?? '' })
    expect(shown).toMatchObject({ sent: bad, state: 'waiting', gateway_id: 'gw_one', attempts: 1, bytes: bad.length })
    expect(shown.reason).toBe(answer.rejected[0]?.reason)
    const list = await admin(quarantine.list, { state: 'waiting' })
    expect(list).toMatchObject({ waiting: 2, waiting_bytes: bad.length + 1, next_cursor: null })
    expect(list.items.map(({ id }) => id).toSorted()).toEqual([first, seven].toSorted())

    expect(await organization.recorded()).toEqual(['admin gateway.registered', 'key events.quarantined'])
    const reader = await organization.as(['activity:read'])
    const [entry] = (await reader(activity.list, { action: 'events.quarantined' })).items
    expect(entry).toMatchObject({ target: { type: 'gateway', id: 'gw_one' }, after: { count: 2 } })
    expect(Object.values(entry?.after?.reasons ?? {})).toEqual([1, 1])
  })

  test('is kept once, however often it comes, and leaves no second entry', async () => {
    const { organization, gateway, admin } = await start()
    const ids = new Set<string | null>()
    for (let n = 0; n < 3; n++) {
      const { rejected } = await gateway(events.ingest, { events: [{ nothing: true }] })
      for (const { quarantine_id } of rejected) ids.add(quarantine_id)
    }
    await Promise.all(Array.from({ length: 4 }, () => gateway(events.ingest, { events: [{ at: 'once' }] })))
    expect(ids.size).toBe(1)
    expect((await admin(quarantine.list, {})).items).toHaveLength(2)
    expect((await organization.recorded()).filter((line) => line.endsWith('events.quarantined'))).toHaveLength(2)
  })

  test('that there is no room for is not kept and says so; nothing that waits is dropped, and good ones go on', async () => {
    const { organization, gateway, admin, event } = await start()
    const fill = (count: number, bytes: number) => plane.owner`
      insert into event_quarantine (org_id, id, gateway_id, sent, sent_sha256, reason, state, received_at)
      select ${organization.orgId}, 'qua_' || lpad(n::text, 32, '0'), 'gw_one', decode(repeat('00', ${bytes}), 'hex'), n::text,
        'x', 'waiting', now() from generate_series(1, ${count}) as n`
    const clear = () => plane.owner`delete from event_quarantine where org_id = ${organization.orgId}`

    await fill(QUARANTINE_WAITING_MAX - 1, 1)
    const answer = await gateway(events.ingest, { events: [{ n: 1 }, event(), { n: 2 }] })
    expect(answer.accepted).toBe(1)
    const [kept, refused] = answer.rejected
    expect(kept?.quarantine_id).toMatch(/^qua_/)
    expect(refused).toMatchObject({ quarantine_id: null, reason: expect.stringContaining('the quarantine is full') })
    expect((await admin(quarantine.list, { limit: 1 })).waiting).toBe(QUARANTINE_WAITING_MAX)

    await clear()
    await fill(1, 1_000_000)
    await plane.owner`update event_quarantine set sent = decode(repeat('00', ${QUARANTINE_WAITING_BYTES_MAX / 256 - 4}), 'hex')
      where org_id = ${organization.orgId}`
    expect((await gateway(events.ingest, { events: [{ n: 3 }] })).rejected[0]?.quarantine_id).toMatch(/^qua_/)
    const large = await gateway(events.ingest, { events: [{ n: 'x'.repeat(262_144) }] })
    expect(large.rejected).toMatchObject([{ quarantine_id: null, reason: expect.stringContaining('256 KiB') }])
  })
})

describe('replaying', () => {
  test('records what the rules of today allow, once, and fills the gap it left', async () => {
    const { organization, gateway, admin, event } = await start()
    const late = event(ahead())
    const { rejected } = await gateway(events.ingest, { events: [late, event(), event()] })
    const id = rejected[0]?.quarantine_id ?? ''
    expect((await admin(gateways.get, { id: 'gw_one' })).missing_events).toBe(1)

    const strict = await admin(quarantine.replay, { ids: [id] })
    expect(strict.items).toEqual([{ id, outcome: 'refused', reason: 'event_id: its time lies ahead of ours' }])
    expect(await admin(quarantine.get, { id })).toMatchObject({ state: 'waiting', attempts: 2 })

    const unknown = newId('qua')
    const lenient = await admin(quarantine.replay, { ids: [id, unknown, id], accept_time: true })
    expect(lenient.items).toEqual([
      { id, outcome: 'recorded', reason: null },
      { id: unknown, outcome: 'not_found', reason: null },
    ])
    expect(await admin(events.get, { id: late.event_id })).toMatchObject(late)
    expect(await admin(quarantine.get, { id })).toMatchObject({
      state: 'replayed',
      attempts: 3,
      resolved_by: expect.any(String),
    })
    expect((await admin(gateways.get, { id: 'gw_one' })).missing_events).toBe(0)
    const [again] = (await admin(quarantine.replay, { ids: [id], accept_time: true })).items
    expect(again).toMatchObject({ outcome: 'not_waiting' })
    expect((await organization.recorded()).slice(-2)).toEqual([
      'admin quarantine.replayed',
      'admin quarantine.replayed',
    ])
  })

  test('never records another event under an id that is taken, and knows one that was recorded since', async () => {
    const { gateway, admin, event } = await start()
    const [first, doubtful] = [event(), event(ahead())]
    await gateway(events.ingest, { events: [first] })
    const other = { ...first, verdict: 'block' as const }
    const { rejected } = await gateway(events.ingest, { events: [other, doubtful] })
    const [conflict, time] = rejected.map(({ quarantine_id }) => quarantine_id ?? '')
    await plane.owner`insert into event_quarantine
      select org_id, 'qua_twin', gateway_id, event_id, sent, 'twin', reason, state, attempts, received_at, null, null
      from event_quarantine where id = ${time ?? ''}`

    const { items } = await admin(quarantine.replay, {
      ids: [conflict ?? '', time ?? '', 'qua_twin'],
      accept_time: true,
    })

    expect(items.map(({ outcome }) => outcome)).toEqual(['refused', 'recorded', 'recorded_before'])
    expect(items[0]?.reason).toBe('event_id: another event was recorded under this id')
    expect((await admin(events.get, { id: first.event_id })).verdict).toBe('allow')
  })

  test('does not make an event of another gateway one of this', async () => {
    const { gateway, admin, event } = await start()
    const { rejected } = await gateway(events.ingest, { events: [event({ gateway_id: 'gw_two' })] })
    const { items } = await admin(quarantine.replay, { ids: [rejected[0]?.quarantine_id ?? ''], accept_time: true })
    expect(items).toMatchObject([{ outcome: 'refused', reason: 'gateway_id: this key records for gw_one only' }])
  })
})

test('what is given up stays readable, names who gave it up, and is never replayed', async () => {
  const { organization, gateway, admin } = await start()
  const { rejected } = await gateway(events.ingest, { events: [{ n: 1 }, { n: 2 }] })
  const ids = rejected.map(({ quarantine_id }) => quarantine_id ?? '')
  expect(await admin(quarantine.discard, { ids: [...ids, newId('qua')], reason: 'A test' })).toEqual({ discarded: 2 })
  expect(await admin(quarantine.discard, { ids, reason: 'Again' })).toEqual({ discarded: 0 })
  expect(await admin(quarantine.get, { id: ids[0] ?? '' })).toMatchObject({ state: 'discarded', sent: '{"n":1}' })
  expect((await admin(quarantine.list, {})).waiting).toBe(0)
  expect((await admin(quarantine.replay, { ids })).items.map(({ outcome }) => outcome)).toEqual([
    'not_waiting',
    'not_waiting',
  ])
  expect((await organization.recorded()).slice(-1)).toEqual(['admin quarantine.discarded'])
})

test('what was given up is forgotten after 90 days; what waits is not', async () => {
  const { gateway, admin, event } = await start()
  const sent = [
    { ...event(), a: 1 },
    { ...event(), b: 2 },
  ]
  const [given = '', waits = ''] = (await gateway(events.ingest, { events: sent })).rejected.map(
    ({ quarantine_id }) => quarantine_id ?? '',
  )
  await admin(quarantine.discard, { ids: [given], reason: 'Of no use' })

  await runRetention(plane.services, new Date(Date.now() + 89 * DAY_MS))
  expect((await admin(quarantine.list, {})).items).toHaveLength(2)
  await runRetention(plane.services, new Date(Date.now() + 91 * DAY_MS))
  expect((await admin(quarantine.list, {})).items.map(({ id }) => id)).toEqual([waits])
})

test('pages hold every event once, newest first, by state', async () => {
  const { gateway, admin } = await start()
  await gateway(events.ingest, { events: Array.from({ length: 7 }, (_, n) => ({ n })) })
  const seen: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin(quarantine.list, { state: 'waiting', limit: 3, cursor })
    seen.push(...page.items.map(({ id }) => id))
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  expect(seen).toEqual([...new Set(seen)].toSorted().toReversed())
  expect(seen).toHaveLength(7)
  expect((await admin(quarantine.list, { state: 'discarded' })).items).toEqual([])
})

test('who reads events of the whole organisation sees it; who administers changes it; nobody else does either', async () => {
  const { organization, gateway } = await start()
  const { rejected } = await gateway(events.ingest, { events: [{}] })
  const id = rejected[0]?.quarantine_id ?? ''
  const viewer = await organization.as('role_viewer')
  const ofTeam = await organization.as(['events:read', 'events:quarantine'], { teamId: 'team_a' })
  const stranger = await (await plane.organization()).as('role_owner')

  expect((await viewer(quarantine.list, {})).items).toHaveLength(1)
  await expect(viewer(quarantine.replay, { ids: [id] })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(viewer(quarantine.discard, { ids: [id], reason: 'x' })).rejects.toMatchObject({ code: 'forbidden' })
  for (const ask of [
    () => ofTeam(quarantine.list, {}),
    () => ofTeam(quarantine.get, { id }),
    () => ofTeam(quarantine.replay, { ids: [id] }),
    () => ofTeam(quarantine.discard, { ids: [id], reason: 'x' }),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: 'forbidden' })
  }
  expect((await stranger(quarantine.list, {})).items).toEqual([])
  await expect(stranger(quarantine.get, { id })).rejects.toMatchObject({ code: 'not_found' })
  expect((await stranger(quarantine.replay, { ids: [id] })).items).toMatchObject([{ outcome: 'not_found' }])
  expect(await stranger(quarantine.discard, { ids: [id], reason: 'x' })).toEqual({ discarded: 0 })
})
