import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Prices, Tier } from '@/lib/contract/price-shapes'
import { compileConfig, type Target } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { PolicyConfig } from '@/lib/policy/config/schema'
import { PriceBook } from '@/lib/prices/price-book'
import { startFakeServer } from './mcp/mcp-testing'
import { completion, httpTarget, sandboxTarget, startTestGateway, startUpstream } from './testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

const book = (rows: { provider?: string; model: string; prices: Prices; tiers?: Tier[]; from?: string }[]) =>
  new PriceBook({
    version: 'book-test/3',
    rows: rows.map(({ provider = 'openai', model, prices, tiers = [], from = null }) => ({
      provider,
      model,
      source: 'catalogue',
      match: { names: [model] },
      terms: [{ effective_from: from ?? null, between: null, prices, tiers }],
    })),
  })
const PRICES = book([
  { model: 'gpt-test-0001', prices: { input: '2.5', cached_input: '0.25', output: '10', web_search: '10' } },
  { model: 'whisper', prices: { input_audio_hour: '0.36' } },
  { model: 'transcribe', prices: { input: '2.5', input_audio: '6', output: '10' } },
  { model: 'speak', prices: { input_characters: '15' } },
  { model: 'embed', prices: { input: '0.02' } },
  { model: 'dear', prices: { input: '2000', output: '2000' } },
  {
    provider: 'anthropic',
    model: 'claude-test',
    prices: { input: '3', cached_input: '0.3', cache_write: '3.75', cache_write_1h: '6', output: '15' },
  },
])

async function gatewayOf(
  target: Partial<Target>,
  answer: (response: ServerResponse) => void | Promise<void>,
  more = {},
) {
  const upstream = await startUpstream((response) => answer(response))
  const gateway = await startTestGateway({
    prices: PRICES,
    targets: [httpTarget(upstream.url, target)],
    ...more,
  })
  closing.push(upstream, gateway)
  const key = gateway.addKey()
  const call = async (path: string, body: object | FormData) => {
    const isForm = body instanceof FormData
    const response = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      body: isForm ? body : JSON.stringify(body),
    })
    await response.text().catch(() => undefined) // a stream that breaks off is what some of these are about
    return response
  }
  return { gateway, upstream, call }
}

const json =
  (value: object, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
const frames =
  (all: object[], end = 'data: [DONE]\n\n') =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(all.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('') + end)
  }
const CHAT = { model: 'gpt-test-0001', messages: [{ role: 'user', content: 'hi' }] }
const costsOf = (gateway: { events(): { event_cost_attribution: object }[] }) =>
  gateway.events().map((event) => event.event_cost_attribution)

test('a call costs what its provider counted, at the price of the model that answered', async () => {
  const { gateway, call } = await gatewayOf({}, json(completion('hi')))
  await call('/v1/chat/completions', { ...CHAT, model: 'an-alias' })
  // 8 x 2.50 + 3 x 0.25 and 7 x 10, for a million each
  expect(costsOf(gateway)).toEqual([
    {
      total_cost_usd: '0.000090750',
      input_cost_usd: '0.000020750',
      output_cost_usd: '0.000070000',
      currency: 'USD',
      price_book_version: 'book-test/3',
      price_status: 'priced',
      source_spend_log_id: gateway.events()[0]?.event_id.replace('evt_', 'ltx_'),
      units: [],
    },
  ])
})

describe('a call is charged at the service tier that its provider says', () => {
  const tiers: Tier[] = [
    { service_tier: 'priority', above_input_tokens: 0, prices: { input: '5', output: '20' } },
    { service_tier: 'flex', above_input_tokens: 0, prices: { input: '1', output: '5' } },
  ]
  const prices = { input: '2.5', cached_input: '0.25', output: '10' }
  const served = {
    prices: book([
      { model: 'gpt-test-0001', prices, tiers },
      { provider: 'anthropic', model: 'claude-test', prices, tiers },
    ]),
  }
  /** 8 tokens in, 3 from the cache and 7 out. */
  const [usual, priority, flex] = ['0.000090750', '0.000180750', '0.000043750']

  test.each<[unknown, string | null, string, 'priced' | 'estimated', string]>([
    [undefined, null, usual, 'priced', 'book-test/3'],
    ['auto', null, usual, 'priced', 'book-test/3'],
    ['default', 'default', usual, 'priced', 'book-test/3'],
    ['priority', 'priority', priority, 'priced', 'book-test/3#priority'],
    ['priority', 'default', usual, 'priced', 'book-test/3'],
    ['auto', 'priority', priority, 'priced', 'book-test/3#priority'],
    [undefined, 'flex', flex, 'priced', 'book-test/3#flex'],
    ['priority', null, priority, 'estimated', 'book-test/3#priority'],
    ['flex', null, usual, 'estimated', 'book-test/3'],
    ['scale', 'scale', usual, 'estimated', 'book-test/3'],
    [['flex'], null, usual, 'estimated', 'book-test/3'],
    ['default', 'x'.repeat(33), usual, 'priced', 'book-test/3'],
  ])('asked for %j, answered %j', async (service_tier, said, total, status, version) => {
    const answer = { ...completion('hi'), ...(said === null ? {} : { service_tier: said }) }
    const { gateway, call } = await gatewayOf({}, json(answer), served)
    await call('/v1/chat/completions', { ...CHAT, service_tier })
    expect(costsOf(gateway)).toMatchObject([
      { total_cost_usd: total, price_status: status, price_book_version: version },
    ])
  })

  const USED = { prompt_tokens: 11, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 3 } }
  const chunk = { object: 'chat.completion.chunk', model: 'gpt-test-0001', service_tier: 'priority' }
  const events = [
    { ...chunk, choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: 'stop' }] },
    { ...chunk, choices: [], usage: USED },
  ]
  const says = { model: 'gpt-test-0001', status: 'completed', output: [] }
  const response = {
    ...says,
    usage: { input_tokens: 11, output_tokens: 7, input_tokens_details: { cached_tokens: 3 } },
  }
  const message = { type: 'message', role: 'assistant', model: 'claude-test', content: [], usage: {} }
  const counted = { input_tokens: 8, output_tokens: 7, cache_read_input_tokens: 3, service_tier: 'priority' }

  test.each<[string, string, Partial<Target>, object, object[]]>([
    ['a stream of chunks', '/v1/chat/completions', {}, CHAT, events],
    [
      'the last event of a response',
      '/v1/responses',
      {},
      { model: 'gpt-test-0001', input: 'hi' },
      [
        { type: 'response.created', response: { ...says, status: 'in_progress', service_tier: 'auto' } },
        { type: 'response.completed', response: { ...response, service_tier: 'priority' } },
      ],
    ],
    [
      'the first event of a message',
      '/v1/messages',
      { provider: 'anthropic' },
      { ...CHAT, model: 'claude-test', max_tokens: 9 },
      [
        { type: 'message_start', message: { ...message, usage: counted } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
        { type: 'message_stop' },
      ],
    ],
  ])('as %s says', async (_, path, target, body, sent) => {
    const { gateway, call } = await gatewayOf(target, frames(sent, path === '/v1/messages' ? '' : undefined), served)
    await call(path, { ...body, stream: true })
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: priority, price_status: 'priced' }])
  })
})

test('the price of the target goes before the book, and says where it was written', async () => {
  const pricing = { inputNanos: 1_000_000_000n, outputNanos: 2_000_000_000n, cachedInputNanos: 0n }
  const { gateway, call } = await gatewayOf({ pricing }, json(completion('hi')))
  await call('/v1/chat/completions', CHAT)
  expect(costsOf(gateway)).toMatchObject([
    { total_cost_usd: '0.000022000', price_book_version: 'target:test@1.2.3', price_status: 'priced' },
  ])
})

test('what a target of policy-config.yaml says is exact, to nine decimals', () => {
  const target = {
    id: 'a',
    provider: 'openai',
    pricing: { input_usd_per_million: 0.15, output_usd_per_million: 0.000000001 },
  }
  const parsed = PolicyConfig.parse({
    pack: { name: 'p', version: '1.0.0', enabled: true },
    policies: { chain: [] },
    providers: { targets: [target] },
  })
  expect(compileConfig(parsed, {}).targets[0]?.pricing).toEqual({
    inputNanos: 150_000_000n,
    outputNanos: 1n,
    cachedInputNanos: 150_000_000n,
  })
})

test.each([
  ['no price for the model', completion('hi', { model: 'a-model-of-next-year' }), { model: 'a-model-of-next-year' }],
  [
    'a cost beyond all reason',
    { ...completion('hi', { model: 'dear' }), usage: { prompt_tokens: 9e8, completion_tokens: 1 } },
    { model: 'dear' },
  ],
])('%s: unknown, never zero', async (_, answer, change) => {
  const { gateway, call } = await gatewayOf({}, json(answer))
  await call('/v1/chat/completions', { ...CHAT, ...change })
  expect(costsOf(gateway)).toEqual([
    {
      total_cost_usd: null,
      input_cost_usd: null,
      output_cost_usd: null,
      currency: 'USD',
      price_book_version: null,
      price_status: 'unknown',
      source_spend_log_id: null,
      units: [],
    },
  ])
})

test.each([
  ['an answer that does not say what it took', undefined],
  ['counts that cannot be', { prompt_tokens: -4, completion_tokens: 1 }],
  ['counts that are all zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
])('%s: estimated by what was sent and what came', async (_, usage) => {
  const { gateway, call } = await gatewayOf({}, json({ ...completion('twelve chars'), usage }))
  await call('/v1/chat/completions', CHAT)
  // 68 bytes of request are 23 tokens, and 12 bytes of text are 4.
  expect(gateway.events()).toMatchObject([
    {
      tokens: { input: 23, output: 4, cached: 0, reasoning: 0 },
      event_cost_attribution: {
        total_cost_usd: '0.000097500',
        input_cost_usd: '0.000057500',
        output_cost_usd: '0.000040000',
        price_status: 'estimated',
        price_book_version: 'book-test/3',
      },
    },
  ])
})

test('an estimate is never for more than the caller allowed', async () => {
  const { gateway, call } = await gatewayOf({}, json({ ...completion('word '.repeat(100)), usage: undefined }))
  await call('/v1/chat/completions', { ...CHAT, max_tokens: 9 })
  expect(gateway.events()[0]?.tokens).toMatchObject({ output: 9 })
})

test('an answer that is longer than one line of a stream may be is counted to its end', async () => {
  const { gateway, call } = await gatewayOf({}, json({ ...completion('x'.repeat(300_000)), usage: undefined }))
  await call('/v1/chat/completions', CHAT)
  expect(gateway.events()[0]?.tokens).toMatchObject({ output: 100_000 })
})

test('without prices, what a call cost is unknown', async () => {
  const { gateway, call } = await gatewayOf({}, json(completion('hi')), { prices: undefined })
  await call('/v1/chat/completions', CHAT)
  expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: null, price_status: 'unknown' }])
})

test('what was refused before anybody was asked costs nothing', async () => {
  const { gateway, upstream } = await gatewayOf({}, json(completion('hi')))
  const key = gateway.addKey({ allowed_models: ['another'] })
  await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(CHAT),
  })
  expect(upstream.requests).toEqual([])
  expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000000000', price_status: 'priced' }])
})

test('a failure costs nothing, and the call that then answered its own price', async () => {
  let asked = 0
  const answer = (response: ServerResponse) => {
    asked += 1
    if (asked === 1) json({ error: { message: 'busy' } }, 503)(response)
    else json(completion('hi'))(response)
  }
  const { gateway, call } = await gatewayOf({}, answer)
  const { config } = gateway.store.current
  if (config === null) throw new Error('no configuration')
  const routing = { ...config.compiled.routing, attemptsMax: 2 }
  gateway.store.swap({ config: { ...config, compiled: { ...config.compiled, routing } } })
  await call('/v1/chat/completions', CHAT)
  const [event] = gateway.events()
  expect(event?.attempts).toHaveLength(2)
  expect(event?.event_cost_attribution).toMatchObject({ total_cost_usd: '0.000090750', price_status: 'priced' })
})

test('a request that only failed costs nothing', async () => {
  const { gateway, call } = await gatewayOf({}, json({ error: { message: 'broken' } }, 500))
  await call('/v1/chat/completions', CHAT)
  expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000000000', price_status: 'priced' }])
})

describe('streams', () => {
  const chunk = (change: object) => ({ ...completion('x'), object: 'chat.completion.chunk', usage: null, ...change })

  test('cost what their last chunk counts', async () => {
    const usage = { prompt_tokens: 1_000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 400 } }
    const said = [
      chunk({ choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }] }),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
      chunk({ choices: [], usage }),
    ]
    const { gateway, call } = await gatewayOf({}, frames(said))
    await call('/v1/chat/completions', { ...CHAT, stream: true })
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.002600000', price_status: 'priced' }])
  })

  const words = (...all: string[]) =>
    all.map((content) => chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }))

  test('that never said what they took are estimated by the text that came', async () => {
    const said = [...words('six by', 'tes "\\"'), chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })]
    const { gateway, call } = await gatewayOf({}, frames(said))
    await call('/v1/chat/completions', { ...CHAT, stream: true })
    // 82 bytes of request; 6 and 10 of text, as it is escaped
    expect(gateway.events()[0]?.tokens).toMatchObject({ input: 28, output: 6 })
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000130000', price_status: 'estimated' }])
  })

  test('that break off are estimated by the text that came', async () => {
    const { gateway, call } = await gatewayOf({}, frames(words('six by', 'tes and'), ''))
    await call('/v1/chat/completions', { ...CHAT, stream: true })
    expect(gateway.events()[0]).toMatchObject({ error_code: 'upstream_failed', tokens: { input: 28, output: 5 } })
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000120000', price_status: 'estimated' }])
  })

  test('whose caller hangs up, and that are not read to their end, are estimated by the text that came', async () => {
    const answer = async (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const one of words('six by', 'tes and')) response.write(`data: ${JSON.stringify(one)}\n\n`)
      await new Promise((resolve) => response.on('close', resolve))
    }
    const { gateway } = await gatewayOf({}, answer, { limits: { detachedMsMax: 10 } })
    const leaving = new AbortController()
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.addKey()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...CHAT, stream: true }),
      signal: leaving.signal,
    })
    const reader = response.body?.getReader()
    for (let text = ''; !text.includes('tes and'); ) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    leaving.abort()
    const [event] = await gateway.eventsSoon(1)
    expect(event).toMatchObject({ client_aborted: true, attempts: [{ error: 'caller_left' }] })
    expect(event?.tokens).toMatchObject({ input: 28, output: 5 })
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000120000', price_status: 'estimated' }])
  })

  test.each([
    ['refused in their first event', 'data: {"error":{"message":"no"}}\n\n'],
    ['ended before their first', ''],
  ])('that were %s cost nothing', async (_, bytes) => {
    const { gateway, call } = await gatewayOf({}, (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bytes)
    })
    await call('/v1/chat/completions', { ...CHAT, stream: true })
    expect(gateway.events()[0]?.tokens).toBeNull()
    expect(costsOf(gateway)).toMatchObject([{ total_cost_usd: '0.000000000', price_status: 'priced' }])
  })

  test('of responses say everything twice, and are counted once', async () => {
    const event = (type: string, change: object) => ({ type: `response.${type}`, ...change })
    const said = [
      event('created', { response: { instructions: null, output: [{ text: 'what was asked' }] } }),
      event('output_text.delta', { delta: 'six by' }),
      event('output_text.delta', { delta: 'tes' }),
      event('output_text.done', { text: 'six bytes' }),
    ]
    const { gateway, call } = await gatewayOf({}, frames(said, ''))
    await call('/v1/responses', { model: 'gpt-test-0001', input: 'hi', stream: true })
    expect(gateway.events()[0]?.tokens).toMatchObject({ output: 3 })
  })

  test('of messages count what was written to caches, and one that breaks off is an estimate', async () => {
    const start = {
      type: 'message_start',
      message: {
        type: 'message',
        role: 'assistant',
        model: 'claude-test',
        content: [],
        usage: {
          input_tokens: 100,
          output_tokens: 1,
          cache_read_input_tokens: 50,
          cache_creation_input_tokens: 40,
          cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 10 },
        },
      },
    }
    const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 20 } }
    const message = { model: 'claude-test', max_tokens: 10, messages: CHAT.messages, stream: true }
    const whole = await gatewayOf({ provider: 'anthropic' }, frames([start, delta, { type: 'message_stop' }], ''))
    await whole.call('/v1/messages', message)
    // 100 x 3 + 50 x 0.30 + 30 x 3.75 + 10 x 6 and 20 x 15
    expect(costsOf(whole.gateway)).toMatchObject([
      {
        total_cost_usd: '0.000787500',
        input_cost_usd: '0.000487500',
        output_cost_usd: '0.000300000',
        price_status: 'priced',
        units: [
          { unit: 'cache_write', quantity: 40 },
          { unit: 'cache_write_1h', quantity: 10 },
        ],
      },
    ])
    const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'eighteen of bytes.' } }
    const long = await gatewayOf({ provider: 'anthropic' }, frames([start, text], ''))
    await long.call('/v1/messages', message)
    // What was counted at its beginning is not what it took: six tokens of output.
    expect(costsOf(long.gateway)).toMatchObject([{ output_cost_usd: '0.000090000', price_status: 'estimated' }])
    const broken = await gatewayOf({ provider: 'anthropic' }, frames([start], ''))
    await broken.call('/v1/messages', message)
    expect(costsOf(broken.gateway)).toMatchObject([{ total_cost_usd: '0.000502500', price_status: 'estimated' }])
  })
})

test('embeddings, transcripts by tokens and by length, and speech by its characters', async () => {
  const form = (model: string) => {
    const all = new FormData()
    all.append('model', model)
    all.append('file', new Blob([new Uint8Array(64)], { type: 'audio/wav' }), 'a.wav')
    return all
  }
  const embeddings = await gatewayOf(
    {},
    json({ object: 'list', model: 'embed', data: [], usage: { prompt_tokens: 500, total_tokens: 500 } }),
  )
  await embeddings.call('/v1/embeddings', { model: 'embed', input: 'hi' })
  expect(costsOf(embeddings.gateway)).toMatchObject([{ total_cost_usd: '0.000010000', output_cost_usd: '0.000000000' }])

  const usage = {
    type: 'tokens',
    input_tokens: 100,
    output_tokens: 20,
    input_token_details: { text_tokens: 10, audio_tokens: 90 },
  }
  const byTokens = await gatewayOf({}, json({ text: 'hi', usage }))
  await byTokens.call('/v1/audio/transcriptions', form('transcribe'))
  expect(costsOf(byTokens.gateway)).toMatchObject([
    { total_cost_usd: '0.000765000', units: [{ unit: 'input_audio', quantity: 90 }] },
  ])

  const byLength = await gatewayOf({}, json({ text: 'hi', usage: { type: 'duration', seconds: 90 } }))
  await byLength.call('/v1/audio/transcriptions', form('whisper'))
  expect(costsOf(byLength.gateway)).toMatchObject([
    { total_cost_usd: '0.009000000', units: [{ unit: 'input_audio_hour', quantity: 90_000 }] },
  ])

  const speech = await gatewayOf({}, (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(Buffer.alloc(32))
  })
  await speech.call('/v1/audio/speech', { model: 'speak', voice: 'alloy', input: '𝄞 twelve ch' })
  expect(costsOf(speech.gateway)).toMatchObject([
    { total_cost_usd: '0.000165000', units: [{ unit: 'input_characters', quantity: 11 }] },
  ])
  expect(speech.gateway.events()[0]?.tokens).toBeNull()
})

test('embeddings, transcripts and sound that nobody counted are estimated as their price is', async () => {
  const form = (model: string) => {
    const all = new FormData()
    all.append('model', model)
    all.append('file', new Blob([new Uint8Array(8_000)], { type: 'audio/mpeg' }), 'a.mp3')
    return all
  }
  const embeddings = await gatewayOf({}, json({ object: 'list', model: 'embed', data: [] }))
  await embeddings.call('/v1/embeddings', { model: 'embed', input: [[1, 2, 3, 4, 5]] })
  expect(embeddings.gateway.events()[0]?.tokens).toMatchObject({ input: 5, output: 0 })
  expect(costsOf(embeddings.gateway)).toMatchObject([{ total_cost_usd: '0.000000100', price_status: 'estimated' }])

  // Two seconds of sound are 30 tokens, and six bytes of text are two.
  const byTokens = await gatewayOf({}, json({ text: 'twelve' }))
  await byTokens.call('/v1/audio/transcriptions', form('transcribe'))
  expect(byTokens.gateway.events()[0]?.tokens).toMatchObject({ input: 30, output: 2 })
  expect(costsOf(byTokens.gateway)).toMatchObject([{ total_cost_usd: '0.000200000', price_status: 'estimated' }])

  const byLength = await gatewayOf({}, json({ text: 'twelve' }))
  await byLength.call('/v1/audio/transcriptions', form('whisper'))
  expect(costsOf(byLength.gateway)).toMatchObject([{ total_cost_usd: '0.000200000', price_status: 'estimated' }])

  const speech = await gatewayOf({}, (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(Buffer.alloc(32))
  })
  await speech.call('/v1/audio/speech', { model: 'transcribe', voice: 'alloy', input: 'hello' })
  expect(speech.gateway.events()[0]?.tokens).toMatchObject({ output: 15 })
  expect(costsOf(speech.gateway)).toMatchObject([{ output_cost_usd: '0.000150000', price_status: 'estimated' }])
})

test('an answer that was there already costs nothing, and says what it saved', async () => {
  const { gateway, call, upstream } = await gatewayOf({}, json(completion('hi')), {
    config: {
      cache: compileConfig(
        PolicyConfig.parse({
          pack: { name: 'p', version: '1.0.0', enabled: true },
          policies: { chain: [] },
          cache: { ttl_seconds: 60 },
        }),
        {},
      ).cache,
    },
  })
  await call('/v1/chat/completions', { ...CHAT, temperature: 0 })
  await call('/v1/chat/completions', { ...CHAT, temperature: 0 })
  expect(upstream.requests).toHaveLength(1)
  const [first, again] = gateway.events()
  expect(first?.cache).toEqual({ hit: false, avoided_cost_usd: null })
  expect(again?.cache).toEqual({ hit: true, avoided_cost_usd: '0.000090750' })
  expect(again?.event_cost_attribution).toMatchObject({ total_cost_usd: '0.000000000', price_status: 'priced' })
})

/** One call of a tool of a server, for which the organisation has a price. */
async function costsOfToolAt(server: Awaited<ReturnType<typeof startFakeServer>>, prices: Record<string, string>) {
  const yaml = `pack: {name: test, version: 1.2.3, enabled: true}
policies: {chain: []}
providers: {targets: [{id: files, provider: mcp, base_url: '${server.url}', allow_private_network: true}]}`
  const { config } = lintPolicyConfig(yaml)
  if (config === null) throw new Error('no configuration')
  const compiled = compileConfig(config, {})
  const gateway = await startTestGateway({
    config: compiled,
    targets: [...compiled.targets],
    prices: book([{ provider: 'mcp', model: 'read_file', prices }]),
  })
  closing.push(server, gateway)
  const params = { name: 'read_file', arguments: {} }
  await fetch(`${gateway.url}/mcp/files`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.addKey()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  })
  return costsOf(gateway)
}

test.each([
  [
    'by the call, when the organisation says so',
    { request: '5' },
    { total_cost_usd: '0.005000000', price_status: 'priced' },
  ],
  ['an unknown amount without a price by the call', { input: '5' }, { total_cost_usd: null, price_status: 'unknown' }],
])('a tool costs %s', async (_, prices, cost) => {
  const server = await startFakeServer((asked, response) => {
    const result = { content: [{ type: 'text', text: 'done' }] }
    json({ jsonrpc: '2.0', id: asked?.id, result })(response)
  })
  expect(await costsOfToolAt(server, prices)).toMatchObject([cost])
})

test.each([
  ['an error of JSON-RPC', { error: { code: -32603, message: 'out of order' } }, '0.000000000'],
  ['a result that says that it failed', { result: { content: [], isError: true } }, '0.005000000'],
])('a tool whose server answers with %s costs %s', async (_, answer, total_cost_usd) => {
  const server = await startFakeServer((asked, response) => {
    json({ jsonrpc: '2.0', id: asked?.id, ...answer })(response)
  })
  expect(await costsOfToolAt(server, { request: '5' })).toMatchObject([{ total_cost_usd, price_status: 'priced' }])
})

test('the sandbox is free because the book says so', async () => {
  const free = book([{ provider: 'sandbox', model: 'gpt-test-0001', prices: { input: '0', output: '0' } }])
  const { gateway, call } = await gatewayOf({}, json({}), { prices: free, targets: [sandboxTarget()] })
  await call('/v1/chat/completions', CHAT)
  expect(costsOf(gateway)).toMatchObject([
    { total_cost_usd: '0.000000000', price_book_version: 'book-test/3', price_status: 'priced' },
  ])
})
