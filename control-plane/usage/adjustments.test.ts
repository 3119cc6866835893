import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { modelPricing } from '@/lib/contract/model-pricing'
import { usage } from '@/lib/contract/usage'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'

const plane = await startControlPlane({ jobs: true })
afterAll(plane.stop)

const FIRST = Date.parse('2026-03-31T20:00:00Z')
const MINUTE = 60_000

test('what calls turn out to have cost counts at the time of the call, within hours too, and late in closed months', async () => {
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const { gateway, event } = await gatewayOf(organization)
  const calls = Array.from({ length: 60 }, (_, n) =>
    event({
      timestamp: new Date(FIRST + n * 7 * MINUTE).toISOString(),
      provider: 'acme',
      model: n % 2 === 0 ? 'one' : 'two',
      model_requested: n % 2 === 0 ? 'one' : 'two',
      team_id: `team_${n % 3}`,
      tokens: { input: 1_000, output: 100, cached: 0, reasoning: 0 },
      event_cost_attribution: {
        total_cost_usd: n % 5 === 0 ? null : '0.003',
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD',
        price_book_version: null,
        price_status: n % 5 === 0 ? 'unknown' : 'priced',
        source_spend_log_id: null,
        units: [],
      },
    } satisfies Partial<GatewayEvent>),
  )
  await gateway(events.ingest, { events: calls })
  const march = await owner(usage.closeMonth, { month: '2026-03' })
  const priced = { provider: 'acme', model: 'one', effective_from: '2020-01-01', prices: { input: '1', output: '10' } }
  await owner(modelPricing.createVersion, { set: [priced] })
  const { id } = await owner(modelPricing.reprice, { since: '2026-03-01', until: '2026-05-01', dry_run: false })
  await expect
    .poll(async () => (await owner(modelPricing.getRepricing, { id })).state, { timeout: 20_000 })
    .toBe('done')

  // Of "one", 1,000 tokens in and 100 out: $0.002. Nobody knows what "two" costs.
  const costOf = ({ model, event_cost_attribution: cost }: GatewayEvent) =>
    model === 'one' ? '0.002' : cost.total_cost_usd
  const place = fc.integer({ min: -30, max: 450 }).map((minutes) => FIRST + minutes * MINUTE)
  const by = fc.constantFrom('team_id', 'model,token_id', '')
  await fc.assert(
    fc.asyncProperty(fc.tuple(place, place), by, async (ends, group_by) => {
      const [since, until] = [Math.min(...ends), Math.max(...ends) + 1]
      const range = { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
      const { total, points } = await owner(usage.read, {
        ...range,
        group_by,
        interval: 'hour',
        time_zone: 'Asia/Kathmandu',
      })
      const found = calls.filter(({ timestamp }) => Date.parse(timestamp) >= since && Date.parse(timestamp) < until)
      const cost = found.reduce((sum, one) => sum + nanoUsdOf(costOf(one) ?? '0'), 0n)
      expect(total).toMatchObject({
        requests: found.length,
        cost_usd: usdOfNano(cost),
        unpriced: found.filter((one) => costOf(one) === null).length,
      })
      expect(points.reduce((sum, { sums }) => sum + nanoUsdOf(sums.cost_usd), 0n)).toBe(cost)
      const [ledger] = await plane.owner<{ cost: string }[]>`
        select coalesce(sum(e.amount_nano_usd), 0) as cost from ledger_transactions t
        join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
        where t.org_id = ${organization.orgId} and t.occurred_at >= ${range.since} and t.occurred_at < ${range.until}`
      expect(total.cost_usd).toBe(usdOfNano(BigInt(ledger?.cost ?? -1)))
    }),
    { numRuns: 15 },
  )

  const [closed, april] = [
    await owner(usage.month, { month: '2026-03' }),
    await owner(usage.month, { month: '2026-04' }),
  ]
  expect(closed.cost_usd).toBe(march.cost_usd)
  expect(nanoUsdOf(closed.posted_later_usd)).not.toBe(0n)
  expect(april.late_usd).toBe(closed.posted_later_usd)
  expect(april.late).toEqual([expect.objectContaining({ month: '2026-03', cost_usd: april.late_usd })])
  for (const parts of [april.by_model, april.by_team, april.by_key]) {
    expect(usdOfNano(parts.reduce((sum, part) => sum + nanoUsdOf(part.cost_usd), 0n))).toBe(april.cost_usd)
    expect(parts.some(({ requests }) => requests < 0)).toBe(false)
  }
  // Requests of March, corrected, are no requests of April.
  const { total } = await owner(usage.read, { since: '2026-04-01', until: '2026-05-01', interval: 'all' })
  expect(april.by_model.reduce((sum, { requests }) => sum + requests, 0)).toBe(total.requests)
}, 60_000)
