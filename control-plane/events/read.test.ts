import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { type DecisionEvent, EVENT_FILTER_FIELDS, type EventFilterField, events, VERDICTS } from '@/lib/contract/events'
import { FILTER_OPERATORS, fieldOf, matchesFilter, parseFilter, printFilter } from '@/lib/filter'
import { startControlPlane, type TestOrganization } from '../testing'
import { gatewayOf } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const agoMs = (ms: number) => new Date(Date.now() - ms).toISOString()
const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('listing events', () => {
  test('answers newest first in pages that hold every event once', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const at = agoMs(MINUTE)
    const sent = [...Array.from({ length: 5 }, () => event({ timestamp: at })), event({ timestamp: agoMs(HOUR) })]
    await gateway(events.ingest, { events: sent })

    const seen: DecisionEvent[] = []
    let cursor: string | undefined
    do {
      const page = await admin(events.list, { limit: 2, cursor })
      expect(page.events).toEqual(page.items)
      seen.push(...page.items)
      cursor = page.next_cursor ?? undefined
    } while (cursor)

    const placeOf = ({ event_id }: { event_id: string }) => sent.findIndex((one) => one.event_id === event_id)
    expect(seen.map(placeOf)).toEqual([4, 3, 2, 1, 0, 5])
  })

  test('keeps to a range of time, relative or absolute', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const ages = [10 * MINUTE, 2 * HOUR, 30 * HOUR]
    await gateway(events.ingest, { events: ages.map((age) => event({ timestamp: agoMs(age), reason_code: `${age}` })) })
    const found = async (range: { since?: string; until?: string }) =>
      (await admin(events.list, range)).items.map(({ reason_code }) => Number(reason_code))

    expect(await found({ since: '24h' })).toEqual(ages.slice(0, 2))
    expect(await found({ until: '1h' })).toEqual(ages.slice(1))
    expect(await found({ since: agoMs(3 * HOUR), until: agoMs(HOUR) })).toEqual([2 * HOUR])
    expect(await found({ since: '999999w' })).toEqual(ages)
    expect(await found({ since: '9999-12-31' })).toEqual([])
  })

  test('finds by agent, and by a filter as the command line prints it', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const sent = [
      event({ agent_id: 'a', token_name: 'app-production-v2' }),
      event({ agent_id: 'b', token_name: 'app-production-v2', verdict: 'block' }),
      event({ agent_id: 'b', token_name: null }),
    ]
    await gateway(events.ingest, { events: sent })
    const found = async (input: { agent_id?: string; filter?: string }) =>
      (await admin(events.list, input)).items.map(
        ({ event_id }) => sent.findIndex((one) => one.event_id === event_id) + 1,
      )

    expect(await found({ agent_id: 'b' })).toEqual([3, 2])
    expect(await found({ agent_id: '\u0000' })).toEqual([])
    expect(await found({ filter: 'token_name=app-production-v2' })).toEqual([2, 1])
    expect(await found({ filter: 'token_name~PRODUCTION verdict!=block' })).toEqual([1])
    expect(await found({ filter: 'token_name=""' })).toEqual([3])
    expect(await found({ filter: 'token_name!=app-production-v2' })).toEqual([3])
    expect(await found({ filter: 'token_name="\' or true --"' })).toEqual([])
    expect(await found({ filter: 'token_name~%' })).toEqual([])
    expect(await found({ filter: 'token_name~app_production' })).toEqual([])
  })

  test.each([
    [{ since: '1' }, 'invalid_request'],
    [{ since: '+275760-09-13T00:00:00Z' }, 'invalid_request'],
    [{ since: 'Sat Nov 21 2026' }, 'invalid_request'],
    [{ filter: 'verdcit=block' }, 'invalid_filter'],
    [{ filter: 'status_code=abc' }, 'invalid_filter'],
    [{ cursor: 'nonsense' }, 'invalid_cursor'],
    [{ cursor: '' }, 'invalid_cursor'],
    [{ cursor: Buffer.from(`${'x'.repeat(16)}[1700000000000,1]`).toString('base64url') }, 'invalid_cursor'],
    [{ since: 'yesterday' }, 'invalid_request'],
    [{ limit: 201 }, 'invalid_request'],
    [{ limit: 0 }, 'invalid_request'],
  ])('%o is refused', async (input, code) => {
    const { admin } = await gatewayOf(await plane.organization())
    await expect(admin(events.list, input)).rejects.toMatchObject({ code })
  })
})

describe('who sees which events', () => {
  test('an event of another organisation looks like none at all', async () => {
    const { gateway, event } = await gatewayOf(await plane.organization())
    const sent = event()
    await gateway(events.ingest, { events: [sent] })
    const stranger = await (await plane.organization()).as('role_admin')

    const theirs = await stranger(events.get, { id: sent.event_id }).catch((error: unknown) => error)
    const missing = await stranger(events.get, { id: 'evt_missing' }).catch((error: unknown) => error)
    const hostile = await stranger(events.get, { id: 'evt_\u0000' }).catch((error: unknown) => error)

    expect(theirs).toMatchObject({ code: 'not_found' })
    expect(String(missing)).toBe(String(theirs))
    expect(String(hostile)).toBe(String(theirs))
    expect((await stranger(events.list, {})).items).toEqual([])
    expect((await stranger(events.histogram, {})).totals.allow).toBe(0)
  })

  test('somebody whose scope is a team sees that team, in every way of looking', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const [ours, theirs, nobodys] = [event({ team_id: 'team_a' }), event({ team_id: 'team_b' }), event()]
    await gateway(events.ingest, { events: [theirs, ours, nobodys] })
    const member = await organization.as(['events:read', 'payloads:read'], { teamId: 'team_a' })

    expect((await member(events.list, {})).items.map(({ event_id }) => event_id)).toEqual([ours.event_id])
    expect((await member(events.histogram, {})).totals.allow).toBe(1)
    expect((await member(events.get, { id: ours.event_id })).event_id).toBe(ours.event_id)
    await expect(member(events.get, { id: theirs.event_id })).rejects.toMatchObject({ code: 'not_found' })
    await expect(member(events.reveal, { id: theirs.event_id, reason: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await firstOf(member, { after: 0 }, 1)).toMatchObject([{ event_id: ours.event_id }])
  })

  test.each(['list', 'histogram', 'get', 'tail'] as const)('without events:read there is no %s', async (name) => {
    const organization = await plane.organization()
    const nobody = await organization.as(['tokens:read'])
    const call = name === 'tail' ? firstOf(nobody, {}, 1) : nobody(events[name], { id: 'evt_x' } as never)
    await expect(call).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('counting events over time', () => {
  test('every event of the range is in one bucket, by verdict', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const until = Math.floor(Date.now() / HOUR) * HOUR
    const at = (ms: number) => new Date(until - ms).toISOString()
    const sent = [
      event({ timestamp: at(4 * HOUR) }),
      event({ timestamp: at(4 * HOUR - 1), verdict: 'block' }),
      event({ timestamp: at(HOUR) }),
      event({ timestamp: at(1), verdict: 'escalate' }),
      event({ timestamp: at(0) }),
      event({ timestamp: at(4 * HOUR + 1) }),
    ]
    await gateway(events.ingest, { events: sent })

    const { items, totals, bucket_seconds } = await admin(events.histogram, {
      since: at(4 * HOUR),
      until: at(0),
      buckets: 4,
    })

    expect(bucket_seconds).toBe(3_600)
    expect(items).toEqual([
      { at: at(4 * HOUR), allow: 1, redact: 0, block: 1, escalate: 0 },
      { at: at(3 * HOUR), allow: 0, redact: 0, block: 0, escalate: 0 },
      { at: at(2 * HOUR), allow: 0, redact: 0, block: 0, escalate: 0 },
      { at: at(HOUR), allow: 1, redact: 0, block: 0, escalate: 1 },
    ])
    expect(totals).toEqual({ allow: 2, redact: 0, block: 1, escalate: 1 })
    const blocked = await admin(events.histogram, { since: '24h', filter: 'verdict=block' })
    expect(blocked).toMatchObject({ totals: { allow: 0, block: 1 }, bucket_seconds: 1_800, complete: true })
    const [first, ...others] = blocked.items
    expect(first?.at).toBe(blocked.since)
    expect(others.every(({ at }) => Date.parse(at) % (30 * MINUTE) === 0)).toBe(true)
    expect(others.length).toBeLessThanOrEqual(48)
  })

  test('counts are kept as events are recorded, also of those that come late or twice', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const late = event({ verdict: 'block', timestamp: agoMs(50 * HOUR) })
    await gateway(events.ingest, { events: [event(), event({ model: 'other' }), late] })
    await gateway(events.ingest, { events: [late, event({ model: 'other' })] })

    // Wide buckets are counted from what is kept: in total, by verdict, by anything else.
    const since = '9d'
    const until = new Date((Math.floor(Date.now() / HOUR) + 1) * HOUR).toISOString()
    expect((await admin(events.histogram, { since, until })).totals).toMatchObject({ allow: 3, block: 1 })
    expect((await admin(events.histogram, { since, until, filter: 'verdict=block' })).totals).toMatchObject({
      block: 1,
    })
    expect((await admin(events.histogram, { since, until, filter: 'model=other' })).totals).toMatchObject({ allow: 2 })
    const { items, total } = await admin(events.facets, { since, until, fields: 'model,verdict' })
    expect(total).toBe(4)
    expect(items).toMatchObject([
      { field: 'model', values: [{ count: 2 }, { count: 2 }] },
      {
        field: 'verdict',
        values: [
          { value: 'allow', count: 3 },
          { value: 'block', count: 1 },
        ],
      },
    ])
  })

  test.each([
    [{ since: '1h', until: '2h' }, 'invalid_request'],
    [{ since: '401d' }, 'invalid_request'],
    [{ buckets: 201 }, 'invalid_request'],
    [{ filter: 'x' }, 'invalid_filter'],
  ])('%o is refused', async (input, code) => {
    const { admin } = await gatewayOf(await plane.organization())
    await expect(admin(events.histogram, input)).rejects.toMatchObject({ code })
  })
})

describe('a filter', () => {
  const text = fc.constantFrom(
    'a',
    'A',
    'aB',
    'b',
    'a%b',
    'a_b',
    'a\\b',
    'é',
    'É',
    '\u0000',
    '\ud800',
    '\ufffd',
    'a b,c"',
    'İ',
    'Σς',
  )
  let organization: TestOrganization
  let recorded: DecisionEvent[]

  beforeAll(async () => {
    organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const given = fc.record({
      model: fc.option(text),
      token_name: fc.option(text),
      conversation_id: fc.option(text),
      reason_code: text,
      verdict: fc.constantFrom(...VERDICTS),
      stream: fc.boolean(),
      status_code: fc.constantFrom(200, 403, 500),
      tokens: fc.option(
        fc.record({ input: fc.nat(3), output: fc.nat(3), cached: fc.constant(0), reasoning: fc.constant(0) }),
      ),
      latency: fc.record({
        total_ms: fc.constantFrom(0, 0.1, 1, 2.5),
        upstream_ms: fc.constant(null),
        overhead_us: fc.constant(0),
        ttft_ms: fc.constant(null),
      }),
      event_cost_attribution: fc.option(fc.constantFrom('0', '0.1', '2.5', '0.000000001')).map((total) => ({
        total_cost_usd: total,
        input_cost_usd: null,
        output_cost_usd: null,
        currency: 'USD' as const,
        price_book_version: null,
        price_status: total === null ? ('unknown' as const) : ('priced' as const),
        source_spend_log_id: null,
        units: [],
      })),
      cache: fc.boolean().map((hit) => ({ hit, avoided_cost_usd: null })),
    })
    await gateway(events.ingest, { events: fc.sample(given, 120).map(event) })
    recorded = (await admin(events.list, { limit: 200 })).items
  })

  /** Values that occur, so that both answers of every comparison are common. */
  const fields: EventFilterField[] = [
    'model',
    'token_name',
    'conversation_id',
    'reason_code',
    'verdict',
    'stream',
    'status_code',
    'tokens_total',
    'latency_ms',
    'error_code',
    'cost_usd',
    'cache_hit',
    'api_shape',
  ]
  const anyTerm = fc.constantFrom(...fields).chain((field) => {
    const kind = EVENT_FILTER_FIELDS[field]
    return fc.constantFrom(...FILTER_OPERATORS[kind]).chain((operator) => {
      const unset = operator === '=' || operator === '!=' ? [''] : []
      const value = {
        text: fc.oneof(text, fc.constantFrom(...unset, ...VERDICTS)),
        number: fc.constantFrom('0', '0.1', '1', '2', '2.5', '3', '200', '403', '-1', ...unset),
        money: fc.constantFrom('0', '0.000000001', '0.1', '0.10', '2.5', '-1', ...unset),
        boolean: fc.constantFrom('true', 'false'),
      }[kind]
      return fc.record({
        field: fc.constant(field),
        operator: fc.constant(operator),
        values: fc.array<string>(value, { minLength: 1, maxLength: 3 }),
      })
    })
  })

  test('means the same to the database and to a live stream', async () => {
    const reader = await organization.as(['events:read'])
    let matched = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyTerm, { minLength: 1, maxLength: 2 }), async (terms) => {
        const filter = printFilter(terms)
        const found = (await reader(events.list, { filter, limit: 200 })).items.map(({ seq }) => seq)
        const expected = recorded.filter((event) => matchesFilter(event, parseFilter(filter))).map(({ seq }) => seq)
        expect(found).toEqual(expected)
        matched += found.length
      }),
      { numRuns: 150 },
    )
    expect(matched).toBeGreaterThan(0)
  })

  test('can name every field that it compares', () => {
    const [event] = recorded
    if (!event) throw new Error('nothing was recorded')
    for (const [field, kind] of Object.entries(EVENT_FILTER_FIELDS) as [EventFilterField, string][]) {
      const value = fieldOf(event, field)
      const type = kind === 'text' || kind === 'money' ? 'string' : kind
      if (value !== null) expect([field, typeof value]).toEqual([field, type])
      else expect(value).toBeNull()
    }
  })
})

describe('a cursor', () => {
  test('serves the list that it was made for, and no other', async () => {
    const [home, away] = [await gatewayOf(await plane.organization()), await gatewayOf(await plane.organization())]
    for (const { gateway, event } of [home, away]) {
      await gateway(events.ingest, { events: [event({ verdict: 'block' }), event({ verdict: 'block' }), event()] })
    }
    const asked = { filter: 'verdict=block', limit: 1 }
    const cursor = (await home.admin(events.list, asked)).next_cursor ?? ''
    const changed = `${cursor.slice(0, -4)}${cursor.slice(-4) === 'AAAA' ? 'BBBB' : 'AAAA'}`

    expect((await home.admin(events.list, { ...asked, cursor, limit: 5 })).items).toHaveLength(1)
    for (const ask of [
      () => home.admin(events.list, { ...asked, cursor: changed }),
      () => home.admin(events.list, { ...asked, cursor: cursor.slice(4) }),
      () => home.admin(events.list, { ...asked, filter: 'verdict=allow', cursor }),
      () => home.admin(events.list, { limit: 1, cursor }),
      () => home.admin(activity.list, { limit: 1, cursor }),
      () => away.admin(events.list, { ...asked, cursor }),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'invalid_cursor' })
    }
  })
})

/** The first events of a tail. */
async function firstOf(
  client: Awaited<ReturnType<TestOrganization['as']>>,
  input: { after?: number; filter?: string },
  count: number,
  options: { lastEventId?: string } = {},
): Promise<DecisionEvent[]> {
  const stop = new AbortController()
  const seen: DecisionEvent[] = []
  try {
    for await (const { data, id } of client.subscribe(events.tail, input, { ...options, signal: stop.signal })) {
      expect(id).toBe(String(data.seq))
      seen.push(data)
      if (seen.length === count) break
    }
  } finally {
    stop.abort()
  }
  return seen
}
