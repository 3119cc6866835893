import { afterAll, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events } from '@/lib/contract/events'
import { members } from '@/lib/contract/members'
import { notifications, UNREAD_MAX } from '@/lib/contract/notifications'
import type { RoleId } from '@/lib/contract/permissions'
import { sessions } from '@/lib/contract/sessions'
import { newId } from '@/lib/ids'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

/** An organisation with a gateway, and whoever is asked for signed in to it. */
async function start() {
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const gateway = await gatewayOf(organization)
  const member = async (role_id: RoleId) => {
    const account = { email: `${newId('usr')}@example.com`, password: 'a long enough password' }
    await owner(members.create, { ...account, name: 'Ana', role_id })
    return plane.client((await plane.client('')(sessions.create, account)).session_token)
  }
  const quarantine = (what: object = { nothing: newId('req') }) => gateway.gateway(events.ingest, { events: [what] })
  const spend = (total_cost_usd: string) => {
    const event = gateway.event()
    const cost = { ...event.event_cost_attribution, total_cost_usd }
    return gateway.gateway(events.ingest, { events: [{ ...event, event_cost_attribution: cost }] })
  }
  return { organization, owner, member, quarantine, spend }
}

test('members are told of thresholds and of quarantined events, each once, newest first', async () => {
  const { owner, member, quarantine, spend } = await start()
  const ana = await member('role_admin')
  await owner(budgets.create, { name: 'Soft', limit_usd: '1', hard: false, thresholds: [50, 100] })
  await owner(budgets.create, { name: 'Hard', limit_usd: '1', thresholds: [50, 100] })
  await spend('0.6')
  await quarantine({ same: true })
  await quarantine({ same: true })
  await spend('0.6')
  await spend('0.6')
  const { items, unread } = await ana(notifications.list, {})
  expect(items.slice(0, 2).map(({ target }) => target.name)).toEqual(expect.arrayContaining(['Hard', 'Soft']))
  expect(items.map(({ kind, severity, target, detail }) => [kind, severity, target.name, detail.percent])).toEqual(
    expect.arrayContaining([
      ['budget.threshold_reached', 'critical', 'Hard', 100],
      ['budget.threshold_reached', 'warning', 'Hard', 50],
      ['budget.threshold_reached', 'warning', 'Soft', 100],
      ['budget.threshold_reached', 'warning', 'Soft', 50],
      ['events.quarantined', 'warning', null, undefined],
    ]),
  )
  expect(items).toHaveLength(5)
  expect(items.map(({ seq }) => seq)).toEqual(items.map(({ seq }) => seq).toSorted((a, b) => b - a))
  expect([unread, items.some(({ read }) => read)]).toEqual([5, false])
})

test('what a member has read stays read, for that member alone and never beyond what there was', async () => {
  const { member, quarantine } = await start()
  const [ana, ben] = [await member('role_viewer'), await member('role_viewer')]
  for (let n = 0; n < 3; n++) await quarantine()
  const [newest, second] = (await ana(notifications.list, {})).items
  expect(await ana(notifications.markRead, { until_seq: second?.seq ?? 0 })).toEqual({ unread: 1 })
  expect((await ana(notifications.list, {})).items.map(({ read }) => read)).toEqual([false, true, true])
  expect(await ana(notifications.markRead, { until_seq: 0 })).toEqual({ unread: 1 })
  expect(await ana(notifications.markRead, { until_seq: Number.MAX_SAFE_INTEGER })).toEqual({ unread: 0 })
  await quarantine()
  expect((await ana(notifications.list, {})).items.map(({ read }) => read)).toEqual([false, true, true, true])
  expect((await ben(notifications.list, {})).unread).toBe(4)
  expect(newest?.read).toBe(false)
})

test('a member that has just come is told of nothing that was before', async () => {
  const { member, quarantine } = await start()
  await quarantine()
  const late = await member('role_viewer')
  expect(await late(notifications.list, {})).toMatchObject({ unread: 0, items: [{ read: true }] })
  await quarantine()
  expect((await late(notifications.list, {})).unread).toBe(1)
})

test('everybody is told only of what they may read', async () => {
  const { organization, member, quarantine, owner, spend } = await start()
  await owner(budgets.create, { name: 'All', limit_usd: '1', thresholds: [50] })
  await quarantine()
  await spend('0.6')
  const kindsFor = async (caller: ReturnType<typeof plane.client>) =>
    (await caller(notifications.list, {})).items.map(({ kind }) => kind).toSorted()
  expect(await kindsFor(await member('role_owner'))).toEqual(['budget.threshold_reached', 'events.quarantined'])
  expect(await kindsFor(await organization.as(['spend:read']))).toEqual(['budget.threshold_reached'])
  expect(await kindsFor(await organization.as(['events:read']))).toEqual(['events.quarantined'])
  expect(await kindsFor(await organization.as(['tokens:read']))).toEqual([])
  expect(await kindsFor(await organization.as(['spend:read', 'events:read'], { teamId: 'team_a' }))).toEqual([])
  const other = await plane.organization()
  expect(await kindsFor(await other.as('role_owner'))).toEqual([])
})

test('a key without a member reads them, and marks none', async () => {
  const { organization, quarantine } = await start()
  await quarantine()
  const key = await organization.as(['events:read'])
  expect(await key(notifications.list, {})).toMatchObject({ unread: 1, items: [{ read: false }] })
  await expect(key(notifications.markRead, { until_seq: 1 })).rejects.toMatchObject({ code: 'unprocessable' })
})

test('pages follow each other without a gap, and no more than a hundred are counted', async () => {
  const { organization, member, quarantine } = await start()
  const ana = await member('role_viewer')
  for (let n = 0; n < UNREAD_MAX + 5; n++) await quarantine()
  const seen: number[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await ana(notifications.list, { limit: 40, ...(cursor === undefined ? {} : { cursor }) })
    expect(page.unread).toBe(UNREAD_MAX)
    seen.push(...page.items.map(({ seq }) => seq))
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  expect(new Set(seen).size).toBe(UNREAD_MAX + 5)
  expect((await organization.recorded()).filter((entry) => entry.endsWith('events.quarantined'))).toHaveLength(
    UNREAD_MAX + 5,
  )
})
