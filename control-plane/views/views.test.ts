import { afterAll, expect, test } from 'vitest'
import { members } from '@/lib/contract/members'
import type { RoleId } from '@/lib/contract/permissions'
import { sessions } from '@/lib/contract/sessions'
import { VIEWS_MAX, views } from '@/lib/contract/views'
import { newId } from '@/lib/ids'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

/** An organisation, and whoever is asked for signed in to it. */
async function start() {
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const member = async (name: string, role_id: RoleId) => {
    const account = { email: `${newId('usr')}@example.com`, password: 'a long enough password' }
    const { id } = await owner(members.create, { ...account, name, role_id })
    const { session_token } = await plane.client('')(sessions.create, account)
    return Object.assign(plane.client(session_token), { id })
  }
  return { organization, owner, member }
}

test('a view is of its member alone until it is shared, and a shared one names its owner', async () => {
  const { member, organization } = await start()
  const [ana, ben] = [await member('Ana', 'role_viewer'), await member('Ben', 'role_viewer')]
  await ana(views.save, { name: 'Blocked', query: 'filter=verdict%3Dblock' })
  expect((await ben(views.list, {})).items).toEqual([])
  expect((await ana(views.list, {})).items).toMatchObject([{ name: 'Blocked', mine: true, shared: false }])

  await ana(views.save, { name: 'Blocked', query: 'filter=verdict%3Dblock', shared: true })
  expect((await ben(views.list, {})).items).toMatchObject([
    { name: 'Blocked', query: 'filter=verdict%3Dblock', mine: false, owner: { name: 'Ana' } },
  ])
  await ben(views.save, { name: 'Blocked', query: 'since=7d' })
  expect((await ben(views.list, {})).items).toHaveLength(2)
  expect((await organization.recorded()).filter((entry) => entry.includes('view.'))).toEqual([
    'Ana view.saved',
    'Ana view.saved',
    'Ben view.saved',
  ])
})

test('saving under a known name replaces that view, and the same again is no change', async () => {
  const { member, organization } = await start()
  const ana = await member('Ana', 'role_viewer')
  const { id } = await ana(views.save, { name: 'Slow', query: 'since=7d' })
  expect(await ana(views.save, { name: 'Slow', query: 'since=24h' })).toMatchObject({ id, query: 'since=24h' })
  await ana(views.save, { name: 'Slow', query: 'since=24h' })
  expect((await ana(views.list, {})).items).toHaveLength(1)
  expect((await organization.recorded()).filter((entry) => entry === 'Ana view.saved')).toHaveLength(2)
})

test('views of different pages have names of their own, and are listed apart', async () => {
  const { member } = await start()
  const ana = await member('Ana', 'role_finance')
  const ofHistory = await ana(views.save, { name: 'This week', query: 'since=7d' })
  const ofUsage = await ana(views.save, { page: 'usage', name: 'This week', query: 'group=model&since=7d' })
  expect(ofHistory).toMatchObject({ page: 'history', query: 'since=7d' })
  expect((await ana(views.list, { page: 'usage' })).items).toEqual([ofUsage])
  expect((await ana(views.list, { page: 'history' })).items).toEqual([ofHistory])
  expect((await ana(views.list, {})).items).toHaveLength(2)
})

test('a view is deleted by its member; a shared one also by who may change the organisation', async () => {
  const { member, owner } = await start()
  const [ana, ben, eve] = [
    await member('Ana', 'role_viewer'),
    await member('Ben', 'role_viewer'),
    await member('Eve', 'role_admin'),
  ]
  const shared = await ana(views.save, { name: 'For all', query: '', shared: true })
  const own = await ana(views.save, { name: 'For me', query: '' })
  for (const [who, { id }] of [
    [ben, shared],
    [eve, own],
    [owner, own],
  ] as const) {
    await expect(who(views.delete, { id })).rejects.toMatchObject({ code: 'not_found' })
  }
  await eve(views.delete, { id: shared.id })
  await ana(views.delete, { id: own.id })
  expect((await ana(views.list, {})).items).toEqual([])
})

test('views are listed by name, page by page', async () => {
  const { member } = await start()
  const ana = await member('Ana', 'role_viewer')
  for (const name of ['Slow', 'Blocked', 'Redacted']) await ana(views.save, { name, query: '' })
  const first = await ana(views.list, { limit: 2 })
  const second = await ana(views.list, { limit: 2, cursor: first.next_cursor ?? undefined })
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['Blocked', 'Redacted', 'Slow'])
  expect(second.next_cursor).toBeNull()
})

test('a member has a bounded number of views, also when several are saved at once', async () => {
  const { member, organization } = await start()
  const ana = await member('Ana', 'role_viewer')
  await plane.owner`
    insert into saved_views (org_id, id, user_id, name, query)
    select ${organization.orgId}, 'view_' || at, ${ana.id}, 'View ' || at, '' from generate_series(3, ${VIEWS_MAX}) at`
  const saved = await Promise.allSettled(['A', 'B', 'C', 'D', 'E'].map((name) => ana(views.save, { name, query: '' })))
  expect(saved.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  await expect(ana(views.save, { name: 'One more', query: '' })).rejects.toMatchObject({ code: 'unprocessable' })
})

test.each([
  { name: '', query: '' },
  { name: 'x'.repeat(81), query: '' },
  { name: 'Mine', query: 'a b' },
  { name: 'Mine', query: `\u0000` },
  { name: 'Mine', query: 'x'.repeat(8_001) },
])('what is no view is refused: %j', async (input) => {
  const { owner } = await start()
  await expect(owner(views.save, input)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('a key that is of no member has no views', async () => {
  const { owner } = await start()
  await expect(owner(views.save, { name: 'Mine', query: '' })).rejects.toMatchObject({ code: 'unprocessable' })
  expect((await owner(views.list, {})).items).toEqual([])
})
