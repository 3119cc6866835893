import { afterEach, describe, expect, test } from 'vitest'
import type { GatewayBudget } from '@/lib/contract/spend-shapes'
import { PriceBook } from '@/lib/prices/price-book'
import { completion, httpTarget, postChat } from '../testing'
import type { AskForSlices, LeaseAnswers } from './ask-for-leases'
import { FakeBudgets, walletOf, windowOf } from './fake-budgets'
import { answerJson, budget, FLAT_PRICES, priceBook, spendOf, startSpendGateway } from './spend-testing'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close()
})

async function start(...given: Parameters<typeof startSpendGateway>) {
  const started = await startSpendGateway(...given)
  closing.push(started)
  const call = async (change: object = {}, headers: Record<string, string> = {}) => {
    const response = await postChat(started.gateway.url, started.key, { ...CHAT, ...change }, { headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, error: errorIn(text) }
  }
  return { ...started, call }
}

const CHAT = { model: 'gpt-test', messages: [{ role: 'user', content: 'hi' }] }
function errorIn(text: string): Record<string, unknown> {
  try {
    const { error } = JSON.parse(text) as { error?: Record<string, unknown> }
    return error ?? {}
  } catch {
    return {}
  }
}
const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const ORG = windowOf('bud_org')

/** A dollar for a million tokens of an answer, which has 50,000 at most. */
const CAPPED = new PriceBook({
  version: 'book-test/1',
  rows: [
    {
      provider: 'openai',
      model: '*',
      source: 'override',
      match: { starts_with: '' },
      terms: [
        {
          effective_from: null,
          between: null,
          prices: { input: '0', output: '1' },
          tiers: [],
          max_output_tokens: 50_000,
        },
      ],
    },
  ],
})

describe('a budget', () => {
  test('of a dollar lets ten calls of ten cents through, however many come at once, and names itself to the rest', async () => {
    const { call, budgets, gateway, upstream } = await start({ budgets: [budget('bud_org')] })
    budgets.limit(ORG, '1')
    const answers = await Promise.all(Array.from({ length: 40 }, () => call()))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    const refused = answers.filter(({ status }) => status === 402)
    expect(refused).toHaveLength(30)
    expect(refused[0]?.error).toMatchObject({
      type: 'budget_exceeded',
      code: 'budget_exceeded',
      retryable: false,
      scopes: [
        {
          budget_id: 'bud_org',
          name: 'Budget bud_org',
          limit_usd: '1.000000000',
          committed_usd: '0.000000000',
          held_usd: '1.000000000',
          resets_at: null,
        },
      ],
    })
    expect(refused[0]?.headers.get('x-should-retry')).toBe('false')
    expect(upstream.requests).toHaveLength(10)
    for (const event of gateway.events()) budgets.settle(event)
    expect([budgets.spentOf(ORG), budgets.heldOf(ORG)]).toEqual(['1.000000000', '0.000000000'])
    expect(gateway.events().filter(({ reason_code }) => reason_code === 'budget.exceeded')).toHaveLength(30)
    expect(gateway.errors).toEqual([])
  })

  test('holds an answer that its caller did not bound for as long as the model answers', async () => {
    const { call, budgets, gateway } = await start({ budgets: [budget('bud_org')] }, { prices: CAPPED })
    budgets.limit(ORG, '1')
    expect((await call()).status).toBe(200)
    expect((await call({ max_tokens: 100_000 })).status).toBe(200)
    expect(gateway.events().map(({ spend }) => spend?.reserved_usd)).toEqual(['0.050000000', '0.100000000'])
  })

  test('of which a slice is held is not asked for again until half of the slice is gone', async () => {
    const { call, budgets } = await start({ budgets: [budget('bud_org')] })
    budgets.limit(ORG, '100')
    await call()
    expect(budgets.asks).toHaveLength(1)
    for (let n = 0; n < 4; n++) expect((await call()).status).toBe(200)
    expect(budgets.asks).toHaveLength(1)
    expect((await call()).status).toBe(200)
    await until(() => budgets.asks.length === 2)
  })

  test('tells what is left and when it begins anew', async () => {
    const inAnHour = Date.now() + 3_600_000
    const window = windowOf('bud_org', 1_000)
    const { call, budgets } = await start({ budgets: [budget('bud_org', { windows_ms: [1_000, inAnHour] })] })
    budgets.limit(window, '1')
    const { headers } = await call()
    // A half of what there is was taken, and ten cents of that are spent.
    expect(headers.get('x-keeptrusts-budget-remaining')).toBe('0.400000000')
    expect(headers.get('x-keeptrusts-budget-reset')).toBe(new Date(inAnHour).toISOString())
  })

  test('that refuses takes nothing from the others', async () => {
    const { call, budgets } = await start({
      budgets: [budget('bud_org'), budget('bud_team', { scope: { model: 'gpt-test' } })],
    })
    const team = windowOf('bud_team')
    budgets.limit(ORG, '5')
    budgets.limit(team, '0.2')
    const statuses = await Promise.all(Array.from({ length: 9 }, async () => (await call()).status))
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    const other = await Promise.all(Array.from({ length: 60 }, async () => (await call({ model: 'gpt-other' })).status))
    expect(other.filter((status) => status === 200)).toHaveLength(48)
  })
})

describe('wallets', () => {
  test('pay in turn: the user, the team, the organization', async () => {
    const { call, budgets, gateway } = await start({ wallets: ['organization', 'user:ada'] })
    const [ada, organization] = [walletOf('user:ada'), walletOf('organization')]
    budgets.limit(ada, '0.2')
    budgets.limit(organization, '0.3')
    const statuses: number[] = []
    for (let n = 0; n < 7; n++) statuses.push((await call({}, { 'x-user-id': 'ada' })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 402, 402])
    for (const event of gateway.events()) budgets.settle(event)
    expect([budgets.spentOf(ada), budgets.spentOf(organization)]).toEqual(['0.200000000', '0.300000000'])
    const refused = await call({}, { 'x-user-id': 'ada' })
    expect(refused.error).toMatchObject({
      code: 'wallet_depleted',
      scopes: [{ wallet_id: 'user:ada' }, { wallet_id: 'organization', limit_usd: '0.300000000' }],
    })
    expect(gateway.events().map(({ user_id }) => user_id)).toContain('ada')
  })
})

test('a wallet that is empty is not asked about with every request that another one pays', async () => {
  const { call, budgets } = await start({ wallets: ['organization', 'user:ada'] })
  budgets.limit(walletOf('user:ada'), '0')
  budgets.limit(walletOf('organization'), '100')
  const asAda = async () => (await call({}, { 'x-user-id': 'ada' })).status
  expect(await asAda()).toBe(200)
  const asksOf = () => budgets.asks.filter(({ groups }) => JSON.stringify(groups).includes('user:ada')).length
  const asks = asksOf()
  await new Promise((resolve) => setTimeout(resolve, 300)) // longer than a refusal is remembered otherwise
  for (let n = 0; n < 5; n++) expect(await asAda()).toBe(200)
  expect(asksOf()).toBe(asks)
  // Nobody is refused for what was so a while ago.
  budgets.limit(walletOf('organization'), '0')
  for (let n = 0; n < 200 && (await asAda()) === 200; n++);
  budgets.limit(walletOf('user:ada'), '1')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await asAda()).toBe(200)
})

describe('a window that the control plane does not know any more', () => {
  const old = { windows_ms: [0, Date.now() + 86_400_000] }
  const started = async (change: Partial<GatewayBudget> = {}) => {
    const all = await start({ budgets: [budget('bud_org', { ...old, ...change })] })
    all.budgets.limit(ORG, '0.05')
    expect((await all.call()).status).toBe(402)
    return all
  }
  /** Until it has asked: what was refused is remembered for a moment. */
  const another = async (call: () => Promise<{ status: number }>) => {
    for (;;) {
      const answer = await call()
      if (answer.status !== 402) return answer
    }
  }

  test.each([
    ['there is instead', [1_000]],
    ['came after it', [0, 1_000]],
  ])('is not taken for one without a limit: requests are covered by the window that %s', async (_, starts) => {
    const { call, budgets, gateway } = await started()
    const now = windowOf('bud_org', 1_000)
    budgets.limit(now, '0.25')
    budgets.move(ORG, [...starts, Date.now() + 3_600_000])
    expect((await another(call)).status).toBe(200)
    expect([(await call()).status, (await call()).status]).toEqual([200, 402])
    for (const event of gateway.events()) budgets.settle(event)
    expect([budgets.spentOf(now), budgets.spentOf(ORG)]).toEqual(['0.200000000', '0.000000000'])
  })

  test('and of which nobody says what is there instead, is as if nobody could be asked', async () => {
    const { call, budgets } = await started()
    budgets.end(ORG)
    expect(await another(call)).toMatchObject({ status: 503, error: { code: 'budget_unavailable', retryable: true } })
    const lax = await started({ on_unavailable: 'allow' })
    lax.budgets.end(ORG)
    expect((await another(lax.call)).status).toBe(200)
    expect(lax.gateway.events().at(-1)).toMatchObject({ spend: { leases: [] } })
  })

  test('leaves what other budgets have to say to them', async () => {
    const spend = { budgets: [budget('bud_org', old), budget('bud_lax', { ...old, on_unavailable: 'allow' })] }
    const { call, budgets } = await start(spend)
    budgets.limit(ORG, '0.15')
    budgets.limit(windowOf('bud_lax'), '10')
    budgets.end(windowOf('bud_lax'))
    expect((await call()).status).toBe(200)
    expect(await call()).toMatchObject({ status: 402, error: { code: 'budget_exceeded' } })
  })
})

describe('a request of a time of which a gateway knows no window', () => {
  const DAY_MS = 86_400_000
  const daysFrom = (first: number) => Array.from({ length: 6 }, (_, n) => Date.now() + (first + n) * DAY_MS)

  test('is not covered by the first that it knows, which is that of another day', async () => {
    const windows_ms = daysFrom(1)
    const [first = 0] = windows_ms
    const ask = async (change: Partial<GatewayBudget>) => {
      const { call, budgets, gateway } = await start({ budgets: [budget('bud_org', { windows_ms, ...change })] })
      budgets.limit(windowOf('bud_org', first), '1')
      budgets.limit(windowOf('bud_org', first - 1), '0')
      budgets.move(windowOf('bud_org', first - 1), windows_ms)
      const { status } = await call()
      return { status, held: budgets.heldOf(windowOf('bud_org', first)), event: gateway.events().at(-1) }
    }
    expect(await ask({})).toMatchObject({ status: 503, held: '0.000000000' })
    const alone = { status: 200, held: '0.000000000', event: { spend: { leases: [] } } }
    expect(await ask({ on_unavailable: 'allow' })).toMatchObject(alone)
  })

  test('is not covered by the last that it knows, but by the one that it is told', async () => {
    const windows_ms = daysFrom(-8)
    const [last = 0, today = 0] = [windows_ms.at(-1), daysFrom(-1).at(0)]
    const { call, budgets } = await start({ budgets: [budget('bud_org', { windows_ms })] })
    budgets.limit(windowOf('bud_org', last), '1')
    budgets.limit(windowOf('bud_org', today), '0.10')
    budgets.limit(windowOf('bud_org', last + 1), '0')
    budgets.move(windowOf('bud_org', last + 1), [last, today, ...daysFrom(1).slice(0, 4)])
    expect([(await call()).status, (await call()).status]).toEqual([200, 402])
    expect(budgets.heldOf(windowOf('bud_org', last))).toBe('0.000000000')
  })
})

test('that it is behind is said once, for every revision that it does not know', async () => {
  let said = 0
  const { call, budgets, gateway } = await start(
    { revision: '1', budgets: [budget('bud_org')] },
    { more: { behind: () => (said += 1) } },
  )
  budgets.limit(ORG, '1000')
  budgets.revision = '1'
  for (let n = 0; n < 20; n++) expect((await call()).status).toBe(200)
  expect(said).toBe(0)
  budgets.revision = '2'
  while (said === 0) expect((await call()).status).toBe(200)
  expect(said).toBe(1)
  gateway.store.swap({ spend: spendOf({ revision: '2', budgets: [budget('bud_org')] }) })
  const asked = budgets.asks.length
  while (budgets.asks.length < asked + 3) expect((await call()).status).toBe(200)
  expect(said).toBe(1)
})

describe('a price that nobody knows', () => {
  const unknown = { prices: priceBook({ input: '1', output: '1' }, 'another'), answer: answerJson(completion('hi')) }

  test('is let through and charges nothing, when it is only flagged', async () => {
    const { call, gateway, budgets } = await start({ budgets: [budget('bud_org')], unknown_price: 'flag' }, unknown)
    budgets.limit(ORG, '0')
    expect((await call()).status).toBe(200)
    expect(gateway.events()[0]).toMatchObject({
      spend: null,
      event_cost_attribution: { total_cost_usd: null, price_status: 'unknown', source_spend_log_id: null },
    })
  })

  test('is taken for the default that was set', async () => {
    const spend = {
      budgets: [budget('bud_org')],
      unknown_price: 'hold_default' as const,
      unknown_price_usd: '0.400000000',
    }
    const { call, gateway, budgets } = await start(spend, unknown)
    budgets.limit(ORG, '1')
    expect([(await call()).status, (await call()).status, (await call()).status]).toEqual([200, 200, 402])
    expect(gateway.events()[0]).toMatchObject({
      spend: { reserved_usd: '0.400000000' },
      event_cost_attribution: {
        total_cost_usd: '0.400000000',
        price_status: 'estimated',
        price_book_version: 'default',
      },
    })
    for (const event of gateway.events()) budgets.settle(event)
    expect(budgets.spentOf(ORG)).toBe('0.800000000')
  })

  test('is refused when that is the rule, without any budget, and nobody is asked', async () => {
    const { call, upstream, gateway } = await start({ unknown_price: 'deny' }, unknown)
    expect(await call()).toMatchObject({ status: 402, error: { code: 'price_unknown', retryable: false } })
    expect(upstream.requests).toEqual([])
    expect(gateway.events()[0]).toMatchObject({ verdict: 'block', reason_code: 'price.unknown', attempts: [] })
  })

  test('leaves the targets whose price is known', async () => {
    const { call, gateway } = await start(
      { unknown_price: 'deny' },
      { ...unknown, targets: (url) => [httpTarget(url), httpTarget(url, { id: 'known', provider: 'another' })] },
    )
    expect((await call()).status).toBe(200)
    expect(gateway.events()[0]?.target_id).toBe('known')
  })
})

describe('the budget of a provider', () => {
  const prices = new PriceBook({
    version: 'v',
    rows: ['openai', 'mistral'].flatMap(
      (provider) => priceBook({ input: '0', output: '0', request: '100' }, provider).table.rows,
    ),
  })
  const targets = (url: string) => [httpTarget(url), httpTarget(url, { id: 'other', provider: 'mistral' })]

  test('leaves the others when it has no room, and counts only what that provider answered', async () => {
    const { call, budgets, gateway } = await start(
      { budgets: [budget('bud_org'), budget('bud_openai', { scope: { provider: 'openai' } })] },
      { prices, targets },
    )
    const openai = windowOf('bud_openai')
    budgets.limit(ORG, '1')
    budgets.limit(openai, '0.2')
    for (let n = 0; n < 4; n++) expect((await call()).status).toBe(200)
    expect(gateway.events().map(({ provider }) => provider)).toEqual(['openai', 'openai', 'mistral', 'mistral'])
    for (const event of gateway.events()) budgets.settle(event)
    expect([budgets.spentOf(ORG), budgets.spentOf(openai)]).toEqual(['0.400000000', '0.200000000'])
  })

  test('is asked for by itself where others may answer, in the question that asks for the rest', async () => {
    const { call, budgets } = await start(
      { budgets: [budget('bud_openai', { scope: { provider: 'openai' } }), budget('bud_org')] },
      { prices, targets },
    )
    const both = [windowOf('bud_openai'), ORG]
    for (const window of both) budgets.limit(window, '1')
    expect((await call()).status).toBe(200)
    expect(budgets.asks).toHaveLength(1)
    expect(budgets.asks[0]?.groups.map((group) => group.map(({ source }) => source))).toEqual(both.map((one) => [one]))
  })

  test('refuses when no other is left, and says which', async () => {
    const { call, budgets } = await start(
      { budgets: [budget('bud_openai', { scope: { provider: 'openai' } })] },
      { prices },
    )
    budgets.limit(windowOf('bud_openai'), '0')
    expect(await call()).toMatchObject({
      status: 402,
      error: { code: 'budget_exceeded', scopes: [{ budget_id: 'bud_openai', limit_usd: '0.000000000' }] },
    })
  })

  test('that was held for a target that failed is free again', async () => {
    const { call, budgets, gateway } = await start(
      { budgets: [budget('bud_openai', { scope: { provider: 'openai' } })] },
      {
        prices,
        targets: (url) => [httpTarget(url.replace('/v1', '/broken')), ...targets(url).slice(1)],
        answer: (response, { path }) =>
          path.startsWith('/broken') ? answerJson({}, 500)(response) : answerJson(completion('hi'))(response),
        more: { config: {} },
      },
    )
    const { config } = gateway.store.current
    if (config === null) throw new Error('no configuration')
    const routing = { ...config.compiled.routing, attemptsMax: 2 }
    gateway.store.swap({ config: { ...config, compiled: { ...config.compiled, routing } } })
    budgets.limit(windowOf('bud_openai'), '1')
    expect((await call()).status).toBe(200)
    const [event] = gateway.events()
    expect(event).toMatchObject({ provider: 'mistral', spend: { reserved_usd: '0.100000000', leases: [] } })
    await gateway.close()
    expect(budgets.heldOf(windowOf('bud_openai'))).toBe('0.000000000')
  })
})

describe('a control plane that answers, but not at once', () => {
  const all = ['bud_org', 'bud_model', 'bud_openai'].map((id) => windowOf(id))
  const spend = {
    budgets: [
      budget('bud_org'),
      budget('bud_model', { scope: { model: 'gpt-test' } }),
      budget('bud_openai', { scope: { provider: 'openai' } }),
    ],
  }
  const slow = (budgets: FakeBudgets, ms: number, change = (answers: LeaseAnswers) => answers) => ({
    prices: FLAT_PRICES,
    more: {
      askForSlices: async (...asked: Parameters<AskForSlices>) => {
        await new Promise((resolve) => setTimeout(resolve, ms))
        return change(await budgets.ask(...asked))
      },
    },
  })

  test('is waited for, and asked for the budget of a provider together with all others', async () => {
    const budgets = new FakeBudgets()
    const { call } = await start(spend, slow(budgets, 1_200))
    for (const window of all) budgets.limit(window, '1')
    expect((await call()).status).toBe(200)
    expect(budgets.asks[0]?.groups.map((group) => group.map(({ source }) => source))).toEqual([all])
  })

  test('and has nothing to give, is not away: what cannot be covered is refused for good', async () => {
    const budgets = new FakeBudgets()
    // Whatever is asked for, somebody else was quicker.
    const { call } = await start(
      spend,
      slow(budgets, 20, ({ groups, ...answers }) => ({
        ...answers,
        groups: groups.map(({ leases }) => ({
          leases: leases.map((lease) => lease && { ...lease, granted: '0' }),
          short: [],
          is_recalled: false,
        })),
      })),
    )
    for (const window of all) budgets.limit(window, '1')
    expect(await call()).toMatchObject({ status: 402, error: { code: 'budget_exceeded', retryable: false } })
  })

  test.each([
    ['one budget that counts them all', 'bud_org'],
    ['the budget of a model', 'bud_model'],
    ['the budget of a provider', 'bud_openai'],
  ])('tells each of many requests that %s refuses how every budget stands', async (_, empty) => {
    const budgets = new FakeBudgets()
    const { call } = await start(spend, slow(budgets, 30))
    for (const window of all) budgets.limit(window, '5')
    budgets.limit(windowOf(empty), '0')
    const several = (count: number) => Array.from({ length: count }, () => call())
    const first = several(5)
    await new Promise((resolve) => setTimeout(resolve, 40))
    const refused = await Promise.all([...first, ...several(15)])
    for (const { status, error } of refused) {
      expect(status).toBe(402)
      expect(error.scopes).toHaveLength(3)
      for (const scope of error.scopes as object[]) {
        const { budget_id } = scope as { budget_id: string }
        const limit_usd = budget_id === empty ? '0.000000000' : '5.000000000'
        expect(scope).toMatchObject({ limit_usd, committed_usd: '0.000000000', held_usd: expect.any(String) })
      }
    }
  })
})

describe('without the control plane', () => {
  test('a gateway spends what it holds, then refuses for now, or goes on where a budget lets it', async () => {
    const { call, budgets, gateway } = await start({
      budgets: [budget('bud_strict', { scope: { model: 'gpt-test' } }), budget('bud_lax', { on_unavailable: 'allow' })],
    })
    budgets.limit(windowOf('bud_strict'), '1')
    budgets.limit(windowOf('bud_lax'), '100')
    expect((await call()).status).toBe(200)
    budgets.failure = new Error('away')
    const statuses: number[] = []
    for (let n = 0; n < 6; n++) statuses.push((await call()).status)
    expect(statuses).toEqual([200, 200, 200, 200, 503, 503])
    const refused = await call()
    expect(refused.error).toMatchObject({ code: 'budget_unavailable', retryable: true })
    expect(refused.headers.get('retry-after')).toBe('1')
    for (let n = 0; n < 12; n++) expect((await call({ model: 'gpt-lax' })).status).toBe(200)
    const alone = gateway.events().at(-1)
    expect(alone).toMatchObject({ verdict: 'allow', spend: { reserved_usd: '0.100000000', leases: [] } })
  })

  test('what a gateway holds ends by its own clock', async () => {
    let nowMs = 5_000
    const { call, budgets } = await start({ budgets: [budget('bud_org')] }, { more: { nowMs: () => nowMs } })
    budgets.limit(ORG, '100')
    expect((await call()).status).toBe(200)
    budgets.failure = new Error('away')
    nowMs += 49_000
    expect((await call()).status).toBe(200)
    nowMs += 2_000
    expect((await call()).status).toBe(503)
  })

  test('a gateway that has no control plane knows no budgets', async () => {
    const { call, gateway } = await start({ budgets: [] })
    gateway.store.swap({ spend: null })
    const answer = await call()
    expect([answer.status, answer.headers.get('x-keeptrusts-budget-remaining')]).toEqual([200, null])
    expect(gateway.events()[0]?.spend).toBeNull()
  })
})

test('what was reserved, refused and asked for can be read on /metrics', async () => {
  const { call, budgets, gateway } = await start({ budgets: [budget('bud_org')] })
  budgets.limit(ORG, '0.15')
  await call()
  await call()
  const lines = await (await fetch(`${gateway.url}/metrics`)).text()
  for (const line of [
    'keeptrusts_gateway_spend_requests_total{outcome="reserved"} 1',
    'keeptrusts_gateway_spend_requests_total{outcome="refused"} 1',
    'keeptrusts_gateway_spend_usd_total{kind="reserved"} 0.1',
    'keeptrusts_gateway_spend_usd_total{kind="settled"} 0.1',
    'keeptrusts_gateway_spend_lease_asks_total{outcome="failed"} 0',
    'keeptrusts_gateway_spend_held_usd 0',
  ]) {
    expect(lines).toContain(line)
  }
})
