import { createOpenAI } from '@ai-sdk/openai'
import { LLMock } from '@copilotkit/aimock'
import { streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../errors'
import { type Json, NO_OPTIONS } from '../providers/adapter'
import { adapterOf } from '../providers/all'
import { type ProviderGateway, serveProvider } from '../providers/testing'
import { RESPONSES } from './responses'
import { responsesToChat } from './responses-request'

const ASKED = { body: { model: 'm' }, requestId: 'r', nowMs: 0 }
const chatOf = (body: Json) => responsesToChat({ model: 'm', input: 'hello', ...body })
const TOOL = {
  type: 'function' as const,
  name: 'weather',
  parameters: { type: 'object', properties: {} },
  strict: false,
}
const eventsIn = (text: string): Json[] =>
  text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []))

describe('a response request becomes a chat completion request', () => {
  test('every setting keeps its meaning', () => {
    const schema = { type: 'object' }
    expect(
      chatOf({
        instructions: 'be brief',
        stream: true,
        max_output_tokens: 9,
        temperature: 0.5,
        top_p: 0.5,
        tools: [TOOL],
        tool_choice: { type: 'function', name: 'weather' },
        parallel_tool_calls: false,
        text: { format: { type: 'json_schema', name: 'x', schema, strict: true }, verbosity: 'low' },
        reasoning: { effort: 'high', summary: 'auto' },
        store: true,
        metadata: { a: 'b' },
        include: ['reasoning.encrypted_content'],
      }),
    ).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'hello' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 9,
      temperature: 0.5,
      top_p: 0.5,
      tools: [{ type: 'function', function: { name: 'weather', parameters: TOOL.parameters, strict: false } }],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
      reasoning_effort: 'high',
      verbosity: 'low',
    })
  })

  test('items that one turn of the assistant made are one message again', () => {
    const chat = chatOf({
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'q' },
            { type: 'input_image', image_url: 'data:a' },
          ],
        },
        { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: 'hm' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Look', annotations: [] }] },
        { type: 'function_call', call_id: 'a', name: 'weather', arguments: '{}' },
        { type: 'function_call', call_id: 'b', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: 'x' },
        { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'y' }] },
      ],
    })
    const call = (id: string) => ({ id, type: 'function', function: { name: 'weather', arguments: '{}' } })
    expect(chat.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'q' },
          { type: 'image_url', image_url: { url: 'data:a' } },
        ],
      },
      { role: 'assistant', content: 'Look', reasoning_content: 'hm', tool_calls: [call('a'), call('b')] },
      { role: 'tool', tool_call_id: 'a', content: 'x' },
      { role: 'tool', tool_call_id: 'b', content: 'y' },
    ])
  })

  test('a signed thought that went to the caller comes back to the provider', () => {
    const details = [{ type: 'reasoning.text', text: 'hm', signature: 'sig' }]
    const message = { content: null, reasoning_content: 'hm', reasoning_details: details, tool_calls: [] }
    const response = RESPONSES.answer({ choices: [{ message, finish_reason: 'stop' }] }, ASKED)
    const input = [...(response.output as Json[]).filter(({ type }) => type === 'reasoning')]
    const chat = chatOf({ input: [...input, { type: 'function_call', call_id: 'a', name: 'b', arguments: '{}' }] })
    const call = { model: 'm', stream: false, requestId: 'r', nowMs: 0, options: NO_OPTIONS }
    const sent = adapterOf('anthropic').chat.request(chat, call).body.messages as { content: Json[] }[]
    expect(sent[0]?.content[0]).toEqual({ type: 'thinking', thinking: 'hm', signature: 'sig' })
  })

  test.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'c' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ truncation: 'auto' }, 'truncation'],
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input.0.id'],
    [{ input: [{ type: 'computer_call', id: 'x' }] }, 'input.0.type'],
    [{ top_logprobs: 3 }, 'top_logprobs'],
    [{ brand_new: 1 }, 'brand_new'],
  ])('%j is refused by name', (body, param) => {
    expect(() => chatOf(body)).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
  })
})

describe('a chat completion becomes a response', () => {
  test.each([
    ['stop', 'completed', null],
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'incomplete', { reason: 'content_filter' }],
  ])('finish_reason %s is status %s', (finish_reason, status, incomplete_details) => {
    const completion = { choices: [{ message: { content: 'a' }, finish_reason }] }
    expect(RESPONSES.answer(completion, ASKED)).toMatchObject({ status, incomplete_details })
  })

  test('the events of a stream are numbered and end with what they built', () => {
    const writer = RESPONSES.writer(ASKED)
    const chunks = [
      { model: 'v', choices: [{ delta: { role: 'assistant', content: '', reasoning_content: 'h' } }] },
      { choices: [{ delta: { reasoning_content: 'm' } }] },
      { choices: [{ delta: { content: 'Lo' } }] },
      { choices: [{ delta: { content: 'ok' } }] },
      { choices: [{ delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'x', arguments: '' } }] } }] },
      { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '{}' } }] } }] },
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } },
    ]
    const events = eventsIn(chunks.map((chunk) => writer.push(chunk)).join('') + writer.end())
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at))
    const done = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { output: done, usage: { input_tokens: 5, output_tokens: 6 } },
    })
    expect(done).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'hm' }] },
      { type: 'message', content: [{ text: 'Look' }] },
      { type: 'function_call', call_id: 'a', arguments: '{}' },
    ])
  })

  test('a stream that breaks off ends as failed, with nothing that looks complete', () => {
    const writer = RESPONSES.writer(ASKED)
    const events = eventsIn(
      writer.push({ choices: [{ delta: { content: 'a' } }] }) + writer.fail(new Refusal('upstream_failed', 'Broken.')),
    )
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } })
    expect(events.some(({ type }) => type === 'response.completed' || type === 'response.output_item.done')).toBe(false)
  })
})

describe.each(['openai', 'anthropic', 'google', 'together'])('clients of the Responses API reach %s', (provider) => {
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
    const isPlain = provider === 'anthropic' || provider === 'google'
    server = await serveProvider(provider, isPlain ? mock.url : `${mock.url}/v1`, 'some-model')
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  test('whole and streamed answers say the same', async () => {
    const whole = await client.responses.create({ model: 'm', input: 'hello' })
    const streamed = await client.responses.stream({ model: 'm', input: 'hello' }).finalResponse()
    for (const response of [whole, streamed]) {
      expect(response.output_text).toBe('Hi there, wörld! 👋')
      expect(response.status).toBe('completed')
    }
    expect(streamed.usage?.total_tokens).toBe(whole.usage?.total_tokens)
  })

  test('parallel tool calls, streamed', async () => {
    const response = await client.responses.stream({ model: 'm', input: 'weather', tools: [TOOL] }).finalResponse()
    expect(response.output.flatMap((item) => (item.type === 'function_call' ? [item.arguments] : []))).toEqual([
      '{"city":"Rome"}',
      '{"city":"Oslo"}',
    ])
  })

  test('the AI SDK streams', async () => {
    const model = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key }).responses('gpt-4o')
    expect(await streamText({ model, prompt: 'hello' }).text).toBe('Hi there, wörld! 👋')
  })
})
