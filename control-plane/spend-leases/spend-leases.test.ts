import { afterAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { budgets } from '@/lib/contract/budgets'
import { configurations } from '@/lib/contract/configurations'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { type GatewayPush, gateways } from '@/lib/contract/gateways'
import { type LeaseAsk, type LeaseSource, spendLeases } from '@/lib/contract/spend-leases'
import { wallets } from '@/lib/contract/wallets'
import { newId, newIdAt } from '@/lib/ids'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { inTenant } from '../tenant'
import { startControlPlane, type TestOrganization } from '../testing'
import { dueLeases, releaseDue } from './release'
import { endWhatIsOver } from './work'

const plane = await startControlPlane()
afterAll(plane.stop)

type Budget = z.output<typeof budgets.create.output>
type Gateway = Awaited<ReturnType<typeof gatewayOf>>

const DOLLAR = 1_000_000_000n
const INSTANCE = 'instance-1'

/** A budget over the whole organisation, unless stated. */
async function budgetOf(organization: TestOrganization, given: Partial<z.input<typeof budgets.create.input>> = {}) {
  const owner = await organization.as('role_owner')
  return owner(budgets.create, { name: newId('bud'), limit_usd: '10', thresholds: [], ...given })
}

const sourceOf = ({ id, current }: Pick<Budget, 'id' | 'current'>): LeaseSource => ({
  kind: 'budget',
  budget_id: id,
  window_start_ms: Date.parse(current.starts_at),
})

const ask = (source: LeaseSource, given: Partial<Record<keyof Omit<LeaseAsk, 'source'>, bigint>> = {}): LeaseAsk => ({
  source,
  known: String(given.known ?? 0n),
  returned: String(given.returned ?? 0n),
  used: String(given.used ?? 0n),
  want: String(given.want ?? 0n),
  least: String(given.least ?? given.want ?? 0n),
})

const take = ({ gateway, id }: Gateway, groups: LeaseAsk[][], instance = INSTANCE) =>
  gateway(spendLeases.take, { id, instance, groups })

/** One group of one ask. */
async function takeOne(gateway: Gateway, asked: LeaseAsk, instance = INSTANCE) {
  const { groups } = await take(gateway, [[asked]], instance)
  const [group] = groups
  const lease = group?.leases[0]
  return { id: lease?.lease_id ?? '', granted: BigInt(lease?.granted ?? 0), lease, ...group }
}

const costing = (gateway: Gateway, cost: bigint, leases: string[], given: Partial<GatewayEvent> = {}) => {
  const event = gateway.event(given)
  return {
    ...event,
    event_cost_attribution: { ...event.event_cost_attribution, total_cost_usd: usdOfNano(cost) },
    spend: { reserved_usd: usdOfNano(cost), leases },
  }
}

const record = ({ gateway }: Gateway, sent: GatewayEvent[]) => gateway(events.ingest, { events: sent })

async function standing(organization: TestOrganization, { id }: Pick<Budget, 'id'>) {
  const reader = await organization.as('role_finance')
  const { current } = await reader(budgets.get, { id })
  return {
    committed: nanoUsdOf(current.committed_usd),
    held: nanoUsdOf(current.held_usd),
    excess: nanoUsdOf(current.excess_usd),
  }
}

/** As if so much time had passed since all leases were asked for. */
const letPass = (organization: TestOrganization, seconds: number) =>
  plane.owner`update spend_leases set expires_at = expires_at - make_interval(secs => ${seconds}),
    held_until = held_until - make_interval(secs => ${seconds}) where org_id = ${organization.orgId}`

describe('a gateway that has not heard of a change', () => {
  test.each([
    ['window', { window: 'lifetime' }],
    ['time zone', { time_zone: 'Asia/Kathmandu' }],
    ['anchor', { anchor: '2026-01-15' }],
  ] as const)('is told which windows a budget has, not that there is none, after another %s', async (_, change) => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { window: 'month', time_zone: 'UTC' })
    const before = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    expect(before.lease).not.toHaveProperty('windows_ms')
    const changed = await owner(budgets.update, { id: budget.id, version: budget.version, ...change })
    const starts = [changed.current.starts_at, ...changed.next_resets].map(Date.parse)
    const told = starts.length === 1 ? starts : [expect.any(Number), ...starts, expect.any(Number)]
    for (const instance of [INSTANCE, 'one-that-asks-for-the-first-time']) {
      const { lease } = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }), instance)
      expect(lease).toMatchObject({ is_closed: true, windows_ms: told })
      expect(lease).not.toHaveProperty('is_gone')
    }
    expect((await takeOne(gateway, ask(sourceOf(changed), { want: DOLLAR }))).lease?.is_closed).toBe(false)
  })

  test('is told what limits nothing any more, also while something is left to be given back', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const gateway = await gatewayOf(organization)
    const [deleted, soft] = [await budgetOf(organization), await budgetOf(organization)]
    const sources = [deleted, soft].map(sourceOf)
    const held = await Promise.all(sources.map((source) => takeOne(gateway, ask(source, { want: DOLLAR }))))
    await owner(budgets.delete, { id: deleted.id })
    await owner(budgets.update, { id: soft.id, version: soft.version, hard: false })
    for (const [at, source] of sources.entries()) {
      const { id, granted: known } = held[at] ?? { id: '', granted: 0n }
      const kept = { ...ask(source, { known }), lease_id: id }
      expect((await takeOne(gateway, kept)).lease).toMatchObject({ is_closed: true, is_gone: true })
      expect((await takeOne(gateway, { ...kept, returned: String(known) })).lease).toBeNull()
    }
  })

  test('is told with every answer by which rules it would go, so that it knows when it is behind', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const gateway = await gatewayOf(organization)
    const seen: unknown[] = []
    const state = async () => (await gateway.gateway(configurations.runtimeState, { id: gateway.id })).spend?.revision
    const look = async () => {
      const { spend_revision: revision } = await take(gateway, [])
      expect(revision).toBe(await state())
      seen.push(revision)
    }
    await look()
    const made = await owner(budgets.create, { name: 'One', limit_usd: '1' })
    await look()
    await owner(budgets.update, { id: made.id, version: 1, scope: { user_id: 'ada' } })
    await look()
    // Off and on again between two looks.
    await owner(budgets.update, { id: made.id, version: 2, hard: false })
    await owner(budgets.update, { id: made.id, version: 3, hard: true })
    await look()
    await owner(budgets.delete, { id: made.id })
    await owner(budgets.create, { name: 'One', limit_usd: '1' })
    await look()
    await owner(wallets.updateSettings, { wallets_required: true })
    await look()
    expect(new Set(seen).size).toBe(seen.length)
    await look()
    expect(seen.at(-1)).toBe(seen.at(-2))
  })
})

describe('slices', () => {
  test('a group is given all that it needs at least, or nothing of anything and told how all of it stands', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const [wide, narrow] = [await budgetOf(organization), await budgetOf(organization, { limit_usd: '1' })]
    const group = (want: bigint) => [ask(sourceOf(wide), { want }), ask(sourceOf(narrow), { want })]

    const { groups } = await take(gateway, [group(2n * DOLLAR), group(1n * DOLLAR), group(1n)])
    expect(groups.map(({ short }) => short.map(({ source, held_usd }) => ({ source, held_usd })))).toEqual([
      [
        { source: sourceOf(wide), held_usd: '0.000000000' },
        { source: sourceOf(narrow), held_usd: '0.000000000' },
      ],
      [],
      [
        { source: sourceOf(wide), held_usd: '1.000000000' },
        { source: sourceOf(narrow), held_usd: '1.000000000' },
      ],
    ])
    expect(groups[2]?.short[1]).toMatchObject({
      limit_usd: '1.000000000',
      committed_usd: '0.000000000',
      resets_at: narrow.current.resets_at,
    })
    expect(await standing(organization, wide)).toMatchObject({ held: DOLLAR })
    expect(await standing(organization, narrow)).toMatchObject({ held: DOLLAR })
  })

  test('at the edge exactly as many are let through as there is money for, whoever asks at the same time', async () => {
    const organization = await plane.organization()
    const budget = await budgetOf(organization, { limit_usd: '1.000000005' })
    const all = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => gatewayOf(organization, `gw_${id}`)))
    const cost = DOLLAR / 20n
    const admitted = await Promise.all(
      all.flatMap((gateway) =>
        Array.from({ length: 8 }, async (_, at) => {
          const { granted } = await takeOne(gateway, ask(sourceOf(budget), { want: cost }), `instance-${at}`)
          return granted / cost
        }),
      ),
    )
    expect(admitted.reduce((sum, each) => sum + each, 0n)).toBe(20n)
    expect(await standing(organization, budget)).toEqual({ committed: 0n, held: DOLLAR, excess: 0n })
  })

  test('shrink as the limit nears and follow what is used, and never fall below what is needed', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const source = sourceOf(await budgetOf(organization, { limit_usd: '100' }))
    const least = DOLLAR
    const first = await takeOne(gateway, ask(source, { want: 100n * DOLLAR, least }))
    expect(first.granted).toBe(16n * DOLLAR)
    // It has used nothing of that: it is given little more at a time, however much it wants.
    const second = await takeOne(gateway, ask(source, { known: first.granted, want: 100n * DOLLAR, least }))
    expect(second.granted - first.granted).toBe(4n * DOLLAR)
    let known = second.granted
    const slices: bigint[] = []
    for (let round = 0; round < 40; round++) {
      const { granted } = await takeOne(gateway, ask(source, { known, used: known, want: 100n * DOLLAR, least }))
      if (granted === known) break
      slices.push(granted - known)
      known = granted
    }
    expect(known).toBe(100n * DOLLAR)
    expect(slices.slice(0, 3)).toEqual([40n * DOLLAR, 20n * DOLLAR, 10n * DOLLAR])
    expect(slices).toEqual(slices.toSorted((a, b) => Number(b - a)))
    expect(slices.at(-1)).toBe(DOLLAR)
  })

  test('what was given is not given again to one that has not seen it, however often it asks', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const lost = await Promise.all(
      Array.from({ length: 6 }, () => takeOne(gateway, ask(sourceOf(budget), { want: 3n * DOLLAR }))),
    )
    expect(new Set(lost.map(({ id, granted }) => `${id} ${granted}`)).size).toBe(1)
    expect(await standing(organization, budget)).toMatchObject({ held: 3n * DOLLAR })
  })

  test('give back is counted once, also when an older ask arrives after it', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const { granted } = await takeOne(gateway, ask(sourceOf(budget), { want: 4n * DOLLAR }))
    for (const returned of [DOLLAR, 3n * DOLLAR, 3n * DOLLAR, DOLLAR, 0n]) {
      await takeOne(gateway, ask(sourceOf(budget), { known: granted, returned }))
    }
    expect(await standing(organization, budget)).toMatchObject({ held: DOLLAR })
    // More than was ever given cannot come back.
    await takeOne(gateway, ask(sourceOf(budget), { known: granted, returned: 10n ** 18n - 1n }))
    expect(await standing(organization, budget)).toMatchObject({ held: 0n })
  })

  test('a process with two leases of one window gets of both, together no more than there is', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const source = sourceOf(budget)
    const first = await takeOne(gateway, ask(source, { want: DOLLAR }))
    await takeOne(gateway, ask(source, { known: DOLLAR, returned: DOLLAR }))
    // It has forgotten what it gave back.
    const second = await takeOne(gateway, ask(source, { want: DOLLAR }))
    expect(second.id).not.toBe(first.id)
    const more = (id: string) => ({ ...ask(source, { known: DOLLAR, want: 5n * DOLLAR }), lease_id: id })
    const { groups } = await take(gateway, [[{ ...more(first.id), returned: String(DOLLAR) }], [more(second.id)]])
    expect(groups.map(({ short }) => short.length)).toEqual([0, 1])
    expect(await standing(organization, budget)).toEqual({ committed: 0n, held: 6n * DOLLAR, excess: 0n })
  })

  test('of what is no source any more there is no lease, and nothing is short of it', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const [gone, other] = [await budgetOf(organization), await budgetOf(organization)]
    const soft = await budgetOf(organization, { hard: false })
    await owner(budgets.delete, { id: gone.id })
    const sources = [
      sourceOf(gone),
      sourceOf(soft),
      sourceOf({ ...other, id: newId('bud') as Budget['id'] }),
      sourceOf(other),
    ]
    const { groups } = await take(gateway, [sources.map((source) => ask(source, { want: DOLLAR }))])
    expect(groups[0]?.leases.map((lease) => lease?.granted ?? null)).toEqual([null, null, null, String(DOLLAR)])
    expect(groups[0]?.short).toEqual([])
  })

  test('of a window that is not the one of now nothing is given, and it is said so', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const startMs = Date.parse(budget.current.starts_at)
    for (const window_start_ms of [startMs + 1, startMs - 40 * 86_400_000, 0, Date.UTC(9999, 11, 31)]) {
      const source = { kind: 'budget' as const, budget_id: budget.id, window_start_ms }
      const { lease, short, granted } = await takeOne(gateway, ask(source, { want: 1n }))
      expect({ granted, isClosed: lease?.is_closed, short: short?.length }).toEqual({
        granted: 0n,
        isClosed: true,
        short: 1,
      })
    }
  })

  test('a source that occurs twice in a group, amounts that are none, and a stranger are refused', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const one = ask(sourceOf(budget), { want: 1n })
    const refused = (groups: unknown) =>
      plane
        .send('POST', `/v1/gateways/${gateway.id}/spend-leases`, {
          token: gateway.gateway.token,
          body: JSON.stringify({ instance: INSTANCE, groups }),
        })
        .then(({ status }) => status)
    expect(await refused([[one, one]])).toBe(400)
    for (const want of ['-1', '0.5', 'NaN', '1e3', '9999999999999999999', '', null, 1]) {
      expect(await refused([[{ ...one, want }]]), String(want)).toBe(400)
    }
    for (const window_start_ms of [-1, 0.5, Number.MAX_SAFE_INTEGER, '0', null]) {
      expect(await refused([[{ ...one, source: { ...one.source, window_start_ms } }]]), String(window_start_ms)).toBe(
        400,
      )
    }
    const stranger = await gatewayOf(await plane.organization(), gateway.id)
    const { groups } = await take(stranger, [[one]])
    expect(groups[0]?.leases).toEqual([null])
    expect(await standing(organization, budget)).toMatchObject({ held: 0n })
  })
})

describe('the database itself', () => {
  test('refuses a slice beyond the limit, and a lease that hands out more than it was given', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: 9n * DOLLAR }))
    const force = (statement: string, ...values: string[]) =>
      plane.owner
        .unsafe(statement, [organization.orgId, ...values])
        .catch((error: { constraint_name?: string }) => error.constraint_name)
    expect(
      await force(
        `update budget_periods set leased_nano_usd = leased_nano_usd + 1000000001 where org_id = $1 and budget_id = $2`,
        budget.id,
      ),
    ).toBe('budget_periods_within_limit')
    expect(
      await force(`update budget_periods set leased_nano_usd = -1 where org_id = $1 and budget_id = $2`, budget.id),
    ).toBe('budget_periods_not_negative')
    expect(await force(`update spend_leases set settled_nano_usd = 9000000001 where org_id = $1 and id = $2`, id)).toBe(
      'spend_leases_add_up',
    )
  })
})

describe('settling', () => {
  test('moves what a request cost from held to committed, once, in any order and however late', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const { id, granted } = await takeOne(gateway, ask(sourceOf(budget), { want: 5n * DOLLAR }))
    const sent = [1n, 2n, 3n].map((cents) => costing(gateway, (cents * DOLLAR) / 100n, [id]))
    const [first, second, third] = sent
    if (!first || !second || !third) throw new Error('three were made')
    await record(gateway, [third, third])
    await record(gateway, [second, first, third])
    await record(gateway, [first])
    expect(await standing(organization, budget)).toEqual({
      committed: (6n * DOLLAR) / 100n,
      held: granted - (6n * DOLLAR) / 100n,
      excess: 0n,
    })
    await takeOne(
      gateway,
      ask(sourceOf(budget), { known: granted, used: (6n * DOLLAR) / 100n, returned: granted - (6n * DOLLAR) / 100n }),
    )
    expect(await standing(organization, budget)).toMatchObject({ held: 0n })
  })

  test('several requests of one batch free what all of them cost, and together no more than their lease held', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { limit_usd: '10' })
    const { id, granted } = await takeOne(gateway, ask(sourceOf(budget), { want: 5n * DOLLAR }))
    const [first, second, rest] = [DOLLAR, 2n * DOLLAR, granted]
    await record(gateway, [costing(gateway, first, [id]), costing(gateway, second, [id])])
    expect(await standing(organization, budget)).toEqual({
      committed: 3n * DOLLAR,
      held: granted - 3n * DOLLAR,
      excess: 0n,
    })
    await record(gateway, [costing(gateway, rest - DOLLAR, [id]), costing(gateway, DOLLAR, [id])])
    expect(await standing(organization, budget)).toEqual({ committed: 3n * DOLLAR + rest, held: 0n, excess: 0n })
  })

  test('what a request cost beyond its reservation is charged and shown as excess; nothing is given until it is made up for', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { limit_usd: '1' })
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    await record(gateway, [costing(gateway, DOLLAR + 7n, [id])])
    expect(await standing(organization, budget)).toEqual({ committed: DOLLAR + 7n, held: 0n, excess: 7n })
    expect((await takeOne(gateway, ask(sourceOf(budget), { known: DOLLAR, want: 1n }))).short).toMatchObject([
      { committed_usd: '1.000000007', limit_usd: '1.000000000' },
    ])
  })

  test('an event names a lease of another organisation in vain', async () => {
    const [home, away] = [await plane.organization(), await plane.organization()]
    const [gateway, other] = [await gatewayOf(home), await gatewayOf(away)]
    const budget = await budgetOf(home)
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    await record(other, [costing(other, DOLLAR, [id])])
    expect(await standing(home, budget)).toEqual({ committed: 0n, held: DOLLAR, excess: 0n })
  })

  test('an event that names a lease of another gateway frees nothing that the other one still spends from', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const other = await gatewayOf(organization, 'gw_two')
    const budget = await budgetOf(organization)
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    await record(other, [costing(other, DOLLAR / 2n, [id])])
    expect(await standing(organization, budget)).toEqual({ committed: DOLLAR / 2n, held: DOLLAR, excess: 0n })
  })
})

describe('a window that is over', () => {
  test('settles what began in it, and hands on what comes back to it', async () => {
    const organization = await plane.organization()
    const { orgId } = organization
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const budget = await budgetOf(organization, { window: 'day', rollover: 'carry' })
    const first = await takeOne(gateway, ask(sourceOf(budget), { want: 6n * DOLLAR }))
    // As if that had been yesterday.
    const before = Date.parse(budget.current.starts_at) - 86_400_000
    await plane.owner`update budget_periods set starts_at = starts_at - interval '1 day', ends_at = ends_at - interval '1 day'
      where org_id = ${orgId}`
    await plane.owner`update spend_leases set period_starts_at = period_starts_at - interval '1 day' where org_id = ${orgId}`
    const state = async () => {
      const { items } = await owner(budgets.windows, { id: budget.id })
      return items.map(({ carried_usd, committed_usd, held_usd }) => [carried_usd, committed_usd, held_usd].map(Number))
    }
    await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    expect(await state()).toEqual([
      [4, 0, 1],
      [0, 0, 6],
    ])
    await record(gateway, [
      costing(gateway, 2n * DOLLAR, [first.id], { timestamp: new Date(before + 1).toISOString() }),
    ])
    expect(await state()).toEqual([
      [4, 0, 1],
      [0, 2, 4],
    ])
    const old = { ...sourceOf(budget), window_start_ms: before } as LeaseSource
    const ended = await takeOne(gateway, {
      ...ask(old, { known: 6n * DOLLAR, used: 2n * DOLLAR, returned: 4n * DOLLAR }),
      lease_id: first.id,
    })
    expect(ended.lease).toMatchObject({ is_closed: true })
    expect(await state()).toEqual([
      [8, 0, 1],
      [0, 2, 0],
    ])
  })
})

describe('a window that has handed on what is left of it, and is drawn on once more', () => {
  /** Near the reset, when gateways whose clocks differ ask for both. */
  async function atReset() {
    const organization = await plane.organization()
    const { orgId } = organization
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const budget = await budgetOf(organization, { window: 'day', rollover: 'carry' })
    const first = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    const endsAt = new Date(Date.now() + 300_000).toISOString()
    await plane.owner`update budget_periods set ends_at = ${endsAt}, hands_on_max_nano_usd = ${String(100n * DOLLAR)}
      where org_id = ${orgId}`
    await plane.owner`insert into budget_periods (org_id, budget_id, starts_at, ends_at, base_nano_usd, carried_nano_usd)
      values (${orgId}, ${budget.id}, ${endsAt}, ${new Date(Date.now() + 86_700_000).toISOString()},
        ${String(10n * DOLLAR)}, ${String(9n * DOLLAR)})`
    const next = async () => {
      const { items } = await owner(budgets.windows, { id: budget.id })
      const [{ carried_usd, excess_usd } = { carried_usd: '', excess_usd: '' }] = items
      return [carried_usd, excess_usd].map(Number)
    }
    return { organization, gateway, source: sourceOf(budget), first, next }
  }

  test('takes from the next what it gives, and hands on nothing twice', async () => {
    const { gateway, source, first, next } = await atReset()
    const more = await takeOne(gateway, ask(source, { known: DOLLAR, want: 3n * DOLLAR }))
    expect(more.granted).toBe(4n * DOLLAR)
    expect(await next()).toEqual([6, 0])
    await record(gateway, [costing(gateway, 2n * DOLLAR, [first.id])])
    await takeOne(gateway, ask(source, { known: 4n * DOLLAR, used: 2n * DOLLAR, returned: 2n * DOLLAR }))
    expect(await next()).toEqual([8, 0])
  })

  test('gives no more than the next can do without', async () => {
    const { organization, gateway, source, next } = await atReset()
    await plane.owner`update budget_periods set leased_nano_usd = ${String(17n * DOLLAR)}
      where org_id = ${organization.orgId} and starts_at > now()`
    const all = await takeOne(gateway, ask(source, { known: DOLLAR, want: 3n * DOLLAR }))
    expect([all.granted, all.short]).toMatchObject([DOLLAR, [{ source }]])
    const two = await takeOne(gateway, ask(source, { known: DOLLAR, want: 2n * DOLLAR }))
    expect(two.granted).toBe(3n * DOLLAR)
    expect(await next()).toEqual([7, 0])
  })
})

describe('a limit that moves', () => {
  test('gives more once it is raised, and nothing until what was given has come back once it falls', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const owner = await organization.as('role_owner')
    const budget = await budgetOf(organization, { limit_usd: '0' })
    const source = sourceOf(budget)
    expect(await takeOne(gateway, ask(source, { want: 1n }))).toMatchObject({
      granted: 0n,
      short: [{ limit_usd: '0.000000000' }],
    })
    const raise = await owner(budgets.raise, { id: budget.id, amount_usd: '2', reason: 'More', expires_at: '1h' })
    expect(await takeOne(gateway, ask(source, { want: 2n * DOLLAR }))).toMatchObject({
      granted: 2n * DOLLAR,
      short: [],
    })
    await owner(budgets.endRaise, { id: budget.id, raise_id: raise.id })
    expect(await standing(organization, budget)).toEqual({ committed: 0n, held: 2n * DOLLAR, excess: 2n * DOLLAR })
    await owner(budgets.update, { id: budget.id, version: 1, limit_usd: '1' })
    const known = 2n * DOLLAR
    expect((await takeOne(gateway, ask(source, { known, want: 1n }))).granted).toBe(known)
    expect((await takeOne(gateway, ask(source, { known, returned: known - 1n, want: DOLLAR }))).granted).toBe(known)
    expect((await takeOne(gateway, ask(source, { known, returned: known, want: DOLLAR }))).granted).toBe(known + DOLLAR)
  })
})

describe('a gateway that is gone', () => {
  test('is waited for as long as the installation says', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const owner = await organization.as('role_owner')
    const heldFor = async () => {
      await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
      const { held } = await owner(budgets.get, { id: budget.id })
      return held.map(({ held_until, expires_at }) => Date.parse(held_until) - Date.parse(expires_at))
    }
    expect(await heldFor()).toEqual([86_400_000])
    plane.services.leaseHoldSeconds = 90
    expect(await heldFor()).toEqual([90_000])
    delete plane.services.leaseHoldSeconds
  })

  test('keeps what it held for its events until the time is over; then it comes back, and late events are charged all the same', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { limit_usd: '2' })
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: 2n * DOLLAR }))
    await letPass(organization, 3_600)
    await endWhatIsOver(plane.services, organization.orgId)
    expect(await standing(organization, budget)).toMatchObject({ held: 2n * DOLLAR })
    await record(gateway, [costing(gateway, DOLLAR, [id])])
    expect(await standing(organization, budget)).toEqual({ committed: DOLLAR, held: DOLLAR, excess: 0n })
    await letPass(organization, 86_400)
    await endWhatIsOver(plane.services, organization.orgId)
    await endWhatIsOver(plane.services, organization.orgId)
    expect(await standing(organization, budget)).toEqual({ committed: DOLLAR, held: 0n, excess: 0n })
    await record(gateway, [costing(gateway, DOLLAR + 1n, [id])])
    expect(await standing(organization, budget)).toEqual({ committed: 2n * DOLLAR + 1n, held: 0n, excess: 1n })
  })

  test('that comes back after what it held was taken gets another lease, not the money twice', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const source = sourceOf(budget)
    const first = await takeOne(gateway, ask(source, { want: 8n * DOLLAR }))
    await letPass(organization, 90_000)
    // Whoever asks next takes back what is over on the way.
    const back = await takeOne(gateway, ask(source, { known: first.granted, want: DOLLAR }))
    expect(back).toMatchObject({ granted: first.granted, lease: { lease_id: first.id, is_closed: true } })
    const second = await takeOne(gateway, ask(source, { want: 10n * DOLLAR }))
    expect(second.id).not.toBe(first.id)
    expect(second).toMatchObject({ granted: 10n * DOLLAR, lease: { is_closed: false } })
    expect(await standing(organization, budget)).toMatchObject({ held: 10n * DOLLAR })
  })

  test('has an old lease to settle beside its new one, and each is counted by itself', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const source = sourceOf(budget)
    const old = await takeOne(gateway, ask(source, { want: 6n * DOLLAR }))
    await letPass(organization, 90_000)
    const { groups } = await take(gateway, [
      [{ ...ask(source, { known: old.granted, returned: DOLLAR, used: DOLLAR }), lease_id: old.id }],
      [ask(source, { want: 4n * DOLLAR })],
    ])
    const [[over], [fresh]] = [groups[0]?.leases ?? [], groups[1]?.leases ?? []]
    expect(over).toMatchObject({ lease_id: old.id, is_closed: true })
    expect(fresh).toMatchObject({ granted: String(4n * DOLLAR), is_closed: false })
    await take(gateway, [[{ ...ask(source, { known: old.granted, returned: 5n * DOLLAR }), lease_id: old.id }]])
    expect(await standing(organization, budget)).toMatchObject({ held: 4n * DOLLAR })
    await record(gateway, [costing(gateway, DOLLAR, [old.id])])
    expect(await standing(organization, budget)).toEqual({ committed: DOLLAR, held: 4n * DOLLAR, excess: 0n })
    // What it says of a lease that is not its own changes nothing.
    const foreign = { ...ask(source, { known: DOLLAR, returned: DOLLAR, want: 1n }), lease_id: newId('lse') }
    expect((await takeOne(gateway, foreign)).lease).toMatchObject({ granted: '0', is_closed: true })
    expect(await standing(organization, budget)).toMatchObject({ held: 4n * DOLLAR })
  })

  test('is forgotten after two months, and what it then still thinks that it has is not given to it', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const source = sourceOf(budget)
    const [old, standing] = [
      await takeOne(gateway, ask(source, { want: DOLLAR })),
      await takeOne(gateway, ask(source, { want: DOLLAR }), 'instance-2'),
    ]
    const aged = (days: number) => newIdAt('lse', Date.now() - days * 86_400_000)
    const rename = async (id: string, to: string) => {
      await plane.owner`update spend_leases set id = ${to} where id = ${id}`
      return to
    }
    const kept = async () => {
      await endWhatIsOver(plane.services, organization.orgId)
      const rows = await plane.owner<{ id: string }[]>`select id from spend_leases where org_id = ${organization.orgId}`
      return rows.map(({ id }) => id)
    }
    const [over, held] = [await rename(old.id, aged(59)), await rename(standing.id, aged(61))]
    await plane.owner`update spend_leases set held_until = now() where id = ${over}`
    expect((await kept()).toSorted()).toEqual([held, over].toSorted())
    await rename(over, aged(61))
    expect(await kept()).toEqual([held])
    const back = await takeOne(gateway, ask(source, { known: old.granted, want: DOLLAR }))
    expect(back).toMatchObject({ granted: 0n, lease: { is_closed: true } })
    expect((await takeOne(gateway, ask(source, { want: DOLLAR }))).granted).toBe(DOLLAR)
  })

  test('loses nothing when it is heard of again at the last moment', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const { granted } = await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    await letPass(organization, 90_000)
    const taken = await inTenant(plane.services.db, organization.orgId, async (tx) => {
      const due = await dueLeases(tx, organization.orgId, Date.now(), 10)
      expect(due).toHaveLength(1)
      await plane.owner`update spend_leases set expires_at = now() + interval '60 s', held_until = now() + interval '1 day'
        where org_id = ${organization.orgId}`
      return releaseDue(tx, organization.orgId, due, Date.now())
    })
    expect(taken).toBe(0n)
    expect(await standing(organization, budget)).toMatchObject({ held: granted })
  })

  test('is told of where its budget is read, and somebody may take back what it held before the time is over', async () => {
    const organization = await plane.organization()
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization)
    const owner = await organization.as('role_owner')
    const { id } = await takeOne(gateway, ask(sourceOf(budget), { want: 3n * DOLLAR }))
    const release = () => owner(budgets.releaseHeld, { id, reason: 'The machine is gone' })
    await expect(release()).rejects.toMatchObject({ code: 'conflict' })
    await letPass(organization, 61)
    const { held } = await owner(budgets.get, { id: budget.id })
    expect(held).toMatchObject([{ lease_id: id, gateway_id: gateway.id, amount_usd: '3.000000000', state: 'expired' }])
    const ofTeam = await organization.as(['org:billing', 'spend:read'], { teamId: 'team_one' })
    const ofOthers = ofTeam(budgets.releaseHeld, { id, reason: 'Mine' })
    await expect(ofOthers).rejects.toMatchObject({ code: 'forbidden' })
    expect(await release()).toEqual({ lease_id: id, released_usd: '3.000000000' })
    expect(await release()).toEqual({ lease_id: id, released_usd: '0.000000000' })
    expect(await standing(organization, budget)).toMatchObject({ held: 0n })
    expect((await organization.recorded()).filter((entry) => entry.includes('spend_lease'))).toEqual([
      'owner spend_lease.released',
    ])
  })
})

describe('when one is short of what others hold', () => {
  test('they are asked to give back what they do not use, and the one that asks is told that it may help', async () => {
    const organization = await plane.organization()
    const [idle, busy] = [await gatewayOf(organization, 'gw_idle'), await gatewayOf(organization, 'gw_busy')]
    const budget = await budgetOf(organization, { limit_usd: '1' })
    const { granted } = await takeOne(idle, ask(sourceOf(budget), { want: DOLLAR }))
    const [told, itself] = [await follow(idle), await follow(busy)]
    await told.next()
    await itself.next()

    expect(await takeOne(busy, ask(sourceOf(budget), { want: 5n }))).toMatchObject({ granted: 0n, is_recalled: true })
    expect(await told.next()).toEqual({ kind: 'recall', sources: [budget.id] })
    await takeOne(idle, ask(sourceOf(budget), { known: granted, returned: granted }))
    expect(await takeOne(busy, ask(sourceOf(budget), { want: 5n }))).toMatchObject({ granted: 5n, is_recalled: false })

    // The one that asked was not asked itself: the next that it hears of is something else.
    const owner = await organization.as('role_owner')
    await owner(budgets.update, { id: budget.id, version: 1, limit_usd: '2' })
    expect(await itself.next()).toEqual({ kind: 'resync' })
    await Promise.all([told.close(), itself.close()])
  })

  test('a limit that falls below what they hold calls it back, be it lowered or a raise that ends', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { limit_usd: '1' })
    const { id } = budget
    const raise = await owner(budgets.raise, { id, amount_usd: '2', reason: 'Quarter end', expires_at: '1d' })
    await takeOne(gateway, ask(sourceOf(budget), { want: 2n * DOLLAR }))
    const told = await follow(gateway)
    await told.next()

    await owner(budgets.endRaise, { id, raise_id: raise.id })
    expect(await told.next()).toEqual({ kind: 'recall', sources: [id] })
    await owner(budgets.update, { id, version: 1, limit_usd: '0.5' })
    const heard = [await told.next(), await told.next()]
    expect(heard).toContainEqual({ kind: 'recall', sources: [id] })
    // Room enough: nobody has to give anything back.
    await owner(budgets.update, { id, version: 2, limit_usd: '50' })
    expect(await told.next()).toEqual({ kind: 'resync' })
    await owner(budgets.update, { id, version: 3, limit_usd: '40' })
    expect(await told.next()).toEqual({ kind: 'resync' })
    await told.close()
  })

  test('another window calls back what they hold of the one that it replaces, also where there is room enough', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const gateway = await gatewayOf(organization)
    const budget = await budgetOf(organization, { limit_usd: '10', window: 'month' })
    await takeOne(gateway, ask(sourceOf(budget), { want: DOLLAR }))
    const told = await follow(gateway)
    await told.next()
    await owner(budgets.update, { id: budget.id, version: 1, window: 'lifetime' })
    const heard = [await told.next(), await told.next()]
    expect(heard).toContainEqual({ kind: 'recall', sources: [budget.id] })
    await told.close()
  })

  test('nobody is asked when the money is spent, or held by one that is gone', async () => {
    const organization = await plane.organization()
    const [gone, busy] = [await gatewayOf(organization, 'gw_gone'), await gatewayOf(organization, 'gw_busy')]
    const budget = await budgetOf(organization, { limit_usd: '2' })
    const { id } = await takeOne(gone, ask(sourceOf(budget), { want: 2n * DOLLAR }))
    await record(gone, [costing(gone, DOLLAR, [id])])
    await letPass(organization, 61)
    expect(await takeOne(busy, ask(sourceOf(budget), { want: 1n }))).toMatchObject({ granted: 0n, is_recalled: false })
  })
})

/** The stream of a gateway; what happens once this has resolved is told. */
async function follow({ gateway, id }: Gateway) {
  const response = await plane.fetch(
    new Request(`http://control-plane.test/v1/gateways/${id}/stream`, {
      headers: { authorization: `Bearer ${gateway.token}` },
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
  return { next, close: () => reader?.cancel() }
}
