import { afterAll, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { organization } from '@/lib/contract/organization'
import { SECURITY_DEFAULTS, settings } from '@/lib/contract/settings'
import { ensureInstallation } from '../installation/commands'
import type { PushSignal } from '../push'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

test('settings are the defaults until somebody changes them; a change is recorded and told to gateways', async () => {
  const home = await plane.organization()
  const owner = await home.as('role_owner')
  expect(await owner(settings.getSecurity, {})).toMatchObject(SECURITY_DEFAULTS)
  const heard: PushSignal[] = []
  const stop = plane.services.hub.subscribe(home.orgId, (signal) => heard.push(signal))

  const changed = await owner(settings.updateSecurity, {
    payload_capture: 'full',
    key_lifetime_days_max: 90,
    session_idle_minutes: 30,
  })
  expect(changed).toMatchObject({ ...SECURITY_DEFAULTS, payload_capture: 'full', key_lifetime_days_max: 90 })
  expect((await owner(settings.updateSecurity, { key_lifetime_days_max: null })).key_lifetime_days_max).toBeNull()
  await owner(settings.updateSecurity, {})

  const { items } = await owner(activity.list, {})
  expect(items).toMatchObject([
    { before: { key_lifetime_days_max: 90 }, after: { key_lifetime_days_max: null } },
    {
      action: 'settings.security_updated',
      before: { payload_capture: 'redacted', key_lifetime_days_max: null },
      after: { payload_capture: 'full', key_lifetime_days_max: 90 },
    },
  ])
  expect(items).toHaveLength(2)
  await expect.poll(() => heard.filter((signal) => signal.kind === 'settings')).toHaveLength(2)
  stop()
})

test.each([
  { session_idle_minutes: 1 },
  { session_absolute_hours: 0 },
  { key_lifetime_days_max: 0 },
  { key_expiry_required: 'yes' },
  { payload_capture: 'some' },
  { payloads_retention_days: 0 },
  { events_retention_days: 6 },
  { events_retention_days: 'for ever' },
  { max_offline_key_age_seconds: -1 },
  { unknown: true },
])('a setting that cannot be is refused: %j', async (body) => {
  const owner = await (await plane.organization()).as('role_owner')
  const { status } = await plane.send('PATCH', '/v1/settings/security', {
    token: owner.token,
    body: JSON.stringify(body),
  })
  expect(status).toBe(400)
})

test('the activity of an organisation pages by position, filters, and answers under its other name', async () => {
  const home = await plane.organization('Zero')
  const owner = await home.as('role_owner')
  for (const name of ['One', 'Two', 'Three', 'Three']) await owner(organization.update, { name })
  const first = await owner(activity.list, { limit: 2 })
  const second = await owner(activity.list, { limit: 2, cursor: first.next_cursor ?? undefined })
  expect([...first.items, ...second.items].map(({ seq, after }) => [seq, after])).toEqual([
    [3, { name: 'Three' }],
    [2, { name: 'Two' }],
    [1, { name: 'One' }],
  ])
  expect(second.next_cursor).toBeNull()
  expect(
    (await owner(activity.list, { since: '1h', action: 'organization.renamed', target_id: home.orgId })).items,
  ).toHaveLength(3)
  expect((await owner(activity.list, { until: '1h' })).items).toEqual([])
  expect((await owner(activity.list, { actor_id: 'tok_nobody' })).items).toEqual([])
  expect((await plane.send('GET', '/v1/audit-log', { token: owner.token })).json.items).toHaveLength(3)
})

test('positions in the activity have no gap, however many write at once', async () => {
  const home = await plane.organization()
  const owner = await home.as('role_owner')
  await Promise.all(Array.from({ length: 40 }, (_, i) => owner(organization.update, { name: `Name ${i}` })))
  const { items } = await owner(activity.list, { limit: 200 })
  expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => items.length - index))
})

test('an installation is made once, however many start at the same time', async () => {
  const first = { adminEmail: 'Admin@Localhost', adminPassword: 'a long enough password' }
  const made = await Promise.all([1, 2, 3].map(() => ensureInstallation(plane.services, first)))
  expect(new Set(made.map(({ orgId }) => orgId)).size).toBe(1)
  expect(made.filter(({ created }) => created)).toHaveLength(1)
  expect(await ensureInstallation(plane.services, { ...first, adminPassword: 'another one' })).toMatchObject({
    created: false,
  })
  const signedIn = await plane.send('POST', '/v1/sessions', {
    body: JSON.stringify({ email: 'admin@localhost', password: first.adminPassword }),
  })
  expect(signedIn.json.user).toMatchObject({ email: 'admin@localhost', role_id: 'role_owner' })
})
