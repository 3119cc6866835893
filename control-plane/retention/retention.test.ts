import { hash } from 'node:crypto'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { holds } from '@/lib/contract/holds'
import { retention } from '@/lib/contract/retention'
import { settings } from '@/lib/contract/settings'
import { trail } from '@/lib/contract/trail'
import { canonicalJson } from '@/lib/trail/canonical'
import { gatewayOf } from '../events/testing'
import { createHold } from '../holds/commands'
import { captured } from '../payloads/testing'
import { asSystem } from '../system'
import { startControlPlane } from '../testing'
import { retireMonth } from './commands'
import { runRetention } from './run'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { services, owner } = plane

/** The month so many months before this one, `2026-04`. */
function ago(months: number): string {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months)).toISOString().slice(0, 7)
}

/** Months of the default partition get their own when events are in them. */
const ensureMonths = () => owner`select ensure_event_months(3)`
const run = () => runRetention(services, new Date())
const isThere = async (month: string) => {
  const [row] = await owner`select to_regclass(${`events_${month.replace('-', '_')}`}) is not null as there`
  return row?.there === true
}

async function home(days: number | null) {
  const organization = await plane.organization()
  const source = await gatewayOf(organization)
  await source.admin(settings.updateSecurity, { payload_capture: 'full', events_retention_days: days })
  const record = async (...times: string[]) => {
    const sent = times.map((timestamp) => source.event({ timestamp }))
    await source.gateway(events.ingest, { events: sent })
    return sent.map(({ event_id }) => event_id)
  }
  const sign = () => source.admin(trail.sign, {})
  const monthOf = async (month: string) =>
    (await source.admin(retention.get, {})).months.find((one) => one.month === month)
  return { organization, ...source, record, sign, monthOf }
}

describe('a month of events', () => {
  test('is dropped once everybody who has events in it lets it go, and what remains explains the gap', async () => {
    const one = await home(30)
    const two = await home(null)
    const [first] = await one.record(`${ago(9)}-02T00:00:00.000Z`, `${ago(9)}-03T00:00:00.000Z`)
    await one.record(`${ago(8)}-02T00:00:00.000Z`)
    await one.record(`${ago(9)}-04T00:00:00.000Z`)
    await two.record(`${ago(9)}-05T00:00:00.000Z`)
    await ensureMonths()
    expect(await one.monthOf(ago(9))).toMatchObject({ state: 'unsigned', events: 3 })
    await one.sign()
    await two.sign()
    expect(await one.monthOf(ago(9))).toMatchObject({
      state: 'due',
      droppable_from: new Date(Date.parse(`${ago(8)}-01`) + 30 * 86_400_000).toISOString(),
    })

    await run()
    expect(await isThere(ago(9))).toBe(true)
    expect(await two.monthOf(ago(9))).toMatchObject({ state: 'kept', droppable_from: null })
    expect(await isThere(ago(8))).toBe(false)

    const before = await one.admin(events.list, { since: `${ago(9)}-01`, until: `${ago(8)}-01` })
    const placesOf = before.items.map(({ seq }) => seq).toSorted((a, b) => a - b)
    await two.admin(settings.updateSecurity, { events_retention_days: 60 })
    await run()

    expect(await isThere(ago(9))).toBe(false)
    await expect(one.admin(events.get, { id: first ?? '' })).rejects.toMatchObject({ code: 'not_found' })
    expect((await one.admin(events.list, { since: `${ago(11)}-01` })).items).toEqual([])
    const [row] = await owner`
      select events, ranges from retirements where org_id = ${one.organization.orgId} and month = ${`${ago(9)}-01`}`
    const [a = 0, b = 0, c = 0] = placesOf
    expect(b).toBe(a + 1)
    expect(row).toEqual({
      events: '3',
      ranges: [
        [a, b],
        [c, c],
      ],
    })
    const { items } = await one.admin(activity.list, { action: 'events.retired' })
    expect(items.map(({ after }) => after)).toContainEqual({
      month: ago(9),
      events: 3,
      first_seq: a,
      last_seq: c,
      ranges_sha256: hash(
        'sha256',
        canonicalJson([
          [a, b],
          [c, c],
        ]),
        'hex',
      ),
    })
    expect(await one.monthOf(ago(9))).toMatchObject({ state: 'retired', events: 3 })
    // At once, and not only after the digest of the next hour.
    const { result } = await one.admin(trail.verify, { start_time: '1h', deep_verify: true, wait: true })
    expect(result?.chain_integrity).toBe('valid')
    expect(new Set(result?.findings.map(({ state }) => state))).toEqual(new Set(['EVENT_RETIRED']))
    // Totals stay, and what comes now is recorded and found as before.
    const histogram = await one.admin(events.histogram, { since: `${ago(9)}-01`, until: `${ago(8)}-01` })
    expect(histogram.totals.allow).toBe(3)
    const [next] = await one.record(new Date().toISOString())
    expect((await one.admin(events.list, {})).items.map(({ event_id }) => event_id)).toEqual([next])
  })

  test.each([
    ['a hold that is open to both sides', {}],
    ['a hold that begins in it', { since: `${ago(6)}-28T12:00:00Z` }],
    ['a hold that ends in it', { until: `${ago(6)}-01T00:00:01Z` }],
  ])('stays under %s', async (_, bounds) => {
    const one = await home(30)
    await one.record(`${ago(6)}-10T00:00:00.000Z`)
    await ensureMonths()
    await one.sign()
    const hold = await one.admin(holds.create, { name: 'Case', reason: 'r', ...bounds })
    await one.sign()
    expect(await one.monthOf(ago(6))).toMatchObject({ state: 'held', holds: ['Case'] })
    await run()
    expect(await isThere(ago(6))).toBe(true)
    await one.admin(holds.release, { id: hold.id, reason: 'r' })
    await run()
    expect(await isThere(ago(6))).toBe(false)
  })

  test.each([
    ['over a month of another time', { since: `${ago(4)}-01` }],
    ['that ended before it', { until: `${ago(5)}-01` }],
  ])('does not stay for a hold %s', async (_, bounds) => {
    const one = await home(30)
    await one.record(`${ago(5)}-10T00:00:00.000Z`)
    await ensureMonths()
    await one.admin(holds.create, { name: 'Case', reason: 'r', ...bounds })
    await one.sign()
    await run()
    expect(await isThere(ago(5))).toBe(false)
  })

  test('stays while the trail is in alarm, has not signed it, or has not got its hashes', async () => {
    const one = await home(30)
    const org = one.organization.orgId
    await one.record(`${ago(7)}-10T00:00:00.000Z`)
    await ensureMonths()
    await run()
    expect(await isThere(ago(7))).toBe(true)
    await one.sign()
    await owner`update trail_state set alarm = 'modified' where org_id = ${org}`
    await run()
    expect(await one.monthOf(ago(7))).toMatchObject({ state: 'unsigned' })
    const [state] = await owner`select integrated_size as size from trail_state where org_id = ${org}`
    await owner`update trail_state set alarm = null, integrated_size = 0 where org_id = ${org}`
    await run()
    expect(await isThere(ago(7))).toBe(true)
    await owner`update trail_state set integrated_size = ${state?.size} where org_id = ${org}`
    await run()
    expect(await isThere(ago(7))).toBe(false)
  })

  test('stays for a hold that is made while it is about to be dropped', async () => {
    const one = await home(30)
    await one.record(`${ago(2)}-10T00:00:00.000Z`)
    await ensureMonths()
    await one.sign()
    const { orgId } = one.organization
    let dropping: Promise<unknown> = Promise.resolve()
    await asSystem(services, orgId, async (ctx) => {
      await createHold(ctx, { name: 'Case', reason: 'r' })
      dropping = retireMonth(services, ago(2)).catch((thrown: unknown) => thrown)
      const waiting = () => owner`
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      await vi.waitFor(async () => expect(await waiting()).not.toHaveLength(0), { timeout: 5_000 })
    })
    expect(await dropping).toBeInstanceOf(Error)
    expect(await isThere(ago(2))).toBe(true)
  })

  test('takes the content of its events with it, and not before all else lets it go', async () => {
    const one = await home(30)
    const sent = captured(one.event({ timestamp: `${ago(10)}-10T00:00:00.000Z` }), { request: '{}', response: '[]' })
    await one.gateway(events.ingest, { events: [sent.event], captures: [sent.capture] })
    await ensureMonths()
    const list = async () => (await services.objects.list(`${one.organization.orgId}/`)).objects
    await run()
    expect(await list()).toHaveLength(1)
    await one.sign()
    await run()
    expect(await isThere(ago(10))).toBe(false)
    expect(await list()).toEqual([])
    expect(await owner`select from payloads where event_id = ${sent.event.event_id}`).toHaveLength(0)
  })

  test('is dropped although its content lies in one object with that of a month that stays', async () => {
    const one = await home(30)
    const sent = [`${ago(11)}-10T00:00:00.000Z`, new Date().toISOString()].map((timestamp) =>
      captured(one.event({ timestamp }), { request: '{}', response: '[]' }),
    )
    await one.gateway(events.ingest, {
      events: sent.map(({ event }) => event),
      captures: sent.map(({ capture }) => capture),
    })
    await ensureMonths()
    await one.sign()

    await run()

    expect(await isThere(ago(11))).toBe(false)
    const [gone = '', stays = ''] = sent.map(({ event }) => event.event_id)
    expect(await owner`select from payloads where event_id = ${gone}`).toHaveLength(0)
    expect(await one.admin(events.reveal, { id: stays, reason: 'check' })).toMatchObject({ response: btoa('[]') })
  })

  test('that got late events after it was dropped is dropped again, with a row of its own', async () => {
    const one = await home(30)
    for (const day of ['10', '11']) {
      await one.record(`${ago(3)}-${day}T00:00:00.000Z`)
      await ensureMonths()
      await one.sign()
      await run()
      expect(await isThere(ago(3))).toBe(false)
    }
    const rows = await owner`select events from retirements where org_id = ${one.organization.orgId}`
    expect(rows).toEqual([{ events: '1' }, { events: '1' }])
  })
})

describe('the database itself', () => {
  test.each(['2020-01', '2020-1', "2020-01'; drop table events; --", 'default', '9999-12'])(
    'drops no month %s',
    async (month) => {
      await expect(retireMonth(services, month)).rejects.toThrow()
      const [row] = await owner`select to_regclass('events_default') is not null as there`
      expect(row?.there).toBe(true)
    },
  )

  test('drops nothing that the application alone wants dropped', async () => {
    const one = await home(null)
    await one.record(`${ago(11)}-10T00:00:00.000Z`)
    await ensureMonths()
    await one.sign()
    await expect(retireMonth(services, ago(11))).rejects.toThrow()
    const current = new Date().toISOString().slice(0, 7)
    await expect(retireMonth(services, current)).rejects.toThrow()
    expect([await isThere(ago(11)), await isThere(current)]).toEqual([true, true])
    for (const statement of [
      `drop table events_${ago(11).replace('-', '_')}`,
      'delete from events',
      `truncate events_${ago(11).replace('-', '_')}`,
      'insert into legal_holds select * from legal_holds where false; delete from retirements',
    ]) {
      await expect(plane.database.sql.unsafe(statement)).rejects.toThrow(/permission denied|must be owner/)
    }
  })
})

test('content goes when its time is over; what a hold covers and what is younger stays', async () => {
  const one = await home(null)
  const contents = [2, 1, 0]
    .map((months) => `${ago(months)}-01T00:00:00.000Z`)
    .map((timestamp) => captured(one.event({ timestamp }), { request: '{}', response: null }))
  await one.gateway(events.ingest, {
    events: contents.map(({ event }) => event),
    captures: contents.map(({ capture }) => capture),
  })
  const ids = contents.map(({ event }) => event.event_id)
  await owner`update payloads set stored_at = now() - interval '11 days' where event_id = any(${ids.slice(0, 2)})`
  await one.admin(holds.create, { name: 'Case', reason: 'r', since: `${ago(1)}-01`, until: `${ago(0)}-01` })
  await run()
  const erased = async () =>
    Promise.all(ids.map(async (id) => (await one.admin(events.reveal, { id, reason: 'x' })).erased?.reason ?? null))
  expect(await erased()).toEqual([null, null, null])

  await one.admin(settings.updateSecurity, { payloads_retention_days: 10 })
  expect((await one.admin(retention.get, {})).payloads).toMatchObject({ kept: 3, due: 2 })
  await run()

  expect(await erased()).toEqual(['older than 10 days', null, null])
  const { items } = await one.admin(activity.list, { action: 'payloads.expired' })
  expect(items).toMatchObject([{ actor: { type: 'system' }, after: { events: 1 } }])
})

test('months are there before they begin', async () => {
  await owner`drop table ${owner(`events_${ago(-3).replace('-', '_')}`)}`
  await run()
  expect(await isThere(ago(-3))).toBe(true)
})
