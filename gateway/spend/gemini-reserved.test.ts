import { afterEach, expect, test } from 'vitest'
import { httpTarget } from '../testing'
import { windowOf } from './fake-budgets'
import { answerJson, budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

/** A dollar for a million tokens, of the input or of the output. */
async function tokensReserved(prices: { input: string; output: string }, body: object | string) {
  const candidates = [{ content: { parts: [{ text: 'hi' }] }, finishReason: 'STOP' }]
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 7, thoughtsTokenCount: 5 }
  const spend = await startSpendGateway(
    { budgets: [budget('bud_org')] },
    {
      prices: priceBook(prices, 'google'),
      answer: answerJson({ candidates, usageMetadata }),
      targets: (url) => [httpTarget(url.replace('/v1', ''), { provider: 'google' })],
    },
  )
  started = spend
  spend.budgets.limit(windowOf('bud_org'), '1000')
  const response = await fetch(`${spend.gateway.url}/v1beta/models/mine:generateContent`, {
    method: 'POST',
    headers: { 'x-goog-api-key': spend.key, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  const [event] = spend.gateway.events()
  const sent = spend.upstream.requests[0]?.body.toString()
  return { sent, reserved: Math.round(Number(event?.spend?.reserved_usd) * 1e6), event }
}

const INPUT = { input: '1', output: '0' }
const OUTPUT = { input: '0', output: '1' }
const parts = (...more: object[]) => ({ contents: [{ role: 'user', parts: [{ text: 'hi' }, ...more] }] })
const base64 = 'A'.repeat(300_000)

test.each<[string, object]>([
  ['goes on from what Google keeps', { ...parts(), cachedContent: 'cachedContents/1' }],
  ['names a file', parts({ fileData: { fileUri: 'https://x.example/a', mimeType: 'application/pdf' } })],
  ['searches the web', { ...parts(), tools: [{ google_search: {} }] }],
])('a request of the Gemini API that %s reserves for as much as its model reads', async (_, body) => {
  expect((await tokensReserved(INPUT, body)).reserved).toBe(128_000)
})

test.each<[string, object, number]>([
  ['is text alone', parts(), 100],
  ['has tools of its own', { ...parts(), tools: [{ functionDeclarations: [{ name: 'f' }] }] }, 100],
  ['brings sound', parts({ inlineData: { mimeType: 'audio/wav', data: base64 } }), 2_000],
  ['brings a document', parts({ inline_data: { mime_type: 'application/pdf', data: base64 } }), 20_000],
])('one that %s does not', async (_, body, most) => {
  expect((await tokensReserved(INPUT, body)).reserved).toBeLessThan(most)
})

test('the answer is reserved for as it is bound, once for each candidate, in either spelling', async () => {
  const bound = { generationConfig: { maxOutputTokens: 100, candidateCount: 3 } }
  expect((await tokensReserved(OUTPUT, { ...parts(), ...bound })).reserved).toBe(300)
  await started?.close()
  const other = { generation_config: { max_output_tokens: 100 } }
  expect((await tokensReserved(OUTPUT, { ...parts(), ...other })).reserved).toBe(100)
  await started?.close()
  expect((await tokensReserved(OUTPUT, { ...parts(), generationConfig: { maxOutputTokens: '100' } })).reserved).toBe(
    16_384,
  )
})

test('of a bound that is there twice the provider gets the one that was reserved for', async () => {
  const twice = JSON.stringify(parts()).replace(
    '{',
    '{"generationConfig":{"maxOutputTokens":50000,"maxOutputTokens":100},',
  )
  const { reserved, sent } = await tokensReserved(OUTPUT, twice)
  expect([reserved, sent]).toEqual([100, expect.not.stringContaining('50000')])
})

test('what it took is charged, thoughts included', async () => {
  const { event } = await tokensReserved(OUTPUT, parts())
  expect(event?.tokens).toEqual({ input: 9, output: 12, cached: 0, reasoning: 5 })
  expect(event?.event_cost_attribution).toMatchObject({ total_cost_usd: '0.000012000' })
})
