import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Peer } from '@/control-plane/app'
import { type ConsoleServer, type ConsoleServerOptions, createConsoleServer } from './console-server'

let host: ConsoleServer | undefined
afterEach(() => host?.close(0))

/** A host whose control plane and pages tell what reached them. */
async function serve(options: Partial<ConsoleServerOptions> = {}) {
  const seen: { peer?: Peer; api?: Request; page?: IncomingMessage } = {}
  host = createConsoleServer({
    controlPlane: () => ({
      fetch: async (request, peer) => {
        Object.assign(seen, { api: request, peer })
        return request.url.endsWith('/stream')
          ? new Response(new ReadableStream({ start: (controller) => controller.enqueue('data: 1\n\n') }), {
              headers: { 'content-type': 'text/event-stream' },
            })
          : Response.json({})
      },
      close: async () => undefined,
    }),
    pages: () => async (request, response) => {
      seen.page = request
      response.end('<html>')
    },
    https: false,
    formOrigins: [],
    trustProxy: false,
    onError: (error) => {
      throw error
    },
    ...options,
  })
  host.server.listen(0, '127.0.0.1')
  await once(host.server, 'listening')
  const address = host.server.address()
  if (address === null || typeof address === 'string') throw new Error('No port.')
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${address.port}${path}`, { headers })
  return { seen, get, host, port: address.port }
}

/** The bytes that come back for these, to the end of the connection. */
async function rawAnswer(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.write(request)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

const FORGED = {
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-real-ip': '203.0.113.9',
  forwarded: 'for=203.0.113.9',
  'x-keeptrusts-peer': '203.0.113.9',
  'x-middleware-subrequest': 'middleware:middleware:middleware',
  'x-middleware-rewrite': '/settings',
  'x-invoke-path': '/settings',
  'content-security-policy': "script-src 'nonce-mine'",
}

describe('what strangers say about themselves', () => {
  test('reaches neither the pages nor the control plane', async () => {
    const { seen, get } = await serve()
    await get('/history', FORGED)
    await get('/v1/whoami', FORGED)

    expect(seen.peer).toEqual({ ip: '127.0.0.1' })
    expect(seen.api?.headers.get('x-forwarded-host')).toBeNull()
    const reached = { ...seen.page?.headers }
    expect(reached).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-keeptrusts-peer': '127.0.0.1' })
    expect(JSON.stringify([reached, seen.page?.rawHeaders])).not.toMatch(/203\.0|evil|middleware|invoke|nonce-mine/)
  })

  test('is believed of a proxy that we were told about, and only its own last word', async () => {
    const { seen, get } = await serve({ trustProxy: true })
    await get('/v1/whoami', { ...FORGED, 'x-forwarded-for': '203.0.113.9, 198.51.100.7' })

    expect(seen.peer).toEqual({ ip: '198.51.100.7' })
  })
})

describe('what browsers are told', () => {
  test('a page runs the scripts of this one view and nothing else', async () => {
    const { seen, get } = await serve()
    const policies = await Promise.all([get('/'), get('/')].map(async (answer) => (await answer).headers))
    const nonces = policies.map((headers) => /'nonce-([^']+)'/.exec(headers.get('content-security-policy') ?? '')?.[1])

    expect(new Set(nonces).size).toBe(2)
    expect(nonces).toContain(/'nonce-([^']+)'/.exec(String(seen.page?.headers['content-security-policy']))?.[1])
    expect(policies[0]?.get('content-security-policy')).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic';/)
    expect(policies[0]?.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(policies[0]?.get('x-content-type-options')).toBe('nosniff')
    expect(policies[0]?.get('strict-transport-security')).toBeNull()
  })

  test('https is for good where the public address has it', async () => {
    const { get } = await serve({ https: true })

    expect((await get('/')).headers.get('strict-transport-security')).toBe('max-age=31536000')
  })
})

test('the API answers 503, and says that it lives, until its database is ready', async () => {
  const { get } = await serve({ controlPlane: () => undefined, pages: () => undefined })

  expect((await get('/healthz')).status).toBe(200)
  expect((await get('/readyz')).status).toBe(503)
  expect(await (await get('/v1/whoami')).json()).toMatchObject({ status: 503, code: 'unavailable' })
  expect((await get('/')).status).toBe(503)
})

test.each(['/v1', '/v1/tokens?x=1', '/healthz', '/readyz'])('%s never touches the pages', async (path) => {
  const { seen, get } = await serve()
  await get(path)

  expect(seen.api).toBeDefined()
  expect(seen.page).toBeUndefined()
})

test('a health check that speaks HTTP/1.0 and names no host is answered', async () => {
  const { seen, port } = await serve()

  expect(await rawAnswer(port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
  expect(seen.api).toBeDefined()
})

describe('what no page could read', () => {
  test.each(['*', '//evil/x', 'http://evil/x', '/api/events/%E0%A4%A', '/%ff'])('%s gets a 400', async (target) => {
    const { seen, port } = await serve()

    expect(await rawAnswer(port, `GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 400 /,
    )
    expect(seen.page).toBeUndefined()
  })

  test.each(['/v1/tokens/%ff', '/v1/events/%', '/api/events/%E0%A4%A'])(
    'what programs ask at %s gets a problem document',
    async (path) => {
      const { get } = await serve()
      const answer = await get(path)

      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
      expect(await answer.json()).toMatchObject({ code: 'invalid_request', request_id: expect.stringMatching(/^req_/) })
    },
  )

  test.each([
    [
      'headers beyond 16 KiB',
      `GET /v1/whoami HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an address beyond 16 KiB',
      `GET /v1/events?q=${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['no host', 'GET /v1/whoami HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
    ['no HTTP at all', 'Lorem ipsum\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST /v1/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
      400,
      'invalid_request',
    ],
  ])('%s is refused in a problem document', async (_, request, status, code) => {
    const { seen, port } = await serve()
    const [head = '', body = ''] = (await rawAnswer(port, request)).split('\r\n\r\n')

    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head).toMatch(/\r\ncontent-type: application\/problem\+json/i)
    expect(JSON.parse(body)).toMatchObject({ status, code, request_id: expect.stringMatching(/^req_/) })
    expect(seen).toEqual({})
  })

  test('another protocol is refused, not held', async () => {
    const { port } = await serve()
    const upgrade = 'GET /v1/whoami HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n'

    expect(await rawAnswer(port, upgrade)).toMatch(/^HTTP\/1.1 400 /)
  })
})

test('closing ends event streams cleanly instead of waiting for them', async () => {
  const { get, host } = await serve()
  const answer = await get('/v1/stream')
  await host.close(60_000)

  expect(await answer.text()).toBe('data: 1\n\n')
})
