import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PriceRow, Prices, Tier } from '@/lib/contract/price-shapes'
import { PriceTable } from '@/lib/contract/price-shapes'
import { nanoUsdOf } from '@/lib/money'
import { costOf, worstCaseOf } from './cost'
import { priceOf, type ServedPrice, serviceTierOf } from './price'
import { PriceBook } from './price-book'

const price = (prices: Prices, tiers: Tier[] = []) => priceOf(prices, tiers, 'catalogue', 'v1')
const used = (input: number, output: number, more: object = {}) => ({ input, output, cached: 0, reasoning: 0, ...more })
const usd = (text: string) => nanoUsdOf(text)

const SONNET = price({
  input: '3',
  output: '15',
  cached_input: '0.3',
  cache_write: '3.75',
  cache_write_1h: '6',
  web_search: '10',
})

test.each([
  ['input and output', used(1_000, 200), '0.006'],
  ['what was cached', used(1_000, 0, { cached: 900 }), '0.00057'],
  [
    'what was written to a cache, for five minutes and for an hour',
    used(1_000, 0, { cacheWritten: 300, cacheWrittenHour: 100 }),
    '0.00345',
  ],
  ['searches', used(0, 0, { webSearches: 3 }), '0.03'],
  ['reasoning, which has no price of its own', used(0, 100, { reasoning: 60 }), '0.0015'],
  ['nothing', used(0, 0), '0'],
])('%s', (_, usage, total) => {
  expect(costOf(SONNET, usage)?.total).toBe(usd(total))
})

describe('a service tier', () => {
  const { served, ...usual } = price({ input: '2', cached_input: '0.2', output: '8', web_search: '10' }, [
    { above_input_tokens: 1_000, prices: { input: '4' } },
    { service_tier: 'priority', above_input_tokens: 0, prices: { input: '3', output: '12' } },
    { service_tier: 'flex', above_input_tokens: 1_000, prices: { input: '1.5' } },
  ])
  const costs = (of: ServedPrice | undefined, input: number) =>
    of && costOf(of, used(input, 100, { cached: 100, webSearches: 1 }))?.total

  test('changes nothing of the usual price', () => {
    expect([costs({ ...usual }, 600), costs({ ...usual }, 2_000)]).toEqual([usd('0.01182'), usd('0.01842')])
  })
  test('costs what it says, and as usual what it does not say', () => {
    expect(costs(served.get('priority'), 600)).toBe(usd('0.01272'))
  })
  test('has the tiers by length of the usual price and its own, of which its own stand', () => {
    expect(costs(served.get('priority'), 2_000)).toBe(usd('0.01882'))
    expect([costs(served.get('flex'), 600), costs(served.get('flex'), 2_000)]).toEqual([usd('0.01182'), usd('0.01367')])
  })
  test('has a version that names it', () => {
    expect([...served.values()].map(({ version }) => [version, serviceTierOf(version)])).toEqual([
      ['v1#priority', 'priority'],
      ['v1#flex', 'flex'],
    ])
    expect(serviceTierOf(usual.version)).toBeNull()
  })
})

test('parts with a price of their own are charged at it, and what is left at that of the whole', () => {
  const audio = price({
    input: '2.5',
    output: '10',
    input_audio: '40',
    output_audio: '80',
    reasoning: '20',
    input_image: '5',
  })
  const usage = used(1_000, 500, { inputAudio: 200, inputImage: 100, outputAudio: 50, reasoning: 150 })
  // 700 x 2.5 + 200 x 40 + 100 x 5, and 300 x 10 + 50 x 80 + 150 x 20, for a million each
  expect(costOf(audio, usage)).toEqual({ total: usd('0.02025'), input: usd('0.01025'), output: usd('0.01') })
})

test('sound by the hour, text by the character, and a fee for each request', () => {
  expect(costOf(price({ input_audio_hour: '0.36' }), used(0, 0, { inputAudioMs: 9_400 }))?.total).toBe(usd('0.00094'))
  expect(costOf(price({ input_characters: '15' }), used(0, 0, { inputCharacters: 1_234 }))?.total).toBe(usd('0.01851'))
  const fee = costOf(price({ input: '1', output: '1', request: '5' }), used(10, 10))
  expect(fee).toEqual({ total: usd('0.00502'), input: usd('0.00001'), output: usd('0.00001') })
})

test('what has no price is unknown, never free', () => {
  expect(costOf(price({ input: '1' }), used(10, 1))).toBeNull()
  expect(costOf(price({ output: '1' }), used(1, 0))).toBeNull()
  expect(costOf(price({ input: '1', output: '1' }), used(1, 1, { webSearches: 1 }))).toBeNull()
  expect(costOf(price({ input: '1', output: '1' }), used(0, 0, { inputAudioMs: 1 }))).toBeNull()
  expect(costOf(price({ input: '1' }), used(10, 0))?.total).toBe(10_000n / 1n)
})

test('a tier begins with the first token above it, and is for all tokens of the request', () => {
  const tiered = price({ input: '2.5', output: '15' }, [
    { above_input_tokens: 500_000, prices: { input: '9' } },
    { above_input_tokens: 200_000, prices: { input: '5', output: '22.5' } },
  ])
  expect(costOf(tiered, used(200_000, 1_000))?.total).toBe(usd('0.515'))
  expect(costOf(tiered, used(200_001, 1_000))?.total).toBe(usd('1.022505'))
  // A higher tier that does not name the output leaves it as it was below.
  expect(costOf(tiered, used(500_001, 1_000))?.total).toBe(usd('4.522509'))
})

test('the total is rounded once, a half to the even one, and its parts add up to it', () => {
  // Half a nano-dollar for a token: 1.5 becomes 2, 2.5 becomes 2.
  const half = price({ input: '0.0005', output: '0.0005' })
  expect(costOf(half, used(3, 0))?.total).toBe(2n)
  expect(costOf(half, used(5, 0))?.total).toBe(2n)
  expect(costOf(half, used(3, 3))).toEqual({ total: 3n, input: 2n, output: 1n })
})

const anyPrice = fc
  .array(fc.bigInt(0n, 10n ** 13n), { minLength: 6, maxLength: 6 })
  .map(([a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n]) => {
    const text = (nano: bigint) => `${nano / 10n ** 9n}.${(nano % 10n ** 9n).toString().padStart(9, '0')}`
    return price({ input: text(a), output: text(b), cached_input: text(c), cache_write: text(d), reasoning: text(e) }, [
      { above_input_tokens: 1_000, prices: { input: text(f) } },
    ])
  })
const anyUsage = fc
  .tuple(fc.nat(100_000), fc.nat(100_000), fc.nat(10_000), fc.nat(100_000), fc.nat(100_000))
  .map(([rest, cached, cacheWritten, said, reasoning]) => ({
    input: rest + cached + cacheWritten,
    output: said + reasoning,
    cached,
    cacheWritten,
    reasoning,
  }))

test('parts always add up to the total, no part is negative, and no call costs more than its worst case', () => {
  fc.assert(
    fc.property(anyPrice, anyUsage, (given, usage) => {
      const cost = costOf(given, usage)
      if (cost === null) throw new Error('unknown')
      expect(cost.input + cost.output).toBe(cost.total)
      expect(cost.input >= 0n && cost.output >= 0n).toBe(true)
      const worst = worstCaseOf(given, usage.input, usage.output)
      expect(worst !== null && cost.total <= worst).toBe(true)
    }),
  )
})

test('counts that contradict each other are never charged below nothing, nor a price beyond all reason', () => {
  const cost = costOf(SONNET, used(10, 5, { cached: 900, reasoning: 50 }))
  expect(cost?.input).toBe(usd('0.00027'))
  expect(costOf(SONNET, used(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))).toBeNull()
})

test('the worst case needs a price for whatever there can be', () => {
  expect(worstCaseOf(price({ input: '1' }), 10, 0)).toBe(10_000n)
  expect(worstCaseOf(price({ input: '1' }), 10, 1)).toBeNull()
  expect(worstCaseOf(price({ input: '0.0001', output: '0' }), 1, 1)).toBe(1n)
})

test.each(['-1', 'NaN', '1e9', '1'.repeat(10), '0.0000000001', '', '1,5', '٣'])('%j is no price', (text) => {
  expect(PriceTable.safeParse({ version: 'v', rows: [row('m', { prices: { input: text } })] }).success).toBe(false)
})

const row = (model: string, term: object, more: Partial<PriceRow> = {}): PriceRow => ({
  provider: 'acme',
  model,
  source: 'catalogue',
  match: { names: [model] },
  terms: [{ effective_from: null, between: null, prices: {}, tiers: [], ...term }],
  ...more,
})
const inputOf = (book: PriceBook, names: string[], at: string) => {
  const found = book.priceOf('acme', names, Date.parse(at))
  return found && costOf(found, used(1_000_000, 0))?.total
}

test('own prices go before the catalogue, from the moment they hold, and the closest name before a wider one', () => {
  const book = new PriceBook({
    version: 'v/2',
    rows: [
      row('m-large', { prices: { input: '1' } }, { source: 'override' }),
      row(
        'm-*',
        { effective_from: '2026-03-01T00:00:00.000Z', prices: { input: '2' } },
        { source: 'override', match: { starts_with: 'm-' } },
      ),
      row('m-large', { prices: { input: '8' } }),
      row('m-small', { prices: { input: '9' } }),
    ],
  })
  expect(inputOf(book, ['m-large'], '2026-01-01')).toBe(usd('1'))
  expect(inputOf(book, ['m-small'], '2026-02-28T23:59:59.999Z')).toBe(usd('9'))
  expect(inputOf(book, ['m-small'], '2026-03-01')).toBe(usd('2'))
  // Asked for by a name that has an own price, answered under one that only the catalogue knows.
  expect(inputOf(book, ['m-small', 'm-large'], '2026-01-01')).toBe(usd('1'))
  expect(inputOf(book, ['n'], '2026-04-01')).toBeNull()
})

test('prices by the hour of the day hold from their first moment to before their last, also across midnight', () => {
  const by = (from: string, to: string) =>
    new PriceBook({
      version: 'v',
      rows: [
        row(
          'm',
          {},
          {
            terms: [
              { effective_from: null, between: null, prices: { input: '2' }, tiers: [] },
              { effective_from: null, between: { from, to }, prices: { input: '1' }, tiers: [] },
            ],
          },
        ),
      ],
    })
  const day = by('00:30', '16:30:00')
  expect(inputOf(day, ['m'], '2026-01-01T00:29:59.999Z')).toBe(usd('2'))
  expect(inputOf(day, ['m'], '2026-01-01T00:30:00Z')).toBe(usd('1'))
  expect(inputOf(day, ['m'], '2026-01-01T16:30:00Z')).toBe(usd('2'))
  const night = by('16:30', '00:30')
  expect(inputOf(night, ['m'], '2026-01-01T23:00:00Z')).toBe(usd('1'))
  expect(inputOf(night, ['m'], '2026-01-01T12:00:00Z')).toBe(usd('2'))
})

test('names that callers make up do not fill the memory', () => {
  const book = new PriceBook({ version: 'v', rows: [row('m', { prices: { input: '1' } })] })
  for (let n = 0; n < 25_000; n++) book.priceOf('acme', [`made-up-${n}`], 0)
  expect(inputOf(book, ['m'], '2026-01-01')).toBe(usd('1'))
})
