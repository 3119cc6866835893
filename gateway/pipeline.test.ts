import { hash } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { createToken, hashToken } from '@/lib/tokens'
import {
  completion,
  completionFrames,
  httpTarget,
  postChat,
  sandboxTarget,
  startTestGateway,
  startUpstream,
  type TestGateway,
  type Upstream,
} from './testing'

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'hello' }] }
const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const open of closing.splice(0)) await open.close()
})

async function gatewayBefore(
  answer: Parameters<typeof startUpstream>[0],
  options: Parameters<typeof startTestGateway>[0] & { timeoutMs?: number } = {},
): Promise<{ gateway: TestGateway; upstream: Upstream; key: string }> {
  const upstream = await startUpstream(answer)
  const { timeoutMs = 5_000, ...rest } = options
  const gateway = await startTestGateway({ targets: [httpTarget(upstream.url, { timeoutMs })], ...rest })
  closing.push(gateway, upstream)
  return { gateway, upstream, key: gateway.addKey() }
}
async function sandboxGateway(options: Parameters<typeof startTestGateway>[0] = {}) {
  const gateway = await startTestGateway(options)
  closing.push(gateway)
  return { gateway, key: gateway.addKey() }
}
const sendJson = (value: unknown, status = 200, headers = {}) =>
  ((response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }) satisfies Parameters<typeof startUpstream>[0]
const errorOf = async (response: Response) => ((await response.json()) as { error: Record<string, unknown> }).error
/** In two pieces, the second some milliseconds after the first. */
const slowly = (text: string) =>
  new ReadableStream({
    async start(controller) {
      const bytes = new TextEncoder().encode(text)
      controller.enqueue(bytes.subarray(0, 10))
      await sleep(40)
      controller.enqueue(bytes.subarray(10))
      controller.close()
    },
  })
const sha = (text: string | Uint8Array) => hash('sha256', text, 'hex')

describe('a governed call', () => {
  test('reaches the provider with the exact bytes and its own secret, and nothing of the caller but the trace', async () => {
    const { gateway, upstream, key } = await gatewayBefore(sendJson(completion('hi')))
    const body = `{ "messages":[{"role":"user","content":"\\u0000 \\ud800 é"}],  "model":"gpt-test", "seed":9007199254740993, "x_own":{"a":1.0} }`
    const response = await postChat(gateway.url, key, body, {
      headers: {
        'x-request-id': 'trace-me_1.2:3',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        'openai-organization': 'org-of-someone',
        'x-keeptrusts-verdict': 'allow',
        'idempotency-key': 'once',
      },
    })
    expect(response.status).toBe(200)
    const [seen] = upstream.requests
    expect(seen?.body.toString()).toBe(body)
    expect(seen?.path).toBe('/v1/chat/completions')
    expect(seen?.headers).toMatchObject({
      authorization: 'Bearer sk-upstream-secret',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'idempotency-key': expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    for (const name of ['cookie', 'x-forwarded-for', 'openai-organization', 'x-keeptrusts-verdict']) {
      expect(seen?.headers).not.toHaveProperty(name)
    }
  })

  test('repeats the idempotency key of its own caller, and of nobody else with the same secret of the provider', async () => {
    const { gateway, upstream, key } = await gatewayBefore(sendJson(completion('hi')))
    const other = gateway.addKey({ token_id: 'tok_other' })
    for (const caller of [key, key, other]) {
      await postChat(gateway.url, caller, CHAT, { headers: { 'idempotency-key': 'once' } })
    }
    const [first, again, theirs] = upstream.requests.map(({ headers }) => headers['idempotency-key'])
    expect(again).toBe(first)
    expect(theirs).not.toBe(first)
  })

  test('has one time, that at which it began, on its record and in its id, however long its body takes', async () => {
    const { gateway, key } = await gatewayBefore(sendJson(completion('hi')))
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: slowly(JSON.stringify(CHAT)),
      duplex: 'half',
    }
    const response = await fetch(`${gateway.url}/v1/chat/completions`, init)
    expect(response.status).toBe(200)
    const [event] = gateway.events()
    expect(Number.parseInt(event?.event_id.slice(4, 16) ?? '', 16)).toBe(Date.parse(event?.timestamp ?? ''))
  })

  test('leaves one record that says who, what, how long and which bytes', async () => {
    const { gateway, key } = await gatewayBefore(sendJson(completion('hi')))
    const body = JSON.stringify(CHAT)
    const response = await postChat(gateway.url, key, body, {
      headers: { 'user-agent': 'test/1', 'x-conversation-id': 'conv-1', 'x-keeptrusts-agent-id': 'agent-9' },
    })
    const text = await response.text()
    expect(gateway.events()).toEqual([
      expect.objectContaining({
        event_id: response.headers.get('x-keeptrusts-event-id'),
        request_id: response.headers.get('x-request-id'),
        traceparent: response.headers.get('traceparent'),
        gateway_id: 'gw_test',
        gateway_seq: 1,
        token_id: 'tok_test',
        token_name: 'test-key',
        token_secret_id: 'sec_test',
        agent_id: 'agent-9',
        identity: 'asserted',
        client_ip: '127.0.0.1',
        user_agent: 'test/1',
        conversation_id: 'conv-1',
        verdict: 'allow',
        reason_code: 'ok',
        config_id: 'cfg_test',
        config_version: '1.2.3',
        provider: 'openai',
        target_id: 'upstream',
        model: 'gpt-test-0001',
        model_requested: 'gpt-test',
        status_code: 200,
        error_code: null,
        client_aborted: false,
        tokens: { input: 11, output: 7, cached: 3, reasoning: 0 },
        payload: {
          request_sha256: sha(body),
          response_sha256: sha(text),
          request_bytes: body.length,
          response_bytes: text.length,
          capture: 'none',
          commitment: 'plain',
          request_captured_sha256: null,
          response_captured_sha256: null,
        },
      }),
    ])
    expect(response.headers.get('x-keeptrusts-verdict')).toBe('allow')
    expect(response.headers.get('x-keeptrusts-config-version')).toBe('1.2.3')
    expect(gateway.captures()).toEqual([undefined])
  })

  test('passes on only harmless headers of the provider', async () => {
    const { gateway, key } = await gatewayBefore(
      sendJson(completion('hi'), 200, {
        'set-cookie': 'session=1',
        server: 'secret-server',
        'x-request-id': 'theirs',
        'openai-processing-ms': '12',
        'openai-organization': 'our-account',
        'x-ratelimit-remaining-requests': '9',
      }),
    )
    const { headers } = await postChat(gateway.url, key, CHAT)
    expect(headers.get('openai-processing-ms')).toBe('12')
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('9')
    for (const name of ['set-cookie', 'server', 'openai-organization']) expect(headers.get(name)).toBeNull()
    expect(headers.get('x-request-id')).not.toBe('theirs')
  })

  test('asks for usage of a stream, changing no other byte, and keeps it from a caller that did not ask', async () => {
    const frames = completionFrames(['a', 'b'])
    const { gateway, upstream, key } = await gatewayBefore((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(frames.join(''))
    })
    const ask = async (body: string) => (await postChat(gateway.url, key, body)).text()
    const plain = '{"model":"m","messages":[{}],"stream":true}'
    expect(await ask(plain)).toBe(frames.filter((_, at) => at !== frames.length - 2).join(''))
    expect(upstream.requests[0]?.body.toString()).toBe(`{"stream_options":{"include_usage":true},${plain.slice(1)}`)

    await ask('{"model":"m","stream_options" : {"x":1} ,"messages":[{}],"stream":true}')
    expect(upstream.requests[1]?.body.toString()).toBe(
      '{"model":"m","stream_options" :{"x":1,"include_usage":true},"messages":[{}],"stream":true}',
    )
    const asked = '{"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":true}}'
    expect(await ask(asked)).toBe(frames.join(''))
    expect(upstream.requests[2]?.body.toString()).toBe(asked)
    expect(gateway.events().map(({ tokens }) => tokens?.output)).toEqual([2, 2, 2])
    expect(gateway.events()[0]?.payload.request_sha256).toBe(sha(plain))
  })
})

describe('keys', () => {
  test.each([
    ['token_revoked', { dead: 'token_revoked' as const }],
    ['token_expired', { dead: 'token_expired' as const }],
    ['token_rotated_out', { dead: 'token_rotated_out' as const }],
    ['token_expired', { expires_at_ms: Date.now() - 1 }],
    ['token_rotated_out', { ends_at_ms: Date.now() - 1 }],
    ['token_rotated_out', { ends_at_ms: Date.now() - 1, expires_at_ms: Date.now() + 60_000 }],
    ['token_expired', { ends_at_ms: Date.now() - 1, expires_at_ms: Date.now() - 1 }],
  ])('that are dead answer 401 %s and leave no record', async (code, change) => {
    const { gateway } = await sandboxGateway()
    const response = await postChat(gateway.url, gateway.addKey(change), CHAT)
    expect(response.status).toBe(401)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await errorOf(response)).toMatchObject({ code, type: 'authentication_error', retryable: false })
    expect(gateway.events()).toEqual([])
  })

  test('that nobody issued all answer alike, whatever is wrong with them', async () => {
    const { gateway, key } = await sandboxGateway()
    const strangers = [
      null,
      '',
      'x',
      'sk-abc',
      createToken('gk'),
      createToken('ak'),
      createToken('st'),
      `${key.slice(0, -1)}!`,
      key.repeat(40),
    ]
    const answers = new Set<string>()
    for (const secret of strangers) {
      const response = await postChat(gateway.url, secret, CHAT)
      const { request_id, ...error } = await errorOf(response)
      expect(request_id).toBe(response.headers.get('x-request-id'))
      answers.add(`${response.status} ${JSON.stringify(error)}`)
    }
    expect([...answers]).toHaveLength(1)
    expect([...answers][0]).toContain('token_invalid')
    expect(gateway.events()).toEqual([])
  })

  test('of the control plane never open a gateway, whatever a snapshot holds', async () => {
    const { gateway } = await sandboxGateway()
    const access = createToken('ak')
    const [key] = [...gateway.store.current.keys.values()]
    if (key === undefined) throw new Error('no key')
    gateway.store.swap({ keys: new Map([[hashToken(access), key]]) })
    expect((await postChat(gateway.url, access, CHAT)).status).toBe(401)
  })

  test('of another purpose are refused and recorded', async () => {
    const { gateway } = await sandboxGateway()
    const response = await postChat(gateway.url, gateway.addKey({ purpose: 'gateway_runtime' }), CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([403, 'purpose_not_allowed'])
    expect(gateway.events()).toMatchObject([
      { verdict: 'block', reason_code: 'purpose.not_allowed', model_requested: null },
    ])
  })

  test('out of scope of model or provider never reach a provider', async () => {
    const { gateway, upstream } = await gatewayBefore(sendJson(completion('hi')))
    const byModel = await postChat(gateway.url, gateway.addKey({ allowed_models: ['other'] }), CHAT)
    expect(await errorOf(byModel)).toMatchObject({
      code: 'model_not_allowed',
      param: 'model',
      policy: 'allowed_models',
    })
    const byProvider = await postChat(gateway.url, gateway.addKey({ allowed_providers: ['azure'] }), CHAT)
    expect(await errorOf(byProvider)).toMatchObject({ code: 'provider_not_allowed' })
    expect(byProvider.headers.get('x-keeptrusts-verdict')).toBe('block')
    expect(upstream.requests).toEqual([])
    expect(gateway.events().map(({ reason_code }) => reason_code)).toEqual([
      'model.not_allowed',
      'provider.not_allowed',
    ])
    expect(gateway.events()[0]?.policy_results).toMatchObject([{ kind: 'scope', coverage: { rule: 'allowed_models' } }])
  })

  test.each([
    { models: [CHAT.model, 'dear'] },
    { fallbacks: [{ model: 'dear' }] },
    { fallbacks: ['dear'] },
    { models: 'dear' },
    { Models: ['dear'] },
    { model\u017f: ['dear'] },
  ])('out of scope of a model cannot have a provider fall back to it: %j', async (more) => {
    const { gateway, upstream } = await gatewayBefore(sendJson(completion('hi')))
    const key = gateway.addKey({ allowed_models: [CHAT.model] })
    const answer = await postChat(gateway.url, key, { ...CHAT, ...more })
    expect([403, 422]).toContain(answer.status)
    expect(upstream.requests).toEqual([])
    const open = await postChat(gateway.url, gateway.addKey(), { ...CHAT, models: ['dear'] })
    expect(open.status).toBe(200)
  })

  test('are not trusted once the control plane has been silent for longer than allowed', async () => {
    const { gateway, key } = await sandboxGateway({
      settings: { max_offline_key_age_seconds: 60 },
      contactSlackMs: 1_000,
    })
    gateway.store.swap({ lastContactMs: performance.now() - 60_000 })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(200)
    gateway.store.swap({ lastContactMs: performance.now() - 62_000 })
    const response = await postChat(gateway.url, key, CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'not_ready'])
  })

  test('expire by the clock of the control plane, not by ours', async () => {
    const { gateway } = await sandboxGateway()
    const key = gateway.addKey({ expires_at_ms: Date.now() + 300_000 })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(200)
    gateway.store.swap({ timeOriginMs: performance.timeOrigin + 600_000 })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(401)
  })
})

test("an event's id and timestamp are of the control plane's clock, however wrong ours is", async () => {
  const { gateway } = await sandboxGateway()
  gateway.store.swap({ timeOriginMs: performance.timeOrigin - 5 * 3_600_000 })
  expect((await postChat(gateway.url, gateway.addKey(), CHAT)).status).toBe(200)
  const [event] = gateway.events()
  const idMs = Number.parseInt(event?.event_id.slice(4, 16) ?? '', 16)
  const hours = (ms: number) => Math.round((ms - Date.now()) / 3_600_000)
  expect([hours(idMs), hours(Date.parse(event?.timestamp ?? ''))]).toEqual([-5, -5])
})

describe('without a key', () => {
  test('only a local caller is served, only when the configuration says so', async () => {
    const { gateway } = await sandboxGateway({ config: { anonymous: 'loopback' } })
    expect((await postChat(gateway.url, null, CHAT)).status).toBe(200)
    expect(gateway.events()).toMatchObject([
      { identity: 'anonymous', token_id: null, token_name: null, verdict: 'allow' },
    ])
    expect((await postChat(gateway.url, 'sk-wrong', CHAT)).status).toBe(401)
    const { gateway: strict } = await sandboxGateway()
    expect((await postChat(strict.url, null, CHAT, { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(401)
  })
})

describe('a provider that fails', () => {
  test.each([400, 404, 422, 429])('with a %i of its own is passed on as it is', async (status) => {
    const theirs = { error: { message: 'no', type: 'invalid_request_error', param: null, code: 'their_code' } }
    const { gateway, key } = await gatewayBefore(sendJson(theirs, status, { 'retry-after': '7' }))
    const response = await postChat(gateway.url, key, CHAT)
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('x-should-retry')).toBe(status === 429 ? null : 'false')
    expect(await response.json()).toEqual(theirs)
    expect(gateway.events()).toMatchObject([
      {
        verdict: 'allow',
        status_code: status,
        error_code: 'upstream_rejected',
        attempts: [{ status, error: `http_${status}` }],
        tokens: null,
      },
    ])
  })

  test.each<[string, Parameters<typeof startUpstream>[0], number, string, string]>([
    ['500', sendJson({ error: { message: 'sk-leak' } }, 500), 502, 'upstream_failed', 'http_500'],
    ['401', sendJson({ error: { message: 'sk-leak' } }, 401), 502, 'upstream_credentials_exhausted', 'http_401'],
    ['301', sendJson({}, 301, { location: 'http://elsewhere' }), 502, 'upstream_failed', 'http_301'],
    ['504', sendJson({}, 504), 504, 'upstream_timeout', 'http_504'],
    [
      '403 in HTML',
      (r) => void r.writeHead(403, { 'content-type': 'text/html' }).end('<b>sk-leak</b>'),
      403,
      'upstream_rejected',
      'http_403',
    ],
    [
      '200 that is an error',
      sendJson({ error: { message: 'sk-leak' } }),
      502,
      'upstream_failed',
      'error_with_success_status',
    ],
    ['200 that is not JSON', (r) => void r.end('sk-leak'), 502, 'upstream_failed', 'invalid_answer'],
    [
      '200 that is cut',
      (r) => void r.writeHead(200, { 'content-length': '500' }).write('{"x":', () => r.destroy()),
      502,
      'upstream_failed',
      'UND_ERR_SOCKET',
    ],
    ['a closed connection', (r) => void r.destroy(), 502, 'upstream_failed', 'UND_ERR_SOCKET'],
    ['silence', () => {}, 504, 'upstream_timeout', 'UND_ERR_HEADERS_TIMEOUT'],
    [
      'a stream that begins with an error',
      (r) =>
        void r.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"error":{"message":"sk-leak"}}\n\n'),
      502,
      'upstream_failed',
      'error_in_stream',
    ],
    [
      'an empty stream',
      (r) => void r.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
      502,
      'upstream_failed',
      'truncated',
    ],
  ])('with %s never looks like a success', async (_, answer, status, code, reason) => {
    const { gateway, key } = await gatewayBefore(answer, { timeoutMs: 200 })
    const response = await postChat(gateway.url, key, CHAT)
    const text = await response.text()
    expect(response.status).toBe(status)
    expect(JSON.parse(text).error).toMatchObject({ code, type: 'upstream_error' })
    expect(text).not.toContain('sk-leak')
    expect(gateway.events()).toMatchObject([
      { verdict: 'allow', status_code: status, error_code: code, attempts: [{ error: reason }] },
    ])
    expect(gateway.errors).toEqual([])
  })

  test('by not being there at all is a 502', async () => {
    const socket = createServer()
    const port = await new Promise<number>((resolve) =>
      socket.listen(0, '127.0.0.1', () => resolve((socket.address() as { port: number }).port)),
    )
    await new Promise((resolve) => socket.close(resolve))
    const { gateway, key } = await sandboxGateway({ targets: [httpTarget(`http://127.0.0.1:${port}/v1`)] })
    const response = await postChat(gateway.url, key, CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([502, 'upstream_failed'])
    expect(gateway.events()[0]?.attempts).toMatchObject([{ error: 'ECONNREFUSED', status: null }])
  })

  test.each([
    ['ends cleanly', (end: () => void) => end()],
    ['breaks', (_: () => void, destroy: () => void) => destroy()],
  ])('in the middle of a stream that %s ends it with an error and without [DONE]', async (_, stop) => {
    const [first = '', second = ''] = completionFrames(['a'])
    const { gateway, key } = await gatewayBefore((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`${first}${second}data: {"half":`, () =>
        setTimeout(
          () =>
            stop(
              () => response.end(),
              () => response.destroy(),
            ),
          20,
        ),
      )
    })
    const text = await (await postChat(gateway.url, key, { ...CHAT, stream: true })).text()
    const last = text.trimEnd().split('\n\n').at(-1) ?? ''
    expect(text.startsWith(first + second)).toBe(true)
    expect(text).not.toContain('[DONE]')
    expect(text).not.toContain('half')
    expect(JSON.parse(last.slice('data: '.length)).error).toMatchObject({ code: 'upstream_failed' })
    const [event] = gateway.events()
    expect(event).toMatchObject({
      status_code: 200,
      error_code: 'upstream_failed',
      stream: true,
      client_aborted: false,
    })
    expect(event?.payload.response_sha256).toBe(sha(text))
  })

  test('by having no secret is not called; the next one that serves the model is', async () => {
    const unavailable = httpTarget('http://127.0.0.1:1/v1', { id: 'first', unavailable: 'OPENAI_API_KEY is not set' })
    const { gateway, key } = await sandboxGateway({ targets: [unavailable, sandboxTarget()] })
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(200)
    expect(gateway.events()).toMatchObject([{ target_id: 'sandbox' }])
    const { gateway: alone, key: other } = await sandboxGateway({ targets: [unavailable] })
    const response = await postChat(alone.url, other, CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([502, 'upstream_credentials_exhausted'])
    expect(alone.events()).toMatchObject([{ status_code: 502, attempts: [] }])
  })

  test('to serve a model at all is a 404 that is recorded', async () => {
    const { gateway, key } = await sandboxGateway({ targets: [sandboxTarget({ models: ['only'] })] })
    const response = await postChat(gateway.url, key, CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([404, 'model_not_found'])
    expect(gateway.events()).toMatchObject([{ verdict: 'block', reason_code: 'model.not_found' }])
  })
})

describe('the record comes first', () => {
  test('an answer waits until its record is on disk', async () => {
    for (const stream of [false, true]) {
      const upstreamEnd = Promise.withResolvers<void>()
      const { gateway, key } = await gatewayBefore((response) => {
        if (stream) {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).write(completionFrames(['a']).join(''))
          void upstreamEnd.promise.then(() => response.end())
        } else response.end(JSON.stringify(completion('a')))
      })
      const disk = Promise.withResolvers<void>()
      gateway.spool.gate = disk.promise
      let isDone = false
      let soFar = ''
      const reading = (async () => {
        const response = await postChat(gateway.url, key, { ...CHAT, stream })
        for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) soFar += chunk
        isDone = true
      })()
      while (stream && !soFar.includes('"stop"')) await new Promise((resolve) => setTimeout(resolve, 5))
      upstreamEnd.resolve()
      while (gateway.gateway.stats().requestsProcessed === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(soFar).not.toContain('[DONE]')
      expect(isDone).toBe(false)
      disk.resolve()
      await reading
      expect(soFar).toContain(stream ? '[DONE]' : 'chat.completion')
    }
  })

  test('a stream that is over before any of it was sent leaves as one piece, behind its record', async () => {
    const bytes = completionFrames(['a', 'b']).join('')
    const { gateway, key } = await gatewayBefore((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': bytes.length }).end(bytes)
    })
    const response = await postChat(gateway.url, key, {
      ...CHAT,
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    expect(await response.text()).toBe(bytes)
    const [event] = gateway.events()
    expect(event).toMatchObject({ status_code: 200, stream: true, payload: { response_bytes: bytes.length } })
    expect(event?.payload.response_sha256).toBe(hash('sha256', bytes, 'hex'))
  })

  test('what a request holds is given back when it is over, however it ended', async () => {
    const { gateway, upstream, key } = await gatewayBefore(sendJson(completion('hi')), {
      limits: { heldBytesMax: 1_600 },
    })
    const ask = (bytes: number, model = CHAT.model) =>
      postChat(gateway.url, key, { ...CHAT, model, messages: [{ role: 'user', content: 'x'.repeat(bytes) }] })
    for (const [bytes, model, status] of [
      [700, CHAT.model, 200],
      [700, 'not a model', 422],
      [2_000, CHAT.model, 503],
      [700, CHAT.model, 200],
    ] as const) {
      const response = await ask(bytes, model)
      await response.text()
      expect(response.status).toBe(status)
    }
    expect(upstream.requests.length).toBe(2)
  })

  test('no room for a record is a 503 before anything is sent', async () => {
    const { gateway, upstream, key } = await gatewayBefore(sendJson(completion('hi')))
    gateway.spool.full = true
    const response = await postChat(gateway.url, key, CHAT)
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'audit_unavailable'])
    expect(upstream.requests).toEqual([])
  })

  test('a record that fails holds the answer back', async () => {
    const { gateway, key } = await gatewayBefore((response, { body }) => {
      if (body.includes('"stream":true'))
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(completionFrames(['a']).join(''))
      else response.end(JSON.stringify(completion('secret')))
    })
    gateway.spool.failure = new Error('disk on fire')
    const whole = await postChat(gateway.url, key, CHAT)
    expect([whole.status, (await errorOf(whole)).code]).toEqual([503, 'audit_unavailable'])
    const streamed = await (await postChat(gateway.url, key, { ...CHAT, stream: true })).text()
    expect(streamed).toContain('audit_unavailable')
    expect(streamed).not.toContain('[DONE]')
  })

  test('under relaxed durability the caller is served all the same, and the loss is counted', async () => {
    const { gateway, key } = await sandboxGateway({ durability: 'relaxed' })
    gateway.spool.full = true
    gateway.spool.failure = new Error('full')
    expect((await postChat(gateway.url, key, CHAT)).status).toBe(200)
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('keeptrusts_gateway_records_lost 1')
  })
})
