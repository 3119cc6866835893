import { afterAll, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { inTenant } from '../../tenant'
import { startControlPlane } from '../../testing'
import { found, recording, remember } from '../testing'
import { ColumnChecks } from './columns/column-checks'
import { comparedRecords, statedCounts } from './columns/queries'
import { QuickLook } from './columns/quick-look'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { owner: database } = plane

const { orgId, gateway, event, record, sign, verify } = await recording(plane)
await record(3)
/** What JSON, SQL and columns each write in ways of their own. */
const ODD = [
  { user_id: 'a\u0000b', token_name: 'lone \ud800', agent_id: '\ufffd' },
  { user_id: 'quote " back \\ slash / \u0001\u001f\u007f\u2028 \t\n😀', model: '', provider: '","reason_code":"x' },
  { latency: { total_ms: 1e-7, upstream_ms: null, overhead_us: 0, ttft_ms: 3 }, stream: true },
  { latency: { total_ms: 1e21, upstream_ms: null, overhead_us: 0, ttft_ms: null }, tokens: null },
  {
    tokens: { input: Number.MAX_SAFE_INTEGER, output: 7, cached: 0, reasoning: 0 },
    cache: { hit: true, avoided_cost_usd: '0' },
  },
  ...['0', '0.5', '0.50', '1.000000001', '12.340000000'].map((total_cost_usd) => ({
    event_cost_attribution: { ...event().event_cost_attribution, total_cost_usd },
  })),
]
const blocked = event({
  verdict: 'block',
  reason_code: 'model.not_allowed',
  policy_results: [
    {
      kind: 'models',
      phase: 'input',
      verdict: 'allow',
      reason_code: 'ok',
      coverage: { rule: 'r', rule_version: '1', bytes: 1, messages: 1, skipped: [] },
      latency_ms: 1,
    },
  ],
})
await gateway(events.ingest, { events: [...ODD.map((given) => event(given)), blocked] })
await sign()
await record(1)
const restore = await remember(plane, orgId)
const at = async (condition: string) => {
  const rows = await database.unsafe(`select seq from events where org_id = '${orgId}' and ${condition} order by seq`)
  return rows.map(({ seq }) => `EVENT_MODIFIED ${seq}`)
}
const [seq = 0] = (await database`select seq from events where org_id = ${orgId} order by seq limit 1 offset 1`).map(
  (row) => Number(row.seq),
)

async function after(statement: string) {
  await database.unsafe(statement)
  try {
    return await verify()
  } finally {
    await restore()
  }
}

test('columns hold what lines say, however it is written', async () => {
  expect(await verify()).toMatchObject({ findings: [], chain_integrity: 'valid' })
})

test('ordinary events need no more than the quick look', async () => {
  const look = new QuickLook()
  const doubtful: string[] = []
  let events = 0
  await inTenant(plane.services.db, orgId, async (tx) => {
    for await (const batch of comparedRecords(tx, orgId, 1, 1_000)) {
      for (const record of batch) {
        if (!look.take(record)) continue
        events += 1
        if (!look.isConfirmed) doubtful.push(`EVENT_MODIFIED ${record.seq}`)
      }
    }
  })
  expect(events).toBe(5 + ODD.length)
  // Of these, columns hold another text than lines.
  expect(doubtful).toEqual(await at("user_id = E'a\\ufffdb'"))
})

test('what differs is told once each and counts are whole, however much waits and wherever the walk ended', async () => {
  await database.unsafe(`update events set model = 'other' where org_id = '${orgId}'`)
  try {
    const expected = (await at('true')).map((finding) => Number(finding.split(' ')[1]))
    const told = (batches: number, waitingMax: number) =>
      inTenant(plane.services.db, orgId, async (tx) => {
        const { size: last, stated } = await statedCounts(tx, orgId)
        const options = { orgId, last, stated, retired: new Set<string>(), onCaptured: () => undefined, waitingMax }
        const checks = new ColumnChecks(tx, { ...options, signal: new AbortController().signal })
        let read = 0
        if (batches > 0) for await (const _ of checks.watched(1)) if (++read === batches) break
        const seqs: number[] = []
        for await (const batch of checks.results(1)) seqs.push(...batch.map(({ seq }) => seq))
        return { seqs, counts: checks.counts() }
      })
    for (const [batches, waitingMax] of [
      [0, 10],
      [1, 10],
      [2, 10],
      [9, 0],
    ] as const) {
      expect(await told(batches, waitingMax)).toEqual({ seqs: expected, counts: [] })
    }
  } finally {
    await restore()
  }
})

test('records that were kept from a filter are EVENT_MODIFIED, and their lines are named as what is true', async () => {
  const expected = await at("verdict = 'block'")
  const result = await after(`update events set verdict = 'allow' where org_id = '${orgId}' and verdict = 'block'`)
  expect(found(result)).toEqual(expected)
  expect(expected).toHaveLength(1)
  expect(result.findings[0]?.message).toContain('do not say what its line says: verdict.')
  expect(result.chain_integrity).toBe('invalid')
})

test.each(
  [
    ...['request_id', 'gateway_id', 'reason_code', 'token_id', 'token_name', 'team_id', 'user_id', 'agent_id'],
    ...['conversation_id', 'config_name', 'config_version', 'provider', 'target_id', 'model', 'model_requested'],
    ...['client_ip', 'error_code'],
  ]
    .map((name) => [name, "'other'"])
    .concat([
      ['identity', "'anonymous'"],
      ['api_shape', "'mcp'"],
      ['gateway_seq', 'gateway_seq + 9'],
      ['status_code', '201'],
      ['tokens_input', 'tokens_input + 1'],
      ['tokens_output', 'null'],
      ['tokens_total', 'tokens_total + 1'],
      ['cost_nano_usd', '5'],
      ['latency_ms', 'latency_ms + 1'],
      ['stream', 'not stream'],
      ['cache_hit', 'not cache_hit'],
      ['recorded_at', "recorded_at + interval '1 microsecond'"],
    ]),
)('a changed %s is EVENT_MODIFIED', async (column, value) => {
  const result = await after(`update events set ${column} = ${value} where org_id = '${orgId}' and seq = ${seq}`)
  expect(found(result)).toEqual([`EVENT_MODIFIED ${seq}`])
  expect(result.findings[0]?.message).toContain(`: ${column}.`)
})

test('a text that a column holds in another form is still compared', async () => {
  const odd = await at("token_name = E'lone \\ufffd'")
  const result = await after(
    `update events set token_name = 'lone ?' where org_id = '${orgId}' and token_name like 'lone%'`,
  )
  expect(found(result)).toEqual(odd)
  expect(odd).toHaveLength(1)
})

test('a record that no digest covers yet is compared as well', async () => {
  const [last] = await database`select max(seq) as seq from events where org_id = ${orgId}`
  const result = await after(`update events set user_id = 'x' where org_id = '${orgId}' and seq = ${last?.seq}`)
  expect(found(result)).toEqual([`EVENT_MODIFIED ${last?.seq}`])
})

test.each([
  ['action', "'nothing.happened'"],
  ['actor_name', "'Somebody'"],
  ['actor_id', "'usr_other'"],
  ['target_id', "'other'"],
  ['target_name', "'Other'"],
  ['before', `'{"a":1}'`],
  ['after', `'{"a":1}'`],
  ['ip', "'10.0.0.1'"],
  ['outcome', "'denied'"],
  ['at', "at - interval '1 day'"],
])('a changed %s of an entry of activity is EVENT_MODIFIED', async (column, value) => {
  const [entry] = await database`select max(seq) as seq from activity where org_id = ${orgId}`
  const result = await after(
    `update activity set ${column} = ${value} where org_id = '${orgId}' and seq = ${entry?.seq}`,
  )
  expect(found(result)).toEqual([`EVENT_MODIFIED ${entry?.seq}`])
})

test.each([
  ['usage_hourly', 'update usage_hourly set cost_nano_usd = cost_nano_usd + 1'],
  ['usage_hourly', 'update usage_hourly set events = 0'],
  ['usage_daily', 'update usage_daily set unpriced = unpriced + 1'],
  ['usage_hourly', 'delete from usage_hourly'],
  ['usage_daily', 'update usage_daily set cost_nano_usd = 0'],
  ['usage_daily', 'update usage_daily set tokens_input = tokens_input + 1'],
  ['usage_daily', "update usage_daily set user_id = 'somebody else'"],
  ['usage_dimensions_daily', 'update usage_dimensions_daily set cost_nano_usd = cost_nano_usd + 1'],
  ['usage_dimensions_hourly', 'delete from usage_dimensions_hourly'],
  ['usage_dimensions_hourly', "update usage_dimensions_hourly set value = 'team_other' where dimension = 'team_id'"],
])('sums of %s that are not those of the record are EVENT_MODIFIED: %s', async (table, change) => {
  const result = await after(`${change}${change.includes(' where ') ? ' and' : ' where'} org_id = '${orgId}'`)
  expect(new Set(found(result))).toEqual(new Set(['EVENT_MODIFIED']))
  expect(result.findings[0]?.message).toMatch(new RegExp(`sums are not those of the record: .*of ${table}`))
})

test('a made-up day among the sums is EVENT_MODIFIED', async () => {
  const result = await after(
    `insert into usage_dimensions_daily
     select org_id, '2020-01-01', dimension, value, events, unpriced, errors, cache_hits, tokens_input, tokens_output,
       tokens_total, cost_nano_usd
     from usage_dimensions_daily where org_id = '${orgId}'`,
  )
  expect(result.findings.map(({ message }) => message).join()).toMatch(/^For 2020-01-01, sums are not[^.]*\.$/)
})

test.each([
  ['usage_daily', 'update usage_daily set events = 0'],
  ['usage_daily', 'delete from usage_daily'],
  ['usage_totals', 'update usage_totals set events = 0'],
  ['usage_totals', 'delete from usage_totals'],
])('counts of %s that are not those of the record are EVENT_MODIFIED: %s', async (table, change) => {
  const result = await after(`${change} where org_id = '${orgId}' and verdict = 'block'`)
  expect(found(result)).toEqual(['EVENT_MODIFIED'])
  expect(result.findings[0]?.message).toMatch(`${table} counts 0 events with the verdict block; the record has 1.`)
})
