import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { events, type GatewayEvent, VERDICTS } from '@/lib/contract/events'
import { searchable } from '@/lib/filter'
import { newIdAt } from '@/lib/ids'
import { canonicalJson } from '@/lib/trail/canonical'
import { connectionOf } from '../database'
import { startControlPlane, type TestOrganization } from '../testing'
import { BinaryArray, bigints, int4s, int8s, texts, timestamps } from './binary-array'
import { gatewayOf } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const stored = (organization: TestOrganization) =>
  plane.owner<{ event_id: string; line: string }[]>`
    select event_id, line from events where org_id = ${organization.orgId} order by seq`

/** Numbers of events and activity together, and leaves that are not the hash of their lines. */
async function expectWhole(organization: TestOrganization) {
  const rows = await plane.owner<{ seq: number; good: boolean }[]>`
    select seq::int, leaf_hash = sha256('\\x00'::bytea || convert_to(line, 'UTF8')) as good from (
      select seq, line, leaf_hash from events where org_id = ${organization.orgId}
      union all select seq, line, leaf_hash from activity where org_id = ${organization.orgId}) as records order by 1`
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1))
  expect(rows.every(({ good }) => good)).toBe(true)
}

/** Rows in which a rollup and the sum over the events differ, either way. */
const differences = (organization: TestOrganization, table: 'usage_hourly' | 'usage_daily') => {
  const unit = table === 'usage_hourly' ? 'hour' : 'day'
  return plane.owner.unsafe(
    `with counted as (
       select date_trunc('${unit}', occurred_at, 'UTC') as at, coalesce(team_id, ''), coalesce(user_id, ''), coalesce(agent_id, ''),
         coalesce(token_id, ''), coalesce(token_name, ''), coalesce(provider, ''), coalesce(model, ''), verdict, reason_code,
         count(*), count(*) filter (where tokens_total is not null and cost_nano_usd is null),
         count(*) filter (where status_code >= 400), count(*) filter (where cache_hit), coalesce(sum(tokens_input), 0),
         coalesce(sum(tokens_output), 0), coalesce(sum(tokens_total), 0), coalesce(sum(cost_nano_usd), 0),
         round(sum(latency_ms)::numeric, 3)
       from events where org_id = $1 group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
     ), kept as (
       select at, team_id, user_id, agent_id, token_id, token_name, provider, model, verdict, reason_code, events, unpriced,
         errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, round(latency_ms_sum::numeric, 3)
       from ${table} where org_id = $1
     ) (select 'counted', * from (select * from counted except select * from kept) as a)
     union all (select 'kept', * from (select * from kept except select * from counted) as b)`,
    [organization.orgId],
  )
}

const name = fc.option(fc.constantFrom('a', 'b', 'a\u0000', 'a\ufffd', '\ud800', 'é'), { nil: null })
const given = fc.record({
  team_id: name,
  user_id: name,
  agent_id: name,
  token_name: name,
  model: name,
  reason_code: fc.constantFrom('ok', 'pii.detected'),
  verdict: fc.constantFrom(...VERDICTS),
  status_code: fc.constantFrom(200, 399, 400, 503),
  cache: fc.record({ hit: fc.boolean(), avoided_cost_usd: fc.constant(null) }),
  tokens: fc.option(fc.record({ input: fc.nat(999), output: fc.nat(999), cached: fc.nat(9), reasoning: fc.nat(9) }), {
    nil: null,
  }),
  total_cost_usd: fc.constantFrom(null, '0', '0.000000001', '12.5', '0.25', '999999.999999999'),
  total_ms: fc.constantFrom(0, 0.125, 3.5, 60_000),
  hoursAgo: fc.constantFrom(0, 1, 23, 24, 25, 800),
})

describe('recording events', () => {
  test('rollups by hour and by day are the sums over the events, whatever was sent how often', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const sent: GatewayEvent[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(given, { minLength: 1, maxLength: 30 }), fc.nat(), async (batch, from) => {
        const fresh = batch.map(({ total_cost_usd, total_ms, hoursAgo, ...rest }) => {
          const made = event(rest)
          const timestamp = new Date(Date.now() - hoursAgo * 3_600_000).toISOString()
          const cost = { ...made.event_cost_attribution, total_cost_usd }
          const ofTime = { event_id: newIdAt('evt', Date.parse(timestamp)), timestamp }
          return { ...made, ...ofTime, event_cost_attribution: cost, latency: { ...made.latency, total_ms } }
        })
        const again = sent.slice(from % (sent.length + 1)).slice(0, 20)
        const answer = await gateway(events.ingest, { events: [...again, ...fresh] })
        expect(answer).toEqual({ accepted: fresh.length, duplicates: again.length, rejected: [] })
        sent.push(...fresh)
      }),
      { numRuns: 25 },
    )
    expect(await differences(organization, 'usage_hourly')).toEqual([])
    expect(await differences(organization, 'usage_daily')).toEqual([])
    expect((await stored(organization)).map(({ event_id }) => event_id)).toEqual(sent.map(({ event_id }) => event_id))
    await expectWhole(organization)
  })

  test('what was sent is what is stored, for batches sent one to ten times in any order with overlaps', async () => {
    const organization = await plane.organization()
    const sources = await Promise.all(['gw_one', 'gw_two'].map((id) => gatewayOf(organization, id)))
    const [random] = fc.sample(fc.infiniteStream(fc.nat(1_000_000)), 1)
    const next = () => Number(random?.next().value ?? 0)
    const all = sources.map((source) => ({ source, events: Array.from({ length: 400 }, () => source.event()) }))
    const batches = all.flatMap((one) =>
      Array.from({ length: 30 }, (_, at) => ({
        ...one,
        events: one.events.slice(at * 13, at * 13 + 10 + (next() % 40)),
      })),
    )
    const sendings = batches
      .flatMap((batch) => Array.from({ length: 1 + (next() % 10) }, () => batch))
      .map((batch) => ({ batch, order: next() }))
      .sort((a, b) => a.order - b.order)
    const senders = Array.from({ length: 6 }, async () => {
      for (let sending = sendings.pop(); sending; sending = sendings.pop()) {
        const { source, events: sent } = sending.batch
        const answer = await source.gateway(events.ingest, { events: sent })
        expect(answer.accepted + answer.duplicates).toBe(sent.length)
      }
    })
    await Promise.all(senders)

    const ids = (await stored(organization)).map(({ event_id }) => event_id)
    const expected = new Set(batches.flatMap((batch) => batch.events.map(({ event_id }) => event_id)))
    expect(ids.toSorted()).toEqual([...expected].toSorted())
    await expectWhole(organization)
    expect(await differences(organization, 'usage_hourly')).toEqual([])
  })

  test('one bad event in 10,000 leaves 9,999 recorded and itself in the quarantine', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const batches = Array.from({ length: 10 }, () => Array.from({ length: 1_000 }, () => event()))
    const bad = batches[6]?.[417]
    Object.assign(bad ?? {}, { status_code: 1_000 })
    const answers = await Promise.all(batches.map((batch) => gateway(events.ingest, { events: batch })))

    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(9_999)
    expect(answers.flatMap(({ rejected }) => rejected)).toMatchObject([{ index: 417, event_id: bad?.event_id }])
    const [kept] = await plane.owner<{ sent: Buffer }[]>`
      select sent from event_quarantine where org_id = ${organization.orgId}`
    expect(kept?.sent.toString()).toBe(JSON.stringify(bad))
    expect(await stored(organization)).toHaveLength(9_999)
    await expectWhole(organization)
  })

  test('of two events with one id in one batch the first is recorded; the other one waits in the quarantine', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const first = event()
    const other = { ...first, verdict: 'block' as const }
    const answer = await gateway(events.ingest, { events: [first, other, first] })
    expect(answer).toMatchObject({ accepted: 1, duplicates: 1, rejected: [{ index: 1 }] })
    expect((await stored(organization))[0]?.line).toContain('"verdict":"allow"')
  })

  test('hostile text is kept byte for byte as canonical JSON writes it, and reads back as it was sent', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const hostile = [
      '\u0000',
      '\ud800',
      '\udfff\ud800',
      '\\u0000',
      '"},"verdict":"block"',
      '\u2028\u2029',
      '\u{10ffff}',
      '\r\n\t',
      '"seq":0,"recorded_at":""',
    ]
    const sent = hostile.map((text) => event({ user_agent: text, model: text, conversation_id: text }))
    const long = event({ citations: Array.from({ length: 200 }, () => citation('\u0001'.repeat(2_000))) })
    const extreme = event({ latency: { total_ms: 1e308, upstream_ms: 5e-324, overhead_us: -0, ttft_ms: 1e21 } })
    const answer = await gateway(events.ingest, { events: [...sent, long, extreme] })
    expect(answer.rejected).toEqual([])

    const rows = await stored(organization)
    for (const [at, one] of [...sent, long, extreme].entries()) {
      const read = await admin(events.get, { id: one.event_id })
      expect(rows[at]?.line).toBe(canonicalJson(read))
      expect(JSON.parse(JSON.stringify(read))).toMatchObject(JSON.parse(JSON.stringify(one)) as object)
    }
    await expectWhole(organization)
  })

  test.each([
    ['1e400', (json: string) => json.replace('"total_ms":1.9', '"total_ms":1e400'), /total_ms/],
    ['a name twice', (json: string) => json.replace('"stream":false', '"stream":true,"stream":false'), /given twice/],
    [
      'a text of a megabyte',
      (json: string) => json.replace('"allow"', `"${'x'.repeat(1_048_576)}"`),
      /verdict.*not kept/,
    ],
    [
      'a time of a megabyte',
      (json: string) => json.replace(/(timestamp":".{19})\.\d+/, `$1.${'1'.repeat(200_000)}`),
      /timestamp/,
    ],
    [
      '9007199254740993',
      (json: string) => json.replace(/"gateway_seq":\d+/, '"gateway_seq":9007199254740993'),
      /gateway_seq/,
    ],
  ])('%s is refused with its reason', async (_, change, reason) => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const json = JSON.stringify(event())
    expect(change(json)).not.toBe(json)
    const body = `{"events":[${change(json)}]}`
    const { json: answer } = await plane.send('POST', '/v1/events', { token: gateway.token, body })
    expect(answer).toMatchObject({ accepted: 0, rejected: [{ reason: expect.stringMatching(reason) }] })
    expect(await stored(organization)).toEqual([])
  })

  test('counts beyond all reason are recorded and do not keep others from being counted', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const most = Number.MAX_SAFE_INTEGER
    const tokens = { input: most, output: most, cached: most, reasoning: most }
    const latency = { total_ms: 1.7e308, upstream_ms: null, overhead_us: 0, ttft_ms: null }
    for (let batch = 0; batch < 3; batch++) {
      const sent = Array.from({ length: 1_000 }, () => event({ tokens, latency }))
      expect((await gateway(events.ingest, { events: sent })).accepted).toBe(1_000)
    }
    const [sums] = await plane.owner`
      select sum(events)::int as events, sum(tokens_input)::float8 as tokens from usage_daily where org_id = ${organization.orgId}`
    expect(sums).toEqual({ events: 3_000, tokens: 3 * most })
  })
})

test('arrays arrive in the database as they were made', async () => {
  const of = <T>(element: fc.Arbitrary<T>) =>
    fc.array(fc.option(element, { nil: null }), { minLength: 1, maxLength: 40 })
  const read = (type: string, bytes: Buffer) =>
    plane.services.db.transaction(async (tx) => {
      const { rows } = await connectionOf(tx).query<{ value: string | null }>(
        `select value::text from unnest($1::${type}[]) as value`,
        [bytes],
      )
      return rows.map(({ value }) => value)
    })
  const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const text = fc.string({ unit: 'binary', maxLength: 400 }).map(searchable)
  const ms = fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2250, 0) })
  await fc.assert(
    fc.asyncProperty(of(text), of(fc.maxSafeInteger()), of(bigint), of(fc.integer()), of(ms), async (...given) => {
      const [strings, numbers, bigs, integers, times] = given
      const asText = (value: unknown) => (value === null ? null : String(value))
      expect(await read('text', texts(strings))).toEqual(strings)
      expect(await read('bigint', int8s(numbers))).toEqual(numbers.map(asText))
      expect(await read('bigint', bigints(bigs))).toEqual(bigs.map(asText))
      expect(await read('integer', int4s(integers))).toEqual(integers.map(asText))
      const back = await read('timestamptz', timestamps(times))
      expect(back.map((value) => value && Date.parse(value))).toEqual(times)
    }),
    { numRuns: 40 },
  )
  const floats = new BinaryArray('float8', 0)
  for (const value of [0.1, -1.5e300, null]) floats.float8(value)
  expect(await read('float8', floats.done())).toEqual(['0.1', '-1.5e+300', null])
  const booleans = new BinaryArray('boolean', 3)
  for (const value of [true, false, null]) booleans.boolean(value)
  expect(await read('boolean', booleans.done())).toEqual(['true', 'false', null])
  const parts = new BinaryArray('text', 1)
  parts.utf8(Buffer.from('xé\u{1f600}y'), 1, 7)
  expect(await read('text', parts.done())).toEqual(['é\u{1f600}'])
})

const citation = (text: string) => ({
  citation_id: 'c',
  source_type: 'web',
  source_reference: text,
  relevance_score: null,
  token_contribution: null,
  text_span: null,
})
