import { afterEach, describe, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { httpTarget } from '../testing'
import { priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

const TEXT = 'x'.repeat(150)
const ASKED = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }
const STREAM = { ...ASKED, stream: true }
const RESPONSES = { model: 'm', max_output_tokens: 100, input: 'hi' }

const chat = (usage: object) => ({
  id: 'chatcmpl-1',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, ...usage },
})
const message = (usage: object) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: TEXT }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 10, ...usage },
})
const response = (usage: object) => ({
  id: 'resp_1',
  status: 'completed',
  model: 'm',
  output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: TEXT }] }],
  usage: { input_tokens: 10, ...usage },
})
const gemini = (usage: object) => ({
  candidates: [{ content: { role: 'model', parts: [{ text: TEXT }] }, index: 0, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 10, ...usage },
})
const chunks = (usage: object) => [
  { model: 'm', choices: [{ index: 0, delta: { content: TEXT }, finish_reason: null }] },
  { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { model: 'm', choices: [], usage: { prompt_tokens: 10, ...usage } },
]

async function ask(provider: string, path: string, body: object, answer: object, yaml = '') {
  const { config } = lintPolicyConfig(`pack: {name: t, version: 1.0.0, enabled: true}\npolicies: {chain: []}\n${yaml}`)
  if (config === null) throw new Error('the configuration of the test is wrong')
  const { targets: _, ...rest } = compileConfig(config, {}, { clock: () => performance.now() })
  started ??= await startSpendGateway(
    {},
    {
      prices: priceBook({ input: '1', output: '10' }, provider),
      targets: (url) => [httpTarget(url, { provider })],
      answer: (reply) => {
        const isStream = Array.isArray(answer)
        const frames = isStream ? [...answer.map((one) => JSON.stringify(one)), '[DONE]'] : []
        reply.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' })
        reply.end(isStream ? frames.map((one) => `data: ${one}\n\n`).join('') : JSON.stringify(answer))
      },
      more: { config: rest },
    },
  )
  const reply = await fetch(`${started.gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${started.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(reply.status).toBe(200)
  await reply.text()
  return started.gateway
}

async function charged(...asked: Parameters<typeof ask>) {
  const [event] = await (await ask(...asked)).eventsSoon(1)
  return { ...event?.tokens, ...event?.event_cost_attribution }
}

type Answer = (usage: object) => object
const CASES: [string, string, string, object, Answer, string][] = [
  ['a chat', 'openai', '/v1/chat/completions', ASKED, chat, 'completion_tokens'],
  ['a chat, told as a message', 'openai', '/v1/messages', ASKED, chat, 'completion_tokens'],
  ['a message', 'anthropic', '/v1/messages', ASKED, message, 'output_tokens'],
  ['a message, told as a chat', 'anthropic', '/v1/chat/completions', ASKED, message, 'output_tokens'],
  ['a response', 'openai', '/v1/responses', RESPONSES, response, 'output_tokens'],
  ['an answer of Gemini', 'google', '/v1/chat/completions', ASKED, gemini, 'candidatesTokenCount'],
  ['a stream whose last count is of the input', 'openai', '/v1/chat/completions', STREAM, chunks, 'completion_tokens'],
]

// 150 bytes of text are 50 tokens; ten of input cost 0.00001.
const ESTIMATE = { input: 10, output: 50, price_status: 'estimated', total_cost_usd: '0.000510000' }

describe('text whose provider counted the input alone is charged for what came, and that is an estimate', () => {
  test.each(CASES)('%s (%s)', async (_, provider, path, body, answer) => {
    expect(await charged(provider, path, body, answer({}))).toMatchObject(ESTIMATE)
  })

  test.each(CASES)('%s (%s), said to have taken nothing', async (_, provider, path, body, answer, output) => {
    expect(await charged(provider, path, body, answer({ [output]: 0 }))).toMatchObject(ESTIMATE)
  })
})

test.each(CASES)(
  '%s (%s) that is counted is charged as it was counted',
  async (...[, provider, path, body, answer, output]) => {
    expect(await charged(provider, path, body, answer({ [output]: 7 }))).toMatchObject({
      output: 7,
      price_status: 'priced',
      total_cost_usd: '0.000080000',
    })
  },
)

test('an answer without text and without a count of its output has none', async () => {
  const empty = {
    ...chat({}),
    choices: [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'stop' }],
  }
  expect(await charged('openai', '/v1/chat/completions', ASKED, empty)).toMatchObject({
    output: 0,
    price_status: 'priced',
    total_cost_usd: '0.000010000',
  })
})

test('embeddings have no output', async () => {
  const answer = { object: 'list', model: 'm', data: [{ index: 0, embedding: [0.5] }], usage: { prompt_tokens: 10 } }
  expect(await charged('openai', '/v1/embeddings', { model: 'm', input: 'hi' }, answer)).toMatchObject({
    output: 0,
    price_status: 'priced',
  })
})

test('what such an answer saved when it came from the cache is not known', async () => {
  const cached = 'cache: {backend: memory, ttl_seconds: 60}'
  await ask('openai', '/v1/chat/completions', ASKED, chat({}), cached)
  const gateway = await ask('openai', '/v1/chat/completions', ASKED, chat({}), cached)
  const [, again] = await gateway.eventsSoon(2)
  expect(again?.cache).toEqual({ hit: true, avoided_cost_usd: null })
})
