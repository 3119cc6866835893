import type { ServerResponse } from 'node:http'
import type { Tier } from '@/lib/contract/price-shapes'
import type { GatewayBudget, GatewaySpend } from '@/lib/contract/spend-shapes'
import type { Target } from '@/lib/policy/compile'
import { PriceBook } from '@/lib/prices/price-book'
import { completion, httpTarget, startTestGateway, startUpstream, type TestGateway, type Upstream } from '../testing'
import { FakeBudgets } from './fake-budgets'
import { SpendRules } from './spend-rules'

/** Ten cents for a call, whatever it says: so much that the worst that it could cost is what it costs. */
export const FLAT_PRICES = priceBook({ input: '0', output: '0', request: '100' })

export function priceBook(prices: Record<string, string>, provider = 'openai', tiers: Tier[] = []): PriceBook {
  const terms = [{ effective_from: null, between: null, prices, tiers }]
  return new PriceBook({
    version: 'book-test/1',
    rows: [{ provider, model: '*', source: 'override', match: { starts_with: '' }, terms }],
  })
}

export const budget = (id: string, change: Partial<GatewayBudget> = {}): GatewayBudget => ({
  id,
  name: `Budget ${id}`,
  scope: {},
  limit_usd: '1.000000000',
  on_unavailable: 'deny',
  windows_ms: [0],
  ...change,
})

export const spendOf = (change: Partial<GatewaySpend>): SpendRules =>
  new SpendRules({ unknown_price: 'flag', unknown_price_usd: '0.000000000', budgets: [], wallets: null, ...change })

export type SpendGateway = {
  gateway: TestGateway
  upstream: Upstream
  budgets: FakeBudgets
  key: string
  close(): Promise<void>
}

/** A gateway under budgets, a provider in the test's hand, and a control plane's money in memory. */
export async function startSpendGateway(
  spend: Partial<GatewaySpend>,
  options: {
    answer?: (response: ServerResponse, request: { path: string; body: Buffer }) => void | Promise<void>
    prices?: PriceBook
    targets?: (url: string) => Target[]
    more?: Parameters<typeof startTestGateway>[0]
  } = {},
): Promise<SpendGateway> {
  const upstream = await startUpstream(options.answer ?? answerJson(completion('hi')))
  const budgets = new FakeBudgets()
  const gateway = await startTestGateway({
    prices: options.prices ?? FLAT_PRICES,
    targets: options.targets?.(upstream.url) ?? [httpTarget(upstream.url)],
    spend: spendOf(spend),
    askForSlices: budgets.ask,
    ...options.more,
  })
  const close = async () => {
    await gateway.close()
    await upstream.close()
  }
  return { gateway, upstream, budgets, key: gateway.addKey(), close }
}

export const answerJson =
  (value: object, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
