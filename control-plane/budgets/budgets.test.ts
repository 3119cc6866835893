import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { activity } from '@/lib/contract/activity'
import { budgets } from '@/lib/contract/budgets'
import { configurations } from '@/lib/contract/configurations'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { BUDGETS_PER_REQUEST_MAX } from '@/lib/contract/spend-leases'
import { wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { nanoUsd } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { SPEND, UNFUNDED } from '../ledger/accounts'
import { post } from '../ledger/commands'
import { inTenant } from '../tenant'
import { startControlPlane, type TestOrganization } from '../testing'

const plane = await startControlPlane()
afterAll(plane.stop)

type New = z.input<typeof budgets.create.input>
type Gateway = Awaited<ReturnType<typeof gatewayOf>>

const nameless = (given: Partial<New>): New => ({ name: newId('bud'), limit_usd: '10', ...given })

const spent = (gateway: Gateway, usd: string, given: Partial<GatewayEvent> = {}) => {
  const event = gateway.event(given)
  return { ...event, event_cost_attribution: { ...event.event_cost_attribution, total_cost_usd: usd } }
}
const record = ({ gateway }: Gateway, ...sent: GatewayEvent[]) => gateway(events.ingest, { events: sent })

const waitingForLocks = () =>
  plane.owner`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.then(
    ({ length }) => length,
  )

const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  )

describe('a budget', () => {
  test('is made, read, changed and deleted, and each change is in the record', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const made = await owner(budgets.create, {
      name: 'Finance, monthly',
      scope: { team_id: 'team_finance' },
      limit_usd: '2500',
      time_zone: 'Europe/Vienna',
      thresholds: [50, 80, 100],
    })
    expect(made).toMatchObject({
      limit_usd: '2500.000000000',
      hard: true,
      window: 'month',
      version: 1,
      rollover: 'none',
      on_unavailable: 'deny',
    })
    expect(made.current).toMatchObject({
      remaining_usd: '2500.000000000',
      committed_usd: '0.000000000',
      projected_usd: null,
    })
    expect(made.next_resets).toHaveLength(3)
    expect(made.next_resets[0]).toBe(made.current.resets_at)
    expect((await owner(budgets.list, {})).items).toEqual([made])
    expect(await owner(budgets.get, { id: made.id })).toEqual({ ...made, held: [], raises: [] })

    const changed = await owner(budgets.update, { id: made.id, version: 1, limit_usd: '3000', name: 'Finance' })
    expect(changed).toMatchObject({ name: 'Finance', version: 2, current: { limit_usd: '3000.000000000' } })
    expect(await owner(budgets.update, { id: made.id, version: 2, limit_usd: '3000' })).toEqual(changed)
    await owner(budgets.delete, { id: made.id })
    expect((await owner(budgets.list, {})).items).toEqual([])
    expect(await refusalOf(owner(budgets.get, { id: made.id }))).toBe('not_found')
    expect(await organization.recorded()).toEqual([
      'owner budget.created',
      'owner budget.updated',
      'owner budget.deleted',
    ])
  })

  test('is listed as scripts ask for it, page by page, newest first', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const names: string[] = []
    for (let each = 0; each < 5; each++) names.unshift((await owner(budgets.create, nameless({}))).name)
    const finance = await organization.as('role_finance')
    const first = await plane.send('GET', '/v1/billing/budgets?limit=3', { token: finance.token })
    expect(first.status).toBe(200)
    const next = await plane.send('GET', `/v1/billing/budgets?cursor=${first.json.next_cursor}`, {
      token: finance.token,
    })
    const items = [...(first.json.items as { name: string }[]), ...(next.json.items as { name: string }[])]
    expect(items.map(({ name }) => name)).toEqual(names)
    expect(next.json.next_cursor).toBeNull()
    const stranger = await (await plane.organization()).as('role_owner')
    expect((await stranger(budgets.list, {})).items).toEqual([])
  })

  test.each([
    ['a negative limit', { limit_usd: '-1' }],
    ['a limit below a nano-dollar', { limit_usd: '0.0000000001' }],
    ['no number', { limit_usd: 'NaN' }],
    ['a limit of more than a billion', { limit_usd: '1000000001' }],
    ['a limit that is a number', { limit_usd: 10 }],
    ['an offset for a zone', { time_zone: '+01:00' }],
    ['a zone that is none', { time_zone: 'Europe/Atlantis' }],
    ['a day that is none', { anchor: '2026-02-30' }],
    ['thresholds that fall', { thresholds: [80, 50] }],
    ['a threshold of nothing', { thresholds: [0] }],
    ['a part of a scope that is none', { scope: { color: 'red' } }],
    ['an empty part of a scope', { scope: { team_id: '' } }],
  ])('is refused with %s', async (_, given) => {
    const owner = await (await plane.organization()).as('role_owner')
    const body = JSON.stringify({ name: 'x', limit_usd: '1', ...given })
    const { status, json } = await plane.send('POST', '/v1/billing/budgets', { token: owner.token, body })
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'invalid_request' })
  })

  test.each([
    ['a cap that is missing', { rollover: 'cap' }],
    ['a cap without its rollover', { rollover: 'carry', rollover_cap_usd: '1' }],
    ['a lifetime that carries over', { rollover: 'carry', window: 'lifetime' }],
  ] as const)('is refused with %s', async (_, given) => {
    const owner = await (await plane.organization()).as('role_owner')
    expect(await refusalOf(owner(budgets.create, nameless(given)))).toBe('unprocessable')
  })

  test('a name is taken only while its budget stands', async () => {
    const owner = await (await plane.organization()).as('role_owner')
    const { id } = await owner(budgets.create, nameless({ name: 'One' }))
    const other = await owner(budgets.create, nameless({ name: 'Two' }))
    expect(await refusalOf(owner(budgets.create, nameless({ name: 'One' })))).toBe('name_taken')
    expect(await refusalOf(owner(budgets.update, { id: other.id, version: 1, name: 'One' }))).toBe('name_taken')
    await owner(budgets.delete, { id })
    expect(await refusalOf(owner(budgets.update, { id: other.id, version: 1, name: 'One' }))).toBe('accepted')
  })

  test('is not made for names of models that it would never count', async () => {
    const owner = await (await plane.organization()).as('role_owner')
    await expect(owner(budgets.create, nameless({ scope: { model: 'gpt-5*' } }))).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^scope\.model: is one name/),
    })
  })

  test('is refused when a request could count for more of them than a gateway takes slices of', async () => {
    const owner = await (await plane.organization()).as('role_owner')
    const make = (given: Partial<New> = {}) => owner(budgets.create, nameless(given))
    await Promise.all(Array.from({ length: BUDGETS_PER_REQUEST_MAX - 2 }, () => make()))
    // Of two teams a request has one, and of two providers it may be answered by either.
    await make({ scope: { team_id: 'team_a' } })
    await make({ scope: { team_id: 'team_b', provider: 'openai' } })
    const last = await make({ scope: { team_id: 'team_b', provider: 'anthropic' } })
    const watching = await make({ hard: false })

    const refusal = {
      code: 'unprocessable',
      message: expect.stringMatching(
        /^scope: one request could count for 40 budgets that refuse, and 39 are the most\. /,
      ),
    }
    await expect(make()).rejects.toMatchObject(refusal)
    await expect(make({ scope: { user_id: 'ada' } })).rejects.toMatchObject(refusal)
    await expect(owner(budgets.update, { id: watching.id, version: 1, hard: true })).rejects.toMatchObject(refusal)
    await owner(budgets.update, { id: last.id, version: 1, limit_usd: '20' })
    await owner(budgets.delete, { id: last.id })
    await owner(budgets.update, { id: watching.id, version: 1, hard: true })
  })

  test('of two who change it at once one is told that the other was faster', async () => {
    const organization = await plane.organization()
    const [ada, grace] = [await organization.as('role_owner'), await organization.as('role_finance')]
    const { id } = await ada(budgets.create, nameless({}))
    const outcomes = await Promise.all([
      refusalOf(ada(budgets.update, { id, version: 1, limit_usd: '20' })),
      refusalOf(grace(budgets.update, { id, version: 1, limit_usd: '30' })),
    ])
    expect(outcomes.toSorted()).toEqual(['accepted', 'conflict'])
    expect(await ada(budgets.get, { id })).toMatchObject({
      version: 2,
      limit_usd: outcomes[0] === 'accepted' ? '20.000000000' : '30.000000000',
    })
  })

  test('is seen and governed by a key of its team, and no other is', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const [mine, other] = [
      await owner(budgets.create, nameless({ scope: { team_id: 'team_one' } })),
      await owner(budgets.create, nameless({ scope: { team_id: 'team_two' } })),
    ]
    const key = await organization.as(['spend:read', 'org:billing'], { teamId: 'team_one' })
    expect((await key(budgets.list, {})).items.map(({ id }) => id)).toEqual([mine.id])
    expect(await refusalOf(key(budgets.get, { id: other.id }))).toBe('not_found')
    expect(await refusalOf(key(budgets.update, { id: other.id, version: 1, limit_usd: '1' }))).toBe('not_found')
    expect(await refusalOf(key(budgets.update, { id: mine.id, version: 1, scope: {} }))).toBe('forbidden')
    expect(await refusalOf(key(budgets.create, nameless({})))).toBe('forbidden')
    expect(await refusalOf(key(budgets.update, { id: mine.id, version: 1, limit_usd: '1' }))).toBe('accepted')
  })
})

describe('what is committed', () => {
  const part = fc.constantFrom('a', 'b')
  const scope = fc.record(
    { team_id: part, user_id: part, agent_id: part, token_id: part, model: part, provider: part },
    { requiredKeys: [], noNullPrototype: true },
  )
  const given = fc.record({
    team_id: part,
    user_id: fc.option(part, { nil: null }),
    agent_id: part,
    token_id: part,
    model_requested: part,
    provider: part,
    model: fc.constant('what answered'),
    hoursAgo: fc.integer({ min: 0, max: 24 * 80 }),
    usd: fc.constantFrom('0', '0.000000001', '0.3', '12.5', '999999.999999999'),
  })

  test('is the sum over the events, of a budget that is made after them, before them or in between', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    await fc.assert(
      fc.asyncProperty(
        fc.array(given, { minLength: 1, maxLength: 12 }),
        fc.array(given, { minLength: 1, maxLength: 12 }),
        scope,
        fc.constantFrom('day', 'week', 'month', 'quarter', 'year', 'lifetime'),
        fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/New_York', 'Pacific/Chatham'),
        async (first, second, of, window, time_zone) => {
          const eventsOf = (all: typeof first) =>
            all.map(({ hoursAgo, usd, ...rest }) =>
              spent(gateway, usd, { ...rest, timestamp: new Date(Date.now() - hoursAgo * 3_600_000).toISOString() }),
            )
          const before = await owner(budgets.create, nameless({ scope: of, window, time_zone, limit_usd: '1' }))
          await record(gateway, ...eventsOf(first))
          const between = await owner(budgets.create, nameless({ scope: of, window, time_zone, limit_usd: '1' }))
          await record(gateway, ...eventsOf(second))
          const after = await owner(budgets.create, nameless({ scope: of, window, time_zone, limit_usd: '1' }))

          const columns = {
            team_id: 'team_id',
            user_id: 'user_id',
            agent_id: 'agent_id',
            token_id: 'token_id',
            model: 'model_requested',
            provider: 'provider',
          }
          const conditions = Object.entries(of).map(
            ([name, value]) => `and ${columns[name as keyof typeof columns]} = '${value}'`,
          )
          const { starts_at, resets_at } = after.current
          const [sum] = await plane.owner.unsafe<{ usd: string }[]>(
            `select (coalesce(sum(cost_nano_usd), 0) / 1e9)::numeric(40, 9)::text as usd from events
             where org_id = $1 and occurred_at >= $2 and occurred_at < coalesce($3::timestamptz, 'infinity') ${conditions.join(' ')}`,
            [organization.orgId, starts_at, resets_at],
          )
          for (const { id } of [before, between, after]) {
            const { current } = await owner(budgets.get, { id })
            expect({ committed_usd: current.committed_usd }).toEqual({ committed_usd: sum?.usd })
            await owner(budgets.delete, { id })
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  test('misses no event and counts none twice while events arrive and budgets are made and changed', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const ids: string[] = []
    const arriving = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let each = 0; each < 12; each++) {
          await record(
            gateway,
            ...Array.from({ length: 3 }, () => spent(gateway, '0.01', { model_requested: 'm', provider: 'openai' })),
          )
        }
      }),
    )
    for (const scope of [{}, { model: 'm' }, {}, { model: 'm' }]) {
      const { id, version } = await owner(budgets.create, nameless({ scope }))
      await owner(budgets.update, { id, version, scope: { ...scope, provider: 'openai' } })
      ids.push(id)
    }
    await arriving
    for (const id of ids) {
      expect((await owner(budgets.get, { id })).current.committed_usd, id).toBe('1.440000000')
    }
  })

  test('is what events turned out to cost, also where they have to be read one by one', async () => {
    const organization = await plane.organization()
    const { orgId } = organization
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const zone = { window: 'day', time_zone: 'Asia/Kathmandu' } as const
    const { current } = await owner(budgets.create, nameless(zone))
    // Between the beginning of the day there and the next hour in UTC.
    const timestamp = new Date(Date.parse(current.starts_at) + 60_000).toISOString()
    const event = spent(gateway, '1', { timestamp, model_requested: 'm' })
    await record(gateway, event)
    const legs = [
      { account: UNFUNDED, amount: nanoUsd(-250_000_000n) },
      { account: SPEND, amount: nanoUsd(250_000_000n) },
    ]
    const adjust = { kind: 'adjust', reference: 'again', occurredAt: timestamp, eventId: event.event_id, legs } as const
    await inTenant(plane.services.db, orgId, (tx) => post(tx, orgId, [{ id: newId('ltx'), ...adjust }]))
    for (const scope of [{}, { model: 'm' }]) {
      const made = await owner(budgets.create, nameless({ ...zone, scope }))
      expect(made.current.committed_usd).toBe('1.250000000')
    }
    const other = await owner(budgets.create, nameless({ ...zone, scope: { model: 'other' } }))
    expect(other.current.committed_usd).toBe('0.000000000')
  })

  test('waits for what is being recorded at this moment, and counts it', async () => {
    const organization = await plane.organization()
    const { orgId } = organization
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    await record(gateway, spent(gateway, '1'))
    const before = await owner(budgets.create, nameless({}))
    let made: Promise<unknown> = Promise.resolve()
    await plane.owner.begin(async (recording) => {
      await recording`select from org_counters where org_id = ${orgId} for update`
      made = Promise.all([
        owner(budgets.create, nameless({ name: 'Later' })),
        owner(budgets.update, { id: before.id, version: 1, scope: {}, time_zone: 'Europe/Vienna' }),
      ])
      await expect.poll(waitingForLocks, { timeout: 10_000 }).toBeGreaterThanOrEqual(2)
      await recording`update usage_daily set cost_nano_usd = 5000000000 where org_id = ${orgId}`
    })
    await made
    const { items } = await owner(budgets.list, {})
    expect(items.map(({ current }) => current.committed_usd)).toEqual(['5.000000000', '5.000000000'])
  })

  test('belongs to the window in which the request began, however late its event comes', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id, current } = await owner(budgets.create, nameless({ window: 'day' }))
    const startMs = Date.parse(current.starts_at)
    const at = (ms: number) => ({ timestamp: new Date(ms).toISOString() })
    // Before the budget was made nothing counts for it, in whatever window.
    await record(gateway, spent(gateway, '5', at(startMs - 1)), spent(gateway, '3', at(startMs)))
    // As if it had been made two days ago, with a window of which nobody has heard yet in between.
    await plane.owner`update budget_periods set starts_at = starts_at - interval '2 days', ends_at = ends_at - interval '2 days'
      where org_id = ${organization.orgId}`
    await record(gateway, spent(gateway, '2', at(startMs - 3_600_000)), spent(gateway, '1', at(startMs + 1)))
    await record(gateway, spent(gateway, '4', at(startMs - 1)))
    const { items } = await owner(budgets.windows, { id })
    const { starts_at, resets_at } = (await owner(budgets.get, { id })).current
    expect(items[0]).toMatchObject({ starts_at, resets_at })
    expect(items.map(({ starts_at, committed_usd }) => [Date.parse(starts_at) - startMs, committed_usd])).toEqual([
      [0, '1.000000000'],
      [-86_400_000, '6.000000000'],
      [-2 * 86_400_000, '3.000000000'],
    ])
  })
})

describe('a limit', () => {
  test('below what is committed shows by how much, and takes nothing back', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    await record(gateway, spent(gateway, '7.5'))
    const { id } = await owner(budgets.create, nameless({}))
    const lowered = await owner(budgets.update, { id, version: 1, limit_usd: '5' })
    expect(lowered.current).toMatchObject({
      committed_usd: '7.500000000',
      remaining_usd: '0.000000000',
      excess_usd: '2.500000000',
    })
    const raised = await owner(budgets.update, { id, version: 2, limit_usd: '8' })
    expect(raised.current).toMatchObject({ remaining_usd: '0.500000000', excess_usd: '0.000000000' })
  })

  test('that is raised for a while falls back when the time is over, or when somebody ends it', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const { id } = await owner(budgets.create, nameless({}))
    const ask = { id, amount_usd: '5', reason: 'Quarter end', approved_by: 'Grace' }
    const first = await owner(budgets.raise, { ...ask, expires_at: '2d' })
    expect(Date.parse(first.expires_at) - Date.now()).toBeGreaterThan(86_400_000)
    const second = await owner(budgets.raise, {
      ...ask,
      amount_usd: '1',
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    })
    const read = () => owner(budgets.get, { id })
    expect(await read()).toMatchObject({
      limit_usd: '10.000000000',
      current: { limit_usd: '16.000000000', raised_usd: '6.000000000' },
    })

    await plane.owner`update budget_raises set expires_at = now() where id = ${second.id}`
    expect((await read()).current).toMatchObject({ raised_usd: '5.000000000' })
    const ended = await owner(budgets.endRaise, { id, raise_id: first.id })
    expect(await owner(budgets.endRaise, { id, raise_id: first.id })).toEqual(ended)
    const { current, raises } = await read()
    expect(current).toMatchObject({ limit_usd: '10.000000000', raised_usd: '0.000000000' })
    expect(raises.map((raise) => [raise.id, raise.approved_by, raise.ended_at !== null])).toEqual([
      [second.id, 'Grace', true],
      [first.id, 'Grace', true],
    ])
    expect(await organization.recorded()).toEqual([
      'owner budget.created',
      'owner budget.raised',
      'owner budget.raised',
      'Keeptrusts budget.raise_ended',
      'owner budget.raise_ended',
    ])
    for (const expires_at of ['2020-01-01', '367d']) {
      expect(await refusalOf(owner(budgets.raise, { ...ask, expires_at }))).toBe('unprocessable')
    }
  })
})

describe('a threshold', () => {
  test('is told once a window, when it is reached by events or by a lower limit', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id } = await owner(budgets.create, nameless({ name: 'All', hard: false, thresholds: [50, 80, 100, 200] }))
    const told = async () => {
      const { items } = await owner(activity.list, { action: 'budget.threshold_reached' })
      return items.toReversed().map(({ after }) => after?.percent)
    }
    await record(gateway, spent(gateway, '4.999999999'))
    expect(await told()).toEqual([])
    await record(gateway, spent(gateway, '0.000000001'))
    expect(await told()).toEqual([50])
    await record(gateway, spent(gateway, '1'), spent(gateway, '1'))
    await owner(budgets.update, { id, version: 1, limit_usd: '8' })
    expect(await told()).toEqual([50, 80])
    await owner(budgets.update, { id, version: 2, limit_usd: '100' })
    await owner(budgets.update, { id, version: 3, limit_usd: '10' })
    await record(gateway, spent(gateway, '20'))
    expect(await told()).toEqual([50, 80, 100, 200])
    const { current } = await owner(budgets.get, { id })
    expect(current.thresholds_reached.map(({ percent }) => percent)).toEqual([50, 80, 100, 200])
  })

  test('is told again once other requests count: the window that began with that has reached nothing yet', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const made = await owner(budgets.create, nameless({ scope: { user_id: 'ann' }, thresholds: [50, 80] }))
    const reached = async () =>
      (await owner(budgets.get, { id: made.id })).current.thresholds_reached.map(({ percent }) => percent)
    await record(gateway, spent(gateway, '9', { user_id: 'ann' }), spent(gateway, '5', { user_id: 'ben' }))
    expect(await reached()).toEqual([50, 80])
    await owner(budgets.update, { id: made.id, version: 1, scope: { user_id: 'ben' } })
    expect(await reached()).toEqual([50])
    await record(gateway, spent(gateway, '3', { user_id: 'ben' }))
    expect(await reached()).toEqual([50, 80])
    const { items } = await owner(activity.list, { action: 'budget.threshold_reached' })
    expect(items.toReversed().map(({ after }) => [after?.percent, after?.committed_usd])).toEqual([
      [50, '9.000000000'],
      [80, '9.000000000'],
      [50, '5.000000000'],
      [80, '8.000000000'],
    ])
  })

  test('is told when a raise is over, by its time or by somebody, and what was spent is beyond it by that', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id } = await owner(budgets.create, nameless({ name: 'All', thresholds: [50, 80, 100] }))
    const ask = { id, reason: 'Quarter end', expires_at: '2d' }
    const first = await owner(budgets.raise, { ...ask, amount_usd: '6' })
    const second = await owner(budgets.raise, { ...ask, amount_usd: '20' })
    const reached = async () =>
      (await owner(budgets.get, { id })).current.thresholds_reached.map(({ percent }) => percent)
    await record(gateway, spent(gateway, '13'))
    expect(await reached()).toEqual([])
    await plane.owner`update budget_raises set expires_at = now() where id = ${second.id}`
    expect(await reached()).toEqual([50, 80])
    await owner(budgets.endRaise, { id, raise_id: first.id })
    expect(await reached()).toEqual([50, 80, 100])
  })
})

describe('a window', () => {
  /** Makes what is now so much older that it lies in the windows before. No window may take the place of another on the way. */
  const age = async (organization: TestOrganization, windows: number) => {
    const far = 10_000
    for (const days of [far, -far - windows]) {
      await plane.owner`update budget_periods set starts_at = starts_at + make_interval(days => ${days}),
        ends_at = ends_at + make_interval(days => ${days}) where org_id = ${organization.orgId}`
    }
  }

  test.each([
    ['none', null, ['10.000000000', '0.000000000']],
    ['carry', null, ['10.000000000', '14.000000000']],
    ['cap', '5', ['10.000000000', '5.000000000']],
  ] as const)(
    'with rollover %s hands on what it has left, also through windows in which nothing happened',
    async (rollover, cap, [limit, carried]) => {
      const organization = await plane.organization()
      const gateway = await gatewayOf(organization)
      const owner = await organization.as('role_owner')
      await record(gateway, spent(gateway, '6'))
      const { id } = await owner(budgets.create, nameless({ window: 'day', rollover, rollover_cap_usd: cap }))
      await age(organization, 2)
      const { current, limit_usd } = await owner(budgets.get, { id })
      expect({ limit_usd, carried_usd: current.carried_usd }).toEqual({ limit_usd: limit, carried_usd: carried })
      expect(current.committed_usd).toBe('0.000000000')
      // What turns up late in a window that is over is missing in those after it.
      await record(
        gateway,
        spent(gateway, '1', { timestamp: new Date(Date.parse(current.starts_at) - 2 * 86_400_000).toISOString() }),
      )
      const late = await owner(budgets.get, { id })
      const expected = { none: '0.000000000', carry: '13.000000000', cap: '5.000000000' }
      expect(late.current.carried_usd).toBe(expected[rollover])
    },
  )

  test('that is over keeps the raise that ended with it, which was part of what it allowed', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id } = await owner(budgets.create, nameless({ window: 'day' }))
    await owner(budgets.raise, { id, amount_usd: '2', reason: 'More', expires_at: '1d' })
    await record(gateway, spent(gateway, '11'))
    await age(organization, 2)
    await plane.owner`update budget_raises set period_starts_at = period_starts_at - interval '2 days'
      where org_id = ${organization.orgId}`
    expect((await owner(budgets.get, { id })).current).toMatchObject({
      limit_usd: '10.000000000',
      raised_usd: '0.000000000',
    })
    const { items } = await owner(budgets.windows, { id })
    expect(items.at(-1)).toMatchObject({
      raised_usd: '2.000000000',
      committed_usd: '11.000000000',
      excess_usd: '0.000000000',
    })
  })

  test('that is changed begins anew with what the record says, and keeps what was raised', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id } = await owner(budgets.create, nameless({ window: 'month' }))
    await owner(budgets.raise, { id, amount_usd: '2', reason: 'More', expires_at: '1d' })
    await record(gateway, spent(gateway, '3', { provider: 'openai' }), spent(gateway, '4', { provider: 'anthropic' }))
    const year = await owner(budgets.update, { id, version: 1, window: 'year', time_zone: 'Pacific/Auckland' })
    expect(year.current).toMatchObject({
      committed_usd: '7.000000000',
      limit_usd: '12.000000000',
      carried_usd: '0.000000000',
    })
    const narrow = await owner(budgets.update, { id, version: 2, scope: { provider: 'openai' } })
    expect(narrow.current).toMatchObject({
      starts_at: year.current.starts_at,
      committed_usd: '3.000000000',
      raised_usd: '2.000000000',
    })
    await record(gateway, spent(gateway, '1', { provider: 'openai' }), spent(gateway, '1', { provider: 'anthropic' }))
    expect((await owner(budgets.get, { id })).current.committed_usd).toBe('4.000000000')
  })

  test('that a gateway has begun ahead of time counts once it is there, whatever was changed before', async () => {
    const organization = await plane.organization()
    const { orgId } = organization
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const { id, current } = await owner(budgets.create, nameless({ window: 'day', scope: { provider: 'anthropic' } }))
    await plane.owner`insert into budget_periods (org_id, budget_id, starts_at, ends_at, base_nano_usd)
      select org_id, budget_id, ends_at, ends_at + interval '1 day', base_nano_usd from budget_periods where org_id = ${orgId}`
    await owner(budgets.update, { id, version: 1, scope: { provider: 'openai' } })
    await owner(budgets.update, { id, version: 2, limit_usd: '20' })
    await age(organization, 1)
    await record(gateway, spent(gateway, '3', { provider: 'openai' }), spent(gateway, '4', { provider: 'anthropic' }))
    expect((await owner(budgets.get, { id })).current).toMatchObject({
      starts_at: current.starts_at,
      resets_at: current.resets_at,
      limit_usd: '20.000000000',
      committed_usd: '3.000000000',
    })
  })

  test('says what it will have cost at its pace, and when its limit is reached', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    await record(gateway, spent(gateway, '2'))
    const { current } = await owner(budgets.create, nameless({ window: 'year' }))
    const [startMs, endMs] = [Date.parse(current.starts_at), Date.parse(current.resets_at ?? '')]
    const share = (Date.now() - startMs) / (endMs - startMs)
    expect(Number(current.projected_usd)).toBeCloseTo(2 / share, 2)
    expect(current.projected_exhaustion_at).toBeNull()
    const small = await owner(budgets.create, nameless({ window: 'year', limit_usd: '2.1' }))
    const reachedMs = Date.parse(small.current.projected_exhaustion_at ?? '')
    expect(Math.abs(reachedMs - (startMs + (Date.now() - startMs) * 1.05))).toBeLessThan(60_000)
    const lifetime = await owner(budgets.create, nameless({ window: 'lifetime' }))
    expect(lifetime.current).toMatchObject({ committed_usd: '2.000000000', resets_at: null, projected_usd: null })
    expect(lifetime.next_resets).toEqual([])
  })
})

describe('gateways', () => {
  test('are told of budgets that refuse, of wallets that pay and of unknown prices, under a tag that changes with them', async () => {
    const organization = await plane.organization()
    const { gateway, id } = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const state = () =>
      plane
        .send('GET', `/v1/admin/configurations/gateways/${id}/runtime-state`, { token: gateway.token })
        .then(({ json, headers }) => ({
          spend: configurations.runtimeState.output.parse(json).spend,
          etag: headers.get('etag'),
        }))
    const nothing = await state()
    expect(nothing.spend).toEqual({
      revision: expect.any(String),
      unknown_price: 'flag',
      unknown_price_usd: '0.050000000',
      budgets: [],
      wallets: null,
    })

    await owner(budgets.create, nameless({ hard: false }))
    const budget = await owner(budgets.create, nameless({ scope: { model: 'gpt-4o' }, on_unavailable: 'allow' }))
    const told = await state()
    expect(told.spend?.budgets).toEqual([
      {
        id: budget.id,
        name: budget.name,
        scope: { model: 'gpt-4o' },
        limit_usd: '10.000000000',
        on_unavailable: 'allow',
        windows_ms: [
          expect.any(Number),
          ...[budget.current.starts_at, ...budget.next_resets].map(Date.parse),
          expect.any(Number),
        ],
      },
    ])
    expect(told.etag).not.toBe(nothing.etag)
    expect((await state()).etag).toBe(told.etag)

    await owner(wallets.updateSettings, { wallets_required: true, unknown_price: 'deny' })
    const paid = await state()
    expect(paid.spend).toMatchObject({ unknown_price: 'deny', wallets: ['organization'] })
    expect(paid.etag).not.toBe(told.etag)
    await owner(budgets.delete, { id: budget.id })
    expect((await state()).spend?.budgets).toEqual([])
  })
})
