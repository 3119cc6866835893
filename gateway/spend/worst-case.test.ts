import { expect, test } from 'vitest'
import type { ModelMatch, PriceRow } from '@/lib/contract/price-shapes'
import { usdOfNano } from '@/lib/money'
import type { Target, TargetPricing } from '@/lib/policy/compile-target'
import { PriceBook } from '@/lib/prices/price-book'
import { readAsk } from '../ask'
import { emptySnapshot } from '../snapshot'
import { SURFACES } from '../surfaces/all'
import { httpTarget } from '../testing'
import { OUTPUT_TOKENS_DEFAULT } from './counted'
import { inputTokensOf } from './input-tokens'
import { priceBook } from './spend-testing'
import { worstCases } from './worst-case'

function askOf(path: string, body: object | Buffer, contentType = 'application/json') {
  const surface = SURFACES.find((one) => one.path === path)
  if (surface === undefined) throw new Error('no such path')
  return readAsk(body instanceof Buffer ? body : Buffer.from(JSON.stringify(body)), surface, contentType)
}
const chat = (change: object) =>
  askOf('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...change })

/** At a dollar for each token of the input and a thousand for each of the output. */
const TOKENS = priceBook({ input: '1000000', output: '999000000' })
function worst(ask: ReturnType<typeof askOf>, prices = TOKENS): string | null {
  const most = worstCases(ask, { ...emptySnapshot(), prices })(httpTarget('http://127.0.0.1/v1'))
  return most === null ? null : usdOfNano(most)
}
const CHEAP = priceBook({ input: '1', output: '100' })

test.each([
  ['as long as the caller allows', { max_tokens: 50 }, 50],
  ['the newer name of the same', { max_completion_tokens: 70 }, 70],
  ['the longer of two, whichever the provider goes by', { max_completion_tokens: 1, max_tokens: 50 }, 50],
  ['the longer of two, also of one that is of another API', { max_tokens: 1, max_output_tokens: 50 }, 50],
  ['as is usual, when only another API has that bound', { max_output_tokens: 1 }, OUTPUT_TOKENS_DEFAULT],
  ['as is usual, when a bound is a text', { max_completion_tokens: 1, max_tokens: '9000' }, OUTPUT_TOKENS_DEFAULT],
  ['as is usual, when a bound may mean that there is none', { max_tokens: 0 }, OUTPUT_TOKENS_DEFAULT],
  ['so many choices of it', { max_tokens: 50, n: 4 }, 200],
  ['so many choices of it, written as a text', { max_tokens: 50, n: '4' }, 200],
  ['so many choices of it as it is the best of', { max_tokens: 50, best_of: 4 }, 200],
  ['so many choices of it, be it very many', { max_tokens: 50, n: 2_000 }, 100_000],
  ['as long as is usual, when the caller says nothing', {}, OUTPUT_TOKENS_DEFAULT],
  ['choices that are none', { max_tokens: 50, n: -3 }, 50],
])('an answer is taken for %s', (_, change, output) => {
  const ask = chat(change)
  expect(worst(ask, CHEAP)).toBe(usdOfNano(BigInt(inputTokensOf(ask)) * 1_000n + BigInt(output) * 100_000n))
})

test.each([
  ['/v1/messages', { max_tokens: 50, max_completion_tokens: 1 }, 50],
  ['/v1/messages', { max_tokens: 50 }, 50],
  ['/v1/responses', { max_output_tokens: 50, max_tokens: 1 }, 50],
  ['/v1/responses', { max_tokens: 1 }, OUTPUT_TOKENS_DEFAULT],
])('an answer of %s is bounded by what this API bounds it with: %j', (path, change, output) => {
  const ask = askOf(path, { model: 'm', messages: [{ role: 'user', content: 'hi' }], input: 'hi', ...change })
  expect(worst(ask, CHEAP)).toBe(usdOfNano(BigInt(inputTokensOf(ask)) * 1_000n + BigInt(output) * 100_000n))
})

test.each(['max_tokens', 'max_completion_tokens', 'n'])('%s is given once, or the request is refused', (name) => {
  const body = `{"model":"m","messages":[{"role":"user","content":"hi"}],"${name}":10000,"${name}":1}`
  expect(() => askOf('/v1/chat/completions', Buffer.from(body))).toThrow(`${name} must be given once`)
  const cased = body.replace(`"${name}"`, `"${name.toUpperCase()}"`)
  expect(() => askOf('/v1/chat/completions', Buffer.from(cased))).toThrow('must be written in lower case')
})

/** At a dollar for a million tokens of the output. */
const BOOK = new PriceBook({
  version: 'book-test/1',
  rows: [
    ...rowOf('own', { starts_with: 'own-' }, 'override', 5_000),
    ...rowOf('own', { starts_with: '' }, 'catalogue', 9_000),
    ...rowOf('own, that says nothing of it', { names: ['priced'] }, 'override', undefined),
  ],
})
function rowOf(
  model: string,
  match: ModelMatch,
  source: 'override' | 'catalogue',
  cap: number | undefined,
): PriceRow[] {
  const own = cap === undefined ? {} : { max_output_tokens: cap }
  const terms = [{ effective_from: null, between: null, prices: { input: '0', output: '1' }, tiers: [], ...own }]
  return [{ provider: 'openai', model, source, match, terms }]
}
/** At two dollars. */
const PRICING: TargetPricing = { inputNanos: 0n, outputNanos: 2_000_000_000n, cachedInputNanos: 0n }

test.each<[string, object, Partial<Target>, number]>([
  ['as the organisation says of the model', { model: 'own-a' }, {}, 5_000],
  ['as the catalogue says of it', { model: 'anything' }, {}, 9_000],
  ['as the catalogue says, where an own price says nothing of it', { model: 'priced' }, {}, 9_000],
  ['once for each choice', { model: 'own-a', n: 3 }, {}, 15_000],
  ['by the name that the provider is asked for', { model: 'm' }, { modelMap: new Map([['m', 'own-b']]) }, 5_000],
  ['of the model, whoever says what it costs', { model: 'own-a' }, { pricing: PRICING }, 10_000],
  ['as long as the caller allows, be it more', { model: 'own-a', max_tokens: 6_000 }, {}, 6_000],
  ['as long as the caller allows, be it less', { model: 'own-a', max_tokens: 10 }, {}, 10],
  [
    'as is usual, at a provider of which nobody says anything',
    { model: 'x' },
    { provider: 'elsewhere', pricing: PRICING },
    2 * OUTPUT_TOKENS_DEFAULT,
  ],
])('an answer that nobody bounded is as long as its model answers: %s', (_, change, target, millionths) => {
  const most = worstCases(chat(change), { ...emptySnapshot(), prices: BOOK })(httpTarget('http://127.0.0.1/v1', target))
  expect(most).toBe(BigInt(millionths) * 1_000n)
})

test('two targets at one price have each its own bound', () => {
  const worstOf = worstCases(chat({ model: 'm' }), { ...emptySnapshot(), prices: BOOK })
  const at = (name: string) =>
    worstOf(httpTarget('http://127.0.0.1/v1', { pricing: PRICING, modelMap: new Map([['m', name]]) }))
  expect([at('own-a'), at('m'), at('own-a')]).toEqual([10_000_000n, 18_000_000n, 10_000_000n])
})

test.each<[unknown, bigint, bigint]>([
  [undefined, 10n, 1_000n],
  ['default', 10n, 1_000n],
  ['priority', 20n, 3_000n],
  ['flex', 10n, 1_000n],
  ['scale', 10n, 1_000n],
])('a request for service tier %j reserves the dearer of that and the usual one', (service_tier, input, output) => {
  const tiers = [
    { service_tier: 'priority', above_input_tokens: 0, prices: { input: '20', output: '3000' } },
    { service_tier: 'flex', above_input_tokens: 0, prices: { input: '5', output: '500' } },
  ]
  const ask = chat({ max_tokens: 50, ...(service_tier === undefined ? {} : { service_tier }) })
  const most = BigInt(inputTokensOf(ask)) * input * 1_000n + 50n * output * 1_000n
  expect(worst(ask, priceBook({ input: '10', output: '1000' }, 'openai', tiers))).toBe(usdOfNano(most))
})

test('a price that nobody knows has no worst case, and none is beyond a million dollars', () => {
  expect(worst(chat({}), priceBook({ input: '1' }))).toBeNull()
  expect(worst(chat({}), priceBook({ input: '1', output: '1' }, 'another'))).toBeNull()
  expect(worst(chat({ max_tokens: Number.MAX_SAFE_INTEGER, n: 128 }))).toBe('1000000.000000000')
})

const parts = (...content: object[]) => ({ messages: [{ role: 'user', content }] })

test.each<[string, Parameters<typeof askOf>, number, number]>([
  [
    'ten seconds of sound',
    [
      '/v1/chat/completions',
      { model: 'm', ...parts({ type: 'input_audio', input_audio: { data: 'A'.repeat(27_000), format: 'mp3' } }) },
    ],
    100,
    200,
  ],
  [
    'a document',
    ['/v1/chat/completions', { model: 'm', ...parts({ type: 'file', file: { file_data: 'A'.repeat(1_600_000) } }) }],
    100_000,
    100_100,
  ],
  [
    'a document that is text',
    [
      '/v1/messages',
      {
        model: 'm',
        max_tokens: 1,
        ...parts({ type: 'document', source: { type: 'text', data: 'word '.repeat(6_000) } }),
      },
    ],
    10_000,
    10_100,
  ],
  [
    'text, however it is put',
    ['/v1/chat/completions', { model: 'm', ...parts({ type: 'text', text: 'word '.repeat(6_000) }) }],
    10_000,
    10_100,
  ],
  [
    'text of another script, a token for each sign',
    ['/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: '漢'.repeat(3_000) }] }],
    3_000,
    3_050,
  ],
  ['texts to embed', ['/v1/embeddings', { model: 'm', input: ['word '.repeat(600)] }], 1_000, 1_050],
  ['numbers of tokens to embed', ['/v1/embeddings', { model: 'm', input: [[100_000, 100_001], [7]] }], 3, 3],
])('%s', (_, given, least, most) => {
  const tokens = inputTokensOf(askOf(...given))
  expect(tokens).toBeGreaterThanOrEqual(least)
  expect(tokens).toBeLessThanOrEqual(most)
})

test('what is embedded has no output', () => {
  const ask = askOf('/v1/embeddings', { model: 'm', input: 'hello' })
  expect(worst(ask, priceBook({ input: '3' }))).toBe(usdOfNano(BigInt(inputTokensOf(ask)) * 3_000n))
})

test('what is spoken is charged by its characters, or by the sound that they make', () => {
  const ask = askOf('/v1/audio/speech', { model: 'm', voice: 'a', input: 'x'.repeat(1_000) })
  expect(worst(ask, priceBook({ input_characters: '15' }))).toBe('0.015000000')
  expect(worst(ask, priceBook({ input: '0', output: '10' }))).toBe('0.030000000')
})
