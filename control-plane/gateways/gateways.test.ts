import { afterAll, describe, expect, test } from 'vitest'
import { type GatewayPush, gateways, type Heartbeat } from '@/lib/contract/gateways'
import { settings } from '@/lib/contract/settings'
import { tokens } from '@/lib/contract/tokens'
import { hashToken } from '@/lib/tokens'
import { gatewayOf } from '../events/testing'
import { startControlPlane, type TestOrganization } from '../testing'
import { gatewayStatus } from './status'

const plane = await startControlPlane()
afterAll(plane.stop)

const report = (given: Partial<Heartbeat> = {}): Heartbeat => ({
  ...gateways.heartbeat.example.input,
  id: 'gw_one',
  running_generation: 0,
  running_version: null,
  sent_at: new Date().toISOString(),
  ...given,
})

describe('registering a gateway', () => {
  test('makes it known as pending, and is recorded', async () => {
    const organization = await plane.organization()
    const admin = await organization.as('role_admin')
    const made = await admin(gateways.register, { id: 'proxy_production_01', name: 'Production 1' })

    expect(made).toMatchObject({
      id: 'proxy_production_01',
      name: 'Production 1',
      status: 'pending',
      last_seen_at: null,
    })
    expect(await admin(gateways.get, { id: made.id })).toEqual(made)
    expect((await admin(gateways.list, {})).items).toEqual([made])
    expect(await organization.recorded()).toEqual(['admin gateway.registered'])
  })

  test('is refused for an id that is taken, and free for another organisation', async () => {
    const [home, away] = [await plane.organization(), await plane.organization()]
    const [mine, theirs] = [await home.as('role_admin'), await away.as('role_admin')]
    await mine(gateways.register, { id: 'gw' })
    await expect(mine(gateways.register, { id: 'gw' })).rejects.toMatchObject({ code: 'name_taken' })
    expect((await theirs(gateways.register, { id: 'gw' })).id).toBe('gw')
    expect(await home.recorded()).toEqual(['admin gateway.registered'])
  })

  test.each([
    [{ id: 'a b' }, 'invalid_request'],
    [{ id: '../x' }, 'invalid_request'],
    [{ id: 'gw\u0000' }, 'invalid_request'],
    [{ id: 'gw', name: 'a\u0000' }, 'invalid_request'],
    [{ id: 'gw', configuration_id: 'cfg_missing' }, 'not_found'],
    [{ id: 'gw', configuration_id: '\u0000' }, 'not_found'],
  ])('%o is refused', async (input, code) => {
    const admin = await (await plane.organization()).as('role_admin')
    await expect(admin(gateways.register, input)).rejects.toMatchObject({ code })
    expect((await admin(gateways.list, {})).items).toEqual([])
  })

  test('is for who may write gateways', async () => {
    const organization = await plane.organization()
    const viewer = await organization.as('role_viewer')
    await expect(viewer(gateways.register, { id: 'gw' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect((await organization.as(['events:read']))(gateways.list, {})).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('ends at 500, also when many come at once', async () => {
    const organization = await plane.organization()
    const admin = await organization.as('role_admin')
    await plane.owner`insert into gateways (org_id, id, name)
      select ${organization.orgId}, 'gw_' || n, 'many' from generate_series(1, 498) as n`
    const more = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => admin(gateways.register, { id })))
    expect(more.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(more.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'unprocessable' } })

    const ids: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await admin(gateways.list, { limit: 200, cursor })
      ids.push(...page.items.map(({ id }) => id))
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    expect(new Set(ids).size).toBe(500)
  })
})

describe('a heartbeat', () => {
  test('says how the gateway is and leaves no activity', async () => {
    const organization = await plane.organization()
    const { gateway, admin } = await gatewayOf(organization)
    const before = await organization.recorded()

    const answer = await gateway(gateways.heartbeat, report({ sent_at: new Date(Date.now() + 600_000).toISOString() }))

    expect(answer).toMatchObject({ desired_generation: 0, keys_revision: 0 })
    const shown = await admin(gateways.get, { id: 'gw_one' })
    expect(shown).toMatchObject({
      status: 'healthy',
      models: ['gpt-4o'],
      providers: ['openai'],
      requests_processed: 120_000,
    })
    expect(shown.clock_offset_ms).toBeGreaterThan(590_000)
    expect(shown.clock_offset_ms).toBeLessThan(610_000)
    expect(await organization.recorded()).toEqual(before)
  })

  test('with a problem makes the gateway degraded and shows the problem', async () => {
    const { gateway, admin } = await gatewayOf(await plane.organization())
    const problem = {
      code: 'bundle_refused',
      message: 'bad\u0000signature \ud800',
      at: '2026-04-23T10:00:00Z',
      generation: 4,
    }
    await gateway(gateways.heartbeat, report({ last_error: problem, models: ['a\u0000'] }))
    expect(await admin(gateways.get, { id: 'gw_one' })).toMatchObject({
      status: 'degraded',
      last_error: { ...problem, message: 'bad\ufffdsignature \ufffd' },
    })
  })

  test('speaks for its own gateway only', async () => {
    const [home, away] = [await plane.organization(), await plane.organization()]
    const { gateway, admin } = await gatewayOf(home)
    await gatewayOf(away, 'gw_two')
    await admin(gateways.register, { id: 'gw_two' })

    await expect(gateway(gateways.heartbeat, report({ id: 'gw_two' }))).rejects.toMatchObject({ code: 'not_found' })
    await expect(gateway(gateways.heartbeat, report({ id: 'gw_none' }))).rejects.toMatchObject({ code: 'not_found' })
    await expect(admin(gateways.heartbeat, report())).rejects.toMatchObject({ code: 'forbidden' })
    const unbound = await home.as(['gateways:report'])
    await expect(unbound(gateways.heartbeat, report())).rejects.toMatchObject({ code: 'forbidden' })
  })

  test.each([
    { running_generation: 2 ** 40 },
    { spool_depth: -1 },
    { poll_interval_seconds: 0 },
    { overhead_p50_us: 1e300 },
    { sent_at: 'now' },
    { unknown: 1 },
  ])('%o is refused', async (given) => {
    const { gateway } = await gatewayOf(await plane.organization())
    await expect(gateway(gateways.heartbeat, report(given as Partial<Heartbeat>))).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })
})

describe('the status of a gateway', () => {
  const now = new Date('2026-04-23T10:00:00Z')
  const seen = (secondsAgo: number) => new Date(now.getTime() - secondsAgo * 1_000).toISOString()
  const well = {
    lastSeenAt: seen(1),
    pollIntervalSeconds: 30,
    ready: true,
    lastError: null,
    runningGeneration: 2,
    desiredGeneration: 2,
  }
  test.each([
    ['pending', { lastSeenAt: null }],
    ['healthy', {}],
    ['healthy', { lastSeenAt: seen(90) }],
    ['offline', { lastSeenAt: seen(91) }],
    ['healthy', { lastSeenAt: seen(299), pollIntervalSeconds: 100 }],
    ['degraded', { ready: false }],
    ['degraded', { runningGeneration: 1 }],
    ['degraded', { lastError: { code: 'x', message: 'y', at: seen(1) } }],
  ] as const)('is %s with %o', (status, given) => {
    expect(gatewayStatus({ ...well, ...given }, now)).toBe(status)
  })
})

describe('the stream of a gateway', () => {
  test('begins with the time, and says that the gateway is connected until it ends', async () => {
    const { gateway, admin } = await gatewayOf(await plane.organization())
    await gateway(gateways.heartbeat, report({ stream_connected: false }))
    const stream = await follow(gateway)
    expect(await stream.next()).toMatchObject({ kind: 'ping' })
    const connected = async () => (await admin(gateways.get, { id: 'gw_one' })).stream_connected
    expect(await connected()).toBe(true)

    const successor = await follow(gateway)
    await stream.close()
    expect(await connected()).toBe(true)
    await successor.close()
    await expect.poll(connected).toBe(false)
  })

  test('tells of a new, a rotated and a revoked key, by hash and never by secret', async () => {
    const { gateway, admin } = await gatewayOf(await plane.organization())
    const stream = await follow(gateway)
    await stream.next()

    const { key, token } = await admin(tokens.create, {
      name: 'app',
      token_type: 'gateway',
      allowed_models: ['gpt-4o'],
    })
    const made = await stream.next()
    expect(made).toMatchObject({
      kind: 'keys',
      token_id: token.id,
      keys: [{ hash: hashToken(key), token_name: 'app', allowed_models: ['gpt-4o'], dead: null }],
    })
    expect(JSON.stringify(made)).not.toContain(key)

    const rotated = await admin(tokens.rotate, { id: token.id, grace_seconds: 60 })
    const both = await stream.next()
    expect(both?.kind === 'keys' && both.keys.map(({ hash }) => hash).toSorted()).toEqual(
      [hashToken(key), hashToken(rotated.key)].toSorted(),
    )

    await admin(tokens.revoke, { id: token.id })
    const dead = await stream.next()
    expect(dead?.kind === 'keys' && dead.keys.map((known) => known.dead)).toEqual(['token_revoked', 'token_revoked'])
    const { keys_revision } = await gateway(gateways.heartbeat, report())
    expect(dead).toMatchObject({ keys_revision })
    await stream.close()
  })

  test('tells of one key only what is true of it, however late: another one that changed since is not taken for known', async () => {
    const organization = await plane.organization()
    const { gateway, admin } = await gatewayOf(organization)
    const stream = await follow(gateway)
    await stream.next()
    const { token: first } = await admin(tokens.create, { name: 'first', token_type: 'gateway' })
    const made = await stream.next()
    const { token: second } = await admin(tokens.create, { name: 'second', token_type: 'gateway' })
    await admin(tokens.revoke, { id: second.id })
    await stream.next()
    await stream.next()
    // As when the word of the first was read after the second had been revoked.
    const late = { orgId: organization.orgId, kind: 'key', tokenId: first.id }
    await plane.owner`select pg_notify('keeptrusts', ${JSON.stringify(late)})`
    expect(await stream.next()).toEqual(made)
    await stream.close()
  })

  test('asks to fetch again when settings change or something may have been missed', async () => {
    const organization = await plane.organization()
    const { gateway, admin } = await gatewayOf(organization)
    const stream = await follow(gateway)
    await stream.next()

    await admin(settings.updateSecurity, { payload_capture: 'full' })
    expect(await stream.next()).toEqual({ kind: 'resync' })

    // A stream that is not read keeps a bounded number of changes; the last word is then to fetch everything.
    const { token } = await admin(tokens.create, { name: 'app', token_type: 'gateway' })
    for (let n = 0; n < 600; n++) {
      const change = { orgId: organization.orgId, kind: 'key', tokenId: token.id }
      await plane.owner`select pg_notify('keeptrusts', ${JSON.stringify(change)})`
    }
    await expect.poll(async () => (await stream.next())?.kind, { timeout: 15_000 }).toBe('resync')
    await stream.close()
  })

  test('tells nothing of another organisation', async () => {
    const [home, away] = [await gatewayOf(await plane.organization()), await gatewayOf(await plane.organization())]
    const stream = await follow(home.gateway)
    await stream.next()
    await away.admin(tokens.create, { name: 'theirs', token_type: 'gateway' })
    const { token } = await home.admin(tokens.create, { name: 'mine', token_type: 'gateway' })
    expect(await stream.next()).toMatchObject({ kind: 'keys', token_id: token.id })
    await stream.close()
  })

  test('is opened by the gateway itself only', async () => {
    const { gateway, admin } = await gatewayOf(await plane.organization())
    await admin(gateways.register, { id: 'gw_two' })
    const opening = (client: Client, id: string) => follow(client, id).then(({ status }) => status)
    expect(await opening(gateway, 'gw_two')).toBe(404)
    expect(await opening(gateway, 'gw_none')).toBe(404)
    expect(await opening(admin, 'gw_one')).toBe(403)
  })
})

type Client = Awaited<ReturnType<TestOrganization['as']>>

/** Opens the stream of a gateway; what happens after this has resolved is told. */
async function follow(client: Client, id = 'gw_one') {
  const response = await plane.fetch(
    new Request(`http://control-plane.test/v1/gateways/${id}/stream`, {
      headers: { authorization: `Bearer ${client.token}` },
    }),
  )
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<GatewayPush | null> => {
    for (;;) {
      const frame = /^data: (.*)\n\n/m.exec(text)
      if (frame?.[1]) {
        text = text.slice(frame.index + frame[0].length)
        return gateways.stream.output.parse(JSON.parse(frame[1]))
      }
      const chunk = await reader?.read()
      if (!chunk || chunk.done) return null
      text += chunk.value
    }
  }
  return { status: response.status, next, close: () => reader?.cancel() }
}
