import { createOpenAI } from '@ai-sdk/openai'
import { LLMock } from '@copilotkit/aimock'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Call, type Json, NO_OPTIONS } from '../adapter'
import { type ProviderGateway, serveProvider } from '../testing'
import { ANTHROPIC } from './adapter'

const CALL: Call = { model: 'claude-sonnet-4-6', stream: false, requestId: 'r1', nowMs: 0, options: NO_OPTIONS }
const USER = { role: 'user', content: 'hello' }
const said = (chat: Json, call: Partial<Call> = {}) =>
  ANTHROPIC.chat.request({ model: 'm', messages: [USER], ...chat }, { ...CALL, ...call }).body
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'd',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
}

describe('a chat completion request becomes a message request', () => {
  test('system and developer prompts stand outside the turns, in their order', () => {
    const body = said({
      messages: [{ role: 'system', content: 'a' }, USER, { role: 'developer', content: [{ type: 'text', text: 'b' }] }],
    })
    expect(body.system).toEqual([
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ])
    expect(body.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'hello' }] }])
  })

  test('results of parallel tool calls are one turn of the user, with what the user says next', () => {
    const body = said({
      messages: [
        USER,
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
            { id: 't2', type: 'function', function: { name: 'weather', arguments: '' } },
          ],
        },
        { role: 'tool', tool_call_id: 't1', content: 'sunny' },
        { role: 'tool', tool_call_id: 't2', content: '' },
        { role: 'user', content: 'and?' },
      ],
    })
    expect(body.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'hello' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Rome' } },
          { type: 'tool_use', id: 't2', name: 'weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'sunny' }] },
          { type: 'tool_result', tool_use_id: 't2' },
          { type: 'text', text: 'and?' },
        ],
      },
    ])
  })

  test.each([
    ['auto', undefined, undefined],
    ['auto', false, { type: 'auto', disable_parallel_tool_use: true }],
    ['required', true, { type: 'any' }],
    ['none', false, { type: 'none' }],
    [
      { type: 'function', function: { name: 'weather' } },
      false,
      { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
    ],
  ])('tool_choice %j with parallel_tool_calls %j', (choice, parallel, expected) => {
    const body = said({ tools: [WEATHER], tool_choice: choice, parallel_tool_calls: parallel })
    expect(body.tool_choice).toEqual(expected)
    expect(body.tools).toEqual([{ name: 'weather', description: 'd', input_schema: WEATHER.function.parameters }])
  })

  test('images and documents keep their bytes', () => {
    const pdf = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } }
    const content = [
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
      pdf,
    ]
    expect((said({ messages: [{ role: 'user', content }] }).messages as Json[])[0]?.content).toEqual([
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' }, title: 'a.pdf' },
    ])
  })

  test('a JSON schema is the format of the output', () => {
    const schema = { type: 'object', properties: {} }
    const format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } }
    expect(said({ response_format: format }).output_config).toEqual({ format: { type: 'json_schema', schema } })
  })

  test('limits, stop sequences and sampling keep their meaning; a limit there always is', () => {
    expect(said({ max_completion_tokens: 7, stop: 'x', temperature: 0.5, top_p: 0.9, user: 'u' })).toMatchObject({
      max_tokens: 7,
      stop_sequences: ['x'],
      temperature: 0.5,
      top_p: 0.9,
      metadata: { user_id: 'u' },
    })
    expect(said({}).max_tokens).toBe(16_384)
    expect(said({}, { model: 'claude-3-haiku-20240307' }).max_tokens).toBe(4_096)
  })

  test('effort is an effort where the model knows it, and a budget below the limit where it does not', () => {
    expect(said({ reasoning_effort: 'high' })).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { effort: 'high' },
    })
    const old = { model: 'claude-sonnet-4-5-20250929' }
    expect(said({ reasoning_effort: 'high', max_tokens: 4_000 }, old).thinking).toEqual({
      type: 'enabled',
      budget_tokens: 3_200,
    })
    expect(said({ reasoning_effort: 'none' }, old).thinking).toBeUndefined()
  })

  test('signed thoughts go back before the calls they led to', () => {
    const messages = [
      USER,
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        reasoning_details: [
          { type: 'reasoning.text', text: 'hm', signature: 'sig' },
          { type: 'reasoning.encrypted', data: 'zzz' },
        ],
        tool_calls: [{ id: 't', type: 'function', function: { name: 'weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 't', content: 'ok' },
    ]
    expect((said({ messages }).messages as Json[])[1]?.content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 'sig' },
      { type: 'redacted_thinking', data: 'zzz' },
      { type: 'tool_use', id: 't', name: 'weather', input: {} },
    ])
  })

  test.each([
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ seed: 1 }, 'seed'],
    [{ logit_bias: { 5: 1 } }, 'logit_bias'],
    [{ functions: [{}] }, 'functions'],
    [{ temperature: 1.5 }, 'temperature'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
    [{ brand_new: 1 }, 'brand_new'],
    [{ messages: [{ role: 'user', content: 'x', brand_new: 1 }] }, 'messages.0.brand_new'],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] }] },
      'messages.0.content.0',
    ],
    [{ tools: [{ type: 'function', function: { name: 'a', surprise: 1 } }] }, 'tools.0.function.surprise'],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'b', arguments: '{' } }] },
        ],
      },
      'messages.0.tool_calls.0.function.arguments',
    ],
  ])('%j is refused by name', (chat, param) => {
    expect(() => said(chat)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 422, param }))
  })

  test.each([
    [{ n: 1, logprobs: false, presence_penalty: 0, logit_bias: {}, seed: null, store: true, metadata: { a: 'b' } }],
  ])('what changes no answer is no reason to refuse', (chat) => {
    expect(Object.keys(said(chat)).toSorted()).toEqual(['max_tokens', 'messages', 'model'])
  })
})

describe('a message becomes a chat completion', () => {
  test('with thoughts, calls, usage with what was cached, and the reason to stop', () => {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-x',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'text', text: 'Look' },
        { type: 'tool_use', id: 't', name: 'weather', input: { city: 'Rome' } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20, output_tokens: 9 },
    }
    expect(ANTHROPIC.chat.answer(message, CALL)).toEqual({
      id: 'msg_1',
      object: 'chat.completion',
      created: 0,
      model: 'claude-x',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Look',
            refusal: null,
            reasoning_content: 'hm',
            reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 's' }],
            tool_calls: [{ id: 't', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
          },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
      ],
      usage: {
        prompt_tokens: 125,
        completion_tokens: 9,
        total_tokens: 134,
        prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 20 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    })
  })

  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content_filter'],
  ])('stop_reason %s is finish_reason %s', (reason, finish) => {
    const completion = ANTHROPIC.chat.answer({ content: [], stop_reason: reason }, CALL)
    expect(completion.choices).toMatchObject([{ finish_reason: finish }])
  })

  test('a stream that ends without message_stop is not complete, and an error in it is a fault', () => {
    const reader = ANTHROPIC.chat.reader(CALL)
    reader.push({ event: null, data: '{"type":"message_start","message":{"usage":{"input_tokens":1}}}' })
    expect(reader.isComplete).toBe(false)
    const error = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    expect(() => reader.push({ event: 'error', data: error })).toThrow(
      expect.objectContaining({ error: expect.objectContaining({ kind: 'overloaded', retryable: true }) }),
    )
  })

  test('a call without arguments has an empty object for arguments', () => {
    const reader = ANTHROPIC.chat.reader(CALL)
    const chunks = [
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'a', name: 'b', input: {} } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '' } },
      { type: 'content_block_stop', index: 0 },
    ].flatMap((event) => reader.push({ event: null, data: JSON.stringify(event) }))
    expect(chunks.at(-1)?.choices).toMatchObject([
      { delta: { tool_calls: [{ index: 0, function: { arguments: '{}' } }] } },
    ])
  })
})

describe('unmodified clients of OpenAI reach Anthropic', () => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway
  let client: OpenAI

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋', reasoning: 'Let me greet.', reasoningSignature: 'sig' })
    mock.onMessage('weather', {
      toolCalls: [
        { name: 'weather', arguments: '{"city":"Rome"}' },
        { name: 'weather', arguments: '{"city":"Oslo"}' },
      ],
    })
    mock.onMessage('limit', { error: { message: 'Slow down', type: 'rate_limit_error' }, status: 429 })
    await mock.start()
    server = await serveProvider('anthropic', mock.url, 'claude-sonnet-4-6')
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  test('whole and streamed answers say the same', async () => {
    const messages = [{ role: 'user' as const, content: 'hello' }]
    const whole = await client.chat.completions.create({ model: 'm', messages })
    expect(whole.choices[0]?.message.content).toBe('Hi there, wörld! 👋')
    expect(whole.choices[0]?.message).toMatchObject({ reasoning_content: 'Let me greet.' })
    const stream = client.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe('Hi there, wörld! 👋')
    expect(final.choices[0]?.finish_reason).toBe('stop')
    expect(final.usage).toEqual(whole.usage)
  })

  test('parallel tool calls, streamed', async () => {
    const stream = client.chat.completions.stream({
      model: 'm',
      messages: [{ role: 'user', content: 'weather' }],
      tools: [WEATHER],
    })
    const calls = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls
    expect(calls?.map((call) => call.type === 'function' && call.function.arguments)).toEqual([
      '{"city":"Rome"}',
      '{"city":"Oslo"}',
    ])
  })

  test('a refusal of Anthropic is one in the shape of OpenAI', async () => {
    const asked = client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'limit' }] })
    await expect(asked).rejects.toMatchObject({ status: 429, message: expect.stringContaining('Slow down') })
  })

  test('the AI SDK generates and streams', async () => {
    const model = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key }).chat('gpt-4o')
    expect((await generateText({ model, prompt: 'hello' })).text).toBe('Hi there, wörld! 👋')
    expect(await streamText({ model, prompt: 'hello' }).text).toBe('Hi there, wörld! 👋')
  })
})
