import { afterEach, describe, expect, test } from 'vitest'
import { httpTarget } from '../testing'
import { windowOf } from './fake-budgets'
import { answerJson, budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

const ORG = windowOf('bud_org')
/** A dollar for a million tokens of the input, and nothing for the output. */
const PRICES = { input: '1', output: '0' }

/** @param counted what the provider says that it read; null when it says nothing */
async function start(
  limit = '1000',
  counted: number | null = 9,
  modelMap: Record<string, string> = {},
  provider = 'openai',
) {
  const usage = counted === null ? {} : { usage: { prompt_tokens: counted, completion_tokens: 1 } }
  const spend = await startSpendGateway(
    { budgets: [budget('bud_org')] },
    {
      prices: priceBook(PRICES, provider),
      answer: answerJson({ object: 'x', output: [], choices: [], content: [], ...usage }),
      targets: (url) => [httpTarget(url, { provider, modelMap: new Map(Object.entries(modelMap)) })],
    },
  )
  started = spend
  spend.budgets.limit(ORG, limit)
  const post = async (path: string, body: object) => {
    const response = await fetch(`${spend.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${spend.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    await response.arrayBuffer()
    return response.status
  }
  return { ...spend, post }
}

async function tokensReserved(path: string, body: object, modelMap?: Record<string, string>): Promise<number> {
  const provider = path === '/v1/messages' ? 'anthropic' : 'openai'
  const { post, gateway } = await start('1000', 9, modelMap, provider)
  expect(await post(path, body)).toBe(200)
  return Number(gateway.events()[0]?.spend?.reserved_usd) * 1e6
}

const URL_OF_ONE = 'https://example.com/a.png'
const PICTURE = `data:image/png;base64,${'A'.repeat(300_000)}`
const inChat = (url = URL_OF_ONE, detail: object = {}) => ({ type: 'image_url', image_url: { url, ...detail } })
const chat = (model: string, ...content: object[]) => ({
  model,
  max_tokens: 1,
  messages: [{ role: 'user', content }],
})
/** Everything around the picture is text of some hundred bytes. */
const ROOM = 150

describe('a picture is reserved for by what its model may take it for', () => {
  test.each([
    ['gpt-4o-mini', 48_169],
    ['gpt-4o-mini-2024-07-18', 48_169],
    ['openai/gpt-4o-mini', 48_169],
    ['gpt-4o', 2_000],
    ['gpt-4.1', 2_000],
    ['gpt-4.1-nano', 3_779],
    ['gpt-5', 2_000],
    ['gpt-5-mini', 3_779],
    ['o3', 2_000],
    ['o4-mini', 3_779],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 4_784],
    ['google/gemini-2.5-flash', 6_192],
    ['grok-4', 2_000],
    ['gpt-5.5', 16_384],
    ['qwen2.5-vl-72b', 16_384],
  ])('%s: %s tokens', async (model, tokens) => {
    const reserved = await tokensReserved('/v1/chat/completions', chat(model, inChat()))
    expect(reserved - tokens).toBeGreaterThan(0)
    expect(reserved - tokens).toBeLessThan(ROOM)
  })

  test.each([
    ['the name that the provider is asked for', 'vision', 'gpt-4o-mini', 48_169],
    ['it, be it the smaller', 'gpt-4o-mini', 'gpt-4o', 2_000],
    ['the name that the caller asks for, where that of the provider says nothing', 'gpt-4o-mini', 'seven', 48_169],
  ])('by %s', async (_, asked, sent, tokens) => {
    const reserved = await tokensReserved('/v1/chat/completions', chat(asked, inChat()), { [asked]: sent })
    expect(reserved - tokens).toBeGreaterThan(0)
    expect(reserved - tokens).toBeLessThan(ROOM)
  })

  test('whatever its detail is said to be', async () => {
    const reserved = await tokensReserved(
      '/v1/chat/completions',
      chat('gpt-4o-mini', inChat(PICTURE, { detail: 'low' })),
    )
    expect(reserved).toBeGreaterThan(48_169)
  })
})

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(300_000) } }
const shown = { type: 'computer_call_output', call_id: 'a', output: { type: 'computer_screenshot', file_id: 'file_1' } }
const inResponse = { type: 'input_image', image_url: PICTURE }

test.each<[string, string, object, number]>([
  ['within a chat', '/v1/chat/completions', chat('m', inChat(PICTURE)), 1],
  ['of a chat, together', '/v1/chat/completions', chat('m', inChat(PICTURE), inChat(), inChat()), 3],
  ['within a response', '/v1/responses', { ...chat('m'), input: [{ role: 'user', content: [inResponse] }] }, 1],
  ['that a computer shows', '/v1/responses', { ...chat('m'), input: [shown, shown] }, 2],
  ['within a message', '/v1/messages', chat('m', image), 1],
  ['that a tool gave', '/v1/messages', chat('m', { type: 'tool_result', content: [image, image] }), 2],
  [
    'within a document',
    '/v1/messages',
    chat('m', { type: 'document', source: { type: 'content', content: [image, image] } }),
    2,
  ],
])('each picture %s counts, however long it is', async (_, path, body, pictures) => {
  const sent =
    path === '/v1/responses' ? { ...body, max_tokens: undefined, messages: undefined, max_output_tokens: 1 } : body
  const reserved = await tokensReserved(path, sent)
  expect(reserved - pictures * 16_384).toBeGreaterThan(0)
  expect(reserved - pictures * 16_384).toBeLessThan(2 * ROOM)
})

test('so that as many are let through as there is money for: a square of 1,024 at gpt-4o-mini is 25,501 tokens', async () => {
  const { post, upstream, gateway, budgets } = await start('0.1', 25_501)
  const statuses: number[] = []
  for (let nth = 0; nth < 5; nth++)
    statuses.push(await post('/v1/chat/completions', chat('gpt-4o-mini', inChat(PICTURE))))
  expect(statuses).toEqual([200, 200, 200, 402, 402])
  expect(upstream.requests).toHaveLength(3)
  for (const event of gateway.events()) budgets.settle(event)
  expect(budgets.spentOf(ORG)).toBe('0.076503000')
})

test('a picture that nobody counted is charged as it was reserved for', async () => {
  const { post, gateway } = await start('1000', null)
  expect(await post('/v1/chat/completions', chat('gpt-4o-mini', inChat()))).toBe(200)
  const [event] = gateway.events()
  expect(event?.tokens?.input).toBeGreaterThan(48_169)
  expect(event?.event_cost_attribution).toMatchObject({
    price_status: 'estimated',
    total_cost_usd: event?.spend?.reserved_usd,
  })
})
