import { afterEach, describe, expect, test } from 'vitest'
import { postChat } from '../testing'
import { walletOf, windowOf } from './fake-budgets'
import { budget, startSpendGateway } from './spend-testing'

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
