import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConvertingRelay } from './converting-relay'
import { type Call, NO_OPTIONS } from './providers/adapter'
import { adapterOf } from './providers/all'
import { AwsEventStream } from './providers/aws-event-stream'
import { SseEvents } from './providers/sse-events'
import { StreamRelay } from './stream'
import { SURFACES } from './surfaces/all'
import { geminiContent } from './surfaces/gemini'

const mock = new LLMock({ port: 0 })
beforeAll(async () => {
  mock.onMessage('hello', { content: 'Hi 👋, wörld! How are you?' }, { chunkSize: 3 })
  await mock.start()
})
afterAll(() => mock.stop())

const PROVIDERS = [
  ['openai', '/v1', 'gpt-4o'],
  ['anthropic', '', 'claude-sonnet-4-6'],
  ['google', '', 'gemini-2.5-flash'],
  ['bedrock', '', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['cohere', '', 'command-a'],
] as const
const CHATS = [
  ...SURFACES.filter(({ shape }) => ['openai_chat', 'openai_responses', 'anthropic_messages'].includes(shape)),
  geminiContent({ version: 'v1beta', model: 'm', action: 'streamGenerateContent', stream: true }),
]

test.each(PROVIDERS)('a stream of %s is converted alike, however its bytes are cut', async (provider, path, model) => {
  const adapter = adapterOf(provider)
  const call: Call = { model, stream: true, requestId: 'r', nowMs: 0, options: NO_OPTIONS }
  const asked = adapter.chat.request({ model, messages: [{ role: 'user', content: 'hello' }], stream: true }, call)
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x' }
  const init = { method: 'POST', headers, body: JSON.stringify(asked.body) }
  const answer = await fetch(mock.url + path + asked.path, init)
  const bytes = Buffer.from(await answer.arrayBuffer())
  for (const surface of CHATS) {
    const converted = async (cutEvery: number) => {
      const events = adapter.chat.framing === 'sse' ? new SseEvents() : new AwsEventStream()
      const writer = surface.writer({ body: { model: 'm' }, requestId: 'r', nowMs: 0 })
      const relay = new ConvertingRelay(events, adapter.chat.reader(call), writer, new StreamRelay(false))
      const said: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += cutEvery) {
        const passed = relay.push(bytes.subarray(at, at + cutEvery))
        if (passed !== null) said.push(passed)
      }
      const rest = await relay.end()
      if (rest !== null) said.push(rest)
      return { text: Buffer.concat(said).toString('utf8'), complete: relay.complete, usage: relay.usage }
    }
    const whole = await converted(bytes.length)
    expect(whole).toMatchObject({ complete: true, text: expect.stringContaining('👋') })
    for (const cutEvery of [1, 2, 3, 7, 64]) expect(await converted(cutEvery)).toEqual(whole)
  }
})
