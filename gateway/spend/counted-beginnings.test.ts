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
const ASKED = { model: 'm', max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'hi' }] }
const RESPONSES = { model: 'm', max_output_tokens: 100, stream: true, input: 'hi' }

/** Of a stream: each of these is said when `isCounted`, or never. */
type Said = (isCounted: boolean) => object[]

const MESSAGE: Said = (isCounted) => [
  {
    type: 'message_start',
    message: { id: 'msg_1', model: 'm', role: 'assistant', content: [], usage: { input_tokens: 10, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, ...(isCounted ? { usage: { output_tokens: 7 } } : {}) },
  { type: 'message_stop' },
]
const EMPTY_LAST_COUNT: Said = (isCounted) =>
  MESSAGE(isCounted).map((event) =>
    !isCounted && 'type' in event && event.type === 'message_delta' ? { ...event, usage: {} } : event,
  )
const usage = (completion_tokens: number) => ({ usage: { prompt_tokens: 10, completion_tokens } })
const choice = (delta: object, finish_reason: string | null = null) => ({
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})
const CHAT: Said = (isCounted) => [
  { ...choice({ role: 'assistant', content: '' }), ...usage(1) },
  choice({ content: TEXT }),
  { ...choice({}, 'stop'), ...(isCounted ? usage(7) : {}) },
]
const CHAT_COUNTED_BEHIND: Said = (isCounted) => [
  { ...choice({ content: TEXT.slice(1) }), ...usage(1) },
  choice({ content: 'x' }, 'stop'),
  ...(isCounted ? [{ choices: [], ...usage(7) }] : []),
]
const responseUsage = (output_tokens: number) => ({ input_tokens: 10, output_tokens })
const RESPONSE: Said = (isCounted) => [
  { type: 'response.created', response: { id: 'resp_1', status: 'in_progress', output: [], usage: responseUsage(1) } },
  { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: TEXT },
  {
    type: 'response.completed',
    response: { id: 'resp_1', status: 'completed', output: [], usage: isCounted ? responseUsage(7) : null },
  },
]
const counts = (candidatesTokenCount: number) => ({ usageMetadata: { promptTokenCount: 10, candidatesTokenCount } })
const piece = (text: string) => ({ content: { role: 'model', parts: [{ text }] }, index: 0 })
const GEMINI: Said = (isCounted) => [
  { candidates: [piece(TEXT.slice(1))], ...counts(1) },
  { candidates: [{ ...piece('x'), finishReason: 'STOP' }], ...(isCounted ? counts(7) : {}) },
]

const CASES: [string, string, string, object, Said][] = [
  ['a message', 'anthropic', '/v1/messages', ASKED, MESSAGE],
  ['a message whose last count is empty', 'anthropic', '/v1/messages', ASKED, EMPTY_LAST_COUNT],
  ['a message, told as a chat', 'anthropic', '/v1/chat/completions', ASKED, MESSAGE],
  ['a chat', 'openai', '/v1/chat/completions', ASKED, CHAT],
  ['a chat that is counted behind its end', 'openai', '/v1/chat/completions', ASKED, CHAT_COUNTED_BEHIND],
  ['a chat, told as a message', 'openai', '/v1/messages', ASKED, CHAT],
  ['a chat, told as a response', 'mistral', '/v1/responses', RESPONSES, CHAT_COUNTED_BEHIND],
  ['a response', 'openai', '/v1/responses', RESPONSES, RESPONSE],
  ['an answer of Gemini', 'google', '/v1/chat/completions', ASKED, GEMINI],
]

async function charged(provider: string, path: string, body: object, events: object[], policies = '{chain: []}') {
  const { config } = lintPolicyConfig(`pack: {name: test, version: 1.2.3, enabled: true}\npolicies: ${policies}`)
  if (config === null) throw new Error('the configuration of the test is wrong')
  const { targets: _, ...rest } = compileConfig(config, {}, { clock: () => performance.now() })
  started = await startSpendGateway(
    {},
    {
      prices: priceBook({ input: '0', output: '10' }, provider),
      targets: (url) => [httpTarget(url, { provider })],
      answer: (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const frames = events.map((event) => `data: ${JSON.stringify(event)}\n\n`)
        if (events.some((event) => 'choices' in event)) frames.push('data: [DONE]\n\n')
        response.end(frames.join(''))
      },
      more: { config: rest },
    },
  )
  const response = await fetch(`${started.gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${started.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('x'.repeat(100))
  const [event] = await started.gateway.eventsSoon(1)
  expect(event?.error_code).toBeNull()
  return { ...event?.tokens, ...event?.event_cost_attribution }
}

describe('a stream that ends well is charged as its provider counted it to its end', () => {
  test.each(CASES)('%s (%s)', async (_, provider, path, body, said) => {
    expect(await charged(provider, path, body, said(true))).toMatchObject({
      input: 10,
      output: 7,
      price_status: 'priced',
      total_cost_usd: '0.000070000',
    })
  })
})

describe('one whose beginning alone was counted is charged for what came, and that is an estimate', () => {
  const ESTIMATE = { input: 10, output: 50, price_status: 'estimated', total_cost_usd: '0.000500000' }

  test.each(CASES)('%s (%s)', async (_, provider, path, body, said) => {
    expect(await charged(provider, path, body, said(false))).toMatchObject(ESTIMATE)
  })

  test.each(CASES)('%s (%s), also where policies read it', async (_, provider, path, body, said) => {
    expect(await charged(provider, path, body, said(false), '{chain: [dlp-filter]}')).toMatchObject(ESTIMATE)
  })
})
