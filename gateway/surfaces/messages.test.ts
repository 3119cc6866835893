import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic from '@anthropic-ai/sdk'
import { LLMock } from '@copilotkit/aimock'
import { streamText } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../errors'
import type { Json } from '../providers/adapter'
import { type ProviderGateway, serveProvider } from '../providers/testing'
import { MESSAGES } from './messages'
import { messagesToChat } from './messages-request'

const ASKED = { body: { model: 'm' }, requestId: 'r', nowMs: 0 }
const USER = { role: 'user', content: 'hello' }
const chatOf = (body: Json) => messagesToChat({ model: 'm', max_tokens: 9, messages: [USER], ...body })
const TOOL = { name: 'weather', description: 'd', input_schema: { type: 'object' as const, properties: {} } }
const eventsIn = (text: string): Json[] =>
  text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []))

describe('a message request becomes a chat completion request', () => {
  test('every setting keeps its meaning', () => {
    const schema = { type: 'object' }
    const chat = chatOf({
      system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral' } }],
      stream: true,
      temperature: 0.5,
      top_p: 0.5,
      top_k: 3,
      stop_sequences: ['x'],
      tools: [{ ...TOOL, strict: true }],
      tool_choice: { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
      metadata: { user_id: 'u' },
    })
    expect(chat).toEqual({
      model: 'm',
      messages: [{ role: 'system', content: [{ type: 'text', text: 's' }] }, USER],
      max_completion_tokens: 9,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.5,
      top_k: 3,
      stop: ['x'],
      tools: [
        {
          type: 'function',
          function: { name: 'weather', description: 'd', parameters: TOOL.input_schema, strict: true },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'output', strict: true, schema } },
      user: 'u',
    })
  })

  test('results of tools come before what the user says; thoughts and media are kept', () => {
    const chat = chatOf({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'sig' },
            { type: 'text', text: 'Look' },
            { type: 'tool_use', id: 't', name: 'weather', input: { city: 'Rome' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'there' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' } },
            { type: 'tool_result', tool_use_id: 't', content: 'sunny', is_error: true },
          ],
        },
      ],
    })
    expect(chat.messages).toEqual([
      {
        role: 'assistant',
        content: 'Look',
        reasoning_content: 'hm',
        reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 'sig' }],
        tool_calls: [{ id: 't', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
      { role: 'tool', tool_call_id: 't', content: 'sunny', is_error: true },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'there' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,BBBB' } },
        ],
      },
    ])
  })

  test.each([
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, /^tools\.0/],
    [{ mcp_servers: [] }, /^mcp_servers$/],
    [{ container: 'x' }, /^container$/],
    [{ max_tokens: undefined }, /^max_tokens$/],
    [{ messages: [{ role: 'user', content: [{ type: 'search_result' }] }] }, /^messages\.0\.content/],
  ])('%j is refused by name', (body, param) => {
    expect(() => chatOf(body)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: expect.stringMatching(param) }),
    )
  })
})

describe('a chat completion becomes a message', () => {
  test.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['tool_calls', 'tool_use'],
    ['content_filter', 'refusal'],
  ])('finish_reason %s is stop_reason %s', (finish_reason, stop_reason) => {
    const completion = { choices: [{ message: { content: 'a' }, finish_reason }] }
    expect(MESSAGES.answer(completion, ASKED).stop_reason).toBe(stop_reason)
  })

  test('what was cached is counted beside the input', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 7 } }
    const completion = { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }], usage }
    expect(MESSAGES.answer(completion, ASKED).usage).toEqual({
      input_tokens: 3,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 0,
      output_tokens: 2,
    })
  })

  test('arguments that are not JSON are a fault, not an empty call', () => {
    const tool_calls = [{ id: 'a', function: { name: 'b', arguments: '{"x":' } }]
    const completion = { choices: [{ message: { tool_calls }, finish_reason: 'tool_calls' }] }
    expect(() => MESSAGES.answer(completion, ASKED)).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
  })

  test('every block of a stream is started once and stopped once, and thoughts are shown to whoever asked', () => {
    const chunks = [
      { model: 'v', choices: [{ delta: { role: 'assistant', content: '', reasoning_content: 'hm' } }] },
      { choices: [{ delta: { reasoning_details: [{ type: 'reasoning.text', text: '', signature: 'sig' }] } }] },
      { choices: [{ delta: { content: 'Look' } }] },
      { choices: [{ delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'x', arguments: '' } }] } }] },
      { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '{}' } }] } }] },
      { choices: [{ delta: { tool_calls: [{ index: 1, id: 'b', function: { name: 'y', arguments: '{}' } }] } }] },
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } },
    ]
    const told = (body: Json) => {
      const writer = MESSAGES.writer({ ...ASKED, body })
      return eventsIn(chunks.map((chunk) => writer.push(chunk)).join('') + writer.end())
    }
    const events = told({ model: 'm', thinking: { type: 'adaptive' } })
    const starts = events.filter(({ type }) => type === 'content_block_start')
    expect(starts.map(({ index, content_block: block }) => [index, (block as Json).type])).toEqual([
      [0, 'thinking'],
      [1, 'text'],
      [2, 'tool_use'],
      [3, 'tool_use'],
    ])
    expect(events.filter(({ type }) => type === 'content_block_stop').map(({ index }) => index)).toEqual([0, 1, 2, 3])
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 5, output_tokens: 6 },
    })
    expect(JSON.stringify(told({ model: 'm' }))).not.toContain('thinking')
  })

  test('refusals have the shape of Anthropic', () => {
    expect(MESSAGES.refuse(new Refusal('model_not_allowed', 'No.', { param: 'model' }), 'r')).toMatchObject({
      type: 'error',
      error: { type: 'permission_error', message: 'No.', code: 'model_not_allowed' },
      request_id: 'r',
    })
  })
})

describe.each(['openai', 'anthropic', 'google', 'groq'])('unmodified clients of Anthropic reach %s', (provider) => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway
  let client: Anthropic

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋' })
    mock.onMessage('weather', {
      toolCalls: [
        { name: 'weather', arguments: '{"city":"Rome"}' },
        { name: 'weather', arguments: '{"city":"Oslo"}' },
      ],
    })
    mock.onMessage('limit', { error: { message: 'Slow down', type: 'rate_limit_error' }, status: 429 })
    await mock.start()
    const isPlain = provider === 'anthropic' || provider === 'google'
    server = await serveProvider(provider, isPlain ? mock.url : `${mock.url}/v1`, 'some-model')
    client = new Anthropic({ baseURL: server.url, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  const ask = (content: string) => ({
    model: 'm',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
    tools: content === 'weather' ? [TOOL] : undefined,
  })

  test('whole and streamed answers say the same', async () => {
    const whole = await client.messages.create(ask('hello'))
    const streamed = await client.messages.stream(ask('hello')).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message.content).toMatchObject([{ type: 'text', text: 'Hi there, wörld! 👋' }])
      expect(message.stop_reason).toBe('end_turn')
    }
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens)
  })

  test('parallel tool calls, whole and streamed', async () => {
    for (const message of [
      await client.messages.create(ask('weather')),
      await client.messages.stream(ask('weather')).finalMessage(),
    ]) {
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content.flatMap((block) => (block.type === 'tool_use' ? [block.input] : []))).toEqual([
        { city: 'Rome' },
        { city: 'Oslo' },
      ])
    }
  })

  test('a refusal is an error that the SDK knows', async () => {
    await expect(client.messages.create(ask('limit'))).rejects.toBeInstanceOf(Anthropic.RateLimitError)
  })

  test('the AI SDK streams', async () => {
    const model = createAnthropic({ baseURL: `${server.url}/v1`, apiKey: server.key })('claude-sonnet-4-5')
    expect(await streamText({ model, prompt: 'hello' }).text).toBe('Hi there, wörld! 👋')
  })
})
