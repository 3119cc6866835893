import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { USAGE_DIMENSIONS, type UsageDimension, type UsageInterval, type UsageSums, usage } from '@/lib/contract/usage'
import { matchesFilter, parseFilter } from '@/lib/filter'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Ten days around the one on which clocks in Europe are set forward. */
const FIRST = Date.parse('2026-03-24T00:00:00Z')
const LAST = FIRST + 10 * DAY
const ZONES = [
  'UTC',
  'Europe/Vienna',
  'America/Los_Angeles',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
]

type Recorded = { event: GatewayEvent; ms: number }
let organization: TestOrganization
let reader: Awaited<ReturnType<TestOrganization['as']>>
const all: Recorded[] = []

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T

/** Like traffic: few values that are common, some that are rare, requests without a price, at edges of hours and days. */
function someEvents(make: (given: Partial<GatewayEvent>) => GatewayEvent, count: number): Recorded[] {
  return Array.from({ length: count }, (_, n) => {
    const random = (n * 2_654_435_761) % 4_294_967_296
    const edge = [0, -1, 1, 30 * 60_000, 15 * 60_000 - 1][n % 7]
    const spread = Math.floor((random / 4_294_967_296) * 10 * DAY)
    const ms = FIRST + (edge === undefined ? spread : Math.max(Math.floor(spread / HOUR) * HOUR + edge, 0))
    const isPriced = n % 5 !== 0
    const event = make({
      timestamp: new Date(ms).toISOString(),
      token_id: pick(['tok_a', 'tok_b', 'tok_c', null], n),
      token_name: pick(['a', 'b', 'was-c', null], n),
      team_id: pick(['team_red', 'team_blue', null], random >>> 3),
      user_id: pick(['u1', 'u2', 'u3', null, null], random >>> 5),
      agent_id: pick(['agent-1', null], random >>> 7),
      provider: pick(['openai', 'anthropic'], n),
      model: pick(['gpt-5.4', 'claude-opus-5', 'gpt-5.4-mini'], random >>> 9),
      verdict: pick(['allow', 'allow', 'redact', 'block'], random >>> 11),
      reason_code: pick(['ok', 'pii.detected', 'a=b "c"'], random >>> 13),
      status_code: n % 11 === 0 ? 502 : 200,
      cache: { hit: n % 13 === 0, avoided_cost_usd: null },
      tokens: n % 17 === 0 ? null : { input: n, output: n % 97, cached: 0, reasoning: 0 },
      event_cost_attribution: {
        total_cost_usd: isPriced ? usdOfNano(BigInt((random % 1_000_000) + 1)) : null,
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD',
        price_book_version: null,
        price_status: isPriced ? 'priced' : 'unknown',
        source_spend_log_id: null,
        units: [],
      },
    })
    return { event, ms }
  })
}

beforeAll(async () => {
  organization = await plane.organization()
  const { gateway, event } = await gatewayOf(organization)
  all.push(...someEvents(event, 1_200))
  for (let at = 0; at < all.length; at += 600) {
    const { accepted } = await gateway(events.ingest, { events: all.slice(at, at + 600).map((one) => one.event) })
    expect(accepted).toBe(600)
  }
  reader = await organization.as(['spend:read'])
}, 60_000)

/** Written apart from what is tested: sums of single events, told apart by what clocks show. */
function sumsOf(some: readonly Recorded[]): UsageSums {
  const sums = {
    requests: 0,
    errors: 0,
    cache_hits: 0,
    tokens_input: 0,
    tokens_output: 0,
    tokens_total: 0,
    unpriced: 0,
  }
  let cost = 0n
  for (const { event } of some) {
    sums.requests += 1
    if (event.status_code >= 400) sums.errors += 1
    if (event.cache.hit) sums.cache_hits += 1
    const usd = event.event_cost_attribution.total_cost_usd
    cost += nanoUsdOf(usd ?? '0')
    if (event.tokens === null) continue
    sums.tokens_input += event.tokens.input
    sums.tokens_output += event.tokens.output
    sums.tokens_total += event.tokens.input + event.tokens.output
    if (usd === null) sums.unpriced += 1
  }
  return { ...sums, cost_usd: usdOfNano(cost) }
}

const clocks = new Map<string, Intl.DateTimeFormat>()
/** Names an interval: its date, and for hours what clocks show and how far they are ahead. */
function labelOf(ms: number, interval: UsageInterval, timeZone: string): string {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'long', hourCycle: 'h23' })
  clocks.set(timeZone, clock)
  const [date = '', time = '', ...offset] = clock.format(ms).split(' ')
  if (interval === 'all') return ''
  if (interval === 'hour') return [date, time.slice(0, 2), ...offset].join(' ')
  if (interval === 'month') return date.slice(0, 7)
  if (interval === 'day') return date
  const day = new Date(`${date}T00:00:00Z`)
  return new Date(day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY).toISOString().slice(0, 10)
}

const keyOf = (event: GatewayEvent, by: readonly UsageDimension[]) =>
  JSON.stringify(by.map((name) => event[name] ?? ''))
const iso = (ms: number) => new Date(ms).toISOString()
const matches = (filter: string) => {
  const terms = parseFilter(filter)
  return ({ event }: Recorded) => matchesFilter(event as DecisionEvent, terms)
}

const FILTERS = [
  '',
  '',
  'verdict!=block',
  'team_id=team_red',
  'team_id=""',
  'user_id!="" model~GPT',
  'token_id=tok_a,tok_b provider=openai',
  'reason_code="a=b \\"c\\""',
  'agent_id!=agent-1 verdict=allow,redact',
  'provider=openai',
  'model~GPT team_id!=team_red',
  'token_name=nobody',
]

describe('usage equals the sum over single events', () => {
  const place = fc.oneof(
    fc.integer({ min: FIRST - DAY, max: LAST + DAY }),
    fc.integer({ min: -24, max: 11 * 24 }).map((hours) => FIRST + hours * HOUR),
    fc.integer({ min: -1, max: 11 }).map((days) => FIRST + days * DAY),
  )
  const question = fc.record({
    ends: fc.tuple(place, place).filter(([a, b]) => a !== b),
    filter: fc.constantFrom(...FILTERS),
    by: fc.uniqueArray(fc.constantFrom(...USAGE_DIMENSIONS), { maxLength: 2 }),
    interval: fc.constantFrom<UsageInterval>('hour', 'day', 'week', 'month', 'all'),
    zone: fc.constantFrom(...ZONES),
    limit: fc.constantFrom(1, 3, 50),
  })

  test('for any time, filter, zone, interval and grouping', async () => {
    await fc.assert(
      fc.asyncProperty(question, async ({ ends, filter, by, interval, zone, limit }) => {
        const [since, until] = [Math.min(...ends), Math.max(...ends)]
        const answer = await reader(usage.read, {
          since: iso(since),
          until: iso(until),
          filter,
          group_by: by.join(','),
          interval,
          time_zone: zone,
          limit,
        })
        const found = all.filter((one) => one.ms >= since && one.ms < until && matches(filter)(one))
        expect(answer.total).toEqual(sumsOf(found))

        const groups = Map.groupBy(found, ({ event }) => keyOf(event, by))
        const ofGroup = (values: Record<string, string>) => JSON.stringify(by.map((name) => values[name]))
        const costs = answer.groups.map(({ sums }) => nanoUsdOf(sums.cost_usd))
        if (by.length === 0) expect(answer.groups).toEqual([])
        else expect(answer.groups).toHaveLength(Math.min(groups.size, limit))
        expect(costs).toEqual([...costs].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)))
        for (const group of answer.groups) expect(group.sums).toEqual(sumsOf(groups.get(ofGroup(group.by)) ?? []))
        const shown = new Set(answer.groups.map((group) => ofGroup(group.by)))
        const others = by.length === 0 ? [] : found.filter(({ event }) => !shown.has(keyOf(event, by)))
        expect(answer.rest).toEqual(
          others.length === 0 ? null : { groups: groups.size - shown.size, sums: sumsOf(others) },
        )

        const expected = Map.groupBy(
          found.filter((one) => !others.includes(one)),
          ({ event, ms }) => `${labelOf(ms, interval, zone)} ${keyOf(event, by)}`,
        )
        const told = answer.points.map((point) => [
          `${labelOf(Date.parse(point.at), interval, zone)} ${ofGroup(point.by)}`,
          point.sums,
        ])
        expect(told).toHaveLength(expected.size)
        for (const [label, sums] of told) expect(sums).toEqual(sumsOf(expected.get(String(label)) ?? []))
        const times = answer.points.map((point) => point.at)
        expect(times).toEqual([...times].sort())
      }),
      {
        numRuns: 60,
        // Whole days in UTC are read in one pass, and where a day is an interval as they are kept.
        examples: (['hour', 'day', 'week', 'month', 'all'] as const).map((interval) => [
          { ends: [FIRST - DAY, LAST], filter: '', by: ['team_id'], interval, zone: 'UTC', limit: 50 },
        ]),
      },
    )
  }, 60_000)

  test('and to the ledger, to the nano', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(place, place), async (ends) => {
        const [since, until] = [Math.min(...ends), Math.max(...ends) + 1]
        const { total } = await reader(usage.read, { since: iso(since), until: iso(until), interval: 'all' })
        const [ledger] = await plane.owner<{ cost: string }[]>`
          select coalesce(sum(e.amount_nano_usd), 0) as cost from ledger_transactions t
          join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account_id = 'spend'
          where t.org_id = ${organization.orgId} and t.kind in ('spend', 'adjust')
            and t.occurred_at >= ${iso(since)} and t.occurred_at < ${iso(until)}`
        expect(total.cost_usd).toBe(usdOfNano(BigInt(ledger?.cost ?? -1)))
      }),
      { numRuns: 10 },
    )
  })

  test('of the team alone for somebody who sees one team', async () => {
    const member = await organization.as(['spend:read'], { teamId: 'team_blue' })
    const { total, groups } = await member(usage.read, {
      since: iso(FIRST - DAY),
      until: iso(LAST),
      group_by: 'team_id',
    })
    expect(total).toEqual(sumsOf(all.filter(({ event, ms }) => event.team_id === 'team_blue' && ms < LAST)))
    expect(groups.map(({ by }) => by.team_id)).toEqual(['team_blue'])
    const stranger = await (await plane.organization()).as(['spend:read'])
    expect((await stranger(usage.read, { since: iso(FIRST), until: iso(LAST) })).total.requests).toBe(0)
  })
})

describe('a question', () => {
  test('by a date means that day by the clocks of the time zone', async () => {
    const { since, until, points } = await reader(usage.read, {
      since: '2026-03-28',
      until: '2026-03-31',
      time_zone: 'Europe/Vienna',
    })
    expect([since, until]).toEqual(['2026-03-27T23:00:00.000Z', '2026-03-30T22:00:00.000Z'])
    expect(points.map(({ at }) => at)).toEqual([
      '2026-03-27T23:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ])
  })

  test('is compared with as many days of the calendar before, in total and by group', async () => {
    const answer = await reader(usage.read, {
      since: '2026-03-30',
      until: '2026-04-02',
      time_zone: 'Europe/Vienna',
      group_by: 'model',
      compare: 'previous',
      limit: 2,
    })
    // Three days, of which one has 23 hours.
    expect([answer.previous_since, answer.since]).toEqual(['2026-03-26T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
    const before = all.filter(
      ({ ms }) => ms >= Date.parse('2026-03-26T23:00:00Z') && ms < Date.parse('2026-03-29T22:00:00Z'),
    )
    expect(answer.previous).toEqual(sumsOf(before))
    expect(answer.groups).toHaveLength(2)
    for (const { by, previous } of answer.groups) {
      expect(previous).toEqual(sumsOf(before.filter(({ event }) => event.model === by.model)))
    }
    const first = await reader(usage.read, { since: '1970-01-01', until: '1970-01-02', compare: 'previous' })
    expect([first.previous_since, first.previous?.requests]).toEqual(['1970-01-01T00:00:00.000Z', 0])
    const never = await reader(usage.read, { since: '2026-03-30', until: '2026-03-31', group_by: 'model' })
    expect([never.previous_since, never.previous, never.groups[0]?.previous]).toEqual([null, null, null])
  })

  test('names keys and teams as they are called now, beside the ids of the record', async () => {
    const home = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(home)
    const { token } = await admin(tokens.create, { name: 'app-today', token_type: 'gateway' })
    await plane.owner`insert into teams (org_id, id, name) values (${home.orgId}, 'team_x', 'Controlling')`
    const at = { timestamp: new Date().toISOString(), token_name: 'app-then' }
    await gateway(events.ingest, {
      events: [
        event({ ...at, token_id: token.id, team_id: 'team_x' }),
        event({ ...at, token_id: 'tok_gone', team_id: null, status_code: 500 }),
      ],
    })
    const { groups } = await admin(usage.read, { since: '1d', group_by: 'token_id,team_id' })
    const named = groups.map(({ by, names }) => ({ by, names }))
    expect(named).toHaveLength(2)
    expect(named).toContainEqual({
      by: { token_id: token.id, team_id: 'team_x' },
      names: { token_id: 'app-today', team_id: 'Controlling' },
    })
    expect(named).toContainEqual({ by: { token_id: 'tok_gone', team_id: '' }, names: {} })
    const frozen = await admin(usage.read, { since: '1d', group_by: 'token_name' })
    expect(frozen.groups.map(({ by }) => by)).toEqual([{ token_name: 'app-then' }])
  })

  test.each([
    [{ filter: 'latency_ms>100' }, 422, '"latency_ms"'],
    [{ filter: 'model_requested=x team_id=y' }, 422, '"model_requested"'],
    [{ filter: 'team_id' }, 400, 'character'],
    [{ group_by: 'team_id,model,user_id' }, 422, 'at most'],
    [{ group_by: 'cost_usd' }, 422, '"cost_usd"'],
    [{ since: '2010-01-01' }, 422, '3660 days'],
    [{ since: '2023-01-01', interval: 'hour' }, 422, 'longer interval'],
    [{ until: '2026-03-24' }, 400, 'before'],
    [{ time_zone: 'CET' }, 400, 'time zone'],
    [{ interval: 'minute' }, 400, 'interval'],
  ])('that cannot be answered is told what to change: %j', async (given, status, words) => {
    const query = new URLSearchParams({ since: '2026-03-24', until: '2026-03-30', ...given })
    for (const path of ['/v1/usage', '/v1/usage/csv']) {
      const answer = await plane.send('GET', `${path}?${query}`, { token: reader.token })
      expect({ status: answer.status, detail: answer.json.detail }).toEqual({
        status,
        detail: expect.stringContaining(words),
      })
    }
  })

  test('about hours that can no longer be divided is refused, and only then', async () => {
    const home = await plane.organization()
    const me = await home.as(['spend:read'])
    await plane.owner`
      insert into retirements (org_id, month, events, ranges, retired_at)
      values (${home.orgId}, '2024-02-01', 1, '[[1,1]]', now())`
    const ask = (time_zone: string) => me(usage.read, { since: '2024-02-03', until: '2024-02-05', time_zone })
    await expect(ask('Asia/Kolkata')).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('2024-02'),
    })
    expect((await ask('Asia/Tokyo')).total.requests).toBe(0)
  })
})

test('a question with more points than are added up here is answered the same', async () => {
  const home = await plane.organization()
  const me = await home.as(['spend:read'])
  const [users, days] = [102, 60]
  const eventsOf = (user: number, day: number) => 1 + ((user * day) % 3)
  const costOf = (user: number, day: number) => user * 7 + (day % 5)
  await plane.owner`
    insert into usage_daily (org_id, at, team_id, user_id, agent_id, token_id, token_name, provider, model, verdict, reason_code,
      events, unpriced, errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms_sum)
    select ${home.orgId}, '2026-01-01T00:00:00Z'::timestamptz + make_interval(days => d), '', 'u' || u, '', '', '', 'openai', 'gpt',
      'allow', 'ok', 1 + (u * d) % 3, 0, 0, 0, 1, 1, 2, u * 7 + d % 5, 0
    from generate_series(0, ${users - 1}) as u, generate_series(0, ${days - 1}) as d`
  const answer = await me(usage.read, {
    since: '2026-01-01',
    until: '2026-03-02',
    group_by: 'user_id',
    limit: 40,
  })
  const sumsOfUsers = (first: number, last: number) => {
    let [requests, cost] = [0, 0]
    for (let user = first; user <= last; user++) {
      for (let day = 0; day < days; day++) {
        requests += eventsOf(user, day)
        cost += costOf(user, day)
      }
    }
    return { requests, cost_usd: usdOfNano(BigInt(cost)) }
  }
  expect(answer.total).toMatchObject({ ...sumsOfUsers(0, users - 1), tokens_total: 2 * users * days })
  expect(answer.rest).toMatchObject({ groups: users - 40, sums: sumsOfUsers(0, users - 41) })
  const dearest = Array.from({ length: 40 }, (_, place) => users - 1 - place)
  expect(answer.groups.map(({ by, sums }) => ({ by, sums }))).toEqual(
    dearest.map((user) => ({ by: { user_id: `u${user}` }, sums: expect.objectContaining(sumsOfUsers(user, user)) })),
  )
  expect(answer.points).toHaveLength(40 * days)
  expect(answer.points.slice(0, 41).map(({ at, by }) => [at.slice(0, 10), by.user_id])).toEqual([
    ...dearest.map((user) => ['2026-01-01', `u${user}`]),
    ['2026-01-02', 'u101'],
  ])
  expect(answer.points.at(-1)?.sums).toMatchObject({
    requests: eventsOf(62, 59),
    cost_usd: usdOfNano(BigInt(costOf(62, 59))),
  })
})

describe('CSV', () => {
  test('holds every point of the same question, in its order', async () => {
    const asked = {
      since: '2026-03-28',
      until: '2026-03-31',
      time_zone: 'Asia/Kolkata',
      group_by: 'team_id,reason_code',
    }
    const { points } = await reader(usage.read, { ...asked, limit: 200 })
    const answer = await plane.send('GET', `/v1/usage/csv?${new URLSearchParams(asked)}`, { token: reader.token })
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="usage-2026-03-27.csv"')
    const [header, ...lines] = answer.text.split('\r\n')
    expect(header).toBe(
      'at,begins,team_id,team_name,reason_code,requests,errors,cache_hits,tokens_input,tokens_output,tokens_total,cost_usd,unpriced',
    )
    expect(lines.pop()).toBe('')
    expect(lines).toEqual(
      points.map(({ at, by, sums }) =>
        [
          at,
          `${iso(Date.parse(at) + 5.5 * HOUR).slice(0, 19)}+05:30`,
          by.team_id,
          '',
          by.reason_code === 'a=b "c"' ? '"a=b ""c"""' : by.reason_code,
          sums.requests,
          sums.errors,
          sums.cache_hits,
          sums.tokens_input,
          sums.tokens_output,
          sums.tokens_total,
          sums.cost_usd,
          sums.unpriced,
        ].join(','),
      ),
    )
    expect(lines.length).toBeGreaterThan(20)
    const range = { headers: { range: 'bytes=3-8' }, token: reader.token }
    const part = await plane.send('GET', `/v1/usage/csv?${new URLSearchParams(asked)}`, range)
    expect([part.status, part.text]).toEqual([206, 'begins'])
  })
})

describe('the sums by one dimension alone', () => {
  const differing = () =>
    Promise.all(
      ['hourly', 'daily'].map(async (unit) => {
        const columns = 'org_id, dimension, at, value'
        const apart =
          "cross join lateral (values ('team_id', team_id), ('provider', provider), ('model', model), ('verdict', verdict), ('reason_code', reason_code)) as d (dimension, value)"
        const sums = [
          'events',
          'unpriced',
          'errors',
          'cache_hits',
          'tokens_input',
          'tokens_output',
          'tokens_total',
          'cost_nano_usd',
        ]
        const rows = await plane.owner.unsafe(`
          (select ${columns}, ${sums.map((name) => `sum(${name})::bigint`).join(', ')} from usage_${unit} ${apart} group by 1, 2, 3, 4
            except select ${columns}, ${sums.join(', ')} from usage_dimensions_${unit})
          union all
          (select ${columns}, ${sums.join(', ')} from usage_dimensions_${unit}
            except select ${columns}, ${sums.map((name) => `sum(${name})::bigint`).join(', ')} from usage_${unit} ${apart} group by 1, 2, 3, 4)`)
        return rows.length
      }),
    )

  test('are those of the rollups that they are kept from, also when these are corrected', async () => {
    expect(await differing()).toEqual([0, 0])
    for (const unit of ['hourly', 'daily']) {
      await plane.owner.unsafe(
        `update usage_${unit} set cost_nano_usd = cost_nano_usd + 7, unpriced = unpriced + 1 where org_id = '${organization.orgId}' and team_id = 'team_red'`,
      )
    }
    expect(await differing()).toEqual([0, 0])
    for (const unit of ['hourly', 'daily']) {
      await plane.owner.unsafe(
        `update usage_${unit} set cost_nano_usd = cost_nano_usd - 7, unpriced = unpriced - 1 where org_id = '${organization.orgId}' and team_id = 'team_red'`,
      )
    }
  })

  test('are made for what was recorded when they were kept by fewer dimensions', async () => {
    await plane.owner.unsafe(`
      delete from usage_dimensions_hourly where dimension = 'reason_code';
      delete from usage_dimensions_daily where dimension in ('verdict', 'reason_code');
      create or replace function usage_daily_inserted() returns trigger language plpgsql as 'begin return null; end'`)
    expect(await differing()).not.toEqual([0, 0])
    for (let time = 0; time < 2; time++) await plane.owner.unsafe(await readFile('drizzle/usage.sql', 'utf8'))
    expect(await differing()).toEqual([0, 0])
  })

  test('answer what is asked by one of these alone', async () => {
    const read = async (given: { group_by?: string; filter?: string }) => {
      const spy = vi.spyOn(pg.Client.prototype, 'query')
      await reader(usage.read, { since: '2026-03-24', until: '2026-04-02', ...given })
      const texts = spy.mock.calls.map(([query]) =>
        typeof query === 'string' ? query : (query as { text: string }).text,
      )
      spy.mockRestore()
      return [...new Set(texts.flatMap((text) => text.match(/usage_(?:dimensions_)?(?:hourly|daily)/g) ?? []))].sort()
    }
    expect(await read({})).toEqual(['usage_dimensions_daily'])
    expect(await read({ group_by: 'model', filter: 'model~gpt model!=x' })).toEqual(['usage_dimensions_daily'])
    expect(await read({ filter: 'provider!=x' })).toEqual(['usage_dimensions_daily'])
    expect(await read({ group_by: 'team_id', filter: 'model~gpt' })).toEqual(['usage_daily'])
    expect(await read({ group_by: 'team_id', filter: 'verdict=allow' })).toEqual(['usage_daily'])
    expect(await read({ group_by: 'token_id' })).toEqual(['usage_daily'])
  })
})

describe('no question reads events for whole hours', () => {
  const readEvents = async (ask: () => Promise<unknown>): Promise<number> => {
    const spy = vi.spyOn(pg.Client.prototype, 'query')
    try {
      await ask()
      const texts = spy.mock.calls.map(([query]) =>
        typeof query === 'string' ? query : (query as { text: string }).text,
      )
      expect(texts.some((text) => /"usage_(dimensions_)?(daily|hourly)"/.test(text))).toBe(true)
      return texts.filter((text) => /(from|join) "events"/.test(text)).length
    } finally {
      spy.mockRestore()
    }
  }
  const asked = { since: '2026-03-24', until: '2026-04-02' }

  test('and none at all where every bound is one of an hour', async () => {
    for (const time_zone of ['UTC', 'Europe/Vienna', 'America/Los_Angeles']) {
      for (const interval of ['hour', 'day', 'week', 'month', 'all'] as const) {
        const ask = () =>
          reader(usage.read, { ...asked, time_zone, interval, group_by: 'team_id', compare: 'previous' })
        expect(await readEvents(ask), `${time_zone} ${interval}`).toBe(0)
      }
    }
    // The look would find them.
    expect(await readEvents(() => reader(usage.read, { ...asked, time_zone: 'Asia/Kolkata' }))).toBe(1)
    expect(await readEvents(() => reader(usage.read, { ...asked, until: '2026-04-01T10:10:00Z' }))).toBe(1)
  })

  test('and those of parts of hours through the index on time', async () => {
    const client = new pg.Client({ connectionString: plane.databaseUrl, options: '-c TimeZone=UTC' })
    await client.connect()
    const spy = vi.spyOn(pg.Client.prototype, 'query')
    await reader(usage.read, { ...asked, time_zone: 'Asia/Kolkata', group_by: 'team_id' })
    const statements = spy.mock.calls.map(([query, values]) => ({
      text: typeof query === 'string' ? query : (query as unknown as { text: string }).text,
      values: Array.isArray(values) ? values : [],
    }))
    spy.mockRestore()
    const statement = statements.find(({ text }) => /from "events"/.test(text))
    await client.query('begin')
    await client.query("select set_config('app.org_id', $1, true)", [organization.orgId])
    // Few rows are soonest read one after another.
    await client.query('set local enable_seqscan = off')
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${statement?.text}`, statement?.values)
    await client.end()
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Index (Only )?Scan using events_\w+/)
    expect(plan).toMatch(/Index Cond: .*occurred_at >= .*occurred_at < /)
  })
})
