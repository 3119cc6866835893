import { afterAll, describe, expect, test } from 'vitest'
import { members } from '@/lib/contract/members'
import { tokens } from '@/lib/contract/tokens'
import { whoami } from '@/lib/contract/whoami'
import { createToken, hashToken } from '@/lib/tokens'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const organization = await plane.organization()
const owner = await organization.as('role_owner')

const whois = (authorization: string | undefined) =>
  plane.send('GET', '/v1/whoami', { headers: authorization === undefined ? {} : { authorization } })

const good = owner.token
const swapped = good.slice(0, -1) + (good.endsWith('a') ? 'b' : 'a')

describe('a stranger', () => {
  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', `Basic ${good}`],
    ['no scheme', good],
    ['something else', 'Bearer hello'],
    ['a wrong checksum', `Bearer ${swapped}`],
    ['a well-formed unknown key', `Bearer ${createToken('ak')}`],
    ['a key cut short', `Bearer ${good.slice(0, -1)}`],
    ['a key with something after it', `Bearer ${good}x`],
    ['a very long one', `Bearer ${'k'.repeat(7_000)}`],
    ['SQL', "Bearer ' or 1=1 --"],
  ])('gets the same answer for %s', async (_, authorization) => {
    const { status, json, headers } = await whois(authorization)
    const { request_id, ...problem } = json
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('Bearer')
    expect(problem).toEqual({
      type: '/docs/api#token_invalid',
      title: 'Not authenticated',
      status: 401,
      code: 'token_invalid',
      detail: 'Send a valid access key as a bearer token.',
    })
  })

  test('cannot tell a gateway key from nothing at all', async () => {
    const { key } = await owner(tokens.create, { name: 'gateway', token_type: 'gateway' })
    const { json } = await whois(`Bearer ${key}`)
    expect(json).toMatchObject({ code: 'token_invalid', detail: 'Send a valid access key as a bearer token.' })
  })
})

describe('the holder of a key that once was good is told why it is not', () => {
  const codeOf = async (key: string) => (await whois(`Bearer ${key}`)).json.code

  test('revoked', async () => {
    const { key, token } = await owner(tokens.create, { name: 'to revoke', token_type: 'access' })
    expect((await whois(`Bearer ${key}`)).status).toBe(200)
    await owner(tokens.revoke, { id: token.id })
    expect(await codeOf(key)).toBe('token_revoked')
  })

  test('expired', async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const { key, token } = await owner(tokens.create, { name: 'to expire', token_type: 'access', expires_at })
    expect((await whois(`Bearer ${key}`)).status).toBe(200)
    await plane.owner`update tokens set expires_at = now() - interval '1 second' where id = ${token.id}`
    expect(await codeOf(key)).toBe('token_expired')
  })

  test('rotated out', async () => {
    const made = await owner(tokens.create, { name: 'to rotate', token_type: 'access' })
    const { key } = await owner(tokens.rotate, { id: made.token.id, grace_seconds: 0 })
    expect(await codeOf(made.key)).toBe('token_rotated_out')
    expect((await whois(`Bearer ${key}`)).status).toBe(200)
  })
})

test('a key is who it says and may what it says', async () => {
  const { key, token } = await owner(tokens.create, { name: 'ci', token_type: 'access', permissions: ['events:read'] })
  const me = await plane.client(key)(whoami.get, {})
  expect(me).toMatchObject({
    actor: { type: 'token', id: token.id, name: 'ci', email: null },
    organization: { id: organization.orgId, name: 'Test' },
    permissions: ['events:read'],
    scope: 'org',
  })
})

test('a key never allows more than its creator may now', async () => {
  const secret = createToken('st')
  const admin = await owner(members.create, { email: 'eve@example.com', name: 'Eve', role_id: 'role_admin' })
  await plane.owner`insert into sessions (org_id, id, user_id, hash, method, absolute_expires_at)
    values (${organization.orgId}, 'ses_test', ${admin.id}, ${hashToken(secret)}, 'password', now() + interval '1 hour')`
  const { key } = await plane.client(secret)(tokens.create, {
    name: 'of eve',
    token_type: 'access',
    role_id: 'role_admin',
  })
  expect((await plane.client(key)(whoami.get, {})).permissions).toContain('settings:write')

  await owner(members.update, { id: admin.id, role_id: 'role_viewer' })
  expect((await plane.client(key)(whoami.get, {})).permissions).not.toContain('settings:write')
})

test('when and from where a key was used is known within a flush, off the request', async () => {
  const { key, token } = await owner(tokens.create, { name: 'used', token_type: 'access' })
  await plane.send('GET', '/v1/whoami', { token: key, ip: '203.0.113.7' })
  await plane.send('GET', '/v1/whoami', { token: key, ip: '203.0.113.8' })
  expect((await owner(tokens.get, { id: token.id })).last_used_at).toBeNull()
  await plane.services.uses.flush()
  expect((await owner(tokens.get, { id: token.id })).last_used_at).not.toBeNull()
})

test('an old secret shows who still uses it since the rotation', async () => {
  const { key, token } = await owner(tokens.create, { name: 'rotating', token_type: 'access' })
  await plane.send('GET', '/v1/whoami', { token: key, ip: '203.0.113.6' })
  await plane.services.uses.flush()
  const { token: rotated } = await owner(tokens.rotate, { id: token.id })
  expect(rotated.previous_secret).toMatchObject({ use_count: 0, last_used_at: null, source_ips: [] })

  await plane.send('GET', '/v1/whoami', { token: key, ip: '203.0.113.7' })
  await plane.send('GET', '/v1/whoami', { token: key, ip: '203.0.113.8' })
  await plane.services.uses.flush()
  const { previous_secret } = await owner(tokens.get, { id: token.id })
  expect(previous_secret).toMatchObject({ use_count: 2 })
  expect(previous_secret?.source_ips.toSorted()).toEqual(['203.0.113.7', '203.0.113.8'])
})
