import { readFileSync } from 'node:fs'
import { LLMock } from '@copilotkit/aimock'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bedrockUrl, KNOWN_PROVIDERS } from '@/lib/policy/config/known-providers'
import { type Call, type Json, NO_OPTIONS } from './adapter'
import { adapterOf, joinPath, PROVIDERS } from './all'
import { HARMLESS } from './chat'
import { renameModel } from './rename-model'
import { SseEvents } from './sse-events'
import { type ProviderGateway, serveProvider } from './testing'

const CALL: Call = { model: 'm', stream: false, requestId: 'r1', nowMs: 0, options: NO_OPTIONS }
const MESSAGES = [{ role: 'user', content: 'hello' }]
const adjusted = (provider: string, body: Json) => adapterOf(provider).adjust('openai_chat', body, CALL)

describe('what is known of a provider', () => {
  const known = [...KNOWN_PROVIDERS].filter(([name]) => name !== 'sandbox' && name !== 'mcp')

  test.each(known)('%s has an adapter that says the same as the configuration', (name, facts) => {
    const { baseUrl, auth, ...adapter } = adapterOf(name)
    expect(adapter.name).toBe(name)
    if (auth === 'aws_sigv4') {
      expect(baseUrl).toBe(bedrockUrl('{region}'))
      return
    }
    expect({ env: adapter.env, header: auth.header, prefix: auth.prefix.trim() }).toEqual({
      env: facts.env,
      header: facts.apiKeyHeader,
      prefix: facts.apiKeyPrefix,
    })
    if (baseUrl === null || facts.baseUrl === null) expect(baseUrl).toBe(facts.baseUrl)
    else {
      const path =
        adapter.native.length > 0
          ? adapter.path('openai_chat', CALL)
          : adapter.chat.request({ model: 'm', messages: MESSAGES }, CALL).path
      expect(joinPath(new URL(facts.baseUrl), path)).toBe(joinPath(new URL(baseUrl), path))
    }
  })

  test('every adapter is known to the configuration, but for the one that stands for all others', () => {
    const names = PROVIDERS.map(({ name }) => name).filter((name) => name !== 'openai-compatible')
    expect(names.toSorted()).toEqual(known.map(([name]) => name).toSorted())
    expect(adapterOf('something-new').name).toBe('openai-compatible')
  })

  test('the documentation has a row for each, with its variable, its parameters and its native shapes', () => {
    const docs = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8')
    const rows = docs.split('\n').filter((line) => line.startsWith('| `'))
    for (const { name, env, native, chat } of PROVIDERS) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`))
      expect(row, name).toBeDefined()
      if (env !== null) expect(row).toContain(`\`${env}\``)
      for (const shape of native) expect(row).toContain(`\`${shape}\``)
      if (chat.converts.includes('*')) continue
      const converted = docs.split('\n').find((line) => line.startsWith(`- \`${name}\`: `))
      expect(converted).toBe(`- \`${name}\`: ${chat.converts.map((param) => `\`${param}\``).join(', ')}.`)
    }
    expect(docs).toContain(HARMLESS.map((param) => `\`${param}\``).join(', '))
  })
})

describe('a provider in the shape of OpenAI', () => {
  test.each(['openai', 'groq', 'openrouter', 'vllm', 'something-new'])(
    '%s gets the very bytes of the caller',
    (name) => {
      const body = { model: 'm', messages: MESSAGES, max_completion_tokens: 4, stream_options: {}, whatever: [1] }
      expect(adjusted(name, body)).toBeNull()
    },
  )

  test('Mistral, which refuses what it does not know, is told only what it knows', () => {
    const body = {
      model: 'm',
      messages: [{ role: 'developer', content: 's' }, ...MESSAGES],
      max_completion_tokens: 4,
      seed: 2,
      user: 'u',
      store: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
    }
    expect(adjusted('mistral', body)).toEqual({
      model: 'm',
      messages: [{ role: 'system', content: 's' }, ...MESSAGES],
      max_tokens: 4,
      random_seed: 2,
      temperature: 0.5,
    })
  })

  test.each([
    ['mistral', { logprobs: true }, 'logprobs'],
    ['perplexity', { tools: [{}] }, 'tools'],
    ['ollama', { n: 2 }, 'n'],
    ['ollama', { tool_choice: 'required' }, 'tool_choice'],
    ['deepseek', { response_format: { type: 'json_schema', json_schema: {} } }, 'response_format'],
  ])('%s refuses %j by name instead of ignoring it', (name, body, param) => {
    expect(() => adjusted(name, { messages: MESSAGES, ...body })).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    )
    expect(adjusted(name, { messages: MESSAGES, n: 1, logprobs: false, tool_choice: 'auto' })).toBeNull()
  })

  test('what other shapes carry is said in the words of OpenAI, or refused', () => {
    const image = { type: 'image_url', image_url: { url: 'data:a' } }
    const chat = {
      messages: [
        { role: 'assistant', content: 'a', reasoning_content: 'hm', reasoning_details: [] },
        { role: 'tool', tool_call_id: 't', content: [{ type: 'text', text: 'x' }, image], is_error: true },
      ],
      thinking: { type: 'enabled', budget_tokens: 4_000 },
    }
    expect(adapterOf('openai').chat.request(chat, CALL).body).toEqual({
      model: 'm',
      messages: [
        { role: 'assistant', content: 'a' },
        { role: 'tool', tool_call_id: 't', content: 'x' },
        { role: 'user', content: [image] },
      ],
      reasoning_effort: 'medium',
    })
    expect(() => adapterOf('openai').chat.request({ messages: [], top_k: 3 }, CALL)).toThrow(
      expect.objectContaining({ param: 'top_k' }),
    )
    expect(adapterOf('vllm').chat.request({ messages: [], top_k: 3 }, CALL).body.top_k).toBe(3)
  })

  test('reasoning is found wherever a provider puts it', () => {
    const { answer } = adapterOf('mistral').chat
    const thinking = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'a' },
    ]
    for (const message of [{ content: 'a', reasoning: 'hm' }, { content: thinking }]) {
      const completion = answer({ choices: [{ message, finish_reason: 'model_length' }] }, CALL)
      expect(completion.choices).toMatchObject([
        { message: { content: 'a', reasoning_content: 'hm' }, finish_reason: 'length' },
      ])
    }
  })

  test('usage beside the last words becomes a chunk of its own, once', () => {
    const reader = adapterOf('groq').chat.reader(CALL)
    const told = (chunk: Json) => reader.push({ event: null, data: JSON.stringify(chunk) })
    expect(
      told({ choices: [{ delta: { content: 'a' } }], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
    ).toHaveLength(1)
    told({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      x_groq: { usage: { prompt_tokens: 1, completion_tokens: 2 } },
    })
    expect(reader.push({ event: null, data: '[DONE]' })).toMatchObject([
      { choices: [], usage: { completion_tokens: 2 } },
    ])
    expect([reader.end(), reader.isComplete]).toEqual([[], true])
  })

  test('an error within an answer or a stream is a fault', () => {
    const { answer, reader } = adapterOf('openrouter').chat
    expect(() => answer({ error: { message: 'x' } }, CALL)).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
    for (const data of ['{"error":{"message":"x"}}', 'no json', '[]']) {
      expect(() => reader(CALL).push({ event: null, data })).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
    }
  })
})

describe('a refusal is understood for what it is', () => {
  test.each([
    [401, { error: { message: 'bad key' } }, 'credential', false],
    [429, { error: { message: 'q', code: 'insufficient_quota' } }, 'quota', false],
    [429, { error: { message: 'slow' } }, 'rate_limit', true],
    [400, { error: { message: 'x', code: 'context_length_exceeded' } }, 'context_length', false],
    [400, { error: { message: 'x', code: 'content_filter' } }, 'content_policy', false],
    [400, { message: 'x' }, 'invalid', false],
    [404, null, 'not_found', false],
    [408, null, 'server', true],
    [503, null, 'overloaded', true],
    [500, null, 'server', true],
  ])('%i %j is %s', (status, body, kind, retryable) => {
    expect(adapterOf('openai').error(status, body)).toMatchObject({ kind, retryable })
  })
})

describe('addresses and bytes', () => {
  test.each([
    ['https://api.anthropic.com', '/v1/messages', '/v1/messages'],
    ['https://api.anthropic.com/v1/', '/v1/messages', '/v1/messages'],
    ['https://proxy.test/claude', '/v1/messages', '/claude/v1/messages'],
    [
      'https://x.test/v1beta',
      '/v1beta/models/m:streamGenerateContent?alt=sse',
      '/v1beta/models/m:streamGenerateContent?alt=sse',
    ],
    ['https://x.test/a?key=1', '/b?c=2', '/a/b?key=1&c=2'],
  ])('%s and %s', (base, path, expected) => {
    expect(joinPath(new URL(base), path)).toBe(expected)
  })

  test('Azure finds the model by its deployment, which cannot leave its place in the path', () => {
    const { path } = adapterOf('azure-openai')
    expect(path('openai_chat', { ...CALL, model: '../x?' })).toBe(
      '/openai/deployments/..%2Fx%3F/chat/completions?api-version=2024-10-21',
    )
    const options = { ...NO_OPTIONS, azureDeployment: 'prod', azureApiVersion: '2025-01-01' }
    expect(path('openai_embeddings', { ...CALL, options })).toBe(
      '/openai/deployments/prod/embeddings?api-version=2025-01-01',
    )
  })

  test('a model is renamed and no other byte is', () => {
    const renamed = renameModel(Buffer.from('{ "a":"\\u00e9", "model" : "x" , "b":1.0}'), 'y')
    expect(renamed.toString()).toBe('{ "a":"\\u00e9", "model" :"y", "b":1.0}')
  })

  test('an event without an end is not waited for', () => {
    const events = new SseEvents()
    const endless = Buffer.alloc(1_048_576, 'a')
    expect(() => {
      for (let megabytes = 0; megabytes < 40; megabytes += 1) events.push(endless)
    }).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
  })
})

describe('unmodified clients of OpenAI reach what is native, and what makes embeddings', () => {
  const mock = new LLMock({ port: 0 })
  const servers: ProviderGateway[] = []
  const clientOf = async (provider: string, path: string, model: string) => {
    const server = await serveProvider(provider, mock.url + path, model)
    servers.push(server)
    return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  }

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋' })
    await mock.start()
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()))
    await mock.stop()
  })

  test.each([
    ['openai', '/v1'],
    ['azure-openai', ''],
    ['mistral', '/v1'],
    ['openai-compatible', '/v1'],
  ])('%s', async (provider, path) => {
    const client = await clientOf(provider, path, 'gpt-4o')
    const messages = [{ role: 'user' as const, content: 'hello' }]
    const whole = await client.chat.completions.create({ model: 'm', messages })
    const streamed = await client.chat.completions.stream({ model: 'm', messages }).finalChatCompletion()
    for (const { choices } of [whole, streamed]) expect(choices[0]?.message.content).toBe('Hi there, wörld! 👋')
  })

  test.each([
    ['openai', '/v1', 'text-embedding-3-small'],
    ['azure-openai', '', 'text-embedding-3-small'],
    ['cohere', '', 'embed-v4.0'],
  ])('embeddings of %s, as numbers and as base64', async (provider, path, model) => {
    const client = await clientOf(provider, path, model)
    const input = ['one', 'two']
    const packed = await client.embeddings.create({ model: 'm', input })
    const plain = await client.embeddings.create({ model: 'm', input, encoding_format: 'float' })
    expect(packed.data.map(({ embedding }) => embedding.length)).toEqual(
      plain.data.map(({ embedding }) => embedding.length),
    )
    expect(plain.data).toHaveLength(2)
    expect(packed.data[1]?.embedding[0]).toBeCloseTo(plain.data[1]?.embedding[0] ?? Number.NaN, 5)
  })
})

describe('embeddings are asked for in the words of each provider', () => {
  const asked = (provider: string, model: string, body: Json) =>
    adapterOf(provider).embeddings?.request({ model: 'm', input: 'a', ...body }, { ...CALL, model })

  test('Gemini', () => {
    expect(asked('google', 'gemini-embedding-001', { input: ['a', 'b'], dimensions: 3 })).toEqual({
      path: '/v1beta/models/gemini-embedding-001:batchEmbedContents',
      body: {
        requests: ['a', 'b'].map((text) => ({
          model: 'models/gemini-embedding-001',
          content: { parts: [{ text }] },
          outputDimensionality: 3,
        })),
      },
    })
    const answer = { embeddings: [{ values: [1, 2] }] }
    expect(adapterOf('google').embeddings?.answer(answer, CALL, {})).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
      model: 'm',
    })
  })

  test('Bedrock, by the maker of the model', () => {
    expect(asked('bedrock', 'amazon.titan-embed-text-v2:0', { dimensions: 256 })?.body).toEqual({
      inputText: 'a',
      dimensions: 256,
    })
    expect(asked('bedrock', 'cohere.embed-english-v3', { input_type: 'search_query' })?.body).toEqual({
      texts: ['a'],
      input_type: 'search_query',
      embedding_types: ['float'],
    })
    const titan = adapterOf('bedrock').embeddings?.answer({ embedding: [1], inputTextTokenCount: 4 }, CALL, {})
    expect(titan).toMatchObject({ data: [{ embedding: [1] }], usage: { prompt_tokens: 4 } })
  })

  test.each([
    ['bedrock', 'amazon.titan-embed-text-v2:0', { input: ['a', 'b'] }, 'input'],
    ['bedrock', 'meta.llama3', {}, 'model'],
    ['cohere', 'embed-v4.0', { input: [[1, 2]] }, 'input'],
    ['google', 'x', { input_type: 'query' }, 'input_type'],
  ])('%s %s refuses %j by name', (provider, model, body, param) => {
    expect(() => asked(provider, model, body)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: expect.stringContaining(param) }),
    )
  })
})
