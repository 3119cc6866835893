import { scryptSync } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { members } from '@/lib/contract/members'
import { sessions } from '@/lib/contract/sessions'
import { settings } from '@/lib/contract/settings'
import { whoami } from '@/lib/contract/whoami'
import { newId } from '@/lib/ids'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const PASSWORD = 'correct horse battery'
/** With its cost written beside it, a cheap hash is as good as a dear one, and many sign-ins take no time. */
const passwordHash = `scrypt$1024$8$1$c2FsdA$${scryptSync(PASSWORD, 'salt', 32, { N: 1024 }).toString('base64url')}`

let home: TestOrganization
let email: string
let userId: string
beforeEach(async () => {
  home = await plane.organization()
  userId = newId('usr')
  email = `${userId}@example.com`
  await plane.owner`insert into users (org_id, id, email, name, role_id, password_hash)
    values (${home.orgId}, ${userId}, ${email}, 'Ana', 'role_admin', ${passwordHash})`
})

const signIn = (fields: object = {}, ip?: string) =>
  plane.send('POST', '/v1/sessions', { body: JSON.stringify({ email, password: PASSWORD, ...fields }), ip })
const tokenOf = async () => String((await signIn()).json.session_token)

describe('signing in', () => {
  test('opens a session of the member, with a new token each time', async () => {
    const first = await signIn({ email: email.toUpperCase() }, '203.0.113.4')
    expect(first.status).toBe(201)
    expect(first.json).toMatchObject({
      session_token: expect.stringMatching(/^kt_st_/),
      session: { method: 'password', current: true, ip: '203.0.113.4' },
      user: { id: userId, email, name: 'Ana', role_id: 'role_admin' },
    })
    expect((await signIn()).json.session_token).not.toBe(first.json.session_token)
    const me = await plane.client(String(first.json.session_token))(whoami.get, {})
    expect(me).toMatchObject({ actor: { type: 'user', id: userId, email }, role_id: 'role_admin' })
    expect(await home.recorded()).toEqual(['Ana session.created', 'Ana session.created'])
  })

  test('stores the token nowhere', async () => {
    const token = await tokenOf()
    const rows = await plane.owner`select s::text as row from sessions s`
    expect(JSON.stringify(rows)).not.toContain(token)
  })

  test('tells a stranger nothing: unknown address, wrong password, disabled and password-less look the same', async () => {
    await plane.owner`insert into users (org_id, id, email, name, role_id, password_hash, disabled_at)
      values (${home.orgId}, 'usr_d', 'disabled@example.com', 'D', 'role_owner', ${passwordHash}, now())`
    await plane.owner`insert into users (org_id, id, email, name, role_id)
      values (${home.orgId}, 'usr_o', 'oidc@example.com', 'O', 'role_owner')`
    const answers = await Promise.all([
      signIn({ password: 'wrong' }),
      signIn({ email: 'nobody@example.com' }),
      signIn({ email: 'disabled@example.com' }),
      signIn({ email: 'oidc@example.com' }),
    ])
    for (const { json } of answers) {
      expect({ ...json, request_id: '' }).toEqual({ ...answers[0]?.json, request_id: '' })
      expect(json).toMatchObject({ status: 401, code: 'sign_in_failed' })
    }
  })

  test('must wait after five failures, and the count outlives every refusal', async () => {
    for (let i = 0; i < 5; i++) expect((await signIn({ password: 'wrong' })).status).toBe(401)
    const { status, json, headers } = await signIn()
    expect([status, json.code]).toEqual([429, 'rate_limited'])
    const seconds = Number(headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(800)
    expect(headers.get('ratelimit-policy')).toBe('"address";q=5;w=900')
    expect(headers.get('ratelimit')).toBe(`"address";r=0;t=${seconds}`)
    await plane.owner`update sign_in_throttle set blocked_until = now() - interval '1 second' where blocked_until is not null`
    expect((await signIn()).status).toBe(201)
  })

  test('cannot be tried more often by trying at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn({ password: 'wrong' })))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
  })

  test('is forgiven for failures once it succeeds', async () => {
    for (let i = 0; i < 4; i++) await signIn({ password: 'wrong' })
    expect((await signIn()).status).toBe(201)
    for (let i = 0; i < 4; i++) expect((await signIn({ password: 'wrong' })).status).toBe(401)
    expect((await signIn()).status).toBe(201)
  })

  test('is bounded per source as well, whatever address is tried; a success does not count', async () => {
    const ip = '198.51.100.1'
    await signIn({}, ip)
    await plane.owner`update sign_in_throttle set failures = 49 where key = ${`ip:${ip}`}`
    expect((await signIn({ email: 'a@example.com' }, ip)).status).toBe(401)
    expect((await signIn({ email: 'b@example.com' }, ip)).status).toBe(429)
    expect((await signIn({ email: 'b@example.com' }, '198.51.100.2')).status).toBe(401)
  })

  test('counts one network of IPv6 as one source', async () => {
    await signIn({ password: 'wrong' }, '2001:db8:0:7::1')
    await plane.owner`update sign_in_throttle set failures = 50 where key = 'ip:2001:db8:0:7::/64'`
    expect((await signIn({ email: 'a@example.com' }, '2001:db8:0:7::2')).status).toBe(429)
    expect((await signIn({ email: 'b@example.com' }, '2001:db8:0:8::2')).status).toBe(401)
  })

  test('leaves no count behind that is over', async () => {
    await signIn({ email: 'long-ago@example.com' }, '198.51.100.3')
    await plane.owner`update sign_in_throttle set window_started_at = now() - interval '16 minutes', blocked_until = null`
    await signIn({ email: 'a@example.com' }, '198.51.100.4')
    const rows = await plane.owner`select key from sign_in_throttle where key like 'ip:%'`
    expect(rows.map(({ key }) => key)).toEqual(['ip:198.51.100.4'])
  })
})

describe('a session', () => {
  const whois = async (token: string) => plane.send('GET', '/v1/whoami', { token })
  const over = { status: 401, code: 'session_expired' }

  test('ends when it is idle for too long, and not while it is used', async () => {
    const token = await tokenOf()
    await plane.owner`update sessions set last_seen_at = now() - interval '29 minutes' where user_id = ${userId}`
    expect((await whois(token)).status).toBe(200)
    const [seen] =
      await plane.owner`select last_seen_at > now() - interval '1 minute' as now from sessions where user_id = ${userId}`
    expect(seen).toEqual({ now: true })
    await plane.owner`update sessions set last_seen_at = now() - interval '31 minutes' where user_id = ${userId}`
    expect((await whois(token)).json).toMatchObject(over)
  })

  test('ends at its absolute end however much it is used, and follows the settings', async () => {
    const admin = await home.as('role_owner')
    await admin(settings.updateSecurity, { session_absolute_hours: 1, session_idle_minutes: 5 })
    const { json } = await signIn()
    const { created_at, idle_expires_at, absolute_expires_at } = json.session as Record<string, string>
    expect(Date.parse(absolute_expires_at ?? '') - Date.parse(created_at ?? '')).toBe(3_600_000)
    expect(Date.parse(idle_expires_at ?? '') - Date.parse(created_at ?? '')).toBe(300_000)
    await plane.owner`update sessions set absolute_expires_at = now() where user_id = ${userId}`
    expect((await whois(String(json.session_token))).json).toMatchObject(over)
  })

  test('shows the role of now, and is over the moment its member is disabled', async () => {
    const token = await tokenOf()
    const owner = await home.as('role_owner')
    await owner(members.update, { id: userId, role_id: 'role_viewer' })
    expect((await whois(token)).json).toMatchObject({ role_id: 'role_viewer' })
    await owner(members.update, { id: userId, disabled: true })
    expect((await whois(token)).json).toMatchObject(over)
    await owner(members.update, { id: userId, disabled: false })
    expect((await whois(token)).json).toMatchObject(over)
  })

  test('is listed and ended by its member only', async () => {
    const [mine, other] = [await tokenOf(), await tokenOf()]
    const call = plane.client(mine)
    const { items } = await call(sessions.list, {})
    expect(items.map(({ current }) => current)).toEqual([false, true])
    await call(sessions.revoke, { id: items[0]?.id ?? '' })
    await call(sessions.revoke, { id: items[0]?.id ?? '' })
    expect((await whois(other)).json).toMatchObject(over)
    expect((await call(sessions.list, {})).items).toHaveLength(1)

    const owner = await home.as('role_owner')
    expect((await owner(sessions.list, {})).items).toEqual([])
    await expect(owner(sessions.revoke, { id: items[1]?.id ?? '' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(owner(sessions.revoke, { id: 'current' })).rejects.toMatchObject({ code: 'not_found' })
    await call(sessions.revoke, { id: 'current' })
    expect((await whois(mine)).json).toMatchObject(over)
    expect((await home.recorded()).filter((line) => line.endsWith('session.revoked'))).toHaveLength(2)
  })
})
