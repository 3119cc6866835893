import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { configurations } from '@/lib/contract/configurations'
import { events } from '@/lib/contract/events'
import { exports } from '@/lib/contract/exports'
import { modelPricing } from '@/lib/contract/model-pricing'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { catalogue } from '@/lib/prices/catalogue'
import { costOf } from '@/lib/prices/cost'
import { PriceBook } from '@/lib/prices/price-book'
import { gatewayOf } from '../events/testing'
import type { PushSignal } from '../push'
import { inTenant } from '../tenant'
import { startControlPlane, type TestOrganization } from '../testing'
import { priceTableFor } from './queries'

const plane = await startControlPlane()
afterAll(() => plane.stop())

let home: TestOrganization
let finance: Awaited<ReturnType<TestOrganization['as']>>
beforeEach(async () => {
  home = await plane.organization()
  finance = await home.as('role_finance')
})

const MINI = { provider: 'openai', model: 'gpt-5.4-mini' }
const own = (input: string, more: object = {}) => ({ ...MINI, prices: { input, output: '3.6' }, ...more })
const change = (set: object[], more: object = {}) =>
  finance(modelPricing.createVersion, { set: set as ReturnType<typeof own>[], ...more })
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'taken',
    (error: { code: string }) => error.code,
  )

test('without prices of its own an organisation has those of the catalogue, page by page and by search', async () => {
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await finance(modelPricing.list, { limit: 200, cursor })
    seen.push(...page.items.map(({ provider, model, source }) => `${provider} ${model} ${source}`))
    expect(page.version).toBe(catalogue().version)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  expect(new Set(seen).size).toBe(seen.length)
  const rows = new Set(catalogue().rows.map(({ provider, model }) => `${provider} ${model} catalogue`))
  expect(new Set(seen)).toEqual(rows)
  const found = await finance(modelPricing.list, { search: 'OpenAI gpt-5.4-MINI', provider: 'openai' })
  expect(found.items).toMatchObject([{ ...MINI, source: 'catalogue', prices: { input: '0.75' }, target: null }])
})

test('what is kept of a catalogue is what it says, and nobody can change it', async () => {
  const { version, rows } = catalogue()
  const [kept] = await plane.owner`select content from price_catalogues where version = ${version}`
  expect(JSON.parse(kept?.content)).toEqual(rows)
})

test('an own price goes before the catalogue from its moment on, is recorded, and is told to gateways', async () => {
  const heard: PushSignal[] = []
  const stop = plane.services.hub.subscribe(home.orgId, (signal) => heard.push(signal))
  const from = '2026-03-01T00:00:00.000Z'
  const made = await change([own('0.6', { effective_from: from })], { note: 'Contract', base_version: 0 })
  expect(made).toMatchObject({ version: 1, note: 'Contract', changes: 1 })
  expect(made.items).toMatchObject([
    {
      ...MINI,
      effective_from: from,
      before: { source: 'catalogue', prices: { input: '0.75' } },
      after: { prices: { input: '0.6' } },
    },
  ])
  const at = (moment?: string) => finance(modelPricing.effective, { ...MINI, at: moment })
  expect(await at()).toMatchObject({
    source: 'override',
    version: `${catalogue().version}/1`,
    prices: { input: '0.6' },
  })
  expect(await at('2026-02-28T23:59:59.999Z')).toMatchObject({ source: 'catalogue', prices: { input: '0.75' } })
  // By the name under which the model answers, only the name that was said is meant.
  const dated = await finance(modelPricing.effective, { ...MINI, model: 'gpt-5.4-mini-2026-03-17' })
  expect(dated.source).toBe('catalogue')

  expect((await home.recorded()).at(-1)).toMatch(/model_pricing\.changed$/)
  const owner = await home.as('role_owner')
  expect((await owner(activity.list, {})).items[0]).toMatchObject({ after: { changed: 1 } })
  await expect.poll(() => heard.filter((signal) => signal.kind === 'settings')).toHaveLength(1)
  stop()
})

test('versions are added, never changed: a price is replaced and taken away, and what was said stays to be read', async () => {
  const from = '2026-03-01T00:00:00.000Z'
  await change([own('0.6', { effective_from: from })])
  await change([own('0.5', { effective_from: from }), own('0.4', { effective_from: '2026-06-01T00:00:00.000Z' })])
  const { items } = await finance(modelPricing.createVersion, { remove: [{ ...MINI, effective_from: from }] })
  expect(items).toMatchObject([{ before: { source: 'override', prices: { input: '0.5' } }, after: null }])
  const listed = await finance(modelPricing.listVersions, { limit: 2 })
  expect(listed.items.map(({ version, changes }) => [version, changes])).toEqual([
    [3, 1],
    [2, 2],
  ])
  const april = await finance(modelPricing.effective, { ...MINI, at: '2026-04-01' })
  expect(april).toMatchObject({ source: 'catalogue', version: `${catalogue().version}/3` })
  // What a version did not speak of stays as it was.
  const july = await finance(modelPricing.effective, { ...MINI, at: '2026-07-01' })
  expect(july).toMatchObject({ source: 'override', prices: { input: '0.4' } })
  const rows = await plane.owner`select book_version, prices from price_overrides where org_id = ${home.orgId}`
  expect(rows).toHaveLength(4)
  for (const table of ['price_books', 'price_overrides', 'currency_rates', 'price_catalogues']) {
    const [may] = await plane.owner`
      select has_table_privilege('keeptrusts_app', ${table}, 'UPDATE') or
             has_table_privilege('keeptrusts_app', ${table}, 'DELETE') as may`
    expect([table, may?.may]).toEqual([table, false])
  }
})

test('an own price says how long answers may be, in its version, in lists and to gateways; without it the catalogue does', async () => {
  const from = '2026-03-01T00:00:00.000Z'
  const [changed] = (await change([own('0.6', { effective_from: from, max_output_tokens: 9_000 })])).items
  expect(changed).toMatchObject({ before: { max_output_tokens: 128_000 }, after: { max_output_tokens: 9_000 } })
  const read = async () => (await finance(modelPricing.effective, MINI)).max_output_tokens
  expect(await read()).toBe(9_000)
  const prices = await inTenant(plane.services.db, home.orgId, (tx) =>
    priceTableFor(tx, home.orgId, new Set(['openai']), new Date()),
  )
  expect(new PriceBook(prices).outputCapOf('openai', [MINI.model], Date.now())).toBe(9_000)
  // Another bound alone is a change; none said takes it back.
  expect((await change([own('0.6', { effective_from: from, max_output_tokens: 8_000 })])).changes).toBe(1)
  expect(await read()).toBe(8_000)
  await change([own('0.6', { effective_from: from })])
  expect(await read()).toBeNull()
  const listed = {
    format: 'csv' as const,
    content: 'provider,model,input,max_output_tokens\nopenai,a,1,7000\nopenai,b,1,many\n',
  }
  const { set, problems } = await finance(modelPricing.preview, listed)
  expect(set).toMatchObject([{ model: 'a', max_output_tokens: 7_000 }])
  expect(problems).toMatchObject([{ line: 3, message: expect.stringMatching(/^max_output_tokens: /) }])
})

test('two who change prices at once: the second is told, and nothing of it is kept', async () => {
  await change([own('0.6')], { base_version: 0 })
  expect(await refusal(change([own('0.7')], { base_version: 0 }))).toBe('conflict')
  const both = await Promise.all([
    refusal(change([own('1')], { base_version: 1 })),
    refusal(change([own('2')], { base_version: 1 })),
  ])
  expect(both.toSorted()).toEqual(['conflict', 'taken'])
  expect((await finance(modelPricing.listVersions, {})).items).toHaveLength(2)
})

test('a version that changes nothing is none', async () => {
  const row = own('0.6', { effective_from: '2026-03-01T00:00:00.000Z' })
  await change([row])
  expect(await refusal(change([row]))).toBe('unprocessable')
  expect(await refusal(change([]))).toBe('unprocessable')
})

test.each([
  ['a negative amount', { prices: { input: '-1' } }],
  ['no number', { prices: { input: 'NaN' } }],
  ['a JSON number', { prices: { input: 1 } }],
  ['an exponent', { prices: { input: '1e9' } }],
  ['a huge amount', { prices: { input: '10000000000' } }],
  ['less than a nano-dollar', { prices: { input: '0.0000000001' } }],
  ['a unit that there is not', { prices: { inputs: '1' } }],
  ['no price at all', { prices: {} }],
  ['a negative tier', { tiers: [{ above_input_tokens: -1, prices: {} }] }],
  ['nine tiers', { tiers: Array.from({ length: 9 }, (_, n) => ({ above_input_tokens: n, prices: {} })) }],
  ['a star in the middle', { model: 'gpt-*-mini' }],
  ['a currency in lower case', { currency: 'eur' }],
  ['a field that there is not', { price: '1' }],
  ['a time that is none', { effective_from: 'soon' }],
  ['an answer without tokens', { max_output_tokens: 0 }],
  ['an answer of half a token', { max_output_tokens: 0.5 }],
  ['an answer that never ends', { max_output_tokens: 1e9 }],
])('%s is refused', async (_, wrong) => {
  const body = JSON.stringify({ set: [{ ...own('1'), ...wrong }] })
  const { status } = await plane.send('POST', '/v1/model-pricing/versions', { token: finance.token, body })
  expect(status).toBe(400)
})

test('a price in another currency needs a rate on its first day, and follows the rates from then on', async () => {
  const euro = own('1', { currency: 'EUR', effective_from: '2026-03-10T12:00:00.000Z' })
  expect(await refusal(change([euro]))).toBe('unprocessable')
  expect(await refusal(change([euro], { rates: [{ currency: 'EUR', effective_on: '2026-03-11', usd: '1.1' }] }))).toBe(
    'unprocessable',
  )
  expect(await refusal(change([own('1', { currency: 'XQZ' })]))).toBe('unprocessable')
  await change([euro], {
    rates: [
      { currency: 'EUR', effective_on: '2026-03-01', usd: '1.083333333' },
      { currency: 'EUR', effective_on: '2026-04-01', usd: '1.2' },
    ],
  })
  const at = async (moment: string) => (await finance(modelPricing.effective, { ...MINI, at: moment })).prices
  expect(await at('2026-03-10T11:59:59Z')).toMatchObject({ input: '0.75' })
  expect(await at('2026-03-10T12:00:00Z')).toEqual({ input: '1.083333333', output: '3.899999999' })
  expect(await at('2026-04-01')).toEqual({ input: '1.2', output: '4.32' })
})

test('rates are listed by currency and day, page by page, each as it was said last, and no other organisation has them', async () => {
  const rate = (currency: string, effective_on: string, usd: string) => ({ currency, effective_on, usd })
  await change([], { rates: [rate('EUR', '2026-03-01', '1.1'), rate('CHF', '2026-04-01', '1.2')] })
  await change([], { rates: [rate('EUR', '2026-03-01', '1.05'), rate('EUR', '2026-02-01', '1')] })
  const first = await finance(modelPricing.listRates, { limit: 2 })
  expect(first.items).toEqual([rate('CHF', '2026-04-01', '1.2'), rate('EUR', '2026-02-01', '1')])
  const second = await finance(modelPricing.listRates, { limit: 2, cursor: first.next_cursor ?? undefined })
  expect(second).toEqual({ items: [rate('EUR', '2026-03-01', '1.05')], next_cursor: null })
  expect((await finance(modelPricing.listRates, { currency: 'CHF' })).items).toHaveLength(1)
  const other = await (await plane.organization()).as('role_finance')
  expect((await other(modelPricing.listRates, {})).items).toEqual([])
})

test('a rate of nothing, or of US dollars, is refused', async () => {
  for (const rate of [
    { currency: 'EUR', usd: '0' },
    { currency: 'USD', usd: '1' },
    { currency: 'EUR', usd: '-1' },
  ]) {
    const body = JSON.stringify({ rates: [{ effective_on: '2026-03-01', ...rate }] })
    const { status } = await plane.send('POST', '/v1/model-pricing/versions', { token: finance.token, body })
    expect(status).toBe(400)
  }
})

describe('a list of prices', () => {
  test('as CSV is read with what it would change, line by line, and changes nothing', async () => {
    const content = [
      '\uFEFFprovider,model,effective_from,currency,input,output,cached_input',
      'openai,gpt-5.4-mini,2026-03-01,USD,0.6,3.6,',
      'openai,"gpt-5.4-*",2026-03-01,,"0.5",3,"\n0.05"',
      'openai,gpt-x,2026-03-01,USD,-1,1,',
      'openai,gpt-y,2026-03-01,EUR,1,1,',
      'openai,gpt-5.4-mini,2026-03-01,USD,9,9,',
      'openai,too,few',
      '',
    ].join('\r\n')
    const read = await finance(modelPricing.preview, { format: 'csv', content })
    expect(read.problems.map(({ line, message }) => [line, message])).toEqual([
      [5, expect.stringMatching(/^prices\.input: /)],
      [6, expect.stringMatching(/no rate for EUR/)],
      [7, expect.stringMatching(/is there twice/)],
      [8, '3 columns where the first line has 7.'],
    ])
    expect(read.items).toMatchObject([
      { model: 'gpt-5.4-mini', before: { source: 'catalogue' }, after: { prices: { input: '0.6', output: '3.6' } } },
      { model: 'gpt-5.4-*', before: null, after: { prices: { input: '0.5', output: '3', cached_input: '0.05' } } },
    ])
    expect((await finance(modelPricing.listVersions, {})).items).toEqual([])
    // What was read is what can be set.
    const made = await finance(modelPricing.createVersion, { set: read.set, base_version: read.base_version })
    expect(made.items).toEqual(read.items)
  })

  test('as JSON likewise; what is neither is told, not thrown', async () => {
    const json = await finance(modelPricing.preview, {
      format: 'json',
      content: JSON.stringify([own('0.6'), { provider: 'x' }, 7]),
    })
    expect([json.set.length, json.problems.map(({ line }) => line)]).toEqual([1, [2, 3]])
    for (const [format, content] of [
      ['json', '{'],
      ['csv', 'price,model\n1,2'],
      ['csv', ''],
      ['csv', '"open'],
    ] as const) {
      const read = await finance(modelPricing.preview, { format, content })
      expect(read.set).toEqual([])
    }
  })
})

test("prices of one organisation are no other one's", async () => {
  await change([own('0.6')])
  const other = await (await plane.organization()).as('role_finance')
  expect(await other(modelPricing.effective, MINI)).toMatchObject({ source: 'catalogue' })
  expect((await other(modelPricing.listVersions, {})).items).toEqual([])
})

test('who may not spend may not change prices, and who sees the organisation may read them', async () => {
  const viewer = await home.as('role_viewer')
  expect((await viewer(modelPricing.list, { limit: 1 })).items).toHaveLength(1)
  const admin = await home.as('role_admin')
  expect(await refusal(admin(modelPricing.createVersion, { set: [own('1')] }))).toBe('forbidden')
  expect(await refusal(admin(modelPricing.preview, { format: 'csv', content: '' }))).toBe('forbidden')
})

describe('a gateway', () => {
  const yaml = `
pack: { name: production, version: 1.0.0, enabled: true }
policies: { chain: [] }
providers:
  targets:
    - { id: main, provider: openai, secret_key_ref: { env: A_KEY } }
    - { id: own, provider: acme, model: acme-1, base_url: 'https://acme.example/v1', pricing: { input_usd_per_million: 1.5, output_usd_per_million: 2 } }
`
  async function running() {
    const made = await gatewayOf(home)
    const { id } = await made.admin(configurations.create, { name: 'production', yaml })
    await made.admin(configurations.rollout, { gateway_ids: [made.id], version: '1.0.0', configuration_id: id })
    const state = () => made.gateway(configurations.runtimeState, { id: made.id })
    return { ...made, state }
  }

  test('is told the prices of the providers it may ask and no others, and a change as soon as there is one', async () => {
    const { state } = await running()
    const before = (await state()).prices
    expect(new Set(before?.rows.map(({ provider }) => provider))).toEqual(new Set(['openai']))
    await change([own('0.6'), { provider: 'anthropic', model: 'claude-*', prices: { input: '1', output: '1' } }])
    const after = (await state()).prices
    expect(after?.version).toBe(`${catalogue().version}/1`)
    expect(after?.rows.filter(({ source }) => source === 'override')).toMatchObject([MINI])
    expect((after?.rows.length ?? 0) - (before?.rows.length ?? 0)).toBe(1)
  })

  test('that says what a target costs has it listed with its target', async () => {
    await running()
    const { items } = await finance(modelPricing.list, { source: 'target' })
    expect(items).toEqual([
      {
        provider: 'acme',
        model: 'acme-1',
        source: 'target',
        version: 'target:production@1.0.0',
        effective_from: null,
        prices: { input: '1.5', cached_input: '1.5', output: '2' },
        tiers: [],
        max_output_tokens: null,
        target: { target_id: 'own', configuration_name: 'production', configuration_version: '1.0.0' },
      },
    ])
  })

  test('charges by what it was told, and events, sums by the hour and exports agree to the nano-dollar', async () => {
    const { state, gateway, event } = await running()
    await change([own('0.333333333')])
    const { prices } = await state()
    if (!prices) throw new Error('no prices')
    const book = new PriceBook(prices)
    let wanted = 0n
    const batch = Array.from({ length: 40 }, (_, n) => {
      const model = n % 3 === 0 ? 'a-model-of-next-year' : n % 3 === 1 ? 'gpt-5.4-mini' : 'gpt-5.4'
      const tokens = { input: 7 * n + 1, output: 3 * n, cached: n, reasoning: n }
      const price = book.priceOf('openai', [model], Date.now())
      const cost = price && costOf(price, tokens)
      wanted += cost?.total ?? 0n
      return event({
        provider: 'openai',
        model,
        tokens,
        event_cost_attribution: {
          total_cost_usd: cost ? usdOfNano(cost.total) : null,
          input_cost_usd: cost ? usdOfNano(cost.input) : null,
          output_cost_usd: cost ? usdOfNano(cost.output) : null,
          currency: 'USD',
          price_book_version: price?.version ?? null,
          price_status: cost ? 'priced' : 'unknown',
          source_spend_log_id: null,
          units: n % 2 === 0 ? [{ unit: 'cache_write', quantity: n + 1 }] : [],
        },
      })
    })
    await gateway(events.ingest, { events: batch })
    expect(wanted).toBeGreaterThan(0n)
    const [sums] = await plane.owner`
      select sum(cost_nano_usd)::text as cost, sum(unpriced)::int as unpriced from usage_hourly where org_id = ${home.orgId}`
    expect(sums).toEqual({ cost: wanted.toString(), unpriced: 14 })
    const { items } = await finance(events.list, { limit: 100 })
    const stored = items.reduce(
      (sum, { event_cost_attribution: cost }) => sum + nanoUsdOf(cost.total_cost_usd ?? '0'),
      0n,
    )
    expect(stored).toBe(wanted)
    expect(items.filter(({ event_cost_attribution: cost }) => cost.units.length > 0)).toHaveLength(20)
    const preview = await finance(exports.preview, {
      time_window: { since: '1h', until: new Date(Date.now() + 60_000).toISOString() },
    })
    expect(preview).toMatchObject({ rows: 40, cost_usd: usdOfNano(wanted), unpriced: 14 })
  })
})
