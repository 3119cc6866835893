import { LLMock } from '@copilotkit/aimock'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTarget, sandboxTarget, startTestGateway, type TestGateway } from './testing'

/** The official SDK, unmodified; its retries stay on, because what must not be repeated must say so. */
const sdk = (gateway: TestGateway, apiKey: string) => new OpenAI({ apiKey, baseURL: `${gateway.url}/v1` })
const ask = (content: string) => [{ role: 'user' as const, content }]
const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

describe('the OpenAI SDK in front of a provider', () => {
  const mock = new LLMock({ port: 0 })
  let gateway: TestGateway

  beforeAll(async () => {
    const usage = { input_tokens: 9, output_tokens: 8 }
    mock.onMessage('hello', { content: 'Hi there, how are you today?', usage })
    mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Paris"}' }] })
    mock.onTranscription({ transcription: { text: 'Good morning.' } })
    mock.onSpeech('Good morning.', { audio: Buffer.from('sound').toString('base64') })
    await mock.start()
    gateway = await startTestGateway({ targets: [httpTarget(`${mock.url}/v1`)] })
  })
  afterAll(async () => {
    await gateway.close()
    await mock.stop()
  })

  test('gets a completion', async () => {
    const answer = await sdk(gateway, gateway.addKey()).chat.completions.create({
      model: 'gpt-4o',
      messages: ask('hello'),
    })
    expect(answer.choices[0]?.message.content).toBe('Hi there, how are you today?')
    expect(gateway.events().at(-1)).toMatchObject({
      verdict: 'allow',
      status_code: 200,
      model_requested: 'gpt-4o',
      stream: false,
    })
  })

  test('gets a stream without a usage chunk that it did not ask for, and the record has the tokens', async () => {
    const client = sdk(gateway, gateway.addKey())
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('hello'), stream: true })
    let text = ''
    for await (const chunk of stream) {
      expect(chunk.choices).not.toEqual([])
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('Hi there, how are you today?')
    const event = gateway.events().at(-1)
    expect(event).toMatchObject({ stream: true, status_code: 200, error_code: null })
    expect(event?.tokens?.output).toBeGreaterThan(0)
  })

  test('gets the usage chunk when it asks for it', async () => {
    const stream = await sdk(gateway, gateway.addKey()).chat.completions.create({
      model: 'gpt-4o',
      messages: ask('hello'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(gateway.events().at(-1)?.tokens?.output)
  })

  test('gets responses, whole and streamed, whose tokens are on the record', async () => {
    const client = sdk(gateway, gateway.addKey())
    const whole = await client.responses.create({ model: 'gpt-4o', input: 'hello' })
    const streamed = await client.responses.stream({ model: 'gpt-4o', input: 'hello' }).finalResponse()
    for (const { output_text } of [whole, streamed]) expect(output_text).toBe('Hi there, how are you today?')
    expect(gateway.events().slice(-2)).toMatchObject([
      { api_shape: 'openai_responses', stream: false, tokens: { output: whole.usage?.output_tokens } },
      { api_shape: 'openai_responses', stream: true, tokens: { output: streamed.usage?.output_tokens } },
    ])
  })

  test('gets embeddings, transcripts and speech, each with its record', async () => {
    const client = sdk(gateway, gateway.addKey())
    const vectors = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'] })
    expect(vectors.data).toHaveLength(2)
    const file = await toFile(Buffer.from('RIFF'), 'a.wav')
    expect(await client.audio.transcriptions.create({ model: 'whisper-1', file })).toMatchObject({
      text: 'Good morning.',
    })
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Good morning.' })
    expect(Buffer.from(await speech.arrayBuffer()).toString()).toBe('sound')
    expect(gateway.events().slice(-3)).toMatchObject([
      { api_shape: 'openai_embeddings', route: '/v1/embeddings', status_code: 200 },
      { api_shape: 'audio_transcriptions', route: '/v1/audio/transcriptions', status_code: 200 },
      { api_shape: 'audio_speech', route: '/v1/audio/speech', status_code: 200 },
    ])
  })

  test('gets tool calls, whole and streamed', async () => {
    const client = sdk(gateway, gateway.addKey())
    const request = { model: 'gpt-4o', messages: ask('weather'), tools: [WEATHER] }
    const whole = await client.chat.completions.create(request)
    expect(whole.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Paris"}' },
    })
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Paris"}' },
    })
  })
})

describe('the OpenAI SDK and refusals', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway({ targets: [sandboxTarget({ models: ['gpt-4o', 'gpt-4o-mini'] })] })
  })
  afterAll(() => gateway.close())

  test('an unknown key is an AuthenticationError', async () => {
    const failure = await sdk(gateway, 'sk-nobody')
      .chat.completions.create({ model: 'gpt-4o', messages: ask('hi') })
      .catch((e) => e)
    expect(failure).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(failure).toMatchObject({ status: 401, code: 'token_invalid', type: 'authentication_error' })
  })

  test('a model out of scope is a PermissionDeniedError, asked once and recorded once', async () => {
    const before = gateway.events().length
    const client = sdk(gateway, gateway.addKey({ allowed_models: ['gpt-4o-mini'] }))
    const failure = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('hi') }).catch((e) => e)
    expect(failure).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(failure).toMatchObject({ status: 403, code: 'model_not_allowed', param: 'model' })
    expect(failure.headers.get('x-should-retry')).toBe('false')
    expect(gateway.events().slice(before)).toMatchObject([
      { verdict: 'block', reason_code: 'model.not_allowed', status_code: 403, attempts: [], token_name: 'test-key' },
    ])
  })

  test('lists only the models that the key may use', async () => {
    const models = await sdk(gateway, gateway.addKey({ allowed_models: ['gpt-4o-mini'] })).models.list()
    expect(models.data.map(({ id }) => id)).toEqual(['gpt-4o-mini'])
    const one = await sdk(gateway, gateway.addKey()).models.retrieve('gpt-4o')
    expect(one).toMatchObject({ id: 'gpt-4o', object: 'model', owned_by: 'sandbox' })
  })
})

describe('the OpenAI SDK and the sandbox', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway()
  })
  afterAll(() => gateway.close())

  test('gets the same answer whole and streamed, with usage', async () => {
    const client = sdk(gateway, gateway.addKey())
    const request = { model: 'gpt-5.4-mini', messages: ask('Summarize the latest blocked decisions.') }
    const whole = await client.chat.completions.create(request)
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    expect(whole.choices[0]?.message.content).toContain('Summarize the latest blocked decisions.')
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
    const [first, second] = gateway.events().slice(-2)
    expect(first?.tokens).toEqual(second?.tokens)
    expect(first?.tokens?.input).toBe(whole.usage?.prompt_tokens)
  })

  test('gets a tool call when it requires one', async () => {
    const answer = await sdk(gateway, gateway.addKey()).chat.completions.create({
      model: 'gpt-4o',
      messages: ask('weather?'),
      tools: [WEATHER],
      tool_choice: 'required',
    })
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ function: { name: 'weather', arguments: '{"city":"sandbox"}' } }] },
    })
  })
})
