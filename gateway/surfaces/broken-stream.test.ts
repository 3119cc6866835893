import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { LLMock } from '@copilotkit/aimock'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ProviderGateway, serveProvider } from '../providers/testing'

const PROVIDERS = [
  ['anthropic', 'claude-sonnet-4-6'],
  ['google', 'gemini-2.5-flash'],
  ['bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['cohere', 'command-a'],
] as const

describe.each(PROVIDERS)('when %s dies in the middle of its answer', (provider, model) => {
  const mock = new LLMock({ port: 0 })
  /** Passes on the first part of each answer and hangs up. */
  const dying = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(mock.url + incoming.url, { method: 'POST', headers, body: Buffer.concat(chunks) })
    const bytes = Buffer.from(await answer.arrayBuffer())
    outgoing.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    outgoing.write(bytes.subarray(0, Math.floor(bytes.length * 0.6)), () => outgoing.destroy())
  })
  let server: ProviderGateway
  let openai: OpenAI
  let anthropic: Anthropic
  let google: GoogleGenAI

  beforeAll(async () => {
    mock.onMessage('hello', { content: 'one two three four five six seven' }, { chunkSize: 4 })
    await mock.start()
    await new Promise<void>((resolve) => dying.listen(0, '127.0.0.1', resolve))
    const { port } = dying.address() as AddressInfo
    server = await serveProvider(provider, `http://127.0.0.1:${port}`, model)
    openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
    google = new GoogleGenAI({ apiKey: server.key, httpOptions: { baseUrl: server.url } })
    anthropic = new Anthropic({ baseURL: server.url, apiKey: server.key, maxRetries: 0 })
  })
  afterAll(async () => {
    await server.close()
    dying.closeAllConnections()
    await new Promise((resolve) => dying.close(resolve))
    await mock.stop()
  })
  const messages = [{ role: 'user' as const, content: 'hello' }]

  test('no client of chat completions takes it for whole', async () => {
    const stream = openai.chat.completions.stream({ model: 'm', messages })
    await expect(stream.finalChatCompletion()).rejects.toThrow()
  })

  test.skipIf(provider === 'anthropic')('no client of messages does', async () => {
    const stream = anthropic.messages.stream({ model: 'm', max_tokens: 9, messages })
    await expect(stream.finalMessage()).rejects.toThrow()
  })

  test('no client of Google does', async () => {
    const read = async () => {
      const stream = await google.models.generateContentStream({ model: 'm', contents: 'hello' })
      for await (const _ of stream);
    }
    await expect(read()).rejects.toThrow()
  })

  test('no client of responses does', async () => {
    const stream = openai.responses.stream({ model: 'm', input: 'hello' })
    await expect(stream.finalResponse()).rejects.toThrow()
  })
})
