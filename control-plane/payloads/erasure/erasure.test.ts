import { afterAll, describe, expect, test, vi } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { holds } from '@/lib/contract/holds'
import { payloads } from '@/lib/contract/payloads'
import { retention } from '@/lib/contract/retention'
import { settings } from '@/lib/contract/settings'
import { AppError } from '@/lib/errors'
import { gatewayOf } from '../../events/testing'
import { Jobs } from '../../jobs/jobs'
import { workOnRetention } from '../../retention/work'
import { startControlPlane } from '../../testing'
import { captured } from '../testing'
import { takeErasedAway } from './take-away'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { objects } = plane.services
const away = new AppError('unavailable', 'The object store cannot be reached.')

async function withContent(times: (string | undefined)[] = [undefined]) {
  const organization = await plane.organization()
  const source = await gatewayOf(organization)
  await source.admin(settings.updateSecurity, { payload_capture: 'full' })
  const sent = times.map((timestamp, at) =>
    captured(source.event({ ...(timestamp ? { timestamp } : {}), user_id: at % 2 === 0 ? 'usr_ana' : 'usr_bob' }), {
      request: `{"secret":${at}}`,
      response: '{}',
    }),
  )
  await source.gateway(events.ingest, {
    events: sent.map(({ event }) => event),
    captures: sent.map(({ capture }) => capture),
  })
  const ids = sent.map(({ event }) => event.event_id)
  const shown = async (at: number) => {
    const { request, salt, erased } = await source.admin(events.reveal, { id: ids[at] ?? '', reason: 'check' })
    return { request: request && atob(request), salt: salt !== null, erased: erased !== null }
  }
  const keysOf = async () => (await objects.list(`${organization.orgId}/`)).objects.map(({ key }) => key)
  return { organization, ...source, ids, first: ids[0] ?? '', shown, keysOf }
}

describe('the erasure of content', () => {
  test('takes content and salt for good, and leaves the event as it was', async () => {
    const { organization, admin, first, shown, keysOf } = await withContent()
    const before = await admin(events.get, { id: first })
    expect(await admin(payloads.erase, { id: first, reason: 'Erasure request 12' })).toEqual({ erased: 1 })
    expect(await shown(0)).toEqual({ request: null, salt: false, erased: true })
    expect(await admin(events.reveal, { id: first, reason: 'check' })).toMatchObject({
      erased: { by: 'admin', reason: 'Erasure request 12' },
    })

    expect(await takeErasedAway(plane.services, organization.orgId)).toBe(1)

    expect(await keysOf()).toEqual([])
    expect(await admin(events.get, { id: first })).toEqual(before)
    expect(await admin(payloads.erase, { id: first, reason: 'again' })).toEqual({ erased: 0 })
    const [row] = await plane.owner`select salt, key, object_key from payloads where event_id = ${first}`
    expect(row).toEqual({ salt: null, key: null, object_key: null })
    expect((await organization.recorded()).filter((entry) => entry.includes('payload'))).toEqual([
      'admin payload.erased',
    ])
  })

  test('leaves no copy of salt or key in the statistics of the database', async () => {
    await withContent(Array.from({ length: 20 }, () => undefined))
    await plane.owner`analyze payloads`
    const columns = await plane.owner<{ attname: string }[]>`select attname from pg_stats where tablename = 'payloads'`
    const known = columns.map(({ attname }) => attname)
    expect(known).toContain('event_id')
    for (const secret of ['salt', 'key']) expect(known).not.toContain(secret)
  })

  test('of all that a filter finds leaves the rest, and says how much it was', async () => {
    const { admin, shown } = await withContent([undefined, undefined, undefined])
    expect(await admin(payloads.eraseMany, { filter: 'user_id=usr_ana', reason: 'Erasure request 13' })).toEqual({
      erased: 2,
      more: false,
    })
    expect((await shown(0)).erased).toBe(true)
    expect((await shown(1)).request).toBe('{"secret":1}')
    const { items } = await admin(activity.list, { action: 'payloads.erased' })
    expect(items).toMatchObject([{ after: { filter: 'user_id=usr_ana', events: 2, reason: 'Erasure request 13' } }])
  })

  test('of a time takes what occurred in it', async () => {
    const { admin, shown } = await withContent(['2026-01-10T00:00:00.000Z', '2026-02-10T00:00:00.000Z'])
    const input = { since: '2026-02-01', until: '2026-03-01', reason: 'too much' }
    expect(await admin(payloads.eraseMany, input)).toEqual({ erased: 1, more: false })
    expect([(await shown(0)).erased, (await shown(1)).erased]).toEqual([false, true])
  })

  test('of everything takes the word for it', async () => {
    const { admin } = await withContent()
    await expect(admin(payloads.eraseMany, { reason: 'oops' })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('reaches neither other organisations nor, for a team, events of others', async () => {
    const { organization, first, shown } = await withContent()
    const stranger = await (await plane.organization()).as('role_owner')
    await expect(stranger(payloads.erase, { id: first, reason: 'x' })).rejects.toMatchObject({ code: 'not_found' })
    expect(await stranger(payloads.eraseMany, { since: '1d', reason: 'x' })).toEqual({ erased: 0, more: false })
    const ofTeam = await organization.as(['events:read', 'payloads:erase'], { teamId: 'team_other' })
    await expect(ofTeam(payloads.erase, { id: first, reason: 'x' })).rejects.toMatchObject({ code: 'not_found' })
    expect(await ofTeam(payloads.eraseMany, { since: '1d', reason: 'x' })).toEqual({ erased: 0, more: false })
    expect((await shown(0)).erased).toBe(false)
  })

  test('brings nothing back when its batch is sent once more', async () => {
    const { organization, admin, gateway, event, keysOf } = await withContent()
    const sent = captured(event(), { request: '{}', response: null })
    const batch = { events: [sent.event], captures: [sent.capture] }
    await gateway(events.ingest, batch)
    await admin(payloads.eraseMany, { since: '1h', reason: 'x' })
    await takeErasedAway(plane.services, organization.orgId)
    expect(await gateway(events.ingest, batch)).toEqual({ accepted: 0, duplicates: 1, rejected: [] })
    expect(await keysOf()).toEqual([])
    expect(await admin(events.reveal, { id: sent.event.event_id, reason: 'x' })).toMatchObject({ request: null })
  })
})

describe('a legal hold', () => {
  const TIMES = ['2026-01-10T00:00:00.000Z', '2026-02-10T00:00:00.000Z']

  test('keeps what it covers, is named, and does so until it is released', async () => {
    const { organization, admin, ids, shown } = await withContent(TIMES)
    const hold = await admin(holds.create, { name: 'Case 14', reason: 'notice', since: '2026-02-01' })
    const refused = { code: 'legal_hold', message: expect.stringContaining('Case 14') }
    await expect(admin(payloads.erase, { id: ids[1] ?? '', reason: 'x' })).rejects.toMatchObject(refused)
    await expect(admin(payloads.eraseMany, { since: '2026-01-01', reason: 'x' })).rejects.toMatchObject(refused)
    expect((await shown(0)).erased).toBe(false)
    expect(await admin(payloads.eraseMany, { until: '2026-02-01', reason: 'x' })).toEqual({ erased: 1, more: false })

    await admin(holds.release, { id: hold.id, reason: 'closed' })

    expect(await admin(payloads.erase, { id: ids[1] ?? '', reason: 'x' })).toEqual({ erased: 1 })
    expect((await organization.recorded()).filter((entry) => entry.includes('hold'))).toEqual([
      'admin hold.created',
      'admin hold.released',
    ])
  })

  test('of one organisation binds no other', async () => {
    const { first, admin } = await withContent()
    const other = await (await plane.organization()).as('role_owner')
    const { id } = await other(holds.create, { name: 'Case', reason: 'r' })
    await expect(admin(holds.release, { id, reason: 'x' })).rejects.toMatchObject({ code: 'not_found' })
    expect(await admin(payloads.erase, { id: first, reason: 'x' })).toEqual({ erased: 1 })
  })

  test('is listed while it stands, and afterwards for who asks for all', async () => {
    const admin = await (await plane.organization()).as('role_admin')
    for (const name of ['One', 'Two', 'Three']) await admin(holds.create, { name, reason: 'r' })
    const page = await admin(holds.list, { limit: 2 })
    const rest = await admin(holds.list, { limit: 2, cursor: page.next_cursor ?? undefined })
    expect([...page.items, ...rest.items].map(({ name }) => name)).toEqual(['Three', 'Two', 'One'])
    await admin(holds.release, { id: page.items[0]?.id ?? '', reason: 'r' })
    await admin(holds.release, { id: page.items[0]?.id ?? '', reason: 'again' })
    expect((await admin(holds.list, {})).items).toHaveLength(2)
    expect((await admin(holds.list, { state: 'all' })).items).toHaveLength(3)
    await expect(admin(holds.create, { name: 'x', reason: 'r', since: '1d', until: '2d' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test.each(['role_developer', 'role_reviewer', 'role_auditor'] as const)('is not made by %s', async (role) => {
    const who = await (await plane.organization()).as(role)
    await expect(who(holds.create, { name: 'x', reason: 'r' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(who(payloads.eraseMany, { since: '1d', reason: 'r' })).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('erased content', () => {
  test('cannot be seen although the object store cannot be reached, and leaves it as soon as it can', async () => {
    const { organization, admin, first, shown, keysOf } = await withContent()
    const remove = vi.spyOn(objects, 'delete').mockRejectedValue(away)
    await admin(payloads.erase, { id: first, reason: 'x' })
    await expect(takeErasedAway(plane.services, organization.orgId)).rejects.toThrow(away)
    expect(await shown(0)).toEqual({ request: null, salt: false, erased: true })
    expect(await keysOf()).toHaveLength(1)
    expect((await admin(retention.get, {})).payloads).toMatchObject({ kept: 0, leaving: 2 })
    remove.mockRestore()

    expect(await takeErasedAway(plane.services, organization.orgId)).toBe(1)
    expect(await keysOf()).toEqual([])
    expect((await admin(retention.get, {})).payloads).toMatchObject({ kept: 0, leaving: 0 })
  })

  test('leaves wherever its going was cut off', async () => {
    const { organization, admin, gateway, event, keysOf } = await withContent()
    for (const request of ['{"secret":1}', '{"secret":2}']) {
      const sent = captured(event(), { request, response: null })
      await gateway(events.ingest, { events: [sent.event], captures: [sent.capture] })
    }
    expect(await keysOf()).toHaveLength(3)
    await admin(payloads.eraseMany, { since: '1d', reason: 'x' })
    const remove = objects.delete.bind(objects)
    for (const cut of [0, 1]) {
      let left = cut
      const deleting = vi.spyOn(objects, 'delete').mockImplementation(async (key) => {
        if (left-- <= 0) throw away
        await remove(key)
      })
      await takeErasedAway(plane.services, organization.orgId).catch(() => undefined)
      deleting.mockRestore()
    }
    await takeErasedAway(plane.services, organization.orgId)
    expect(await keysOf()).toEqual([])
    expect((await admin(retention.get, {})).payloads.leaving).toBe(0)
  })

  test('is taken away by whichever worker comes, also when the one that should have was lost', async () => {
    const { admin, first, keysOf } = await withContent()
    await admin(payloads.erase, { id: first, reason: 'x' })
    expect(await keysOf()).toHaveLength(1)
    const jobs = new Jobs({ url: plane.databaseUrl, log: plane.services.log, works: true })
    try {
      await workOnRetention({ ...plane.services, jobs })
      await vi.waitFor(async () => expect(await keysOf()).toEqual([]), { timeout: 15_000, interval: 50 })
    } finally {
      await jobs.close()
    }
  })
})
