import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Generated, generateEvents } from '@/bench/events/generate'
import { activity } from '@/lib/contract/activity'
import { type DecisionEvent, EVENT_FACET_FIELDS, events, type Verdict } from '@/lib/contract/events'
import { matchesFilter, parseFilter } from '@/lib/filter'
import { startControlPlane, type TestOrganization } from '../testing'

/** `VOLUME_ROWS=1000000` asks the same of a million. */
const ROWS = Number(process.env.VOLUME_ROWS ?? 30_000)
const DAY = 86_400_000
const END = Date.now()

const plane = await startControlPlane()
afterAll(plane.stop)

type Reader = Awaited<ReturnType<TestOrganization['as']>>
type Row = Pick<DecisionEvent, 'event_id'> & { event: DecisionEvent; ms: number }
let organization: TestOrganization
let reader: Reader
let generated: Generated
/** Everything there is, newest first. */
let all: Row[]

beforeAll(async () => {
  organization = await plane.organization()
  reader = await organization.as(['events:read', 'activity:read'])
  const client = new pg.Client({ connectionString: ownerUrl() })
  await client.connect()
  generated = await generateEvents(client, { orgId: organization.orgId, count: ROWS, days: 30, endMs: END, seed: 11 })
  const { rows } = await client.query<{ line: string }>(
    'select line from events where org_id = $1 order by occurred_at desc, seq desc',
    [organization.orgId],
  )
  all = rows.map(({ line }) => {
    const event = JSON.parse(line) as DecisionEvent
    return { event_id: event.event_id, event, ms: Number.parseInt(event.event_id.slice(4, 16), 16) }
  })
  await client.end()
}, 600_000)

function ownerUrl(): string {
  const { host, port, database, user, pass } = plane.owner.options
  return `postgres://${user}:${pass}@${host[0]}:${port[0]}/${database}`
}

const rare = () => generated.keys.at(-1)
/** Filters from what everybody has to what hardly anybody has, on fields with and without counts. */
const filters = (): string[] => {
  const [common, other] = generated.keys
  return [
    '',
    'verdict=block',
    'verdict=escalate',
    `token_name=${rare()?.name}`,
    `token_name=${common?.name} verdict=block model=${common?.models.at(-1)?.model}`,
    `team_id=${other?.team} reason_code=prompt.injection provider=openai`,
    `user_id!="" verdict=escalate`,
    'agent_id~agent-1 verdict!=allow reason_code~dlp',
    'model~nothing-like-it',
    'verdict=allow latency_ms>29000',
    `token_id=${rare()?.id} status_code>499`,
    'cost_usd>0.03 cache_hit=true',
    'latency_ms<0',
  ]
}

/** As many that let most pass: where they are rare, what is counted twice or left out at an edge is seldom seen. */
const filtersToCount = () => [
  ...filters(),
  ...Array.from({ length: 3 }, () => ['', 'verdict=allow', 'provider!=mistral', 'model!=""']).flat(),
]

async function pagesOf(input: Parameters<typeof pageOf>[0]): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await pageOf({ ...input, cursor })
    ids.push(...page.items.map(({ event_id }) => event_id))
    if (page.complete && page.next_cursor !== null) expect(page.items).toHaveLength(input.limit ?? 50)
    if (page.next_cursor === null) return ids
    cursor = page.next_cursor
  }
}
const pageOf = (input: { filter?: string; since?: string; until?: string; limit?: number; cursor?: string }) =>
  reader(events.list, input)

describe('pages', () => {
  test('hold every match once and in order, however common or rare', async () => {
    for (const filter of filters()) {
      const terms = parseFilter(filter)
      const matches = all.filter(({ event }) => matchesFilter(event, terms))
      // The newest of what is common, all of what is rare.
      const newest = await pageOf({ filter, limit: 200 })
      expect(
        newest.items.map(({ event_id }) => event_id),
        filter,
      ).toEqual(matches.slice(0, newest.complete ? 200 : newest.items.length).map(({ event_id }) => event_id))
      if (matches.length > 600) continue
      expect(await pagesOf({ filter, limit: 100 }), filter).toEqual(matches.map(({ event_id }) => event_id))
    }
  })

  test('keep to any range', async () => {
    const place = fc.integer({ min: END - 31 * DAY, max: END + DAY })
    await fc.assert(
      fc.asyncProperty(place, place, fc.constantFrom(...filters()), async (a, b, filter) => {
        const [since, until] = [Math.min(a, b), Math.max(a, b)]
        const terms = parseFilter(filter)
        const matches = all.filter(({ event, ms }) => since <= ms && ms < until && matchesFilter(event, terms))
        const page = await pageOf({ filter, since: iso(since), until: iso(until), limit: 20 })
        const expected = matches.slice(0, page.complete ? 20 : page.items.length)
        expect(page.items.map(({ event_id }) => event_id)).toEqual(expected.map(({ event_id }) => event_id))
        expect(page.complete && page.next_cursor === null).toBe(page.complete && matches.length <= 20)
      }),
      { numRuns: 20 },
    )
  })

  test('of somebody who sees one team are of that team', async () => {
    const team = rare()?.team ?? ''
    const member = await organization.as(['events:read'], { teamId: team })
    const mine = all.filter(({ event }) => event.team_id === team && event.verdict === 'escalate')
    const { items } = await member(events.list, { filter: 'verdict=escalate', limit: 200 })
    expect(items.map(({ event_id }) => event_id)).toEqual(mine.slice(0, 200).map(({ event_id }) => event_id))
    const { totals } = await member(events.histogram, { since: '40d' })
    expect(sum(totals)).toBe(all.filter(({ event }) => event.team_id === team).length)
  })
})

describe('counts equal those of single events', () => {
  const place = fc.oneof(
    fc.integer({ min: END - 31 * DAY, max: END + DAY }),
    // At the edges of hours and days, where parts meet.
    fc.tuple(fc.nat(31 * 24), fc.constantFrom(-1, 0, 1)).map(([hours, off]) => hourOf(END) - hours * 3_600_000 + off),
  )
  const range = fc.tuple(place, place).filter(([a, b]) => a !== b)

  test('in histograms, bucket by bucket, for any range and filter', async () => {
    await fc.assert(
      fc.asyncProperty(
        range,
        fc.constantFrom(...filtersToCount()),
        fc.integer({ min: 1, max: 200 }),
        async (ends, filter, buckets) => {
          const [since, until] = [Math.min(...ends), Math.max(...ends)]
          const answer = await reader(events.histogram, { since: iso(since), until: iso(until), filter, buckets })
          const starts = answer.items.map(({ at }) => Date.parse(at))
          expect(starts[0]).toBe(since)
          expect(starts.length).toBeLessThanOrEqual(buckets + 1)
          const expected = starts.map(() => ({ allow: 0, redact: 0, block: 0, escalate: 0 }) as Record<Verdict, number>)
          const terms = parseFilter(filter)
          for (const { event, ms } of all) {
            if (ms < Math.max(since, Date.parse(answer.counted_since)) || ms >= until || !matchesFilter(event, terms))
              continue
            const bucket = expected[starts.findLastIndex((start) => start <= ms)]
            if (bucket) bucket[event.verdict] += 1
          }
          expect(answer.items.map(({ at: _, ...counts }) => counts)).toEqual(expected)
          expect(sum(answer.totals)).toBe(expected.reduce((total, counts) => total + sum(counts), 0))
        },
      ),
      { numRuns: 25 },
    )
  })

  test('in facets, value by value, for any range and filter', async () => {
    await fc.assert(
      fc.asyncProperty(
        range,
        fc.constantFrom(...filtersToCount()),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(EVENT_FACET_FIELDS.join(','), 'verdict,reason_code,provider,model,team_id', 'reason_code'),
        async (ends, filter, limit, fields) => {
          const [since, until] = [Math.min(...ends), Math.max(...ends)]
          const answer = await reader(events.facets, { since: iso(since), until: iso(until), filter, fields, limit })
          const terms = parseFilter(filter)
          const counted = Math.max(since, Date.parse(answer.counted_since))
          const matches = all.filter(({ event, ms }) => counted <= ms && ms < until && matchesFilter(event, terms))
          expect(answer.total).toBe(matches.length)
          for (const { field, values, rest } of answer.items) {
            const counts = new Map<string, number>()
            for (const { event } of matches) counts.set(event[field] ?? '', (counts.get(event[field] ?? '') ?? 0) + 1)
            expect(values.map(({ count }) => count)).toEqual([...counts.values()].sort((a, b) => b - a).slice(0, limit))
            for (const { value, count } of values) expect([value, count]).toEqual([value, counts.get(value)])
            expect(rest.values).toBe(counts.size - values.length)
            expect(rest.count).toBe(matches.length - values.reduce((total, { count }) => total + count, 0))
          }
        },
      ),
      { numRuns: 16 },
    )
  })

  test('and a field without counts is refused by name', async () => {
    await expect(reader(events.facets, { fields: 'verdict,latency_ms' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('"latency_ms"'),
    })
  })
})

describe('a tail', () => {
  test('finds what somebody may see among any number of others, in order', async () => {
    const team = rare()?.team ?? ''
    const member = await organization.as(['events:read'], { teamId: team })
    const expected = all.filter(({ event }) => event.team_id === team && event.token_id === rare()?.id)
    const told: string[] = []
    const stop = new AbortController()
    const input = { after: generated.firstSeq - 1, filter: `token_id=${rare()?.id}` }
    for await (const { data } of member.subscribe(events.tail, input, { signal: stop.signal })) {
      told.push(data.event_id)
      if (told.length === expected.length) break
    }
    stop.abort()
    const bySeq = expected.toSorted((a, b) => a.event.seq - b.event.seq)
    expect(told).toEqual(bySeq.map(({ event_id }) => event_id))
  })
})

describe('no question reads a month of events from end to end', () => {
  const some = (place: number) => all[place]?.event
  const questions: [string, () => Promise<unknown>][] = [
    ['the newest', () => reader(events.list, {})],
    [
      'each filter',
      async () => {
        for (const filter of filters()) await pageOf({ filter })
      },
    ],
    [
      'each filter in a range',
      async () => {
        for (const filter of filters()) await pageOf({ filter, since: '20d', until: '3d' })
      },
    ],
    [
      'a page further on',
      async () => {
        const { next_cursor } = await pageOf({ filter: 'verdict=allow' })
        await pageOf({ filter: 'verdict=allow', cursor: next_cursor ?? undefined })
      },
    ],
    ['one agent', () => reader(events.list, { agent_id: 'agent-7' })],
    ['one event', () => reader(events.get, { id: some(100)?.event_id ?? '' })],
    ['one request', () => pageOf({ filter: `request_id=${some(100)?.request_id}` })],
    ['one of some events', () => pageOf({ filter: `event_id=${some(5)?.event_id},${some(9_000)?.event_id}` })],
    [
      'one conversation',
      () =>
        pageOf({ filter: `conversation_id=${all.find(({ event }) => event.conversation_id)?.event.conversation_id}` }),
    ],
    [
      'a team',
      async () => {
        const member = await organization.as(['events:read'], { teamId: 'team_3' })
        await member(events.list, {})
      },
    ],
    [
      'histograms',
      async () => {
        for (const since of ['1h', '24h', '7d', '30d'])
          await reader(events.histogram, { since, filter: 'verdict=block' })
        await reader(events.histogram, { since: '2d', filter: 'latency_ms>100' })
      },
    ],
    [
      'facets',
      async () => {
        for (const since of ['1h', '24h', '30d']) await reader(events.facets, { since })
        await reader(events.facets, { since: '2d', filter: 'latency_ms>100' })
      },
    ],
    [
      'what came after',
      async () => {
        const stop = new AbortController()
        const after = generated.lastSeq - 300
        for await (const _ of reader.subscribe(events.tail, { after }, { signal: stop.signal })) break
        stop.abort()
      },
    ],
    [
      'activity',
      async () => {
        for (const filter of ['', 'action~token', 'actor_id=x outcome=denied'])
          await reader(activity.list, { filter, since: '7d' })
      },
    ],
  ]

  test.each(questions)('%s', async (_, ask) => {
    const asked = await queriesOf(ask)
    expect(asked.length).toBeGreaterThan(0)
    for (const { text, values } of asked) {
      const plan = await planOf(text, values)
      const scans = nodesOf(plan).filter(isWasteful)
      expect(scans, `${text}\n${JSON.stringify(plan, null, 1)}`).toEqual([])
    }
  })

  test('and the look for it would find one', async () => {
    const plan = await planOf('select count(*) from events where line like $1', ['%no event says anything like this%'])
    expect(nodesOf(plan).some(isWasteful)).toBe(true)
  })

  /** Whether a month is read for little of what is in it. Of a small rest of it, no index would do better. */
  const isWasteful = (node: PlanNode) =>
    node['Node Type'] === 'Seq Scan' && node['Plan Rows'] < (populated.get(node['Relation Name'] ?? '') ?? 0) / 10
  const populated = new Map<string, number>()
  beforeAll(async () => {
    const months = await plane.owner<{ name: string; rows: number }[]>`
      select relname as name, reltuples::int as rows from pg_class where relispartition and relkind = 'r' and relname like 'events\\_%' and reltuples > 0`
    for (const { name, rows } of months) populated.set(name, rows)
    expect(populated.size).toBeGreaterThan(0)
  })
})

type Query = { text: string; values: unknown[] }
type PlanNode = { 'Node Type': string; 'Plan Rows': number; 'Relation Name'?: string; Plans?: PlanNode[] }

/** The statements on events and rollups that the application sends while something is asked of it. */
async function queriesOf(ask: () => Promise<unknown>): Promise<Query[]> {
  const asked: Query[] = []
  const original = pg.Client.prototype.query
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...given: unknown[]
  ) {
    const [query, values] = given as [string | { text: string }, unknown[] | undefined]
    const text = typeof query === 'string' ? query : query.text
    if (/"(events|usage_hourly|usage_daily|activity)"/.test(text) && !/^\s*insert/i.test(text)) {
      asked.push({ text, values: Array.isArray(values) ? values : [] })
    }
    return Reflect.apply(original, this, given)
  })
  try {
    await ask()
  } finally {
    spy.mockRestore()
  }
  return asked
}

/** The plan that the application's role gets, under row-level security. */
async function planOf(text: string, values: unknown[]): Promise<PlanNode> {
  const client = new pg.Client({ connectionString: plane.databaseUrl, options: '-c TimeZone=UTC' })
  await client.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('app.org_id', $1, true)", [organization.orgId])
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, values)
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    if (!plan) throw new Error('There is no plan.')
    return plan
  } finally {
    await client.end()
  }
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]
const iso = (ms: number) => new Date(ms).toISOString()
const hourOf = (ms: number) => Math.floor(ms / 3_600_000) * 3_600_000
const sum = (counts: Record<Verdict, number>) => counts.allow + counts.redact + counts.block + counts.escalate
