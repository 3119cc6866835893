import { afterEach, describe, expect, test } from 'vitest'
import { completion, httpTarget, startTestGateway, startUpstream, type Upstream } from './testing'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const json = (
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Parameters<typeof startUpstream>[0] => {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }
}

async function inFrontOf(answer: Parameters<typeof startUpstream>[0], change: Parameters<typeof httpTarget>[1] = {}) {
  const upstream = await startUpstream(answer)
  const gateway = await startTestGateway({ targets: [httpTarget(upstream.url, change)] })
  open.push(gateway, upstream)
  const key = gateway.addKey()
  const send = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body,
    })
  return { gateway, upstream, key, send }
}

const sentTo = ({ requests }: Upstream) => requests[0]?.body.toString()
const CHAT = '{ "model" : "m", "messages":[{"role":"user","content":"h\\u00e9"}],"seed":12345678901234567890 }'
const MESSAGE = JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })
const SAID = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 4, cache_read_input_tokens: 2, cache_creation_input_tokens: 1, output_tokens: 3 },
}

describe('a request in the shape of its provider', () => {
  test('arrives byte for byte, and with another model only that differs', async () => {
    const same = await inFrontOf(json(completion('hi')))
    await same.send('/v1/chat/completions', CHAT)
    expect(sentTo(same.upstream)).toBe(CHAT)
    const mapped = await inFrontOf(json(completion('hi')), { modelMap: new Map([['m', 'gpt-x']]) })
    await mapped.send('/v1/chat/completions', CHAT)
    expect(sentTo(mapped.upstream)).toBe(CHAT.replace(' "m"', '"gpt-x"'))
  })

  test.each([
    ['openai', true],
    ['mistral', false],
    ['perplexity', false],
  ])('of %s: a stream is asked for usage: %s', async (provider, isAsked) => {
    const { upstream, send } = await inFrontOf(json(completion('hi')), { provider })
    await send(
      '/v1/chat/completions',
      JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a' }], stream: true }),
    )
    expect(sentTo(upstream)?.includes('include_usage')).toBe(isAsked)
  })

  test('takes along the headers that its API lets callers set, once, and no other', async () => {
    const { upstream, send, gateway } = await inFrontOf(json(SAID), { provider: 'anthropic' })
    const beta = { 'anthropic-beta': 'context-1m', 'anthropic-version': '2024-01-01', 'x-other': 'mine', cookie: 'c=1' }
    expect((await send('/v1/messages', MESSAGE, beta)).status).toBe(200)
    const headers = upstream.requests[0]?.headers
    expect(headers).toMatchObject({ 'anthropic-beta': 'context-1m', 'anthropic-version': '2024-01-01' })
    expect([headers?.['x-other'], headers?.cookie]).toEqual([undefined, undefined])
    expect(gateway.events()).toMatchObject([{ tokens: { input: 7, cached: 2, output: 3 } }])
  })

  test('has the headers of its provider when it brings none, and those of its target above all', async () => {
    const plain = await inFrontOf(json(SAID), { provider: 'anthropic' })
    await plain.send('/v1/messages', MESSAGE)
    expect(plain.upstream.requests[0]?.headers['anthropic-version']).toBe('2023-06-01')
    const headers = { 'Anthropic-Version': 'ours' }
    const ours = await inFrontOf(json(SAID), { provider: 'anthropic', headers })
    await ours.send('/v1/messages', MESSAGE, { 'anthropic-version': 'theirs' })
    expect(ours.upstream.requests[0]?.headers['anthropic-version']).toBe('ours')
  })

  test('a converted one brings no headers of its caller', async () => {
    const { upstream, send } = await inFrontOf(json(SAID), { provider: 'anthropic' })
    await send('/v1/chat/completions', JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a' }] }), {
      'anthropic-beta': 'x',
    })
    expect(upstream.requests[0]?.headers['anthropic-beta']).toBeUndefined()
  })
})

describe('what cannot be converted', () => {
  test.each([
    ['/v1/chat/completions', { n: 2, messages: [{ role: 'user', content: 'a' }] }, 'anthropic', 'n'],
    ['/v1/chat/completions', { logprobs: true, messages: [{ role: 'user', content: 'a' }] }, 'google', 'logprobs'],
    ['/v1/messages', { max_tokens: 9, top_k: 3, messages: [{ role: 'user', content: 'a' }] }, 'openai', 'top_k'],
    ['/v1/responses', { input: 'a', previous_response_id: 'r' }, 'anthropic', 'previous_response_id'],
    ['/v1/embeddings', { input: [1, 2] }, 'cohere', 'input.0'],
    ['/v1/embeddings', { input: 'a' }, 'anthropic', 'model'],
    ['/v1/embeddings', { input: 'a' }, 'sandbox', 'model'],
    ['/v1/audio/speech', { input: 'a', voice: 'alloy' }, 'anthropic', 'model'],
  ])(
    '%s %j for %s is refused by name, in the shape of its caller, and nobody is asked',
    async (path, body, provider, param) => {
      const { upstream, send } = await inFrontOf(json({}), { provider })
      const response = await send(path, JSON.stringify({ model: 'm', ...body }))
      const said = await response.json()
      expect([response.status, response.headers.get('x-should-retry')]).toEqual([422, 'false'])
      expect(said.error).toMatchObject({ code: 'invalid_request', param })
      if (path === '/v1/messages')
        expect(said).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
      expect(upstream.requests).toEqual([])
    },
  )
})

test('a provider that says in its body how long to wait is taken at its word', async () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17s' }]
  const body = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', details } }
  const { send } = await inFrontOf(json(body, 429), { provider: 'google' })
  const response = await send(
    '/v1/chat/completions',
    JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a' }] }),
  )
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '17'])
})
