import { LLMock } from '@copilotkit/aimock'
import type { Content, GenerateContentConfig, Tool } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Call, type Json, NO_OPTIONS } from '../adapter'
import { type ProviderGateway, serveProvider } from '../testing'
import { GEMINI } from './adapter'

const CALL: Call = { model: 'gemini-2.5-flash', stream: false, requestId: 'r1', nowMs: 0, options: NO_OPTIONS }
const USER = { role: 'user', content: 'hello' }
const said = (chat: Json, call: Partial<Call> = {}) =>
  GEMINI.chat.request({ model: 'm', messages: [USER], ...chat }, { ...CALL, ...call })
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false }
const WEATHER = { type: 'function' as const, function: { name: 'weather', parameters: PARAMETERS } }
const toolTurn = (id: string, extra: Json = {}) => [
  USER,
  {
    role: 'assistant',
    content: 'Look',
    tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' }, ...extra }],
  },
  { role: 'tool', tool_call_id: id, content: '{"sky":"clear"}' },
]

describe('a chat completion request becomes a request to generate content', () => {
  test('one or many pieces, by the path', () => {
    expect(said({}).path).toBe('/v1beta/models/gemini-2.5-flash:generateContent')
    expect(said({}, { stream: true }).path).toBe('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse')
    expect(said({}, { model: '../x?y' }).path).toBe('/v1beta/models/..%2Fx%3Fy:generateContent')
  })

  test('prompts, turns, calls and their results', () => {
    const { body } = said({ messages: [{ role: 'system', content: 's' }, ...toolTurn('abc')], tools: [WEATHER] })
    expect(body.systemInstruction).toEqual({ parts: [{ text: 's' }] } satisfies Content)
    expect(body.contents).toEqual([
      { role: 'user', parts: [{ text: 'hello' }] },
      {
        role: 'model',
        parts: [{ text: 'Look' }, { functionCall: { id: 'abc', name: 'weather', args: { city: 'Rome' } } }],
      },
      {
        role: 'user',
        parts: [{ functionResponse: { id: 'abc', name: 'weather', response: { sky: 'clear' } } }],
      },
    ] satisfies Content[])
    expect(body.tools).toEqual([
      { functionDeclarations: [{ name: 'weather', parametersJsonSchema: PARAMETERS }] },
    ] satisfies Tool[])
  })

  test('the signature of a thought goes back with its call; where it is lost, Google is told so', () => {
    const signed = toolTurn('abc', { extra_content: { google: { thought_signature: 'sig' } } })
    const three = { model: 'gemini-3-pro-preview' }
    const call = (messages: Json[]) =>
      ((said({ messages }, three).body.contents as Content[])[1]?.parts ?? [])[1]?.thoughtSignature
    expect(call(signed)).toBe('sig')
    expect(call(toolTurn('abc'))).toBe('skip_thought_signature_validator')
  })

  test('every setting of the sampling, the format and the thinking', () => {
    const schema = { type: 'object' }
    const { body } = said({
      temperature: 1.5,
      top_p: 0.5,
      max_tokens: 9,
      stop: ['a'],
      seed: 3,
      presence_penalty: 1,
      frequency_penalty: 0.5,
      reasoning_effort: 'high',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    })
    expect(body.generationConfig).toEqual({
      temperature: 1.5,
      topP: 0.5,
      maxOutputTokens: 9,
      stopSequences: ['a'],
      seed: 3,
      presencePenalty: 1,
      frequencyPenalty: 0.5,
      thinkingConfig: { thinkingBudget: 24_576, includeThoughts: true },
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    } satisfies GenerateContentConfig)
  })

  test.each([
    ['none', { mode: 'NONE' }],
    ['required', { mode: 'ANY' }],
    [
      { type: 'function', function: { name: 'weather' } },
      { mode: 'ANY', allowedFunctionNames: ['weather'] },
    ],
  ])('tool_choice %j', (choice, expected) => {
    expect(said({ tools: [WEATHER], tool_choice: choice }).body.toolConfig).toEqual({ functionCallingConfig: expected })
  })

  test('images, sound and documents', () => {
    const content = [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.JPG?x=1' } },
      { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC' } },
    ]
    expect((said({ messages: [{ role: 'user', content }] }).body.contents as Content[])[0]?.parts).toEqual([
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/a.JPG?x=1' } },
      { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
    ])
  })

  test.each([
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ parallel_tool_calls: false }, 'parallel_tool_calls'],
    [{ stop: ['1', '2', '3', '4', '5', '6'] }, 'stop'],
    [{ messages: [{ role: 'tool', tool_call_id: 'x', content: '' }] }, 'messages.0.tool_call_id'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.test/b' } }] }] },
      'messages.0.content.0.image_url.url',
    ],
  ])('%j is refused by name', (chat, param) => {
    expect(() => said(chat)).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
  })
})

describe('an answer becomes a chat completion', () => {
  const usageMetadata = {
    promptTokenCount: 100,
    candidatesTokenCount: 7,
    thoughtsTokenCount: 30,
    cachedContentTokenCount: 60,
    totalTokenCount: 137,
  }

  test('with thoughts, calls with and without an id, and usage with what was thought', () => {
    const parts = [
      { text: 'hm', thought: true },
      { text: 'Look' },
      { functionCall: { name: 'a', args: { x: 1 } }, thoughtSignature: 'sig' },
      { functionCall: { id: 'g1', name: 'b' } },
    ]
    const completion = GEMINI.chat.answer(
      { candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata, modelVersion: 'v', responseId: 'i' },
      CALL,
    )
    expect(completion).toMatchObject({
      id: 'i',
      model: 'v',
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            content: 'Look',
            reasoning_content: 'hm',
            tool_calls: [
              {
                id: 'call_kt_r1_0',
                function: { name: 'a', arguments: '{"x":1}' },
                extra_content: { google: { thought_signature: 'sig' } },
              },
              { id: 'g1', function: { name: 'b', arguments: '{}' } },
            ],
          },
        },
      ],
      usage: {
        prompt_tokens: 100,
        completion_tokens: 37,
        prompt_tokens_details: { cached_tokens: 60 },
        completion_tokens_details: { reasoning_tokens: 30 },
      },
    })
  })

  test.each([
    [{ promptFeedback: { blockReason: 'SAFETY' } }, 'content_filter'],
    [{ candidates: [{ finishReason: 'PROHIBITED_CONTENT' }] }, 'content_filter'],
    [{ candidates: [{ finishReason: 'MAX_TOKENS' }] }, 'length'],
  ])('%j ends as %s', (response, finish) => {
    const [choice] = GEMINI.chat.answer(response, CALL).choices as { finish_reason: string; message: Json }[]
    expect(choice?.finish_reason).toBe(finish)
    expect(choice?.message.refusal !== null).toBe(finish === 'content_filter')
  })

  test('a call that cannot be read, and an answer that is none, are faults', () => {
    const broken = { candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }
    for (const response of [broken, {}, { candidates: [] }]) {
      expect(() => GEMINI.chat.answer(response, CALL)).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
    }
  })

  test('a stream is complete only with a reason to stop', () => {
    const reader = GEMINI.chat.reader(CALL)
    reader.push({ event: null, data: JSON.stringify({ candidates: [{ content: { parts: [{ text: 'a' }] } }] }) })
    expect([reader.isComplete, reader.end()]).toEqual([false, []])
    reader.push({ event: null, data: JSON.stringify({ candidates: [{ finishReason: 'STOP' }], usageMetadata }) })
    expect(reader.isComplete).toBe(true)
    expect(reader.end().map((chunk) => chunk.usage !== undefined)).toEqual([false, true])
  })

  test('a wrong key and a delay are told apart from what they look like', () => {
    const details = [{ reason: 'API_KEY_INVALID' }]
    expect(GEMINI.error(400, { error: { code: 400, message: 'no', details } }).kind).toBe('credential')
    const slow = { error: { message: 'q', status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '33.2s' }] } }
    expect(GEMINI.error(429, slow)).toMatchObject({ kind: 'rate_limit', retryAfterSeconds: 34, retryable: true })
  })
})

describe('unmodified clients of OpenAI reach Gemini', () => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway
  let client: OpenAI

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋', reasoning: 'Let me greet.' })
    mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Rome"}' }] })
    await mock.start()
    server = await serveProvider('google', mock.url, 'gemini-2.5-flash')
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  test('whole and streamed answers say the same', async () => {
    const messages = [{ role: 'user' as const, content: 'hello' }]
    const whole = await client.chat.completions.create({ model: 'm', messages })
    expect(whole.choices[0]?.message).toMatchObject({
      content: 'Hi there, wörld! 👋',
      reasoning_content: 'Let me greet.',
    })
    const stream = client.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe('Hi there, wörld! 👋')
    expect(final.usage?.total_tokens).toBe(whole.usage?.total_tokens)
  })

  test('a tool call, streamed', async () => {
    const stream = client.chat.completions.stream({
      model: 'm',
      messages: [{ role: 'user', content: 'weather' }],
      tools: [WEATHER],
    })
    const [choice] = (await stream.finalChatCompletion()).choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.tool_calls).toMatchObject([{ function: { name: 'weather', arguments: '{"city":"Rome"}' } }])
  })
})
