import { afterAll, describe, expect, test } from 'vitest'
import { events } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { newIdAt } from '@/lib/ids'
import { canonicalJson } from '@/lib/trail/canonical'
import { startControlPlane, type TestOrganization } from '../testing'
import { gatewayEvent, gatewayOf } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)

const linesOf = (organization: TestOrganization) =>
  plane.owner<{ seq: number; event_id: string; line: string; recorded_at: Date }[]>`
    select seq::int, event_id, line, recorded_at from events where org_id = ${organization.orgId} order by seq`

/** Every number of an organisation's record with what has it, in order. */
const numbersOf = (organization: TestOrganization) =>
  plane.owner<{ seq: number; kind: string }[]>`
    select seq::int, 'event' as kind from events where org_id = ${organization.orgId}
    union all select seq::int, 'activity' from activity where org_id = ${organization.orgId} order by 1`

async function expectContiguous(organization: TestOrganization) {
  const seqs = (await numbersOf(organization)).map(({ seq }) => seq)
  expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1))
}

describe('recording events', () => {
  test('an event becomes one canonical line that holds its organisation, its number and when it was recorded', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const sent = event({ model: 'gpt-4o' })

    expect(await gateway(events.ingest, { events: [sent] })).toEqual({ accepted: 1, duplicates: 0, rejected: [] })

    const [row] = await linesOf(organization)
    const read = await admin(events.get, { id: sent.event_id })
    expect(read).toMatchObject({ ...sent, org_id: organization.orgId, seq: row?.seq })
    expect(row?.line).toBe(canonicalJson(read))
    expect(new Date(read.recorded_at)).toEqual(row?.recorded_at)
  })

  test('sending an event again changes nothing; with another content it is refused by name, and the first one stands', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const [a, b] = [event(), event()]
    await gateway(events.ingest, { events: [a] })

    const again = await gateway(events.ingest, { events: [{ ...a, verdict: 'block' }, b, b, a] })

    const reason = 'event_id: another event was recorded under this id'
    expect(again).toEqual({
      accepted: 1,
      duplicates: 2,
      rejected: [{ index: 0, event_id: a.event_id, reason, quarantine_id: expect.stringMatching(/^qua_/) }],
    })
    expect((await admin(events.get, { id: a.event_id })).verdict).toBe('allow')
    expect((await linesOf(organization)).map(({ event_id }) => event_id)).toEqual([a.event_id, b.event_id])
  })

  test('overlapping, reordered and concurrent batches leave every event once under contiguous numbers', async () => {
    const organization = await plane.organization()
    const one = await gatewayOf(organization, 'gw_one')
    const two = await gatewayOf(organization, 'gw_two')
    const sentBy = (source: typeof one) => Array.from({ length: 60 }, () => source.event())
    const batches = [one, two].flatMap((source) => {
      const all = sentBy(source)
      const overlapping = [0, 15, 30, 45, 20].map((start) => all.slice(start, start + 30))
      return [...overlapping, all.toReversed(), all].map((batch) => ({ source, batch }))
    })

    const answers = await Promise.all(
      batches.map(({ source, batch }) => source.gateway(events.ingest, { events: batch })),
    )

    const lines = await linesOf(organization)
    await expectContiguous(organization)
    expect(lines).toHaveLength(120)
    expect(new Set(lines.map(({ event_id }) => event_id)).size).toBe(120)
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(120)
    const sent = batches.reduce((sum, { batch }) => sum + batch.length, 0)
    expect(answers.reduce((sum, { accepted, duplicates }) => sum + accepted + duplicates, 0)).toBe(sent)
    const times = lines.map(({ line }) => (JSON.parse(line) as { recorded_at: string }).recorded_at)
    expect(times).toEqual(times.toSorted())
  })

  test('the numbers of organisations do not depend on each other', async () => {
    const [home, away] = [await plane.organization(), await plane.organization()]
    const [mine, theirs] = [await gatewayOf(home), await gatewayOf(away)]
    const event = mine.event()
    await mine.gateway(events.ingest, { events: [event, mine.event()] })
    await theirs.gateway(events.ingest, { events: [event] })

    const numbers = async (organization: TestOrganization) => (await numbersOf(organization)).map(({ kind }) => kind)
    expect(await numbers(home)).toEqual(['activity', 'event', 'event'])
    expect(await numbers(away)).toEqual(['activity', 'event'])
    await Promise.all([expectContiguous(home), expectContiguous(away)])
  })

  test('a bad event is refused with its reason and holds back no other', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    const good = [event(), event()]
    const poison = [
      null,
      7,
      'text',
      [],
      {},
      { ...event(), event_id: 'evt_nothing' },
      {
        ...event(),
        event_cost_attribution: { ...event().event_cost_attribution, total_cost_usd: '999999999999.999999999' },
      },
      { ...event(), unknown: 1 },
      JSON.parse(JSON.stringify(event()).replace('{', '{"__proto__":{"verdict":"block"},')) as unknown,
      { ...event(), status_code: 2_000 },
      { ...event(), timestamp: '2026-02-30T10:00:00Z' },
      gatewayEvent('gw_other'),
    ]

    const answer = await gateway(events.ingest, { events: [good[0], ...poison, good[1]] })

    expect(answer.accepted).toBe(2)
    expect(answer.rejected.map(({ index }) => index)).toEqual(poison.map((_, index) => index + 1))
    expect(answer.rejected.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^event_id: /),
        expect.stringMatching(/unknown/),
        expect.stringMatching(/__proto__/),
        expect.stringMatching(/^status_code: /),
        expect.stringMatching(/^timestamp: /),
        'gateway_id: this key records for gw_one only',
      ]),
    )
    expect((await linesOf(organization)).map(({ event_id }) => event_id)).toEqual(good.map(({ event_id }) => event_id))
  })

  test('NUL and broken Unicode are recorded as they were sent, and can be found', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const hostile = 'a\u0000b\ud800c\udc00"\\\u2028\u{1f600}'
    const sent = event({
      model: hostile,
      user_agent: hostile,
      conversation_id: hostile,
      request_id: hostile,
      token_name: hostile,
    })

    expect((await gateway(events.ingest, { events: [sent] })).accepted).toBe(1)

    expect(await admin(events.get, { id: sent.event_id })).toMatchObject(sent)
    expect((await linesOf(organization))[0]?.line).toContain('a\\u0000b\\ud800c\\udc00')
    const found = await admin(events.list, { filter: 'model~"a\u0000b"' })
    expect(found.items).toMatchObject([{ event_id: sent.event_id }])
  })

  test('a gateway whose clock is wrong within reason is believed; beyond, its events wait to be looked at', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    const [hour, day] = [3_600_000, 86_400_000]
    const believed = [
      event({ timestamp: at(-400 * day) }),
      event({ timestamp: at(-hour) }),
      event({ timestamp: at(hour) }),
    ]
    const slow = event({ event_id: newIdAt('evt', Date.now()), timestamp: at(-599_000) })
    const doubted = [
      event({ timestamp: at(day + hour) }),
      event({ timestamp: '1999-12-31T23:59:59.999Z' }),
      event({ event_id: newIdAt('evt', 0xffff_ffff_ffff) }),
      event({ event_id: newIdAt('evt', Date.now()), timestamp: at(-hour) }),
      event({ event_id: newIdAt('evt', Date.now()), timestamp: '0000-01-01T00:00:00Z' }),
      event({ event_id: newIdAt('evt', Date.now()), timestamp: '9999-12-31T23:59:59.999999999Z' }),
    ]

    const answer = await gateway(events.ingest, { events: [...believed, ...doubted, slow] })

    expect(answer).toMatchObject({ accepted: 4, duplicates: 0 })
    expect(answer.rejected.map(({ reason }) => reason)).toEqual([
      'event_id: its time lies ahead of ours',
      'event_id: its time lies before 2000',
      'event_id: its time lies beyond the year 9999',
      ...doubted.slice(3).map(() => 'timestamp: more than 10 minutes from the time in the event id'),
    ])
    const { items } = await admin(events.list, { since: '2h' })
    expect(items.map(({ event_id }) => event_id)).toEqual([believed[2], slow, believed[1]].map((one) => one?.event_id))
  })

  test('the largest numbers that the contract allows are recorded', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const most = Number.MAX_SAFE_INTEGER
    const sent = event({
      gateway_seq: most,
      tokens: { input: most, output: most, cached: most, reasoning: most },
      latency: { total_ms: 1e308, upstream_ms: 5e-324, overhead_us: 0, ttft_ms: null },
    })
    expect((await gateway(events.ingest, { events: [sent] })).rejected).toEqual([])
    expect(await admin(events.get, { id: sent.event_id })).toMatchObject(sent)
  })

  test('only the key of a gateway process records, and only for its gateway', async () => {
    const organization = await plane.organization()
    const { admin, event } = await gatewayOf(organization)
    const unbound = await organization.as(['events:ingest'])

    await expect(admin(events.ingest, { events: [event()] })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(unbound(events.ingest, { events: [event()] })).rejects.toMatchObject({ code: 'forbidden' })
    expect(await linesOf(organization)).toEqual([])
  })

  test('an empty or too large batch is refused as a whole', async () => {
    const { gateway, event } = await gatewayOf(await plane.organization())
    const many = Array.from({ length: 1_001 }, () => event())
    await expect(gateway(events.ingest, { events: [] })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(gateway(events.ingest, { events: many })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('the record can be added to, never changed or deleted', async () => {
    const organization = await plane.organization()
    const { gateway, event } = await gatewayOf(organization)
    await gateway(events.ingest, { events: [event()] })
    const attempt = (statement: string) =>
      plane.database.sql.begin(async (tx) => {
        await tx`select set_config('app.org_id', ${organization.orgId}, true)`
        await tx.unsafe(statement)
      })
    await expect(attempt('update events set verdict = verdict')).rejects.toThrow('permission denied')
    await expect(attempt('delete from events')).rejects.toThrow('permission denied')
  })
})

describe('the use of gateway keys', () => {
  test('is told from the events, once each, by secret and address', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const { token } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    await admin(tokens.rotate, { id: token.id, grace_seconds: 3_600 })
    const [old] = await plane.owner<{ id: string }[]>`
      select id from token_secrets where token_id = ${token.id} and ends_at is not null`
    const used = { token_id: token.id, token_secret_id: old?.id ?? '' }
    const sent = [
      event({ ...used, client_ip: '10.0.0.1' }),
      event({ ...used, client_ip: '10.0.0.2' }),
      event({ ...used, client_ip: 'not\u0000an address' }),
      event({ token_id: 'tok_\u0000', token_secret_id: 'sec_\u0000' }),
    ]
    await gateway(events.ingest, { events: sent })
    await gateway(events.ingest, { events: sent })
    await plane.services.uses.flush()
    await gateway(events.ingest, { events: [event({ ...used, client_ip: '' })] })
    await plane.services.uses.flush()

    const { previous_secret, last_used_at } = await admin(tokens.get, { id: token.id })
    expect(previous_secret).toMatchObject({ use_count: 4 })
    expect(previous_secret?.source_ips.toSorted()).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(last_used_at).not.toBeNull()
  })
})
