import Anthropic from '@anthropic-ai/sdk'
import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTarget, startTestGateway, type TestGateway } from './testing'

const messages = [{ role: 'user' as const, content: 'hello' }]
const WEATHER = {
  name: 'weather',
  description: 'd',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}
const ASK = { model: 'claude-sonnet-4-6', max_tokens: 100 }

describe.each([
  ['anthropic', '', 'claude-sonnet-4-6'],
  ['openai', '/v1', 'gpt-4o'],
])("Anthropic's own client in front of %s", (provider, path, model) => {
  const mock = new LLMock({ port: 0 })
  let gateway: TestGateway
  let client: Anthropic

  beforeAll(async () => {
    const usage = { input_tokens: 9, output_tokens: 8 }
    mock.onMessage('hello', { content: 'Hi there, how are you today?', usage }, { chunkSize: 5 })
    mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Paris"}' }] })
    await mock.start()
    const modelMap = new Map([['claude-sonnet-4-6', model]])
    gateway = await startTestGateway({
      targets: [httpTarget(mock.url + path, { provider, modelMap, apiKeyHeader: 'x-api-key' })],
    })
    client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.addKey() })
  })
  afterAll(async () => {
    await gateway.close()
    await mock.stop()
  })

  test('gets a message, and the tokens are on the record', async () => {
    const message = await client.messages.create({ ...ASK, messages })
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'Hi there, how are you today?' }],
    })
    const event = gateway.events().at(-1)
    expect(event).toMatchObject({
      api_shape: 'anthropic_messages',
      token_name: 'test-key',
      tokens: { input: message.usage.input_tokens, output: message.usage.output_tokens },
    })
    expect(mock.getLastRequest()?.path).toBe(provider === 'anthropic' ? '/v1/messages' : '/v1/chat/completions')
  })

  test('is known by a key in x-api-key, too, where other clients of that API put it', async () => {
    const body = JSON.stringify({ ...ASK, messages })
    const send = (key: string) =>
      fetch(`${gateway.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body,
      })
    expect((await send(gateway.addKey())).status).toBe(200)
    expect((await send('sk-ant-nobody')).status).toBe(401)
  })

  test('gets a stream, event by event, whose tokens are on the record', async () => {
    const stream = client.messages.stream({ ...ASK, messages })
    const texts: string[] = []
    stream.on('text', (text) => texts.push(text))
    const message = await stream.finalMessage()
    expect(texts.join('')).toBe('Hi there, how are you today?')
    expect(texts.length).toBeGreaterThan(1)
    expect(message.stop_reason).toBe('end_turn')
    expect(gateway.events().at(-1)).toMatchObject({
      stream: true,
      error_code: null,
      tokens: { output: message.usage.output_tokens },
    })
  })

  test('gets tool calls, whole and streamed', async () => {
    const request = { ...ASK, messages: [{ role: 'user' as const, content: 'weather' }], tools: [WEATHER] }
    for (const message of [
      await client.messages.create(request),
      await client.messages.stream(request).finalMessage(),
    ]) {
      expect(message.stop_reason).toBe('tool_use')
      expect(message.content).toMatchObject([{ type: 'tool_use', name: 'weather', input: { city: 'Paris' } }])
    }
  })
})
