import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { whoami } from '@/lib/contract/whoami'
import { ensureInstallation } from '../installation/commands'
import { startControlPlane, type TestPlane } from '../testing'

const CLIENT = {
  client_id: 'console',
  client_secret: 'a secret of this test',
  redirect_uris: ['http://localhost:3000/callback'],
}
const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const key = { ...(await exportJWK(privateKey)), kid: 'test', use: 'sig', alg: 'RS256' }

const server = createServer((request, response) => handler(request, response))
let handler: ReturnType<Provider['callback']>
let issuer: string
let plane: TestPlane
let orgId: string

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [CLIENT],
    jwks: { keys: [key] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@Example.com`,
        email_verified: id !== 'unverified',
        name: `Name of ${id}`,
      }),
    }),
    cookies: { keys: ['a key of this test'] },
    pkce: { required: () => false },
  })
  handler = provider.callback()
  plane = await startControlPlane({
    oidc: { issuer, clientId: CLIENT.client_id, defaultRole: 'role_viewer', trustEmail: false },
  })
  const installed = await ensureInstallation(plane.services, {
    adminEmail: 'ada@example.com',
    adminPassword: 'a password of this test',
  })
  orgId = installed.orgId
})
afterAll(async () => {
  await plane.stop()
  server.closeAllConnections()
  server.close()
})

/** Signs in at the provider as a browser would, and exchanges the code for an ID token as the console does. */
async function idTokenOf(login: string): Promise<string> {
  const cookies = new Map<string, string>()
  const visit = async (url: string, form?: Record<string, string>) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(url, issuer), {
      redirect: 'manual',
      headers: { cookie },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/)
      cookies.set(name, value)
    }
    return response
  }
  const query = new URLSearchParams({
    client_id: CLIENT.client_id,
    redirect_uri: CLIENT.redirect_uris[0] ?? '',
    response_type: 'code',
    scope: 'openid email profile',
  })
  let next = (await visit(`/auth?${query}`)).headers.get('location') ?? ''
  for (let step = 0; step < 10 && !next.startsWith('http://localhost:3000'); step++) {
    const isForm = next.includes('/interaction/')
    const page = isForm ? await (await visit(next)).text() : ''
    const prompt: Record<string, string> = page.includes('name="login"')
      ? { prompt: 'login', login, password: 'any' }
      : { prompt: 'consent' }
    next = (await visit(next, isForm ? prompt : undefined)).headers.get('location') ?? ''
  }
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${CLIENT.client_id}:${encodeURIComponent(CLIENT.client_secret)}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(next).searchParams.get('code') ?? '',
      redirect_uri: CLIENT.redirect_uris[0] ?? '',
    }),
  })
  const { id_token } = (await response.json()) as { id_token: string }
  return id_token
}

const exchange = (id_token: string, ip?: string) =>
  plane.send('POST', '/v1/sessions/oidc', { body: JSON.stringify({ id_token }), ip })

/** An ID token with the provider's own key, right in all but what is given. */
function forge(claims: JWTPayload, signer: CryptoKey = privateKey, header: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  return new SignJWT({
    iss: issuer,
    aud: CLIENT.client_id,
    sub: 'eve',
    email: 'ada@example.com',
    email_verified: true,
    iat: now,
    exp: now + 300,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'test', ...header })
    .sign(signer)
}

describe('an ID token of the provider', () => {
  test('makes a stranger a member with the default role, and opens one session', async () => {
    const idToken = await idTokenOf('grace')
    const { status, json } = await exchange(idToken)
    expect([status, json]).toMatchObject([
      201,
      {
        user: { email: 'grace@example.com', name: 'Name of grace', role_id: 'role_viewer' },
        session: { method: 'oidc' },
      },
    ])
    const me = await plane.client(String(json.session_token))(whoami.get, {})
    expect(me.organization.id).toBe(orgId)
    expect(await exchange(idToken)).toMatchObject({ status: 401, json: { code: 'sign_in_failed' } })
  })

  test('opens one session even when thirty present it at once', async () => {
    const idToken = await forge({ email: 'twin@example.com' })
    const answers = await Promise.all(Array.from({ length: 30 }, () => exchange(idToken)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(29)
  })

  test('signs in the member with that address, and not when disabled', async () => {
    const { json } = await exchange(await idTokenOf('ada'))
    expect(json.user).toMatchObject({ email: 'ada@example.com', role_id: 'role_owner', name: 'Administrator' })
    await plane.owner`update users set disabled_at = now() where email = 'ada@example.com'`
    expect(await exchange(await idTokenOf('ada'))).toMatchObject({ status: 401, json: { code: 'sign_in_failed' } })
    await plane.owner`update users set disabled_at = null where email = 'ada@example.com'`
  })

  test('is not looked at when its network has failed too often; a success does not count', async () => {
    const ip = '198.51.100.7'
    const failures = () => plane.owner`select failures from sign_in_throttle where key = ${`ip:${ip}`}`
    expect((await exchange(await forge({ jti: '1' }), ip)).status).toBe(201)
    expect(await failures()).toMatchObject([{ failures: 0 }])
    await plane.owner`update sign_in_throttle set failures = 49 where key = ${`ip:${ip}`}`
    expect((await exchange('hello', ip)).status).toBe(401)

    const { status, headers } = await exchange(await forge({ jti: '2' }), ip)
    expect([status, headers.get('ratelimit-policy')]).toEqual([429, '"network";q=50;w=900'])
    expect((await exchange(await forge({ jti: '3' }), '198.51.100.8')).status).toBe(201)
  })

  test('is not believed about an address that was not verified', async () => {
    expect((await exchange(await idTokenOf('unverified'))).status).toBe(401)
  })
})

describe('a token that is not one is refused', () => {
  const now = () => Math.floor(Date.now() / 1_000)
  test.each<[string, () => Promise<string>]>([
    ['not a token', async () => 'hello'],
    ['expired', () => forge({ iat: now() - 700, exp: now() - 400 })],
    ['issued in the future', () => forge({ iat: now() + 300, exp: now() + 600 })],
    ['not valid yet', () => forge({ nbf: now() + 300 })],
    ['for another client', () => forge({ aud: 'other' })],
    ['for others as well', () => forge({ aud: [CLIENT.client_id, 'other'] })],
    ['used by another party', () => forge({ azp: 'other' })],
    ['of another issuer', () => forge({ iss: 'https://evil.example' })],
    ['without expiry', () => forge({ exp: undefined })],
    ['without an address', () => forge({ email: undefined })],
    ['that does not say whether the address is verified', () => forge({ email_verified: undefined })],
    ['with an address that is none', () => forge({ email: 'ada' })],
    ['signed by another key', async () => forge({}, (await generateKeyPair('RS256')).privateKey)],
    [
      'signed by a key nobody knows',
      async () => forge({}, (await generateKeyPair('RS256')).privateKey, { kid: 'unknown' }),
    ],
    [
      'signed with the public key as a secret',
      async () => {
        const [header, body] = [
          { alg: 'HS256', kid: 'test' },
          { iss: issuer, aud: CLIENT.client_id, email: 'ada@example.com' },
        ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        return `${header}.${body}.AAAA`
      },
    ],
    [
      'not signed',
      async () => {
        const body = (await forge({})).split('.')[1]
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
      },
    ],
    [
      'changed after it was signed',
      async () => {
        const [header, , signature] = (await forge({})).split('.')
        const body = (await forge({ email: 'other@example.com' })).split('.')[1]
        return `${header}.${body}.${signature}`
      },
    ],
  ])('%s', async (_, make) => {
    const { status, json } = await exchange(await make())
    expect([status, json.code]).toEqual([401, 'sign_in_failed'])
  })

  test('and one that differs by less than a minute in time is accepted', async () => {
    expect((await exchange(await forge({ iat: now() + 30, exp: now() + 300 }))).status).toBe(201)
    expect((await exchange(await forge({ exp: now() - 30 }))).status).toBe(201)
  })
})

test('while the provider cannot be asked, the answer says so and nothing is remembered', async () => {
  const other = await startControlPlane({
    oidc: { issuer: 'http://127.0.0.1:1', clientId: 'x', defaultRole: 'role_viewer', trustEmail: false },
  })
  const { status, json } = await other.send('POST', '/v1/sessions/oidc', { body: JSON.stringify({ id_token: 'x' }) })
  expect([status, json.code]).toEqual([502, 'upstream_failed'])
  await other.stop()
})
