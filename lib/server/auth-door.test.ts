import { NextRequest } from 'next/server'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { admitted } from './auth-door'

vi.mock('server-only', () => ({}))

const HERE = 'http://console.example:3000'
const FORM = 'application/x-www-form-urlencoded'

beforeAll(() => {
  vi.stubEnv('NEXTAUTH_URL', HERE)
  vi.stubEnv('KEEPTRUSTS_PUBLIC_URL', HERE)
  vi.stubEnv('KEEPTRUSTS_SECRET_KEY', 'a secret of more than thirty-two characters')
})
afterAll(() => vi.unstubAllEnvs())

function ask(path: string, init: { method?: string; type?: string; body?: string; origin?: string } = {}) {
  const { method = 'GET', type = FORM, body, origin = HERE } = init
  const headers = { origin, 'content-type': type }
  const request = new NextRequest(`${HERE}/api/auth/${path}`, { method, headers, ...(body ? { body } : {}) })
  return admitted(request, path.split('?', 1).join('').split('/'))
}
const signIn = (init: { type?: string; body?: string; origin?: string }) =>
  ask('callback/password', { method: 'POST', ...init })

test('a form reaches next-auth as it was sent', async () => {
  expect(await (await signIn({ body: 'email=a%40b&password=c' })).text()).toBe('email=a%40b&password=c')
})

test('what is longer than any form of ours is refused before it is read to its end', async () => {
  await expect(signIn({ body: `email=${'a'.repeat(100_000)}` })).rejects.toMatchObject({ code: 'body_too_large' })
})

test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])('%s is no form', async (type) => {
  await expect(signIn({ type, body: '{' })).rejects.toMatchObject({ code: 'unsupported_media_type' })
})

test('another site signs nobody in', async () => {
  await expect(signIn({ origin: 'http://evil.example', body: 'x=1' })).rejects.toMatchObject({
    code: 'cross_site_request',
  })
})

test.each([
  ['GET', 'callback/password'],
  ['GET', 'verify-request'],
  ['GET', 'error/anything'],
  ['POST', '_log'],
  ['POST', 'session'],
  ['POST', 'callback/oidc'],
])('%s %s, which nothing of ours calls, is not there', async (method, path) => {
  await expect(ask(path, { method })).rejects.toMatchObject({ code: 'not_found' })
})

test.each(['%00', '%0d%0aset-cookie:%20a=b', '%F0%9F%98%80', '%ff'])(
  'an error of %s goes into no header',
  async (code) => {
    await expect(ask(`error?error=${code}`)).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(ask(`error?error=ok&error=${code}`)).rejects.toMatchObject({ code: 'invalid_request' })
    expect((await ask('error?error=rate_limited:120')).nextUrl.searchParams.get('error')).toBe('rate_limited:120')
  },
)
