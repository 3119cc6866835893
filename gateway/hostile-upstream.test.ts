import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Target } from '@/lib/policy/compile'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { selfSigned } from './certificate-testing'
import { httpTarget, startTestGateway, type TestGateway } from './testing'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

type Peer = { url: string; port: number; connections: number; requests: string[]; close(): Promise<unknown> }

/** A provider that says exactly these bytes once a request is complete. */
async function startPeer(answer: (socket: Socket, request: string, nth: number) => void): Promise<Peer> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    peer.connections += 1
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (head === -1 || text.length < head + 4 + length) return
      peer.requests.push(text)
      text = ''
      answer(socket, peer.requests.at(-1) ?? '', peer.requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const peer: Peer = {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    connections: 0,
    requests: [],
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    },
  }
  open.push(peer)
  return peer
}

const POLICIES = 'policies: {chain: [pii-detector]}\npolicy: {pii-detector: {action: redact}}'

async function gatewayTo(
  url: string,
  change: Partial<Target> = {},
  options: { answerBytesMax?: number; yaml?: string } = {},
): Promise<{ gateway: TestGateway; key: string }> {
  const { yaml = 'policies: {chain: []}', answerBytesMax } = options
  const { config, diagnostics } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\n${yaml}`)
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const gateway = await startTestGateway({
    config: {
      ...compiled,
      limits: { ...compiled.limits, responseBytesMax: answerBytesMax ?? compiled.limits.responseBytesMax },
      targets: [httpTarget(url, change)],
      routing: { ...compiled.routing, attemptsMax: 1 },
    },
  })
  open.push(gateway)
  return { gateway, key: gateway.addKey() }
}

const BODIES = {
  '/v1/chat/completions': { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  '/v1/responses': { model: 'm', input: 'Hello' },
  '/v1/messages': { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] },
}
const PATHS = Object.keys(BODIES) as (keyof typeof BODIES)[]

const ask = (
  gateway: TestGateway,
  key: string,
  path: keyof typeof BODIES = '/v1/chat/completions',
  more: object = {},
) =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...BODIES[path], ...more }),
  })

/** Nothing of a request is kept once it is over. */
async function expectNothingLeft({ gateway, errors }: TestGateway): Promise<void> {
  await expect.poll(() => gateway.stats().activeRequests).toBe(0)
  expect(errors).toEqual([])
}

/** A call that lasts as long as a connection may take to be made: begun before all others, looked at after them. */
let unanswered: { gateway: TestGateway; response: Promise<Response> }
const openToTheEnd: typeof open = []
beforeAll(async () => {
  const peer = await startPeer(() => {})
  const { gateway, key } = await gatewayTo(peer.url.replace('http:', 'https:'), { timeoutMs: 2_000 })
  openToTheEnd.push(...open.splice(0))
  unanswered = { gateway, response: ask(gateway, key) }
})
afterAll(async () => {
  for (const one of openToTheEnd) await one.close()
})

const json = (body: string | Buffer, head = '') =>
  Buffer.concat([
    Buffer.from(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n`,
    ),
    Buffer.from(body),
  ])
const HEAD_OF_STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'
const chunkOf = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`
const GOOD = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'well' } }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
})

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

/** What a provider says, and the code and the word for the record that come of it. */
const WHOLE: [string, (socket: Socket) => void, code: string, error: string][] = [
  ['resets before its headers', (socket) => socket.resetAndDestroy(), 'upstream_failed', 'ECONNRESET'],
  ['closes before its headers', (socket) => socket.end(), 'upstream_failed', 'UND_ERR_SOCKET'],
  [
    'resets in its headers',
    (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => socket.resetAndDestroy()),
    'upstream_failed',
    'ECONNRESET',
  ],
  [
    'resets in its body',
    (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"choi', () =>
        socket.resetAndDestroy(),
      ),
    'upstream_failed',
    'ECONNRESET',
  ],
  [
    'promises more than it sends',
    (socket) => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n${GOOD}`),
    'upstream_failed',
    'UND_ERR_SOCKET',
  ],
  [
    'says an error with status 200',
    (socket) => socket.write(json('{"error":{"message":"no","type":"server_error"}}')),
    'upstream_failed',
    'error_with_success_status',
  ],
  ['says nothing', (socket) => socket.write(json('')), 'upstream_failed', 'invalid_answer'],
  ['says half a JSON', (socket) => socket.write(json('{"choices":[')), 'upstream_failed', 'invalid_answer'],
  ['says a list', (socket) => socket.write(json('[]')), 'upstream_failed', 'invalid_answer'],
  ['says HTML', (socket) => socket.write(json('<html>busy</html>')), 'upstream_failed', 'invalid_answer'],
  [
    'says it in UTF-16',
    (socket) => socket.write(json(Buffer.from(GOOD, 'utf16le'))),
    'upstream_failed',
    'invalid_answer',
  ],
  [
    'compresses although nobody asked for it',
    (socket) => socket.write(json(gzipSync(Buffer.alloc(50_000_000)), 'content-encoding: gzip\r\n')),
    'upstream_failed',
    'invalid_answer',
  ],
  [
    'redirects into a private network',
    (socket) =>
      socket.write(
        'HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n',
      ),
    'upstream_failed',
    'http_307',
  ],
  ['sends no HTTP', (socket) => socket.end('220 smtp.example.com ESMTP\r\n'), 'upstream_failed', 'HTTPParserError'],
  [
    'sends headers without end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x-filler: 1234567890\r\n'.repeat(20_000)}`),
    'upstream_failed',
    'UND_ERR_HEADERS_OVERFLOW',
  ],
  [
    'sends one header without end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-filler: ${'a'.repeat(1_000_000)}`),
    'upstream_failed',
    'UND_ERR_HEADERS_OVERFLOW',
  ],
  [
    'breaks a header in two with a bare CR',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-request-id: a\rset-cookie: b\r\ncontent-length: 2\r\n\r\n{}`),
    'upstream_failed',
    'HTTPParserError',
  ],
  [
    'says both lengths',
    (socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      ),
    'upstream_failed',
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  ],
]

describe.each(PATHS)('a provider of %s', (path) => {
  test.each(WHOLE)('that %s', async (_, answer, code, error) => {
    const peer = await startPeer(answer)
    const { gateway, key } = await gatewayTo(peer.url, {}, { yaml: POLICIES })
    const response = await ask(gateway, key, path)
    const body = await response.json()
    expect([response.status, JSON.stringify(body).includes(code)]).toEqual([502, true])
    expect(response.headers.get('set-cookie')).toBeNull()
    const [event] = gateway.events()
    expect(event).toMatchObject({ status_code: 502, error_code: code, attempts: [{ target_id: 'upstream' }] })
    expect(event?.attempts[0]?.error).toContain(error)
    await expectNothingLeft(gateway)
  })

  test('that answers without end is cut off at the limit for answers', async () => {
    const peer = await startPeer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"a":"')
      const piece = Buffer.alloc(65_536, 'a')
      const pour = () => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.on('drain', pour)
      pour()
    })
    const { gateway, key } = await gatewayTo(peer.url, {}, { answerBytesMax: 1_000_000 })
    const response = await ask(gateway, key, path)
    expect(response.status).toBe(502)
    expect(gateway.events()).toMatchObject([
      { error_code: 'upstream_failed', attempts: [{ error: 'answer_too_large' }] },
    ])
    await expectNothingLeft(gateway)
  })
})

test('a provider that streams without end is cut off at the limit for answers, and the caller is told', async () => {
  const peer = await startPeer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n')
    const frame = `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${'a'.repeat(10_000)}"}}]}\n\n`
    const pour = () => {
      while (!socket.destroyed && socket.write(frame));
    }
    socket.on('drain', pour)
    pour()
  })
  const { gateway, key } = await gatewayTo(peer.url, {}, { answerBytesMax: 1_000_000 })
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'gpt-test', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
  })
  const body = await response.text()
  expect(body.length).toBeLessThan(1_100_000)
  expect(body).toContain('"error"')
  expect(body).not.toContain('[DONE]')
  expect(await gateway.eventsSoon(1)).toMatchObject([{ attempts: [{ error: 'answer_too_large' }] }])
  await expectNothingLeft(gateway)
})

const withMessage = (message: string, more = '') =>
  `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":${message}}]${more}}`

describe('an answer that is odd but whole', () => {
  const ODD: [string, string, (status: number, text: string) => void][] = [
    [
      'with a field given twice goes on as policies have read it',
      withMessage('{"role":"assistant","content":"ana@example.com","content":"fine"}'),
      (status, text) =>
        expect([status, text.includes('ana@example'), text.includes('fine')]).toEqual([200, false, true]),
    ],
    [
      'that is nested 100,000 deep beside its text',
      withMessage('{"role":"assistant","content":"Write to ana@example.com"}', `,"x":${deep(100_000)}`),
      (status, text) =>
        expect([status, text.includes('ana@example'), text.includes('upstream_failed')]).toEqual([502, false, true]),
    ],
    [
      'that is nested 100,000 deep in its message',
      withMessage(`{"role":"assistant","content":"fine","more":${deep(100_000)}}`),
      (status, text) => expect([status, text.includes('upstream_failed')]).toEqual([502, true]),
    ],
    [
      'with the keys of prototypes',
      withMessage(
        '{"role":"assistant","__proto__":{"content":"ana@example.com"},"constructor":{"prototype":{"x":1}},"content":"fine"}',
      ),
      (status, text) => expect([status, text.includes('ana@example')]).toEqual([200, false]),
    ],
    [
      'with numbers that no computer has',
      withMessage(
        '{"role":"assistant","content":"fine"}',
        ',"usage":{"prompt_tokens":1e999,"completion_tokens":-5,"total_tokens":123456789012345678901234567890}',
      ),
      (status) => expect(status).toBe(200),
    ],
    [
      'with arguments of 3 MB',
      withMessage(
        `{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":${JSON.stringify(JSON.stringify({ to: 'ana@example.com', text: 'a '.repeat(1_500_000) }))}}}]}`,
      ),
      (status, text) => expect([status, text.includes('ana@example')]).toEqual([200, false]),
    ],
    [
      'with 5,000 choices',
      `{"choices":[${Array.from({ length: 5_000 }, (_, index) => `{"index":${index},"message":{"content":"ana@example.com"}}`).join()}]}`,
      (status, text) => expect([status, text.includes('ana@example')]).toEqual([200, false]),
    ],
    [
      'with more choices than are looked through',
      `{"choices":[${Array.from({ length: 30_000 }, () => '{"message":{"content":"a"}}').join()}]}`,
      (status, text) => expect([status, text.includes('output_blocked')]).toEqual([409, true]),
    ],
    [
      'with bytes that are no UTF-8',
      withMessage('{"role":"assistant","content":"ana@ex\xffample.com"}'),
      (status) => expect(status).toBe(200),
    ],
    [
      'with things where texts should be',
      '{"choices":[null,5,{"message":{"content":{"a":"ana@example.com"},"tool_calls":"x"}},{"message":[]}],"usage":[]}',
      (status, text) => expect([status, text.includes('ana@example')]).toEqual([200, false]),
    ],
  ]
  test.each(ODD)('%s', async (_, body, check) => {
    const peer = await startPeer((socket) => socket.write(json(Buffer.from(body, 'latin1'))))
    const { gateway, key } = await gatewayTo(peer.url, {}, { yaml: POLICIES })
    const response = await ask(gateway, key)
    check(response.status, await response.text())
    expect(gateway.events()).toHaveLength(1)
    await expectNothingLeft(gateway)
  })

  test.each(PATHS)('is given to callers of %s without a crash', async (path) => {
    for (const [, body] of ODD) {
      const peer = await startPeer((socket) => socket.write(json(Buffer.from(body, 'latin1'))))
      const { gateway, key } = await gatewayTo(peer.url, { provider: 'deepseek' }, { yaml: POLICIES })
      const response = await ask(gateway, key, path)
      await response.text()
      expect([200, 409, 502]).toContain(response.status)
      expect(gateway.events()).toHaveLength(1)
      await expectNothingLeft(gateway)
    }
  })
})

describe('what comes around an answer', () => {
  test('a flood of interim answers is passed over', async () => {
    const peer = await startPeer((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(2_000))
      socket.write(json(GOOD))
    })
    const { gateway, key } = await gatewayTo(peer.url)
    expect((await ask(gateway, key)).status).toBe(200)
    await expectNothingLeft(gateway)
  })

  test('trailers are no headers', async () => {
    const peer = await startPeer((socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ntrailer: set-cookie\r\n\r\n${GOOD.length.toString(16)}\r\n${GOOD}\r\n0\r\nset-cookie: a=b\r\nx-request-id: evil\r\n\r\n`,
      ),
    )
    const { gateway, key } = await gatewayTo(peer.url)
    const response = await ask(gateway, key)
    expect([response.status, response.headers.get('set-cookie'), await response.text()]).toEqual([200, null, GOOD])
    await expectNothingLeft(gateway)
  })

  test('a second answer behind the first is nobody else\u2019s', async () => {
    const evil = GOOD.replace('well', 'smuggled')
    const peer = await startPeer((socket, _, nth) => {
      socket.write(nth === 1 ? Buffer.concat([json(GOOD), json(evil)]) : json(GOOD))
    })
    const { gateway, key } = await gatewayTo(peer.url)
    const texts: string[] = []
    for (let i = 0; i < 4; i++) texts.push(await (await ask(gateway, key)).text())
    expect(texts.filter((text) => text.includes('smuggled'))).toEqual([])
    await expectNothingLeft(gateway)
  })

  test('more than was promised is nobody else\u2019s', async () => {
    const peer = await startPeer((socket, _, nth) => {
      if (nth > 1) socket.write(json(GOOD))
      else
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}${json(GOOD.replace('well', 'smuggled'))}`,
        )
    })
    const { gateway, key } = await gatewayTo(peer.url)
    const texts: string[] = []
    for (let i = 0; i < 4; i++) texts.push(await (await ask(gateway, key)).text())
    expect(texts.filter((text) => text.includes('smuggled'))).toEqual([])
    await expectNothingLeft(gateway)
  })

  test('headers of a provider do not become ours', async () => {
    const peer = await startPeer((socket) =>
      socket.write(
        json(
          GOOD,
          'x-keeptrusts-verdict: allow-all\r\nset-cookie: a=b\r\nlocation: /x\r\ntransfer-encoding-x: 1\r\naccess-control-allow-origin: *\r\n',
        ),
      ),
    )
    const { gateway, key } = await gatewayTo(peer.url)
    const response = await ask(gateway, key)
    expect(response.headers.get('x-keeptrusts-verdict')).toBe('allow')
    for (const name of ['set-cookie', 'location', 'access-control-allow-origin'])
      expect(response.headers.get(name)).toBeNull()
  })

  test('a port where nobody listens is a call that failed', async () => {
    const peer = await startPeer(() => {})
    await peer.close()
    open.splice(open.indexOf(peer), 1)
    const { gateway, key } = await gatewayTo(peer.url)
    expect((await ask(gateway, key)).status).toBe(502)
    expect(gateway.events()).toMatchObject([{ attempts: [{ error: 'ECONNREFUSED', status: null }] }])
  })

  test('a certificate that nobody vouches for is a call that failed, before a secret was sent', async () => {
    const said: string[] = []
    const server = createTlsServer(selfSigned(), (socket) => socket.on('data', (chunk) => said.push(String(chunk))))
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => new Promise((resolve) => server.close(resolve)) })
    const { gateway, key } = await gatewayTo(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
    const response = await ask(gateway, key)
    expect([response.status, (await response.json()).error.code]).toEqual([502, 'upstream_failed'])
    expect(gateway.events()).toMatchObject([{ attempts: [{ error: 'DEPTH_ZERO_SELF_SIGNED_CERT', status: null }] }])
    expect(said).toEqual([])
    await expectNothingLeft(gateway)
  })

  test('an address that speaks no TLS is a call that failed', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('no'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => new Promise((resolve) => server.close(resolve)) })
    const { gateway, key } = await gatewayTo(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
    const response = await ask(gateway, key)
    expect(response.status).toBe(502)
    expect(gateway.events()).toHaveLength(1)
    await expectNothingLeft(gateway)
  })
})

/** Streams that end badly: what is said of them, and whether the caller is told that they were not whole. */
describe.each(PATHS)('a stream to callers of %s', (path) => {
  const STREAMS: [string, (socket: Socket) => void, error: string | null][] = [
    [
      'that is reset between frames',
      (socket) => socket.write(HEAD_OF_STREAM + chunkOf('Hel'), () => setTimeout(() => socket.resetAndDestroy(), 20)),
      'upstream_failed',
    ],
    [
      'that is reset in a frame',
      (socket) =>
        socket.write(`${HEAD_OF_STREAM}${chunkOf('Hel')}data: {"cho`, () =>
          setTimeout(() => socket.resetAndDestroy(), 20),
        ),
      'upstream_failed',
    ],
    ['that ends too early', (socket) => socket.end(HEAD_OF_STREAM + chunkOf('Hel')), 'upstream_failed'],
    ['that has nothing in it', (socket) => socket.end(HEAD_OF_STREAM), 'upstream_failed'],
    ['that has only comments', (socket) => socket.end(`${HEAD_OF_STREAM}: hello\n\n`), 'upstream_failed'],
    ['that is JSON', (socket) => socket.end(HEAD_OF_STREAM + GOOD), 'upstream_failed'],
    [
      'of what is no JSON',
      (socket) =>
        socket.end(`${HEAD_OF_STREAM}${chunkOf('Hel')}data: {"choices\n\n${chunkOf('lo', 'stop')}data: [DONE]\n\n`),
      '',
    ],
    [
      'with an error in it',
      (socket) => socket.end(`${HEAD_OF_STREAM}${chunkOf('Hel')}data: {"error":{"message":"overloaded"}}\n\n`),
      'upstream_failed',
    ],
    [
      'with an error first',
      (socket) => socket.end(`${HEAD_OF_STREAM}data: {"error":{"message":"overloaded"}}\n\n`),
      'upstream_failed',
    ],
    [
      'with a frame of 10 MB',
      (socket) =>
        socket.end(`${HEAD_OF_STREAM}${chunkOf('a'.repeat(10_000_000))}${chunkOf('', 'stop')}data: [DONE]\n\n`),
      '',
    ],
    [
      'that is nested deep',
      (socket) =>
        socket.end(
          `${HEAD_OF_STREAM}data: {"choices":[{"index":0,"delta":{"content":"a","x":${deep(50_000)}}}]}\n\ndata: [DONE]\n\n`,
        ),
      '',
    ],
    [
      'with indices that are none',
      (socket) =>
        socket.end(
          `${HEAD_OF_STREAM}data: {"choices":[{"index":-1,"delta":{"content":"a"}},{"index":1e300,"delta":{"content":"b"}},null,7]}\n\n${chunkOf('', 'stop')}data: [DONE]\n\n`,
        ),
      '',
    ],
    [
      'with thousands of choices',
      (socket) =>
        socket.end(
          `${HEAD_OF_STREAM}data: {"choices":[${Array.from({ length: 20_000 }, (_, index) => `{"index":${index},"delta":{"content":"a"}}`).join()}]}\n\n${chunkOf('', 'stop')}data: [DONE]\n\n`,
        ),
      '',
    ],
    [
      'that says its end twice',
      (socket) =>
        socket.end(
          `${HEAD_OF_STREAM}${chunkOf('a', 'stop')}data: [DONE]\n\n${chunkOf('ana@example.com', 'stop')}data: [DONE]\n\n`,
        ),
      '',
    ],
    [
      'whose last frame is not closed',
      (socket) => socket.end(`${HEAD_OF_STREAM}${chunkOf('a', 'stop').trimEnd()}`),
      '',
    ],
  ]
  const isWhole = /\[DONE\]|response\.completed|message_stop/

  test.each(STREAMS)('%s', async (_, answer, code) => {
    for (const yaml of ['policies: {chain: []}', POLICIES]) {
      const peer = await startPeer(answer)
      const { gateway, key } = await gatewayTo(
        peer.url,
        { provider: path === '/v1/chat/completions' ? 'openai' : 'deepseek' },
        { yaml },
      )
      const response = await ask(gateway, key, path, { stream: true })
      const text = await response.text()
      const [event] = gateway.events()
      if (code !== '') {
        expect([event?.error_code, isWhole.test(text), text.includes(code ?? '')]).toEqual([code, false, true])
      }
      // Whoever is told that it is the end has had a good one, and the record says the same.
      expect(isWhole.test(text)).toBe(event?.error_code === null)
      if (yaml === POLICIES) expect(text).not.toContain('ana@example')
      await expectNothingLeft(gateway)
    }
  })
})

/** Answers of providers that are asked in their own language: none of them may do more than fail the call. */
describe.each(['anthropic', 'gemini', 'bedrock', 'cohere', 'mistral', 'ollama'])(
  'a provider of the kind %s',
  (provider) => {
    const target: Partial<Target> = {
      provider,
      ...(provider === 'bedrock'
        ? { aws: { accessKeyId: 'AKIDEXAMPLE', sessionToken: null, region: 'us-east-1' } }
        : {}),
    } as Partial<Target>
    const BODIES_OF_ANSWERS = [
      '{}',
      'null',
      '[]',
      '"text"',
      GOOD,
      '{"content":null,"candidates":null,"output":null,"message":null,"choices":null}',
      '{"content":[null,1,"a",{"type":"text"},{"type":"tool_use","input":"x"}],"usage":5}',
      `{"content":[{"type":"tool_use","id":"1","name":"f","input":${deep(100_000)}}],"stop_reason":"tool_use"}`,
      `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":${deep(100_000)}}}}]},"finishReason":"STOP"}]}`,
      '{"candidates":[{"content":{"parts":"x"}}],"usageMetadata":{"promptTokenCount":"x"}}',
      `{"output":{"message":{"content":[{"toolUse":{"name":"f","input":${deep(100_000)}}}]}},"stopReason":"tool_use"}`,
      '{"output":{"message":{"content":5}},"usage":{"inputTokens":-1}}',
      `{"message":{"content":[{"type":"text","text":5}],"tool_calls":[{"function":{"arguments":${deep(1_000)}}}]}}`,
      '{"content":[{"type":"text","text":"a","__proto__":{"x":1}}],"__proto__":{"content":[]}}',
    ]

    test.each(PATHS)('fails a call of %s and no more', async (path) => {
      const bodies = [...BODIES_OF_ANSWERS]
      const peer = await startPeer((socket) => socket.write(json(bodies.shift() ?? '{}')))
      const { gateway, key } = await gatewayTo(peer.url, target, { yaml: POLICIES })
      for (const [at] of BODIES_OF_ANSWERS.entries()) {
        const response = await ask(gateway, key, path)
        await response.text()
        expect([200, 409, 502]).toContain(response.status)
        expect(gateway.events()).toHaveLength(at + 1)
      }
      await expectNothingLeft(gateway)
    })

    test.each(PATHS)('fails a stream of %s and no more', async (path) => {
      const frames = [
        ...BODIES_OF_ANSWERS,
        ...BODIES_OF_ANSWERS.map((body) => `{"type":"content_block_delta","index":0,"delta":${body}}`),
        '{"type":"content_block_start","index":0,"content_block":5}',
      ]
      const queue = [...frames]
      const type = provider === 'bedrock' ? 'application/vnd.amazon.eventstream' : 'text/event-stream'
      const peer = await startPeer((socket) =>
        socket.end(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\ndata: ${queue.shift()}\n\n`),
      )
      const { gateway, key } = await gatewayTo(peer.url, target, { yaml: POLICIES })
      for (const [at] of frames.entries()) {
        const response = await ask(gateway, key, path, { stream: true })
        await response.text()
        expect([200, 409, 502]).toContain(response.status)
        expect(gateway.events()).toHaveLength(at + 1)
      }
      await expectNothingLeft(gateway)
    })
  },
)

test('an address that never answers a TLS handshake is a call that failed', async () => {
  const { gateway, response } = unanswered
  expect([502, 504]).toContain((await response).status)
  expect(gateway.events()).toHaveLength(1)
  await expectNothingLeft(gateway)
})
