import { LLMock } from '@copilotkit/aimock'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Call, type Json, NO_OPTIONS } from '../adapter'
import { type ProviderGateway, serveProvider } from '../testing'
import { COHERE } from './adapter'

const CALL: Call = { model: 'command-a', stream: false, requestId: 'r1', nowMs: 0, options: NO_OPTIONS }
const USER = { role: 'user', content: 'hello' }
const said = (chat: Json) => COHERE.chat.request({ model: 'm', messages: [USER], ...chat }, CALL).body
const tool = (name: string) => ({ type: 'function' as const, function: { name, parameters: { type: 'object' } } })

describe('a chat completion request becomes one of Cohere', () => {
  test('every setting keeps its meaning', () => {
    const schema = { type: 'object' }
    expect(
      said({
        temperature: 0.5,
        top_p: 0.5,
        top_k: 4,
        max_completion_tokens: 9,
        stop: 'x',
        seed: 1,
        presence_penalty: 0.5,
        frequency_penalty: 0.5,
        reasoning_effort: 'low',
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      }),
    ).toEqual({
      model: 'command-a',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
      temperature: 0.5,
      p: 0.5,
      k: 4,
      max_tokens: 9,
      stop_sequences: ['x'],
      seed: 1,
      presence_penalty: 0.5,
      frequency_penalty: 0.5,
      thinking: { type: 'enabled', token_budget: 2_048 },
      response_format: { type: 'json_object', json_schema: schema },
    })
  })

  test('calls, their plan and their results', () => {
    const calls = [{ id: 't', type: 'function', function: { name: 'a', arguments: '{}' } }]
    const messages = [
      { role: 'developer', content: 's' },
      { role: 'assistant', content: null, reasoning_content: 'plan', tool_calls: calls },
      { role: 'tool', tool_call_id: 't', content: 'ok' },
    ]
    expect(said({ messages }).messages).toEqual([
      { role: 'system', content: 's' },
      { role: 'assistant', tool_plan: 'plan', tool_calls: calls },
      { role: 'tool', tool_call_id: 't', content: 'ok' },
    ])
  })

  test('a tool that must be called by name is the only one shown', () => {
    const body = said({ tools: [tool('a'), tool('b')], tool_choice: { type: 'function', function: { name: 'b' } } })
    expect(body).toMatchObject({ tools: [tool('b')], tool_choice: 'REQUIRED' })
  })

  test.each([
    [{ n: 2 }, 'n'],
    [{ parallel_tool_calls: false }, 'parallel_tool_calls'],
    [{ presence_penalty: -1 }, 'presence_penalty'],
    [{ tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'z' } } }, 'tool_choice'],
    [
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: 'data:a' } }] }] },
      'messages.0.content.0',
    ],
  ])('%j is refused by name', (chat, param) => {
    expect(() => said(chat)).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
  })
})

describe('what Cohere says', () => {
  test('thoughts, plans, calls and what was read', () => {
    const message = {
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: 'a' },
      ],
      tool_plan: ' so',
      tool_calls: [{ id: 't', type: 'function', function: { name: 'x', arguments: '{}' } }],
    }
    const usage = { tokens: { input_tokens: 9, output_tokens: 2 }, billed_units: { input_tokens: 1 }, cached_tokens: 4 }
    expect(COHERE.chat.answer({ id: 'i', message, usage, finish_reason: 'TOOL_CALL' }, CALL)).toMatchObject({
      id: 'i',
      choices: [
        {
          finish_reason: 'tool_calls',
          message: { content: 'a', reasoning_content: 'hm so', tool_calls: [{ id: 't', function: { name: 'x' } }] },
        },
      ],
      usage: { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } },
    })
  })

  test('an answer that broke off is a fault', () => {
    expect(() => COHERE.chat.answer({ message: { content: [] }, finish_reason: 'TIMEOUT' }, CALL)).toThrow(
      expect.objectContaining({ name: 'ProviderFault' }),
    )
  })
})

describe('unmodified clients of OpenAI reach Cohere', () => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway
  let client: OpenAI

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋' })
    mock.onMessage('weather', {
      toolCalls: [
        { name: 'weather', arguments: '{"city":"Rome"}' },
        { name: 'weather', arguments: '{"city":"Oslo"}' },
      ],
    })
    await mock.start()
    server = await serveProvider('cohere', mock.url, 'command-a')
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  test('whole and streamed answers say the same', async () => {
    const messages = [{ role: 'user' as const, content: 'hello' }]
    const whole = await client.chat.completions.create({ model: 'm', messages })
    const final = await client.chat.completions.stream({ model: 'm', messages }).finalChatCompletion()
    for (const completion of [whole, final]) {
      expect(completion.choices[0]?.message.content).toBe('Hi there, wörld! 👋')
      expect(completion.choices[0]?.finish_reason).toBe('stop')
    }
  })

  test('parallel tool calls, streamed', async () => {
    const stream = client.chat.completions.stream({
      model: 'm',
      messages: [{ role: 'user', content: 'weather' }],
      tools: [tool('weather')],
    })
    const [choice] = (await stream.finalChatCompletion()).choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.tool_calls).toMatchObject([
      { function: { arguments: '{"city":"Rome"}' } },
      { function: { arguments: '{"city":"Oslo"}' } },
    ])
  })
})
