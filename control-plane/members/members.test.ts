import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { members } from '@/lib/contract/members'
import { sessions } from '@/lib/contract/sessions'
import { tokens } from '@/lib/contract/tokens'
import { whoami } from '@/lib/contract/whoami'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

let home: TestOrganization
let owner: Awaited<ReturnType<TestOrganization['as']>>
beforeEach(async () => {
  home = await plane.organization()
  owner = await home.as('role_owner')
})

const add = (name: string, role_id: 'role_owner' | 'role_admin' | 'role_viewer' = 'role_viewer') =>
  owner(members.create, { email: `${name}@Example.com`, name, role_id })

describe('a member', () => {
  test('is added once per address, whatever its case, and listed in order', async () => {
    const ana = await add('ana')
    expect(ana).toMatchObject({
      email: 'ana@example.com',
      role_id: 'role_viewer',
      disabled: false,
      last_sign_in_at: null,
    })
    await expect(add('ANA')).rejects.toMatchObject({ code: 'name_taken' })
    await add('ben')
    const page = await owner(members.list, { limit: 1 })
    const rest = await owner(members.list, { limit: 5, cursor: page.next_cursor ?? undefined })
    expect([...page.items, ...rest.items].map(({ name }) => name)).toEqual(['ana', 'ben'])
    expect(await home.recorded()).toEqual(['owner member.created', 'owner member.created'])
  })

  test('gets no role wider than that of the one who gives it', async () => {
    const admin = await home.as('role_admin')
    const refused = admin(members.create, { email: 'o@example.com', name: 'O', role_id: 'role_owner' })
    await expect(refused).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('org:billing') })
    const viewer = await add('vi')
    await expect(admin(members.update, { id: viewer.id, role_id: 'role_owner' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect((await admin(members.update, { id: viewer.id, role_id: 'role_admin' })).role_id).toBe('role_admin')
  })

  test('above oneself can be neither demoted nor disabled', async () => {
    const admin = await home.as('role_admin')
    const boss = await add('boss', 'role_owner')
    await add('second', 'role_owner')
    for (const change of [{ role_id: 'role_viewer' as const }, { disabled: true }]) {
      await expect(admin(members.update, { id: boss.id, ...change })).rejects.toMatchObject({ code: 'forbidden' })
    }
  })

  test('who is the last owner stays one, also when two leave at once', async () => {
    const [a, b] = [await add('a', 'role_owner'), await add('b', 'role_owner')]
    const left = await Promise.allSettled([
      owner(members.update, { id: a.id, role_id: 'role_viewer' }),
      owner(members.update, { id: b.id, disabled: true }),
    ])
    expect(left.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(left.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'conflict', status: 409 })
  })

  test('is recorded with what changed, and not when nothing did', async () => {
    const ana = await add('ana')
    await owner(members.update, { id: ana.id, name: 'Ana' })
    await owner(members.update, { id: ana.id, name: 'Ana', disabled: false })
    const { json } = await plane.send('GET', '/v1/activity?action=member.updated', { token: owner.token })
    expect(json.items).toMatchObject([{ before: { name: 'ana' }, after: { name: 'Ana' } }])
  })

  test.each([
    ['email', { email: 'nobody', name: 'x', role_id: 'role_viewer' }],
    ['role_id', { email: 'a@example.com', name: 'x', role_id: 'role_god' }],
    ['password', { email: 'a@example.com', name: 'x', role_id: 'role_viewer', password: 'short' }],
  ])('with a wrong %s is refused by that name', async (path, body) => {
    const { status, json } = await plane.send('POST', '/v1/members', { token: owner.token, body: JSON.stringify(body) })
    expect([status, json.errors]).toMatchObject([400, [{ path }]])
  })
})

describe('the keys of a member', () => {
  const password = 'a long enough password'

  test('allow no more than the member may do now, also a key that was made by a key', async () => {
    const email = `eve-${home.orgId}@example.com`
    const eve = await owner(members.create, { email, name: 'eve', role_id: 'role_admin', password })
    const { session_token } = await plane.client('')(sessions.create, { email, password })
    const first = await plane.client(session_token)(tokens.create, {
      name: 'first',
      token_type: 'access',
      role_id: 'role_admin',
    })
    const second = await plane.client(first.key)(tokens.create, {
      name: 'second',
      token_type: 'access',
      role_id: 'role_admin',
    })
    expect((await plane.client(second.key)(whoami.get, {})).permissions).toContain('settings:write')

    await owner(members.update, { id: eve.id, role_id: 'role_viewer' })
    for (const { key } of [first, second]) {
      expect((await plane.client(key)(whoami.get, {})).permissions).not.toContain('settings:write')
    }
    await owner(members.update, { id: eve.id, disabled: true })
    for (const { key } of [first, second]) {
      expect((await plane.client(key)(whoami.get, {})).permissions).toEqual([])
    }
  })
})
