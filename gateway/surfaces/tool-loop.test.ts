import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { LLMock } from '@copilotkit/aimock'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ProviderGateway, serveProvider } from '../providers/testing'

const PROVIDERS = [
  ['openai', '/v1', 'gpt-4o'],
  ['anthropic', '', 'claude-sonnet-4-6'],
  ['google', '', 'gemini-2.5-flash'],
  ['bedrock', '', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['cohere', '', 'command-a'],
] as const

describe.each(PROVIDERS)('an agent whose model is at %s', (provider, path, model) => {
  const mock = new LLMock({ port: 0 })
  let server: ProviderGateway

  beforeAll(async () => {
    mock.on({ hasToolResult: true, toolResultContains: 'sunny in Rome' }, { content: 'Take your sunglasses.' })
    mock.on(
      { userMessage: 'weather', hasToolResult: false },
      { toolCalls: [{ name: 'weather', arguments: '{"city":"Rome"}' }] },
    )
    await mock.start()
    server = await serveProvider(provider, mock.url + path, model)
  })
  afterAll(async () => {
    await server.close()
    await mock.stop()
  })

  test.each(['chat', 'messages', 'responses'] as const)(
    'calls a tool and hears its result, through %s',
    async (api) => {
      const settings = { baseURL: `${server.url}/v1`, apiKey: server.key }
      const language =
        api === 'messages'
          ? createAnthropic(settings)('claude-sonnet-4-5')
          : api === 'chat'
            ? createOpenAI(settings).chat('gpt-4o')
            : createOpenAI(settings).responses('gpt-4o')
      const weather = tool({
        inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
        execute: ({ city }) => `sunny in ${city}`,
      })
      const asked = { model: language, prompt: 'weather?', tools: { weather }, stopWhen: stepCountIs(3) }
      expect((await generateText(asked)).text).toBe('Take your sunglasses.')
      expect(await streamText(asked).text).toBe('Take your sunglasses.')
    },
  )
})
