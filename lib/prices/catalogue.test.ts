import { readFileSync } from 'node:fs'
import { calcPrice, findProvider, type MatchLogic } from '@pydantic/genai-prices'
import { expect, test } from 'vitest'
import { PriceTable } from '@/lib/contract/price-shapes'
import { nanoUsdOf } from '@/lib/money'
import { CATALOGUE_RELEASE, catalogue } from './catalogue'
import { costOf } from './cost'
import { priceOf } from './price'
import { PriceBook } from './price-book'

const AT_MS = Date.UTC(2026, 5, 15, 12)
const { version, rows } = catalogue()
const book = new PriceBook(PriceTable.parse({ version, rows }))

test('the version names the release that is installed, and the rows it was made to', () => {
  const { version: installed } = JSON.parse(
    readFileSync(new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url), 'utf8'),
  )
  expect(CATALOGUE_RELEASE).toBe(installed)
  expect(version).toMatch(new RegExp(`^genai-prices-${installed.replaceAll('.', '\\.')}-[0-9a-f]{12}$`))
})

test.each([
  ['openai', 'openai'],
  ['azure-openai', 'azure'],
  ['anthropic', 'anthropic'],
  ['google', 'google'],
  ['bedrock', 'aws'],
  ['mistral', 'mistral'],
  ['cohere', 'cohere'],
  ['groq', 'groq'],
  ['together', 'together'],
  ['fireworks', 'fireworks'],
  ['deepseek', 'deepseek'],
  ['xai', 'x-ai'],
  ['openrouter', 'openrouter'],
  ['perplexity', 'perplexity'],
])('every model of %s costs what its authors reckon, below and above every tier', (ours, theirs) => {
  const models = findProvider({ providerId: theirs })?.models ?? []
  let compared = 0
  for (const { id, match } of models) {
    const name = ('equals' in match && match.equals) || id
    const known = calcPrice({ input_tokens: 1 }, name, { providerId: theirs }) ? name : firstName(match)
    if (known === null) continue
    for (const input of [1_000, 127_999, 128_001, 199_999, 200_001, 272_000, 500_000]) {
      const usage = { input_tokens: input, output_tokens: 321, cache_read_tokens: 100 }
      const wanted = calcPrice(usage, known, { providerId: theirs, timestamp: new Date(AT_MS) })
      const price = book.priceOf(ours, [known], AT_MS)
      if (wanted === null || price === null) continue
      // What their reckoning takes for free because there is no price is unknown here.
      const cost = costOf(price, { input, output: 321, cached: 100, reasoning: 0 })
      if (cost === null) continue
      compared += 1
      const nano = Number(cost.total)
      expect([known, input, Math.abs(nano - wanted.total_price * 1e9) <= 1.5 + nano * 1e-12]).toEqual([
        known,
        input,
        true,
      ])
    }
  }
  expect(compared).toBeGreaterThan(models.length * 4)
})

/** The first name that a rule says in full. */
function firstName(match: MatchLogic): string | null {
  if ('equals' in match) return match.equals
  return 'or' in match ? (match.or.map(firstName).find((name) => name !== null) ?? null) : null
}

test.each([
  ['openai', 'gpt-4o', 16_384],
  ['openai', 'GPT-4o-2024-11-20', 16_384],
  ['openai', 'gpt-5', 128_000],
  ['azure-openai', 'gpt-4o-mini', 16_384],
  ['anthropic', 'claude-sonnet-4-5-20250929', 64_000],
  ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 64_000],
  ['google', 'gemini-2.5-pro', 65_536],
])('%s: %s answers with so many tokens at most', (provider, name, most) => {
  expect(book.outputCapOf(provider, [name], AT_MS)).toBe(most)
})

test.each([
  ['of a model of which the list knows its context window only', 'mistral', 'mistral-large-latest'],
  ['of a model that nobody knows', 'openai', 'a-model-of-next-year'],
  ['of a provider that nobody knows', 'a-provider-of-our-own', 'gpt-4o'],
])('no bound is made up %s', (_, provider, name) => {
  expect(book.outputCapOf(provider, [name], AT_MS)).toBeNull()
})

test.each([
  ['openai', 'gpt-4o', 'priority', '4.25', '17'],
  ['openai', 'gpt-4o-2024-05-13', 'priority', '8.75', '26.25'],
  ['openai', 'o4-mini', 'flex', '0.55', '2.2'],
])('%s: %s at %s costs what the list says', (provider, name, tier, input, output) => {
  const price = book.priceOf(provider, [name], AT_MS)?.served.get(tier)
  const million = { input: 1_000_000, output: 0, cached: 0, reasoning: 0 }
  expect(price && costOf(price, million)?.total).toBe(nanoUsdOf(input))
  expect(price && costOf(price, { ...million, input: 0, output: 1_000_000 })?.total).toBe(nanoUsdOf(output))
})

test('a long input begins at the same token for each service tier', () => {
  const flex = book.priceOf('openai', ['gpt-5.4'], AT_MS)?.served.get('flex')
  const usage = { input: 272_000, output: 0, cached: 0, reasoning: 0 }
  expect(flex && costOf(flex, usage)?.total).toBe(nanoUsdOf('0.68'))
  expect(flex && costOf(flex, { ...usage, input: 271_999 })?.total).toBe(nanoUsdOf('0.33999875'))
})

test('whoever pays for priority pays no less than usual, and whoever waits no more', () => {
  const usage = { input: 1_000, output: 1_000, cached: 0, reasoning: 0 }
  const compared = rows.flatMap((row) =>
    row.terms.flatMap(({ prices, tiers }) => {
      const price = priceOf(prices, tiers, row.source, version)
      return [...price.served].map(([tier, served]) => ({
        model: `${row.provider} ${row.model} ${tier}`,
        isDearer: tier === 'priority',
        difference: (costOf(served, usage)?.total ?? 0n) - (costOf(price, usage)?.total ?? 0n),
      }))
    }),
  )
  expect(compared.length).toBeGreaterThan(60)
  expect(compared.filter(({ isDearer, difference: d }) => (isDearer ? d < 0n : d > 0n))).toEqual([])
})

test('a price has no more than nine decimals, and none is negative', () => {
  const all = rows.flatMap(({ terms }) =>
    terms.flatMap(({ prices, tiers }) => [prices, ...tiers.map((tier) => tier.prices)].flatMap(Object.values)),
  )
  expect(all.length).toBeGreaterThan(2_000)
  expect(all.filter((usd) => !/^\d+(\.\d{1,9})?$/.test(usd))).toEqual([])
})

test('a model that no rule names has no price', () => {
  expect(book.priceOf('openai', ['a-model-of-next-year'], AT_MS)).toBeNull()
  expect(book.priceOf('a-provider-of-our-own', ['gpt-4o'], AT_MS)).toBeNull()
  expect(book.priceOf('vllm', ['llama'], AT_MS)).toBeNull()
})

test('the sandbox is free, whatever the model is called', () => {
  const price = book.priceOf('sandbox', ['gpt-5.4-mini'], AT_MS)
  expect(price && costOf(price, { input: 5, output: 7, cached: 0, reasoning: 0 })).toEqual({
    total: 0n,
    input: 0n,
    output: 0n,
  })
})

test.each([
  ['anthropic', 'claude-sonnet-4-20250514', 'claude-sonnet-4-0'],
  ['openai', 'GPT-4o-Mini', 'gpt-4o-mini'],
  ['openai', 'gpt-5.4-mini-2026-03-17', 'gpt-5.4-mini'],
  ['bedrock', 'us.anthropic.claude-sonnet-4-20250514-v1:0', 'anthropic.claude-sonnet-4-20250514-v1:0'],
  ['azure-openai', 'gpt-4o-2024-11-20', 'gpt-4o'],
])('%s: %s is %s', (provider, dated, plain) => {
  const usage = { input: 1_000_000, output: 1_000_000, cached: 0, reasoning: 0 }
  const [a, b] = [dated, plain].map((name) => {
    const price = book.priceOf(provider, [name], AT_MS)
    return price && costOf(price, usage)
  })
  expect(a?.total).toBeGreaterThan(0n)
  expect(a).toEqual(b)
})
