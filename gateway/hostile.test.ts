import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postChat, sandboxTarget, startTestGateway, type TestGateway } from './testing'

let gateway: TestGateway
let key: string
beforeAll(async () => {
  gateway = await startTestGateway({
    targets: [sandboxTarget({ models: ['m', 'other'] })],
    bodyBytesMax: 100_000,
  })
  key = gateway.addKey({ allowed_models: ['m'] })
})
afterAll(async () => {
  expect(gateway.errors).toEqual([])
  await gateway.close()
})

const MESSAGES = '"messages":[{"role":"user","content":"hi"}]'
const errorOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/json')
  const { error } = (await response.json()) as { error: Record<string, unknown> }
  expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code', 'policy', 'request_id', 'retryable'])
  expect(error.request_id).toBe(response.headers.get('x-request-id'))
  return error
}

/** Speaks to the gateway without a client in between that would correct it; everything that comes back until it hangs up. */
const raw = (bytes: string, port = gateway.port) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
    socket.write(bytes, 'latin1')
  })

describe('a body that is no chat completion', () => {
  test.each<[string, string, string | null]>([
    ['nothing', '', null],
    ['not JSON', 'hello', null],
    ['cut JSON', '{"model":"m"', null],
    ['an array', '[]', null],
    ['null', 'null', null],
    ['a string', '"m"', null],
    ['a byte order mark', `\uFEFF{"model":"m",${MESSAGES}}`, null],
    ['nesting of 40,000', `{"model":"m",${MESSAGES},"x":${'['.repeat(40_000)}${']'.repeat(40_000)}}`, null],
    ['no model', `{${MESSAGES}}`, 'model'],
    ['a model that is a number', `{"model":7,${MESSAGES}}`, 'model'],
    ['an empty model', `{"model":"",${MESSAGES}}`, 'model'],
    ['a model with a line break', `{"model":"m\\r\\nx-a: b",${MESSAGES}}`, 'model'],
    ['a model with NUL', `{"model":"m\\u0000",${MESSAGES}}`, 'model'],
    ['a model with a lone surrogate', `{"model":"m\\ud800",${MESSAGES}}`, 'model'],
    ['a very long model', `{"model":"${'m'.repeat(201)}",${MESSAGES}}`, 'model'],
    ['no messages', '{"model":"m"}', 'messages'],
    ['empty messages', '{"model":"m","messages":[]}', 'messages'],
    ['messages that are a string', '{"model":"m","messages":"hi"}', 'messages'],
    ['messages that hold a number', '{"model":"m","messages":[1]}', 'messages'],
    ['a stream that is a string', `{"model":"m",${MESSAGES},"stream":"yes"}`, 'stream'],
    ['stream_options that are a list', `{"model":"m",${MESSAGES},"stream_options":[]}`, 'stream_options'],
    ['two models', `{"model":"m",${MESSAGES},"model":"m"}`, 'model'],
    ['two models, one escaped', `{"mod\\u0065l":"other",${MESSAGES},"model":"m"}`, 'model'],
    ['a model in capitals beside', `{"model":"m",${MESSAGES},"Model":"other"}`, 'Model'],
    ['a model only under __proto__', `{"__proto__":{"model":"m"},${MESSAGES}}`, 'model'],
  ])('%s is a 422 that names the field', async (_, body, param) => {
    const before = gateway.events().length
    const response = await postChat(gateway.url, key, body)
    expect(response.status).toBe(422)
    expect(await errorOf(response)).toMatchObject({
      code: 'invalid_request',
      type: 'validation_error',
      param,
      retryable: false,
    })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(gateway.events()).toHaveLength(before)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data'])(
    'as %s is a 415',
    async (type) => {
      const response = await postChat(gateway.url, key, `{"model":"m",${MESSAGES}}`, {
        headers: { 'content-type': type },
      })
      expect(response.status).toBe(415)
      await errorOf(response)
    },
  )

  test('that is compressed is a 415', async () => {
    const response = await postChat(gateway.url, key, '{}', { headers: { 'content-encoding': 'gzip' } })
    expect(response.status).toBe(415)
  })

  test('one byte over the limit is a 413, at the limit is not; also without a length', async () => {
    const empty = `{"model":"m",${MESSAGES},"x":""}`
    const padded = (bytes: number) => empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`)
    expect(Buffer.byteLength(padded(100_000))).toBe(100_000)
    expect((await postChat(gateway.url, key, padded(100_000))).status).toBe(200)
    const over = await postChat(gateway.url, key, padded(100_001))
    expect(over.status).toBe(413)
    expect(await errorOf(over)).toMatchObject({ code: 'body_too_large' })
    const chunked = `${'x'.repeat(1_000)}`
    const endless = await raw(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${`3e8\r\n${chunked}\r\n`.repeat(401)}`,
    )
    expect(endless).toContain('413')
    expect(endless).toContain('body_too_large')
    const lying = await raw(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
    )
    expect(lying).toContain('body_too_large')
  })
})

describe('a prompt with anything in it', () => {
  test.each(['\\u0000', '\\ud800', "'; DROP TABLE events;--", '</script>', '\\r\\nSet-Cookie: a=b', '{{7*7}}'])(
    '%s is served',
    async (content) => {
      const response = await postChat(
        gateway.url,
        key,
        `{"model":"m","messages":[{"role":"user","content":"${content}"}],"__proto__":{"x":1},"constructor":{}}`,
      )
      expect(response.status).toBe(200)
      await response.json()
      expect(gateway.events().at(-1)).toMatchObject({ verdict: 'allow' })
    },
  )
})

describe('headers', () => {
  test.each(['a b', 'x'.repeat(129), 'é', '<script>', '"quoted"', ''])(
    'an unsafe x-request-id %j is replaced',
    async (id) => {
      const text = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: ${id}\r\n\r\n`)
      expect(text).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/i)
    },
  )

  test.each([
    'garbage',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ])('an invalid traceparent %s is replaced', async (traceparent) => {
    const response = await postChat(gateway.url, key, `{"model":"m",${MESSAGES}}`, { headers: { traceparent } })
    expect(response.headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(response.headers.get('traceparent')).not.toBe(traceparent)
  })

  test('that break HTTP get an answer and no second request out of one', async () => {
    const auth = `Authorization: Bearer ${key}\r\nContent-Type: application/json\r\n`
    const both = await raw(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n`,
    )
    expect(both).toMatch(/^HTTP\/1\.1 400 /)
    expect(both).toContain('"code":"malformed_request"')
    expect(both.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(await raw('hello\r\n\r\n')).toContain('malformed_request')
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toContain('headers_too_large')
    const folded = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\nConnection: close\r\n\r\n`)
    expect(folded).not.toContain('X-A')
  })

  test.each([
    ['no host', 400, 'X-A: b'],
    ['an expectation that nobody meets', 417, 'Host: x\r\nExpect: a cake'],
  ])('that have %s are told so as anything else is', async (_, status, lines) => {
    for (const start of ['GET /healthz', 'POST /v1/chat/completions']) {
      const text = await raw(`${start} HTTP/1.1\r\n${lines}\r\nContent-Length: 0\r\n\r\n`)
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      const [head = '', body = ''] = text.split('\r\n\r\n')
      expect(head).toMatch(/connection: close/i)
      expect(JSON.parse(body).error).toMatchObject({
        code: 'malformed_request',
        request_id: expect.stringMatching(/./),
      })
    }
  })

  test('that name another host do not make a local caller of a browser', async () => {
    const open = await startTestGateway({ config: { anonymous: 'loopback' } })
    const body = `{"model":"m",${MESSAGES}}`
    const rebound = (host: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(open.port, '127.0.0.1')
        socket.once('data', (chunk) => {
          resolve(chunk.toString().slice(9, 12))
          socket.destroy()
        })
        socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        )
      })
    expect(await rebound('localhost:41002')).toBe('200')
    expect(await rebound('[::1]:41002')).toBe('200')
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example'])
      expect(await rebound(host)).toBe('401')
    await open.close()
  })
})

test('a caller that sends too slowly is told so and cut off, in headers and in the body', async () => {
  const slow = await startTestGateway({ limits: { requestMsMax: 60 } })
  const secret = slow.addKey()
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\n`
  for (const part of ['POST / HT', head, `${head}Content-Length: 50\r\n\r\n{"model"`]) {
    expect(await raw(part, slow.port)).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s)
  }
  expect(slow.events()).toEqual([])
  await slow.close()
})

describe('other doors', () => {
  test.each([
    '/',
    '/v1',
    '/v1/completions',
    '/v1/chat/completions/',
    '/../etc/passwd',
    '/__proto__',
    '/constructor',
    '//evil.example/v1/models',
    '/v1/chat%2fcompletions',
  ])('%s is a 404', async (path) => {
    const text = await raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`)
    expect(text).toMatch(/^HTTP\/1\.1 404 /)
    expect(text).toContain('"code":"not_found"')
  })

  test.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/chat/completions', 'POST'],
    ['OPTIONS', '/v1/chat/completions', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['PUT', '/healthz', 'GET'],
  ])('%s %s is a 405 that says what would do', async (method, path, allow) => {
    const response = await fetch(gateway.url + path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await errorOf(response)).toMatchObject({ code: 'method_not_allowed' })
  })

  test('show only what everyone may know', async () => {
    const get = async (path: string) => (await fetch(gateway.url + path)).json()
    expect(await get('/healthz')).toEqual({ status: 'ok' })
    expect(await get('/readyz')).toEqual({ status: 'ready' })
    expect(await get('/keeptrusts/config')).toEqual({
      pack: { name: 'test', version: '1.2.3' },
      policies: { chain: [] },
    })
    expect(await get('/health')).toMatchObject({
      status: 'ok',
      version: '0.0.0-test',
      policies_loaded: 0,
      uptime_seconds: expect.any(Number),
      requests_processed: expect.any(Number),
      providers: [{ id: 'sandbox', provider: 'sandbox', available: true }],
    })
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(metrics).toMatch(/keeptrusts_gateway_requests_total\{verdict="allow",status="200"\} \d+/)
    expect(metrics).toContain('keeptrusts_gateway_ready 1')
    expect(metrics).not.toContain('kt_gk_')
  })

  test('models need a key as well', async () => {
    expect((await fetch(`${gateway.url}/v1/models`)).status).toBe(401)
    const as = (path: string) => fetch(gateway.url + path, { headers: { authorization: `Bearer ${key}` } })
    expect(await (await as('/v1/models')).json()).toMatchObject({
      object: 'list',
      data: [{ id: 'm', object: 'model' }],
    })
    expect((await as('/v1/models/other')).status).toBe(404)
    expect((await as('/v1/models/%E0%A4%A')).status).toBe(404)
  })

  test('without a configuration answer 503 and are not ready', async () => {
    const empty = await startTestGateway({ config: null })
    const secret = empty.addKey()
    for (const path of ['/readyz', '/keeptrusts/config', '/v1/models']) {
      expect((await fetch(empty.url + path, { headers: { authorization: `Bearer ${secret}` } })).status).toBe(503)
    }
    const chat = await postChat(empty.url, secret, `{"model":"m",${MESSAGES}}`)
    expect([chat.status, (await errorOf(chat)).code]).toEqual([503, 'not_ready'])
    expect((await fetch(`${empty.url}/healthz`)).status).toBe(200)
    await empty.close()
  })
})
