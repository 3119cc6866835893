import { afterEach, expect, test } from 'vitest'
import { PriceBook } from '@/lib/prices/price-book'
import { httpTarget, postChat } from '../testing'
import { walletOf, windowOf } from './fake-budgets'
import { budget, priceBook, type SpendGateway, startSpendGateway } from './spend-testing'

let started: SpendGateway | null = null
afterEach(async () => {
  await started?.close()
  started = null
})

const FLAT = { input: '0', output: '0', request: '100' }

type Given = Parameters<typeof startSpendGateway>

/** Asks until it is refused. @returns the event of the refusal, and those before it */
async function refused(spend: Given[0], limits: Record<string, string>, more: Given[1] = {}) {
  started = await startSpendGateway(spend, more)
  const { gateway, budgets, key } = started
  for (const [id, usd] of Object.entries(limits)) {
    budgets.limit(id.startsWith('bud_') ? windowOf(id) : walletOf(id), usd)
  }
  let status = 200
  for (let n = 0; n < 20 && status === 200; n++) {
    const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'hi' }] }
    const response = await postChat(gateway.url, key, body, { headers: { 'x-user-id': 'ada' } })
    await response.text()
    status = response.status
  }
  const passed = gateway.events().slice(0, -1)
  const last = gateway.events().at(-1)
  return { passed, last, status }
}

test('the event of a refused request names the budget that had no room, and none of those that had', async () => {
  const budgets = [budget('bud_org'), budget('bud_team', { name: 'Finance, monthly' })]
  const { passed, last, status } = await refused({ budgets }, { bud_org: '50', bud_team: '0.2' })
  expect([status, last?.reason_code]).toEqual([402, 'budget.exceeded'])
  expect(last?.spend).toEqual({
    reserved_usd: '0.000000000',
    leases: [],
    refused_by: [{ kind: 'budget', id: 'bud_team', name: 'Finance, monthly' }],
  })
  expect(passed).toHaveLength(2)
  for (const { spend } of passed) expect(Object.keys(spend ?? {})).toEqual(['reserved_usd', 'leases'])
})

test('it names all wallets that could have paid', async () => {
  const { last } = await refused({ wallets: ['organization', 'user:ada'] }, { 'user:ada': '0.2', organization: '0.1' })
  expect(last).toMatchObject({
    reason_code: 'wallet.depleted',
    spend: {
      refused_by: [
        { kind: 'wallet', id: 'user:ada', name: 'user:ada' },
        { kind: 'wallet', id: 'organization', name: 'organization' },
      ],
    },
  })
})

test('it names the budgets of all providers that could have answered', async () => {
  const budgets = [
    budget('bud_a', { scope: { provider: 'openai' } }),
    budget('bud_b', { scope: { provider: 'mistral' } }),
    budget('bud_org'),
  ]
  const rows = ['openai', 'mistral'].flatMap((provider) => priceBook(FLAT, provider).table.rows)
  const prices = new PriceBook({ version: 'book-test/1', rows })
  const targets = (url: string) => [httpTarget(url, { id: 'a' }), httpTarget(url, { id: 'b', provider: 'mistral' })]
  const limits = { bud_a: '0', bud_b: '0', bud_org: '50' }
  const { last } = await refused({ budgets }, limits, { targets, prices })
  expect(last?.spend?.refused_by?.map(({ id }) => id).sort()).toEqual(['bud_a', 'bud_b'])
})

test('it names the budget that nobody could say anything about', async () => {
  started = await startSpendGateway({ budgets: [budget('bud_org')] })
  started.budgets.failure = new Error('away')
  const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'hi' }] }
  expect((await postChat(started.gateway.url, started.key, body)).status).toBe(503)
  expect(started.gateway.events()).toMatchObject([
    { reason_code: 'budget.unavailable', spend: { refused_by: [{ kind: 'budget', id: 'bud_org' }] } },
  ])
})
