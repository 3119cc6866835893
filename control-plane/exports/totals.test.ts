import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { events, VERDICTS } from '@/lib/contract/events'
import { exports } from '@/lib/contract/exports'
import { nanoUsdOf } from '@/lib/money'
import { startControlPlane, type TestOrganization, type TestPlane } from '../testing'
import { exported, organizationWith } from './testing'

let plane: TestPlane
let home: TestOrganization
const FROM_MS = Date.parse('2026-05-03T00:00:00Z')
const SPAN_MS = 4 * 86_400_000

beforeAll(async () => {
  plane = await startControlPlane({ jobs: true })
  const pick = <T>(values: readonly T[], at: number) => values[at % values.length] as T
  home = await organizationWith(plane, 600, (index) => {
    const total = index % 5 === 0 ? null : `0.${String((index * 7_919_333) % 1_000_000_000).padStart(9, '0')}`
    return {
      timestamp: new Date(FROM_MS + ((index * 7_919_777_003) % SPAN_MS)).toISOString(),
      verdict: pick(VERDICTS, index * 3),
      model: pick(['small', 'large', null], index),
      team_id: pick(['team_a', 'team_b', null], index >> 2),
      token_name: pick(['app', 'batch'], index >> 1),
      status_code: pick([200, 403, 500], index),
      tokens: index % 7 === 0 ? null : { input: index, output: 1, cached: 0, reasoning: 0 },
      event_cost_attribution: {
        total_cost_usd: total,
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD',
        price_book_version: null,
        price_status: total === null ? 'unknown' : 'priced',
        source_spend_log_id: null,
        units: [],
      },
    }
  })
})
afterAll(() => plane.stop())

/** Ends on whole days, whole hours, and anywhere between. */
const moment = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((days) => days * 86_400_000),
  fc.integer({ min: 0, max: 96 }).map((hours) => hours * 3_600_000),
  fc.integer({ min: 0, max: SPAN_MS }),
)
const range = fc.tuple(moment, moment).map(([a, b]) => ({
  since: new Date(FROM_MS + Math.min(a, b)).toISOString(),
  until: new Date(FROM_MS + Math.max(a, b) + 1).toISOString(),
}))
const filter = fc.constantFrom(
  '',
  'verdict=block',
  'verdict!=allow,redact',
  'model=small',
  'model=""',
  'model!=large team_id=team_a',
  'token_name=batch verdict=escalate',
  'status_code=403',
  'status_code>200 model=large',
  'cost_usd>0.5',
)

test('a file, its manifest, its preview and the counts of the page agree to the last nano-dollar', async () => {
  const client = await home.as('role_exporter')
  let rowsSeen = 0
  const property = fc.asyncProperty(range, filter, async (time_window, filter) => {
    const { done, bytes } = await exported(client, { time_window, filter })
    const rows = bytes
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    const cost = rows.reduce((sum, { event_cost_attribution: { total_cost_usd } }) => {
      return total_cost_usd === null ? sum : sum + nanoUsdOf(total_cost_usd)
    }, 0n)
    const unpriced = rows.filter((row) => row.tokens && row.event_cost_attribution.total_cost_usd === null).length
    rowsSeen += rows.length

    expect(done).toMatchObject({ rows_done: rows.length, rows_total: rows.length, unpriced })
    expect(nanoUsdOf(done.cost_usd ?? '')).toBe(cost)
    expect(await client(exports.preview, { time_window, filter })).toMatchObject({
      rows: rows.length,
      cost_usd: done.cost_usd,
      unpriced,
      accuracy: 'exact',
    })
    const { totals } = await client(events.histogram, { ...time_window, filter })
    expect(Object.values(totals).reduce((sum, count) => sum + count, 0)).toBe(rows.length)
  })
  await fc.assert(property, { numRuns: 15 })
  expect(rowsSeen).toBeGreaterThan(200)
})

test('hours and days of the sums that are kept say the same as the rows', async () => {
  const client = await home.as('role_exporter')
  for (const [since, until] of [
    ['2026-05-03T00:00:00Z', '2026-05-07T00:00:00Z'],
    ['2026-05-03T05:00:00Z', '2026-05-06T17:00:00Z'],
  ] as const) {
    const { done } = await exported(client, { time_window: { since, until } })
    const [sum] = await plane.owner`
      select sum(events)::int as rows, sum(cost_nano_usd)::text as cost, sum(unpriced)::int as unpriced
      from usage_hourly where org_id = ${home.orgId} and at >= ${since} and at < ${until}`
    expect(sum).toEqual({
      rows: done.rows_done,
      cost: nanoUsdOf(done.cost_usd ?? '').toString(),
      unpriced: done.unpriced,
    })
  }
})
