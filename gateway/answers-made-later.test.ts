import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { windowOf } from './spend/fake-budgets'
import { answerJson, budget, priceBook, startSpendGateway } from './spend/spend-testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

const ORG = windowOf('bud_org')
const PRICES = priceBook({ input: '1', output: '10' })
const queued = { id: 'resp_1', object: 'response', status: 'queued', model: 'gpt-test', output: [], usage: null }

async function start(answer: (response: ServerResponse) => void) {
  const started = await startSpendGateway({ budgets: [budget('bud_org')] }, { answer, prices: PRICES })
  closing.push(started)
  started.budgets.limit(ORG, '1000')
  const post = async (path: string, body: object | string) => {
    const response = await fetch(`${started.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${started.key}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as { error?: { param: string; message: string } } }
  }
  return { ...started, post }
}

const RESPONSES = { model: 'gpt-test', input: 'hi', max_output_tokens: 100_000 }
const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'hi' }] }

test.each<[string, string, object | string, string]>([
  ['in the background', '/v1/responses', { ...RESPONSES, background: true }, 'background'],
  ['in the background, as a stream', '/v1/responses', { ...RESPONSES, background: true, stream: true }, 'background'],
  ['in the background, said in other ways', '/v1/responses', { ...RESPONSES, background: 'true' }, 'background'],
  ['in the background, in capitals', '/v1/responses', { ...RESPONSES, Background: true }, 'Background'],
  [
    'in the background, said twice',
    '/v1/responses',
    '{"model":"gpt-test","input":"hi","background":true,"background":false}',
    'background',
  ],
  ['deferred', '/v1/chat/completions', { ...CHAT, deferred: true }, 'deferred'],
])(
  'nobody is asked for an answer %s: no policy would see it, nor a budget what it costs',
  async (_, path, body, param) => {
    const { post, upstream } = await start(answerJson(queued))
    const { status, body: said } = await post(path, body)
    expect([status, said.error?.param]).toEqual([422, param])
    expect(upstream.requests).toHaveLength(0)
  },
)

test('the refusal says why', async () => {
  const { post } = await start(answerJson(queued))
  const { body } = await post('/v1/responses', { ...RESPONSES, background: true })
  expect(body.error?.message).toBe(
    'background must be false: policies would not see an answer that is made later, nor budgets what it costs.',
  )
})

test.each([false, null])('an answer at once may be asked for in so many words: background %s', async (background) => {
  const usage = { input_tokens: 5, output_tokens: 2, total_tokens: 7 }
  const { post } = await start(answerJson({ ...queued, status: 'completed', usage }))
  expect((await post('/v1/responses', { ...RESPONSES, background })).status).toBe(200)
})

describe('an answer that its provider makes later all the same is charged as the most that it can cost', () => {
  test.each<[string, object, number]>([
    ['queued', queued, 200],
    ['in progress', { ...queued, status: 'in_progress', usage: undefined }, 200],
    ['accepted', { request_id: 'x' }, 202],
  ])('%s', async (_, answer, status) => {
    const { post, gateway, budgets } = await start(answerJson(answer, status))
    await post('/v1/responses', RESPONSES)
    const [event] = gateway.events()
    expect(event?.tokens?.output).toBe(100_000)
    expect(event?.event_cost_attribution.price_status).toBe('estimated')
    expect(event?.event_cost_attribution.total_cost_usd).toBe(event?.spend?.reserved_usd)
    if (event !== undefined) budgets.settle(event)
    await gateway.close()
    expect([budgets.spentOf(ORG), budgets.heldOf(ORG)]).toEqual([event?.spend?.reserved_usd, '0.000000000'])
  })

  test('but one that is counted already costs what was counted', async () => {
    const usage = { input_tokens: 5, output_tokens: 2, total_tokens: 7 }
    const { post, gateway } = await start(answerJson({ ...queued, status: 'in_progress', usage }))
    await post('/v1/responses', RESPONSES)
    expect(gateway.events()[0]?.event_cost_attribution).toMatchObject({
      total_cost_usd: '0.000025000',
      price_status: 'priced',
    })
  })
})
