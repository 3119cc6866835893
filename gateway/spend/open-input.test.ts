import { afterEach, expect, test } from 'vitest'
import { windowOf } from './fake-budgets'
import { answerJson, budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

const ORG = windowOf('bud_org')
/** A dollar for a million tokens of the input, and nothing for the output. */
const PRICES = priceBook({ input: '1', output: '0' })

async function start(limit = '1000') {
  const usage = { prompt_tokens: 9, completion_tokens: 1 }
  const answer = answerJson({ object: 'x', output: [], choices: [], content: [], usage })
  const spend = await startSpendGateway({ budgets: [budget('bud_org')] }, { prices: PRICES, answer })
  started = spend
  spend.budgets.limit(ORG, limit)
  const post = (path: string, body: object | string) =>
    fetch(`${spend.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${spend.key}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }).then(async (response) => {
      await response.arrayBuffer()
      return response.status
    })
  return { ...spend, post }
}

async function reservedFor(path: string, body: object): Promise<number> {
  const { post, gateway } = await start()
  expect(await post(path, body)).toBe(200)
  return Number(gateway.events()[0]?.spend?.reserved_usd)
}

const RESPONSES = { model: 'gpt-4.1-mini', input: 'hi', max_output_tokens: 1 }
const CHAT = { model: 'gpt-4.1-mini', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] }
const part = (one: object) => [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }, one] }]
const WINDOW_USD = 1.047576

test.each<[string, string, object]>([
  ['goes on from an answer', '/v1/responses', { ...RESPONSES, previous_response_id: 'resp_1' }],
  ['goes on with a conversation', '/v1/responses', { ...RESPONSES, conversation: 'conv_1' }],
  ['names a conversation in other words', '/v1/responses', { ...RESPONSES, conversation: { id: 'conv_1' } }],
  ['names a prompt that is kept', '/v1/responses', { ...RESPONSES, prompt: { id: 'pmpt_1' } }],
  ['refers to an item', '/v1/responses', { ...RESPONSES, input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ['names a file', '/v1/responses', { ...RESPONSES, input: part({ type: 'input_file', file_id: 'file_1' }) }],
  [
    'has a file fetched',
    '/v1/responses',
    { ...RESPONSES, input: part({ type: 'input_file', file_url: 'https://a.test' }) },
  ],
  ['searches files', '/v1/responses', { ...RESPONSES, tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  ['searches the web', '/v1/responses', { ...RESPONSES, tools: [{ type: 'web_search' }] }],
  ['runs code there', '/v1/responses', { ...RESPONSES, tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }],
  [
    'names a file within a chat',
    '/v1/chat/completions',
    { ...CHAT, messages: part({ type: 'file', file: { file_id: 'f' } }) },
  ],
  ['searches the web within a chat', '/v1/chat/completions', { ...CHAT, web_search_options: {} }],
])('a request that %s reserves for as much as its model reads', async (_, path, body) => {
  expect(await reservedFor(path, body)).toBe(WINDOW_USD)
})

test.each<[string, string, object]>([
  ['is all there', '/v1/responses', RESPONSES],
  [
    'has tools of its own',
    '/v1/responses',
    { ...RESPONSES, tools: [{ type: 'function', name: 'f' }, { type: 'custom' }] },
  ],
  ['brings its file', '/v1/responses', { ...RESPONSES, input: part({ type: 'input_file', file_data: 'AAAA' }) }],
  ['says in so many words that there is nothing', '/v1/responses', { ...RESPONSES, previous_response_id: null }],
])('one that %s does not', async (_, path, body) => {
  expect(await reservedFor(path, body)).toBeLessThan(0.001)
})

test('a dated name is that of its model, and one that nobody knows reads 128,000 tokens', async () => {
  const goesOn = { ...RESPONSES, previous_response_id: 'resp_1' }
  expect(await reservedFor('/v1/responses', { ...goesOn, model: 'gpt-4.1-mini-2031-01-31' })).toBe(WINDOW_USD)
  await started?.close()
  expect(await reservedFor('/v1/responses', { ...goesOn, model: 'mine' })).toBe(0.128)
})

test('where a budget has no room for that, nobody is asked; and the field is given once', async () => {
  const { post, upstream } = await start('1')
  expect(await post('/v1/responses', RESPONSES)).toBe(200)
  expect(await post('/v1/responses', { ...RESPONSES, previous_response_id: 'resp_1' })).toBe(402)
  const twice = JSON.stringify(RESPONSES).replace('{', '{"previous_response_id":"resp_1","previous_response_id":null,')
  expect(await post('/v1/responses', twice)).toBe(422)
  expect(upstream.requests).toHaveLength(1)
})
