import { afterAll, describe, expect, test } from 'vitest'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { startControlPlane, type TestOrganization } from '../testing'
import { gatewayOf } from './testing'

const plane = await startControlPlane()
afterAll(plane.stop)

type Reader = Awaited<ReturnType<TestOrganization['as']>>

/** Opens a tail; what happens after this has resolved is told. */
async function tail(client: Reader, query = '', headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const request = new Request(`http://control-plane.test/v1/events/tail${query}`, {
    headers: { authorization: `Bearer ${client.token}`, ...headers },
    signal: stop.signal,
  })
  const response = await plane.fetch(request)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<DecisionEvent | null> => {
    for (;;) {
      const frame = /^id: (\d+)\ndata: (.*)\n\n/m.exec(text)
      if (frame?.[2]) {
        text = text.slice(frame.index + frame[0].length)
        const event = JSON.parse(frame[2]) as DecisionEvent
        expect(frame[1]).toBe(String(event.seq))
        return event
      }
      const chunk = await reader?.read()
      if (!chunk || chunk.done) return null
      text += chunk.value
    }
  }
  const take = async (count: number) => {
    const seen: number[] = []
    while (seen.length < count) {
      const event = await next()
      if (!event) break
      seen.push(event.seq)
    }
    return seen
  }
  return { response, next, take, close: () => reader?.cancel() }
}

/** Numbers are shared with activity: registering so many gateways took the first ones. */
const numbersAfter = (registered: number, count: number) =>
  Array.from({ length: count }, (_, at) => registered + at + 1)

describe('following events', () => {
  test('tells what is recorded from the moment it is open', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    await gateway(events.ingest, { events: [event()] })
    const live = await tail(admin)
    expect(live.response.headers.get('content-type')).toBe('text/event-stream')

    const sent = event()
    await gateway(events.ingest, { events: [sent] })

    expect(await live.next()).toMatchObject({ event_id: sent.event_id, seq: 3 })
    await live.close()
  })

  test('resumes after the last event that was seen, by header or by query', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    await gateway(events.ingest, { events: Array.from({ length: 5 }, () => event()) })
    const byHeader = await tail(admin, '', { 'last-event-id': '3' })
    const byQuery = await tail(admin, '?after=2')

    expect(await byHeader.take(2)).toEqual([4, 5])
    expect(await byQuery.take(3)).toEqual([3, 4, 5])
    await Promise.all([byHeader.close(), byQuery.close()])
  })

  test('catches up with any backlog, page by page', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    await gateway(events.ingest, { events: Array.from({ length: 450 }, () => event()) })
    const live = await tail(admin, '?after=0')
    expect(await live.take(450)).toEqual(numbersAfter(1, 450))
    await live.close()
  })

  test('misses and repeats nothing while gateways record at the same time and readers come and go', async () => {
    const organization = await plane.organization()
    const sources = await Promise.all(['gw_one', 'gw_two', 'gw_three'].map((id) => gatewayOf(organization, id)))
    const total = 3 * 12 * 25
    const reading = (async () => {
      const seen: number[] = []
      const reader = await organization.as(['events:read'])
      while (seen.length < total) {
        const live = await tail(reader, '', { 'last-event-id': String(seen.at(-1) ?? 0) })
        seen.push(...(await live.take(Math.min(211, total - seen.length))))
        await live.close()
      }
      return seen
    })()
    const writing = sources.map(async ({ gateway, event }) => {
      for (let batch = 0; batch < 12; batch++) {
        await gateway(events.ingest, { events: Array.from({ length: 25 }, () => event()) })
      }
    })

    await Promise.all(writing)
    expect(await reading).toEqual(numbersAfter(sources.length, total))
  })

  test('passes over entries of activity, whose numbers are in between', async () => {
    const organization = await plane.organization()
    const { gateway, admin, event } = await gatewayOf(organization)
    const live = await tail(admin, '?after=0')
    const sent: string[] = []
    for (let round = 0; round < 5; round++) {
      const batch = [event(), event()]
      sent.push(...batch.map(({ event_id }) => event_id))
      await gateway(events.ingest, { events: batch })
      await admin(tokens.create, { name: `key-${round}`, token_type: 'access', permissions: ['events:read'] })
    }

    const told: string[] = []
    while (told.length < sent.length) told.push((await live.next())?.event_id ?? 'ended')
    expect(told).toEqual(sent)
    await live.close()
  })

  test('tells only what the filter lets through', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const live = await tail(admin, `?${new URLSearchParams({ filter: 'verdict=block' })}`)
    await gateway(events.ingest, {
      events: [event(), event({ verdict: 'block' }), event(), event({ verdict: 'block' })],
    })

    expect(await live.take(2)).toEqual([3, 5])
    await live.close()
  })

  test('tells nothing of another organisation', async () => {
    const [home, away] = [await gatewayOf(await plane.organization()), await gatewayOf(await plane.organization())]
    const live = await tail(home.admin, '?after=0')
    await away.gateway(events.ingest, { events: [away.event()] })
    const mine = home.event()
    await home.gateway(events.ingest, { events: [mine] })

    expect(await live.next()).toMatchObject({ event_id: mine.event_id })
    await live.close()
  })

  test.each([
    ['?filter=nonsense', {}, 400],
    ['?after=-1', {}, 400],
    ['', { 'last-event-id': 'abc' }, 400],
    ['', { authorization: 'Bearer nobody' }, 401],
  ])('%s with %o is answered with a problem before anything is streamed', async (query, headers, status) => {
    const { admin } = await gatewayOf(await plane.organization())
    const { response, close } = await tail(admin, query, headers)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    await close()
  })

  test('leaves nothing behind when its reader goes', async () => {
    const organization = await plane.organization()
    const { admin } = await gatewayOf(organization)
    const subscribe = plane.services.hub.subscribe.bind(plane.services.hub)
    let open = 0
    plane.services.hub.subscribe = (orgId, hear) => {
      const end = subscribe(orgId, hear)
      open += 1
      return () => {
        open -= 1
        end()
      }
    }
    const live = [await tail(admin), await tail(admin)]
    expect(open).toBe(2)
    await Promise.all(live.map(({ close }) => close()))
    plane.services.hub.subscribe = subscribe
    expect(open).toBe(0)
  })

  test('a revoked key opens no tail', async () => {
    const { admin } = await gatewayOf(await plane.organization())
    const { key, token } = await admin(tokens.create, {
      name: 'reader',
      token_type: 'access',
      permissions: ['events:read'],
    })
    await admin(tokens.revoke, { id: token.id })
    const { response } = await tail(Object.assign(plane.client(key), { token: key }))
    expect(response.status).toBe(401)
  })

  // Last, because whoever comes next would get a connection that was cut.
  test('goes on where it was when every connection to the database is cut', async () => {
    const { gateway, admin, event } = await gatewayOf(await plane.organization())
    const live = await tail(admin)
    const told: (string | undefined)[] = []
    const sent: string[] = []
    for (let round = 0; round < 4; round++) {
      const one = event()
      sent.push(one.event_id)
      await untilAccepted(() => gateway(events.ingest, { events: [one] }))
      told.push((await live.next())?.event_id)
      await plane.owner`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and usename = 'keeptrusts_app'`
    }

    expect(told).toEqual(sent)
    await live.close()
  })
})

/** As a gateway does: what could not be recorded is sent again. */
async function untilAccepted(send: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await send()
      return
    } catch (thrown) {
      if (attempt === 30 || !(thrown instanceof AppError && thrown.code === 'unavailable')) throw thrown
    }
  }
}
