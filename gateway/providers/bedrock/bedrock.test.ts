import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { LLMock } from '@copilotkit/aimock'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Call, type Json, NO_OPTIONS } from '../adapter'
import { AwsEventStream } from '../aws-event-stream'
import { type ProviderGateway, serveProvider } from '../testing'
import { BEDROCK } from './adapter'
import { signedHeaders } from './sign'

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const CALL: Call = { model: CLAUDE, stream: false, requestId: 'r1', nowMs: 0, options: NO_OPTIONS }
const USER = { role: 'user', content: 'hello' }
const said = (chat: Json, call: Partial<Call> = {}) =>
  BEDROCK.chat.request({ model: 'm', messages: [USER], ...chat }, { ...CALL, ...call })
const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: {} } },
}

/** One message of Amazon's event stream with string headers. */
function framed(headers: Record<string, string>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      return Buffer.concat([
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ])
    }),
  )
  const body = Buffer.from(payload)
  const message = Buffer.alloc(16 + head.length + body.length)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  head.copy(message, 12)
  body.copy(message, 12 + head.length)
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4)
  return message
}

describe('a chat completion request becomes a Converse request', () => {
  test('prompts, turns, calls, results and media', () => {
    const { path, body } = said({
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
        {
          role: 'assistant',
          tool_calls: [{ id: 't', type: 'function', function: { name: 'weather', arguments: '' } }],
        },
        { role: 'tool', tool_call_id: 't', content: 'sunny' },
        {
          role: 'user',
          content: [{ type: 'file', file: { filename: 'a_b..pdf', file_data: 'data:application/pdf;base64,BBBB' } }],
        },
      ],
      tools: [WEATHER],
      tool_choice: 'required',
    })
    expect(path).toBe('/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse')
    expect(body).toEqual({
      system: [{ text: 's' }],
      messages: [
        { role: 'user', content: [{ image: { format: 'png', source: { bytes: 'AAAA' } } }] },
        { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'weather', input: {} } }] },
        {
          role: 'user',
          content: [
            { toolResult: { toolUseId: 't', content: [{ text: 'sunny' }] } },
            { document: { format: 'pdf', name: 'a b pdf', source: { bytes: 'BBBB' } } },
          ],
        },
      ],
      toolConfig: {
        tools: [{ toolSpec: { name: 'weather', inputSchema: { json: WEATHER.function.parameters } } }],
        toolChoice: { any: {} },
      },
    })
  })

  test('sampling, format and thinking, in the words of the model where Converse has none', () => {
    const schema = { type: 'object' }
    const { body } = said({
      max_tokens: 4_000,
      temperature: 1,
      top_p: 0.5,
      top_k: 4,
      stop: 'x',
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    })
    expect(body).toMatchObject({
      inferenceConfig: { maxTokens: 4_000, temperature: 1, topP: 0.5, stopSequences: ['x'] },
      additionalModelRequestFields: { top_k: 4, thinking: { type: 'enabled', budget_tokens: 2_048 } },
      outputConfig: {
        textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'x', schema: JSON.stringify(schema) } } },
      },
    })
  })

  test.each([
    [{ n: 2 }, 'n', CLAUDE],
    [{ seed: 1 }, 'seed', CLAUDE],
    [{ top_k: 1 }, 'top_k', 'meta.llama3-1-8b-instruct-v1:0'],
    [{ reasoning_effort: 'low' }, 'reasoning_effort', 'meta.llama3-1-8b-instruct-v1:0'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.test/a.png' } }] }] },
      'messages.0.content.0.image_url.url',
      CLAUDE,
    ],
  ])('%j is refused by name', (chat, param, model) => {
    expect(() => said(chat, { model })).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
  })
})

describe('what Bedrock says', () => {
  test('usage counts what was cached within the input', () => {
    const usage = { inputTokens: 5, outputTokens: 2, cacheReadInputTokens: 10, cacheWriteInputTokens: 1 }
    const output = { message: { content: [{ text: 'a' }] } }
    expect(BEDROCK.chat.answer({ output, stopReason: 'guardrail_intervened', usage }, CALL)).toMatchObject({
      choices: [{ finish_reason: 'content_filter' }],
      usage: { prompt_tokens: 16, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 10 } },
    })
  })

  test('an exception within a stream is a fault of its kind', () => {
    const frame = framed(
      { ':message-type': 'exception', ':exception-type': 'throttlingException' },
      '{"message":"slow"}',
    )
    const [event] = new AwsEventStream().push(frame)
    if (event === undefined) throw new Error('no event')
    expect(() => BEDROCK.chat.reader(CALL).push(event)).toThrow(
      expect.objectContaining({ error: expect.objectContaining({ kind: 'rate_limit', message: 'slow' }) }),
    )
  })

  test('frames are read at any cut, and a single wrong bit is noticed', () => {
    const frames = Buffer.concat([
      framed({ ':event-type': 'messageStart' }, '{"role":"assistant"}'),
      framed({ ':event-type': 'contentBlockDelta' }, '{"delta":{"text":"wörld"}}'),
    ])
    const whole = new AwsEventStream().push(frames)
    expect(whole.map(({ event }) => event)).toEqual(['messageStart', 'contentBlockDelta'])
    for (let size = 1; size < 40; size += 1) {
      const stream = new AwsEventStream()
      const events = []
      for (let at = 0; at < frames.length; at += size) events.push(...stream.push(frames.subarray(at, at + size)))
      expect([...events, ...stream.end()]).toEqual(whole)
    }
    for (let at = 0; at < frames.length; at += 1) {
      const damaged = Buffer.from(frames)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      expect(() => [...new AwsEventStream().push(damaged)]).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
    }
  })

  test('a stream that is cut within a frame is a fault', () => {
    const stream = new AwsEventStream()
    stream.push(framed({ ':event-type': 'messageStart' }, '{}').subarray(0, -1))
    expect(() => stream.end()).toThrow(expect.objectContaining({ name: 'ProviderFault' }))
  })
})

test('the signature is what Signature Version 4 prescribes, written out', async () => {
  const url = new URL(`https://bedrock-runtime.eu-west-1.amazonaws.com/model/${encodeURIComponent(CLAUDE)}/converse`)
  const body = '{"messages":[]}'
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'token' }
  const headers = await signedHeaders(url, body, credentials, 'eu-west-1', Date.UTC(2026, 0, 2, 3, 4, 5))

  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const scope = '20260102/eu-west-1/bedrock/aws4_request'
  const signed = 'host;x-amz-date;x-amz-security-token'
  const canonical = [
    'POST',
    url.pathname.replaceAll('%', '%25'),
    '',
    `host:${url.host}`,
    'x-amz-date:20260102T030405Z',
    'x-amz-security-token:token',
    '',
    signed,
    sha256(body),
  ].join('\n')
  const key = ['20260102', 'eu-west-1', 'bedrock', 'aws4_request'].reduce<string | Buffer>(hmac, 'AWS4secret')
  const signature = hmac(key, ['AWS4-HMAC-SHA256', '20260102T030405Z', scope, sha256(canonical)].join('\n'))
  expect(headers).toEqual({
    authorization: `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=${signed}, Signature=${signature.toString('hex')}`,
    'x-amz-date': '20260102T030405Z',
    'x-amz-security-token': 'token',
  })
})

describe('unmodified clients of OpenAI reach Bedrock', () => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway
  let client: OpenAI

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hi there, wörld! 👋', reasoning: 'Let me greet.' })
    mock.onMessage('weather', {
      toolCalls: [
        { name: 'weather', arguments: '{"city":"Rome"}' },
        { name: 'weather', arguments: '{"city":"Oslo"}' },
      ],
    })
    mock.onMessage('limit', { error: { message: 'Slow down', type: 'ThrottlingException' }, status: 429 })
    await mock.start()
    server = await serveProvider('bedrock', mock.url, CLAUDE)
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
    const stream = client.chat.completions.stream({ model: 'm', messages })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe('Hi there, wörld! 👋')
    expect(final.choices[0]?.finish_reason).toBe('stop')
  })

  test('parallel tool calls, streamed', async () => {
    const stream = client.chat.completions.stream({
      model: 'm',
      messages: [{ role: 'user', content: 'weather' }],
      tools: [WEATHER],
    })
    const [choice] = (await stream.finalChatCompletion()).choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.tool_calls).toMatchObject([
      { function: { arguments: '{"city":"Rome"}' } },
      { function: { arguments: '{"city":"Oslo"}' } },
    ])
  })

  test('a refusal of Bedrock is one in the shape of OpenAI', async () => {
    const asked = client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'limit' }] })
    await expect(asked).rejects.toMatchObject({ status: 429, message: expect.stringContaining('Slow down') })
  })
})
