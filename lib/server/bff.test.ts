import { encode } from 'next-auth/jwt'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tokens } from '@/lib/contract/tokens'
import { usage } from '@/lib/contract/usage'
import { bff, bffStream } from './bff'
import { config } from './config'

const COOKIE = 'keeptrusts.session'
const SECRET = 'a secret of more than thirty-two characters'
const SESSION_TOKEN = 'kt_st_upstream'
const DOOR = Symbol.for('keeptrusts.control-plane')
const ID = 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718'

const jar = vi.hoisted(() => new Map<string, string>())
vi.mock('server-only', () => ({}))
vi.mock('next/headers', () => ({
  cookies: async () => ({ get: (name: string) => (jar.has(name) ? { name, value: jar.get(name) } : undefined) }),
}))

/** What reached the control plane, and what it answers. */
let arrived: { request: Request; body: string; peer: unknown }[] = []
let answer: () => Response = () => Response.json({ ok: true })

beforeEach(async () => {
  vi.stubEnv('NEXTAUTH_URL', 'http://console.example:3000')
  vi.stubEnv('KEEPTRUSTS_SECRET_KEY', SECRET)
  jar.set(COOKIE, await encode({ token: { st: SESSION_TOKEN }, secret: config().sessionSecret }))
  arrived = []
  answer = () => Response.json({ ok: true })
  Reflect.set(globalThis, DOOR, async (request: Request, peer: unknown) => {
    arrived.push({ request, body: await request.clone().text(), peer })
    return answer()
  })
})

afterEach(() => {
  jar.clear()
  vi.unstubAllEnvs()
  Reflect.deleteProperty(globalThis, DOOR)
})

const JSON_POST = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }

const post = (body: BodyInit, headers: Record<string, string> = JSON_POST) =>
  bff(tokens.create)(
    new Request('http://console.example:3000/api/tokens', {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    } as RequestInit),
    {
      params: Promise.resolve({}),
    },
  )

const get = (path = '/api/tokens', headers: Record<string, string> = {}) =>
  bff(tokens.list)(new Request(`http://console.example:3000${path}`, { headers }), { params: Promise.resolve({}) })

describe('the session', () => {
  test('becomes a bearer token upstream and is in nothing that the browser gets', async () => {
    const response = await get('/api/tokens?type=gateway&limit=5')
    expect(arrived[0]?.request.headers.get('authorization')).toBe(`Bearer ${SESSION_TOKEN}`)
    expect(new URL(arrived[0]?.request.url ?? '').search).toBe('?type=gateway&limit=5')
    const seen = JSON.stringify([...response.headers]) + (await response.text())
    expect(seen).not.toContain(SESSION_TOKEN)
    expect(response.headers.get('cache-control')).toContain('no-store')
  })

  test.each([
    ['no cookie', undefined],
    ['a made-up cookie', 'eyJhbGciOiJub25lIn0.e30.'],
    ['a cookie under another secret', 'other'],
  ])('is missing with %s: 401, and nothing is asked upstream', async (_what, value) => {
    jar.clear()
    if (value === 'other') jar.set(COOKIE, await encode({ token: { st: SESSION_TOKEN }, secret: SECRET }))
    else if (value) jar.set(COOKIE, value)
    const response = await get()
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
    expect(arrived).toEqual([])
  })

  test('that the control plane has ended clears the cookie', async () => {
    answer = () => Response.json({ code: 'session_expired' }, { status: 401 })
    const response = await get()
    expect(response.status).toBe(401)
    expect(response.headers.get('set-cookie')).toMatch(
      /^keeptrusts\.session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/,
    )
  })

  test('is the only credential: an Authorization header or cookie of the browser does not pass through', async () => {
    await get('/api/tokens', { authorization: 'Bearer kt_ak_mine', cookie: 'a=b', 'x-keeptrusts-source': 'system' })
    const { headers } = arrived[0]?.request ?? new Request('http://none')
    expect(headers.get('authorization')).toBe(`Bearer ${SESSION_TOKEN}`)
    expect(headers.get('cookie')).toBeNull()
    expect(headers.get('x-keeptrusts-source')).toBeNull()
  })
})

test('the control plane is told the address that the host saw, and that the console asks', async () => {
  await get('/api/tokens', { 'x-keeptrusts-peer': '192.0.2.7', 'x-forwarded-for': '203.0.113.9' })
  expect(arrived[0]?.peer).toEqual({ ip: '192.0.2.7', source: 'console' })
  expect(arrived[0]?.request.headers.get('x-keeptrusts-peer')).toBeNull()
})

describe('a change', () => {
  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'http://console.example:3000' }],
    ['a sister site', { 'sec-fetch-site': 'same-site' }],
    ['a typed address', { 'sec-fetch-site': 'none' }],
    ['another origin, from an old browser', { origin: 'http://evil.example' }],
    ['nowhere stated', {}],
    [
      'another origin behind forged proxy headers',
      { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example', host: 'evil.example' },
    ],
  ])('from %s is refused before anything happens', async (_what, headers) => {
    const response = await post('{}', { 'content-type': 'application/json', ...headers } as Record<string, string>)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ code: 'cross_site_request' })
    expect(arrived).toEqual([])
  })

  test('is let through by Origin where the browser does not send Sec-Fetch-Site', async () => {
    const response = await post('{}', { 'content-type': 'application/json', origin: 'http://console.example:3000' })
    expect(response.status).toBe(200)
  })

  test('arrives byte for byte, with its idempotency key', async () => {
    const body = '{"name":"a\\u0000\\ud800","__proto__":{"x":1},"n":1e400}'
    await post(body, { ...JSON_POST, 'idempotency-key': 'once' })
    expect(arrived[0]?.body).toBe(body)
    expect(arrived[0]?.request.headers.get('idempotency-key')).toBe('once')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'sent as "%s" is 415',
    async (type) => {
      const response = await post(new TextEncoder().encode('{}'), {
        'sec-fetch-site': 'same-origin',
        ...(type ? { 'content-type': type } : {}),
      })
      expect(response.status).toBe(415)
      expect(arrived).toEqual([])
    },
  )

  test('of more than 1 MiB is 413, also when it does not state its length', async () => {
    const chunk = new Uint8Array(65_536)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength
        controller.enqueue(chunk)
      },
    })
    const response = await post(endless)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(2_097_152)
    expect(arrived).toEqual([])
  })

  test('may be as large as the endpoint says, such as the invoice of a month', async () => {
    const body = JSON.stringify({ month: '2026-03', provider: 'openai', content: 'x'.repeat(20_000_000) })
    const url = 'http://console.example:3000/api/usage/invoices'
    const request = new Request(url, { method: 'POST', body, headers: JSON_POST })
    expect((await bff(usage.importInvoice)(request, { params: Promise.resolve({}) })).status).toBe(200)
    expect(arrived[0]?.body.length).toBe(body.length)
  })

  test('puts path parameters into the path and nowhere else', async () => {
    const request = new Request('http://console.example:3000/api/x', { method: 'POST', body: '{}', headers: JSON_POST })
    await bff(tokens.revoke)(request, { params: Promise.resolve({ id: `${ID}/../../organization?x=1#` }) })
    expect(new URL(arrived[0]?.request.url ?? '').pathname).toBe(
      `/v1/tokens/${ID}%2F..%2F..%2Forganization%3Fx%3D1%23/revoke`,
    )
  })
})

describe('failures', () => {
  test('a control plane that is not there is 503 with a request id', async () => {
    Reflect.deleteProperty(globalThis, DOOR)
    const response = await get()
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'unavailable', request_id: expect.stringMatching(/^req_/) })
  })

  test('what nobody expected says nothing about itself to the browser', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    answer = () => {
      throw new Error(`secret detail ${SESSION_TOKEN.length}`)
    }
    const response = await get()
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret detail')
    expect(logged).toHaveBeenCalledOnce()
    expect(JSON.stringify(logged.mock.calls)).not.toContain(SESSION_TOKEN)
    logged.mockRestore()
  })

  test('a problem document of the control plane passes through, with Retry-After', async () => {
    answer = () =>
      Response.json(
        { code: 'rate_limited' },
        { status: 429, headers: { 'retry-after': '7', 'set-cookie': 'x=y', server: 'z' } },
      )
    const response = await get()
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(response.headers.get('server')).toBeNull()
  })
})

test('a stream reaches the browser as it comes, and ends upstream when the browser leaves', async () => {
  const browser = new AbortController()
  answer = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode('id: 1\ndata: {}\n\n')),
      }),
      { headers: { 'content-type': 'text/event-stream' } },
    )
  const request = new Request('http://console.example:3000/api/tokens', { signal: browser.signal })
  const response = await bffStream(tokens.list)(request, { params: Promise.resolve({}) })
  const first = await response.body?.getReader().read()
  expect(new TextDecoder().decode(first?.value)).toBe('id: 1\ndata: {}\n\n')
  expect(response.headers.get('cache-control')).toContain('no-transform')
  expect(arrived[0]?.request.signal.aborted).toBe(false)
  browser.abort()
  expect(arrived[0]?.request.signal.aborted).toBe(true)
})
