import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Histogram, Metrics } from './metrics'
import { SpendGate } from './spend/spend-gate'
import { sandboxTarget } from './testing'

describe('quantiles', () => {
  test('are within 6% of the exact ones, whatever was recorded', () => {
    const times = fc.array(fc.double({ min: 2, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(times, fc.constantFrom(0.5, 0.99), (values, share) => {
        const histogram = new Histogram()
        for (const value of values) histogram.record(value)
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0
        const found = histogram.quantile(share) ?? 0
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.06 + 0.5)
      }),
    )
  })

  test('of nothing are unknown, not zero', () => {
    expect(new Histogram().quantile(0.5)).toBeNull()
  })
})

test('a scrape sees every count with its labels, and nothing that a caller wrote', async () => {
  const metrics = new Metrics()
  metrics.governed('allow', 200, { input: 3, output: 4, cached: 0, reasoning: 0 }, 100)
  metrics.governed('block', 403, null, 50)
  metrics.refused('token_invalid')
  metrics.upstream(sandboxTarget({ id: 'one "quoted"' }), 'ok')
  const spool = { append: () => {}, full: false, depth: 7, bytes: 700, nextSeq: () => 1 }
  const registry = metrics.registry({
    spool,
    active: () => 2,
    detached: () => 1,
    heldBytes: () => 0,
    ready: () => true,
    answers: { hits: 2, misses: 3 },
    mirrored: new Map([['ok', 1]]),
    spend: new SpendGate({ ask: null, wallMs: Date.now, failed: () => {} }),
  })
  for (let scrape = 0; scrape < 2; scrape++) {
    const lines = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'))
    expect(lines).toEqual(
      expect.arrayContaining([
        'keeptrusts_gateway_requests_total{verdict="allow",status="200"} 1',
        'keeptrusts_gateway_requests_total{verdict="block",status="403"} 1',
        'keeptrusts_gateway_refusals_total{code="token_invalid"} 1',
        'keeptrusts_gateway_upstream_calls_total{target="one \\"quoted\\"",outcome="ok"} 1',
        'keeptrusts_gateway_tokens_total{direction="input"} 3',
        'keeptrusts_gateway_tokens_total{direction="output"} 4',
        'keeptrusts_gateway_active_requests 2',
        'keeptrusts_gateway_detached_calls 1',
        'keeptrusts_gateway_spool_depth 7',
      ]),
    )
  }
})
