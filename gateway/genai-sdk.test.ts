import { LLMock } from '@copilotkit/aimock'
import {
  ApiError,
  type FunctionCall,
  type FunctionDeclaration,
  type GenerateContentResponse,
  GoogleGenAI,
  Type,
} from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTarget, startTestGateway, type TestGateway } from './testing'

const MODEL = 'gemini-2.5-flash'
const WEATHER: FunctionDeclaration = {
  name: 'weather',
  description: 'd',
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
}
const TOOLS = [{ functionDeclarations: [WEATHER] }]

const clientOf = (gateway: TestGateway, apiKey = gateway.addKey()) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: gateway.url } })
const failing = async (made: Promise<unknown>): Promise<ApiError> => {
  const thrown = await made.then(
    () => null,
    (cause: unknown) => cause,
  )
  if (thrown instanceof ApiError) return thrown
  throw new Error('no error of the API', { cause: thrown })
}

describe.each([
  ['google', '', MODEL, `/v1beta/models/${MODEL}:generateContent`],
  ['openai', '/v1', 'gpt-4o', '/v1/chat/completions'],
  ['anthropic', '', 'claude-sonnet-4-6', '/v1/messages'],
])("Google's own client in front of %s", (provider, path, model, asked) => {
  const mock = new LLMock({ port: 0 })
  let gateway: TestGateway
  let client: GoogleGenAI

  beforeAll(async () => {
    const usage = { input_tokens: 9, output_tokens: 8 }
    mock.onMessage('hello', { content: 'Hi there, how are you today?', usage }, { chunkSize: 5 })
    mock.on({ hasToolResult: true }, { content: 'Take your sunglasses.' })
    mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Paris"}' }] })
    mock.onMessage('as json', { content: '{"city":"Rome"}' })
    await mock.start()
    const target = httpTarget(mock.url + path, { provider, modelMap: new Map([[MODEL, model]]) })
    gateway = await startTestGateway({ targets: [target] })
    client = clientOf(gateway)
  })
  afterAll(async () => {
    expect(gateway.errors).toEqual([])
    await gateway.close()
    await mock.stop()
  })

  test('gets an answer, and the tokens are on the record', async () => {
    const answer = await client.models.generateContent({ model: MODEL, contents: 'hello' })
    expect(answer.text).toBe('Hi there, how are you today?')
    expect(answer.candidates?.[0]?.finishReason).toBe('STOP')
    const { promptTokenCount: input, candidatesTokenCount: output } = answer.usageMetadata ?? {}
    expect(gateway.events().at(-1)).toMatchObject({
      api_shape: 'gemini_content',
      route: '/v1/models/{model}:generateContent',
      model_requested: MODEL,
      token_name: 'test-key',
      stream: false,
      tokens: { input, output },
    })
    expect(mock.getLastRequest()?.path).toBe(asked)
  })

  test('is told what to be, how to answer, and in which form', async () => {
    const answer = await client.models.generateContent({
      model: MODEL,
      contents: 'as json',
      config: {
        systemInstruction: 'Be short.',
        temperature: 0.5,
        maxOutputTokens: 200,
        responseMimeType: 'application/json',
        responseSchema: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } },
      },
    })
    expect(JSON.parse(answer.text ?? '')).toEqual({ city: 'Rome' })
  })

  test('calls a tool and hears its result', async () => {
    const first = await client.models.generateContent({ model: MODEL, contents: 'weather', config: { tools: TOOLS } })
    expect(first.functionCalls).toMatchObject([{ name: 'weather', args: { city: 'Paris' } }])
    const [call] = first.functionCalls ?? []
    const said = first.candidates?.[0]?.content
    const { text } = await client.models.generateContent({
      model: MODEL,
      contents: [
        { role: 'user', parts: [{ text: 'weather' }] },
        said ?? {},
        {
          role: 'user',
          parts: [{ functionResponse: { id: call?.id, name: 'weather', response: { output: 'sunny' } } }],
        },
      ],
      config: { tools: TOOLS },
    })
    expect(text).toBe('Take your sunglasses.')
  })

  test('gets a stream, piece by piece, whose tokens are on the record', async () => {
    const stream = await client.models.generateContentStream({ model: MODEL, contents: 'hello' })
    const texts: string[] = []
    let last: GenerateContentResponse | null = null
    for await (const chunk of stream) {
      if (chunk.text) texts.push(chunk.text)
      last = chunk
    }
    expect(texts.join('')).toBe('Hi there, how are you today?')
    expect(texts.length).toBeGreaterThan(1)
    expect(last?.candidates?.[0]?.finishReason).toBe('STOP')
    expect(gateway.events().at(-1)).toMatchObject({
      stream: true,
      error_code: null,
      tokens: { output: last?.usageMetadata?.candidatesTokenCount },
    })
  })

  test('gets tool calls in a stream', async () => {
    const stream = await client.models.generateContentStream({
      model: MODEL,
      contents: 'weather',
      config: { tools: TOOLS },
    })
    const calls: FunctionCall[] = []
    for await (const chunk of stream) calls.push(...(chunk.functionCalls ?? []))
    expect(calls).toMatchObject([{ name: 'weather', args: { city: 'Paris' } }])
  })

  test('talks in a chat', async () => {
    const chat = client.chats.create({ model: MODEL, history: [{ role: 'user', parts: [{ text: 'before' }] }] })
    expect((await chat.sendMessage({ message: 'hello' })).text).toBe('Hi there, how are you today?')
    expect((await chat.sendMessage({ message: 'hello' })).text).toBe('Hi there, how are you today?')
  })

  test('is told of a key that is none, in the words of its API', async () => {
    const error = await failing(clientOf(gateway, 'nobody').models.generateContent({ model: MODEL, contents: 'hello' }))
    expect(error.status).toBe(401)
    expect(JSON.parse(error.message)).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } })
  })

  test('is told of a model that its key may not ask for', async () => {
    const own = clientOf(gateway, gateway.addKey({ allowed_models: ['another'] }))
    expect((await failing(own.models.generateContent({ model: MODEL, contents: 'hello' }))).status).toBe(403)
  })
})
