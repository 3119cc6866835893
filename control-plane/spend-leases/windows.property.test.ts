import fc from 'fast-check'
import { afterAll, expect, test, vi } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { type LeaseAsk, type LeaseSource, spendLeases } from '@/lib/contract/spend-leases'
import { nanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'
import { largestOf, smallestOf } from '@/lib/spend/extremes'
import { type WindowRule, windowAt } from '@/lib/spend/windows'
import { windowsFrom } from '../budgets/gateway-spend'
import { gatewayOf } from '../events/testing'
import { startControlPlane, type TestOrganization } from '../testing'
import { endWhatIsOver } from './work'

const plane = await startControlPlane()
afterAll(plane.stop)
afterAll(() => void vi.useRealTimers())

const GATEWAYS = 3
const CENT = 10_000_000n
const LIMIT = 100n * CENT
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** By their own clock, gateways reserve from a lease for so long after they asked. */
const USABLE_MS = 50_000
/** Runs take no longer, however slow the machine. */
const RUN_MS = 12_000

type Gateway = Awaited<ReturnType<typeof gatewayOf>>
type Holding = {
  budgetId: string
  source: LeaseSource
  leaseId: string
  known: bigint
  returned: bigint
  used: bigint
  askedMs: number
  isClosed: boolean
}
type Rollover = { rollover: 'none' | 'carry' | 'cap'; rollover_cap_usd: string | null }

const rollover = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Rollover>({ rollover: 'none', rollover_cap_usd: null }) },
  { weight: 3, arbitrary: fc.constant<Rollover>({ rollover: 'carry', rollover_cap_usd: null }) },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: 0, max: 120 })
      .map((most): Rollover => ({ rollover: 'cap', rollover_cap_usd: dollars(most) })),
  },
)
const dollars = (cents: number) => usdOfNano(nanoUsd(BigInt(cents) * CENT))
const gateway = fc.nat(GATEWAYS - 1)
const budget = fc.nat(1)
const cents = fc.integer({ min: 1, max: 60 })
const percent = fc.nat(100)
/** How far the clock of a gateway is off: most by minutes, one by more than a day. */
const offMs = fc.constantFrom(-9, -9, -2, 0, 0, 0, 2, 9, 9, -1_447).map((minutes) => minutes * MINUTE_MS)
const groups = fc.array(fc.record({ offMs, least: cents, times: fc.integer({ min: 1, max: 4 }) }), {
  minLength: 1,
  maxLength: 3,
})
const some = fc.nat(1_000)

/** What is said to happen in the documentation without any limit being passed. */
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('ask' as const), gateway, groups, isLost: fc.nat(9) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('spend' as const), gateway, offMs, cents, percent }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('deliver' as const), some, isKept: fc.boolean(), more: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('renew' as const), gateway, percent }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), gateway, some }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), gateway }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 20_000, 70_000, 400_000) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('toReset' as const),
      budget,
      ms: fc.integer({ min: -9, max: 9 }).map((minutes) => minutes * MINUTE_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 60 }).map((hours) => hours * 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('raise' as const),
      budget,
      cents,
      minutes: fc.integer({ min: 1, max: 3_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lift' as const), budget, cents }) },
)
/** What may take a window beyond its limit. */
const rough = fc.oneof(
  fc.record({ kind: fc.constant('lower' as const), budget, cents }),
  fc.record({ kind: fc.constant('rollover' as const), budget, rollover }),
  fc.record({ kind: fc.constant('endRaise' as const), budget }),
  fc.record({ kind: fc.constant('overspend' as const), gateway, offMs, cents }),
  fc.record({ kind: fc.constant('ahead' as const), gateway, cents, hours: fc.integer({ min: 1, max: 23 }) }),
  fc.record({ kind: fc.constant('release' as const) }),
  fc.record({
    kind: fc.constant('edit' as const),
    budget,
    zone: fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Havana'),
    window: fc.constant('day' as const),
  }),
)
/** Other windows, of which not every gateway has heard. */
const edits = fc.oneof(
  fc.record({
    kind: fc.constant('edit' as const),
    budget,
    zone: fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Havana'),
    window: fc.constantFrom('day' as const, 'week' as const, 'month' as const),
  }),
  fc.record({ kind: fc.constant('unaware' as const), gateway, budget, offMs, cents, percent }),
)
type Step =
  | (typeof step extends fc.Arbitrary<infer T> ? T : never)
  | (typeof rough extends fc.Arbitrary<infer T> ? T : never)
  | (typeof edits extends fc.Arbitrary<infer T> ? T : never)
/** `calm`: nothing happens that may take a window beyond its limit; `edited`: nothing but changes of windows. */
type Kind = 'calm' | 'rough' | 'edited'

class World {
  readonly gateways: { gateway: Gateway; life: number; holdings: Holding[]; sent: LeaseAsk[][][] }[] = []
  readonly waiting: { gateway: Gateway; event: GatewayEvent; atMs: number }[] = []
  readonly recorded = new Map<string, { atMs: number; cost: bigint }>()
  readonly plans: {
    id: string
    rule: WindowRule
    version: number
    limits: { fromMs: number; limit: bigint }[]
    rollovers: { fromMs: number; rollover: Rollover }[]
    firstMs: number
    editedMs: number | null
    /** The rule before the last change. */
    wasRule: WindowRule | null
    /** By how much windows were beyond their limits as they began with a change, with what was held by then. */
    overhang: bigint
    raises: string[]
  }[] = []

  readonly isCalm: boolean

  constructor(
    readonly organization: TestOrganization,
    readonly owner: Awaited<ReturnType<TestOrganization['as']>>,
    readonly kind: Kind,
  ) {
    this.isCalm = kind === 'calm'
  }

  async do(one: Step): Promise<void> {
    switch (one.kind) {
      case 'ask':
        return this.#ask(one.gateway, one.groups, one.isLost === 0)
      case 'spend':
        return this.#spend(one.gateway, one.offMs, BigInt(one.cents) * CENT, shareOf(one.percent))
      case 'unaware': {
        const plan = this.#plan(one.budget)
        const { rule } = plan
        plan.rule = plan.wasRule ?? rule
        await this.#spend(one.gateway, one.offMs, BigInt(one.cents) * CENT, shareOf(one.percent))
        plan.rule = rule
        return
      }
      case 'overspend':
        return this.#spend(one.gateway, one.offMs, 1n, () => BigInt(one.cents) * CENT)
      case 'ahead':
        return this.#record(one.gateway, Date.now() + one.hours * 3_600_000, BigInt(one.cents) * CENT, [])
      case 'deliver':
        return this.#deliver(one.some % Math.max(1, this.waiting.length), one.isKept, one.more)
      case 'renew':
        return this.#renew(one.gateway, BigInt(one.percent))
      case 'repeat': {
        const process = this.#process(one.gateway)
        const sent = process.sent[one.some % Math.max(1, process.sent.length)]
        if (sent)
          await this.#take(
            one.gateway,
            sent.map((group) => group.map((ask) => ({ ...ask, want: '0', least: '0' }))),
          )
        return
      }
      case 'die': {
        const process = this.#process(one.gateway)
        process.life += 1
        process.holdings = []
        process.sent.length = 0
        return
      }
      case 'wait':
        return this.#wait(one.ms)
      case 'toReset': {
        const { endsMs } = windowAt(this.#plan(one.budget).rule, Date.now())
        return this.#wait(Math.max(1, (endsMs ?? 0) + one.ms - Date.now()))
      }
      case 'look':
        return void (await this.owner(budgets.list, {}))
      case 'sweep':
        return endWhatIsOver(plane.services, this.organization.orgId)
      case 'release': {
        const rows = await plane.owner<
          { id: string }[]
        >`select id from spend_leases where org_id = ${this.organization.orgId}
          and closed_at is null and expires_at <= ${new Date().toISOString()} order by id limit 1`
        for (const { id } of rows) await this.owner(budgets.releaseHeld, { id, reason: 'Gone' })
        return
      }
      case 'raise': {
        if (this.kind === 'edited') return
        const plan = this.#plan(one.budget)
        const expires_at = new Date(Date.now() + one.minutes * MINUTE_MS).toISOString()
        // One that is taken away while it is in use leaves an excess.
        if (this.isCalm && Date.parse(expires_at) < (windowAt(plan.rule, Date.now()).endsMs ?? 0)) return
        const { id } = await this.owner(budgets.raise, {
          id: plan.id,
          amount_usd: dollars(one.cents),
          reason: 'More',
          expires_at,
        })
        plan.raises.push(id)
        return
      }
      case 'endRaise': {
        const plan = this.#plan(one.budget)
        const raise_id = plan.raises.pop()
        if (raise_id) await this.owner(budgets.endRaise, { id: plan.id, raise_id })
        return
      }
      case 'lift':
      case 'lower': {
        const plan = this.#plan(one.budget)
        const amount = BigInt(one.cents) * CENT
        const limit = one.kind === 'lift' ? (plan.limits.at(-1)?.limit ?? 0n) + amount : amount
        await this.#update(plan, { limit_usd: usdOfNano(nanoUsd(limit)) })
        plan.limits.push({ fromMs: Date.now(), limit })
        return
      }
      case 'rollover': {
        const plan = this.#plan(one.budget)
        await this.#update(plan, one.rollover)
        plan.rollovers.push({ fromMs: Date.now(), rollover: one.rollover })
        return
      }
      case 'edit': {
        const plan = this.#plan(one.budget)
        if (plan.rule.timeZone === one.zone && plan.rule.window === one.window) return
        await this.#update(plan, { time_zone: one.zone, window: one.window })
        const { current } = await this.owner(budgets.get, { id: plan.id })
        const taken = nanoUsdOf(current.committed_usd) + nanoUsdOf(current.held_usd)
        plan.overhang += largestOf(0n, taken - nanoUsdOf(current.limit_usd))
        plan.wasRule = plan.rule
        plan.rule = { ...plan.rule, timeZone: one.zone, window: one.window }
        plan.editedMs = Date.now()
        return
      }
    }
  }

  /** All stop as they should, but for those that died: what these held comes back in its time. */
  async end(): Promise<void> {
    while (this.waiting.length > 0) await this.#deliver(0)
    for (let at = 0; at < GATEWAYS; at++) await this.#renew(at, 100n)
    vi.setSystemTime(Date.now() + DAY_MS + 61_000)
    await endWhatIsOver(plane.services, this.organization.orgId)
    await this.expectSound()
    const [{ held, sum } = { held: '', sum: '' }] = await plane.owner<{ held: string; sum: string }[]>`select
      (select coalesce(sum(leased_nano_usd), 0) from budget_periods where org_id = ${this.organization.orgId}) as held,
      (select coalesce(sum(amount_nano_usd), 0) from ledger_entries where org_id = ${this.organization.orgId}) as sum`
    expect({ held, sum }).toEqual({ held: '0', sum: '0' })
  }

  async expectSound(): Promise<void> {
    const rows = await plane.owner<Record<string, string>[]>`
      select budget_id, (extract(epoch from starts_at) * 1000)::bigint as starts, (extract(epoch from ends_at) * 1000)::bigint as ends,
        base_nano_usd as base, carried_nano_usd as carried, raised_nano_usd as raised, spent_nano_usd as spent,
        leased_nano_usd as leased, excess_nano_usd as excess, coalesce((
        select sum(granted_nano_usd - returned_nano_usd - settled_nano_usd - released_nano_usd) from spend_leases l
        where l.org_id = p.org_id and l.source_id = p.budget_id and l.period_starts_at = p.starts_at), 0) as left
      from budget_periods p where org_id = ${this.organization.orgId} order by budget_id, starts_at`
    for (const plan of this.plans) {
      const own = rows
        .filter(({ budget_id }) => budget_id === plan.id)
        .map((row) => ({
          startsMs: Number(row.starts),
          endsMs: Number(row.ends),
          base: BigInt(row.base ?? 0),
          carried: BigInt(row.carried ?? 0),
          raised: BigInt(row.raised ?? 0),
          spent: BigInt(row.spent ?? 0),
          leased: BigInt(row.leased ?? 0),
          excess: BigInt(row.excess ?? 0),
          left: BigInt(row.left ?? 0),
        }))
      const beyondAll = own.reduce((sum, { excess }) => sum + excess, 0n)
      if (this.kind === 'edited')
        expect(beyondAll <= plan.overhang, 'a change of windows takes none beyond its limit').toBe(true)
      let [allowed, taken] = [0n, 0n]
      for (const window of own) {
        const { startsMs, endsMs, base, carried, raised, spent, leased, excess, left } = window
        expect(leased, 'held is what leases have left').toBe(left)
        const beyond = spent + leased - base - carried - raised
        expect(excess, 'excess is told').toBe(largestOf(0n, beyond))
        if (this.isCalm) expect(excess, 'nothing is beyond the limit').toBe(0n)
        allowed += base + raised
        taken += spent + leased
        if (this.isCalm) expect(taken <= allowed, 'all windows together allow no more than their limits').toBe(true)
        const isOfEdit = plan.editedMs !== null && windowAt(plan.rule, plan.editedMs).startsMs === startsMs
        if (isOfEdit) expect(carried, 'nothing is carried into a window that a change began').toBe(0n)
        const isOpen = windowAt(plan.rule, Date.now()).startsMs === startsMs
        // Windows that were cut keep what they counted; those that ended before they began wait to be begun again.
        if (startsMs === endsMs || (!isOpen && plan.editedMs !== null && startsMs < plan.editedMs)) continue
        const cost = [...this.recorded.values()]
          .filter(({ atMs }) => startsMs <= atMs && atMs < endsMs)
          .reduce((sum, each) => sum + each.cost, 0n)
        expect(spent, 'committed is what events cost').toBe(cost)
        if (this.kind === 'edited' || (isOpen && plan.editedMs !== null && startsMs < plan.editedMs)) continue
        // Where nothing is carried, and before the first, a window may be begun after it was over.
        const isKept = startsMs >= plan.firstMs && plan.rollovers.every(({ rollover }) => rollover.rollover !== 'none')
        if (isKept)
          expect(base, 'a limit holds from the open window on').toBe(
            plan.limits.findLast(({ fromMs }) => fromMs < endsMs)?.limit,
          )
        // One that nobody asked for while nothing was carried goes by the rollover of the time when somebody does.
        const isLate =
          this.#rolloverAt(plan, startsMs).rollover === 'none' && plan.rollovers.some(({ fromMs }) => fromMs >= endsMs)
        if (isLate) continue
        const before = own.findLast((each) => each.endsMs === startsMs)
        const isFirst = before === undefined || startsMs <= plan.firstMs || isOfEdit
        expect(carried, 'each nano-dollar is carried once').toBe(
          isFirst ? 0n : handedOn(before, this.#rolloverAt(plan, startsMs)),
        )
      }
    }
  }

  #plan(at: number) {
    const plan = this.plans[at % this.plans.length]
    if (!plan) throw new Error('there is no budget')
    return plan
  }

  #process(at: number) {
    const process = this.gateways[at]
    if (!process) throw new Error('no such gateway')
    return process
  }

  /** The one that was in force when a window began, or that its budget has now, if it is still to begin. */
  #rolloverAt({ rollovers }: World['plans'][number], startsMs: number): Rollover {
    const found = rollovers.findLast(({ fromMs }) => fromMs < startsMs)
    if (!found) throw new Error('the window is older than its budget')
    return found.rollover
  }

  async #update(plan: World['plans'][number], change: object): Promise<void> {
    const { version } = await this.owner(budgets.update, { id: plan.id, version: plan.version, ...change })
    plan.version = version
  }

  /** What gateways have held for as long as it is held is no longer theirs: events that come after that are an excess. */
  async #wait(ms: number): Promise<void> {
    const untilMs = Date.now() + ms
    while (this.kind !== 'rough' && this.waiting.some(({ atMs }) => atMs + 20 * 3_600_000 < untilMs))
      await this.#deliver(0)
    vi.setSystemTime(untilMs)
  }

  async #ask(at: number, wanted: { offMs: number; least: number; times: number }[], isLost: boolean): Promise<void> {
    const process = this.#process(at)
    const asked = wanted.map(({ offMs, least, times }) =>
      this.plans.map((plan) =>
        this.#askOf(
          this.#holding(process.holdings, plan, Date.now() + offMs),
          BigInt(least * times) * CENT,
          BigInt(least) * CENT,
        ),
      ),
    )
    process.sent.push(asked)
    const answers = await this.#take(at, asked)
    if (isLost) return
    for (const [nth, { leases }] of answers.entries()) this.#learn(process.holdings, asked[nth] ?? [], leases)
  }

  #learn(
    holdings: Holding[],
    asked: LeaseAsk[],
    leases: ({ lease_id: string; granted: string; is_closed: boolean } | null)[],
  ): void {
    for (const [at, { source }] of asked.entries()) {
      const holding = holdings.find((each) => JSON.stringify(each.source) === JSON.stringify(source))
      const lease = leases[at]
      if (!holding || !lease) continue
      if (holding.leaseId !== '' && holding.leaseId !== lease.lease_id) continue
      holding.leaseId = lease.lease_id
      if (BigInt(lease.granted) > holding.known) holding.known = BigInt(lease.granted)
      holding.askedMs = Date.now()
      holding.isClosed ||= lease.is_closed
    }
  }

  #holding(holdings: Holding[], { id, rule }: World['plans'][number], atMs: number): Holding {
    const told = windowsFrom(rule, Date.now())
    // As gateways take what they are told; of none of them, one that begins when none does: gateway/spend/spend-rules.ts.
    const startsMs = told.findLast((startMs) => startMs <= atMs) ?? (told[0] ?? 0) - 1
    const found = holdings.find(
      ({ source }) => source.kind === 'budget' && source.budget_id === id && source.window_start_ms === startsMs,
    )
    if (found) return found
    const source: LeaseSource = { kind: 'budget', budget_id: id, window_start_ms: startsMs }
    const made = { budgetId: id, source, leaseId: '', known: 0n, returned: 0n, used: 0n, askedMs: 0, isClosed: false }
    holdings.push(made)
    return made
  }

  #askOf({ source, leaseId, known, returned, used }: Holding, want: bigint, least: bigint): LeaseAsk {
    const texts = {
      known: String(known),
      returned: String(returned),
      used: String(used),
      want: String(want),
      least: String(least),
    }
    return { source, ...(leaseId === '' ? {} : { lease_id: leaseId }), ...texts }
  }

  async #take(at: number, asked: LeaseAsk[][]) {
    const { gateway, life } = this.#process(at)
    const { groups } = await gateway.gateway(spendLeases.take, {
      id: gateway.id,
      instance: `instance-${life}`,
      groups: asked,
    })
    return groups
  }

  async #renew(at: number, share: bigint): Promise<void> {
    const process = this.#process(at)
    for (const holding of process.holdings) {
      const free = free_(holding)
      holding.returned += holding.isClosed ? free : (free * share) / 100n
    }
    const asked = process.holdings
      .filter(({ leaseId }) => leaseId !== '')
      .map((holding) => [this.#askOf(holding, 0n, 0n)])
    if (asked.length === 0) return
    const answers = await this.#take(at, asked)
    for (const [nth, { leases }] of answers.entries()) this.#learn(process.holdings, asked[nth] ?? [], leases)
    process.holdings = process.holdings.filter((holding) => !holding.isClosed || free_(holding) > 0n)
  }

  async #spend(at: number, offMs: number, wanted: bigint, costOf: (reserved: bigint) => bigint): Promise<void> {
    const { holdings } = this.#process(at)
    const atMs = Date.now() + offMs
    const own = this.plans.map((plan) => this.#holding(holdings, plan, atMs))
    const frees = own.map((holding) =>
      holding.isClosed || Date.now() - holding.askedMs > USABLE_MS ? 0n : free_(holding),
    )
    const reserved = smallestOf(wanted, ...frees)
    if (reserved <= 0n) return
    const cost = costOf(reserved - 1n)
    for (const holding of own) holding.used += smallestOf(cost, reserved)
    this.#record(
      at,
      atMs,
      cost,
      own.map(({ leaseId }) => leaseId),
    )
  }

  #record(at: number, atMs: number, cost: bigint, leases: string[]): void {
    const { gateway } = this.#process(at)
    const event = gateway.event({ timestamp: new Date(atMs).toISOString() })
    const attribution = { ...event.event_cost_attribution, total_cost_usd: usdOfNano(nanoUsd(cost)) }
    const spend = { reserved_usd: usdOfNano(nanoUsd(cost)), leases }
    this.waiting.push({ gateway, event: { ...event, event_cost_attribution: attribution, spend }, atMs })
  }

  /** With some others of the same gateway in one batch, the first of them twice. */
  async #deliver(at: number, isKept = false, more = 0): Promise<void> {
    const one = this.waiting[at]
    if (!one) return
    const others = this.waiting.filter((each) => each !== one && each.gateway === one.gateway).slice(0, more)
    const batch = [one, ...others]
    for (const each of isKept ? [] : batch) this.waiting.splice(this.waiting.indexOf(each), 1)
    const sent = [...batch, one].map(({ event }) => event)
    const { rejected } = await one.gateway.gateway(events.ingest, { events: sent })
    expect(rejected).toEqual([])
    for (const { event, atMs } of batch) {
      const cost = nanoUsdOf(event.event_cost_attribution.total_cost_usd ?? '0')
      this.recorded.set(event.event_id, { atMs, cost })
    }
  }
}

const shareOf = (percent: number) => (reserved: bigint) => (reserved * BigInt(percent)) / 100n + 1n

const free_ = ({ known, returned, used }: Holding) => known - returned - used

function handedOn(
  window: { base: bigint; carried: bigint; spent: bigint; leased: bigint },
  { rollover, rollover_cap_usd }: Rollover,
) {
  const left = window.base + window.carried - window.spent - window.leased
  if (rollover === 'none' || left < 0n) return 0n
  const cap = rollover_cap_usd === null ? left : nanoUsdOf(rollover_cap_usd)
  return smallestOf(left, cap)
}

async function run(steps: readonly Step[], rollovers: readonly Rollover[], kind: Kind, startMs: number): Promise<void> {
  vi.setSystemTime(startMs)
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const world = new World(organization, owner, kind)
  for (const [at, kept] of rollovers.entries()) {
    const time_zone = ZONES[at] ?? 'UTC'
    const rule: WindowRule = { window: 'day', timeZone: time_zone, anchor: null }
    const { id, version } = await owner(budgets.create, {
      name: time_zone,
      limit_usd: usdOfNano(nanoUsd(LIMIT)),
      window: 'day',
      time_zone,
      thresholds: [],
      ...kept,
    })
    world.plans.push({
      id,
      rule,
      version,
      limits: [{ fromMs: 0, limit: LIMIT }],
      rollovers: [{ fromMs: 0, rollover: kept }],
      firstMs: windowAt(rule, Date.now()).startsMs,
      editedMs: null,
      wasRule: null,
      overhang: 0n,
      raises: [],
    })
  }
  for (let at = 0; at < GATEWAYS; at++) {
    world.gateways.push({ gateway: await gatewayOf(organization, `gw_${at}`), life: 0, holdings: [], sent: [] })
  }
  for (const one of steps) {
    await world.do(one)
    await world.expectSound()
  }
  await world.end()
}

const TODAY_MS = windowAt({ window: 'day', timeZone: 'UTC', anchor: null }, Date.now()).startsMs
const ZONES = ['UTC', 'Asia/Kathmandu']
/** Noon, and just after a reset. */
const starts = fc.constantFrom(12 * 3_600_000, 5 * MINUTE_MS).map((ms) => TODAY_MS + ms)
vi.useFakeTimers({ toFake: ['Date'] })

const EACH: Record<Kind, fc.Arbitrary<Step>> = {
  calm: step,
  rough: fc.oneof({ weight: 5, arbitrary: step }, { weight: 1, arbitrary: rough }),
  edited: fc.oneof({ weight: 7, arbitrary: step }, { weight: 1, arbitrary: edits }),
}

test.each<[string, Kind]>([
  ['carry each nano-dollar once, stay sound within their limits', 'calm'],
  ['carry each nano-dollar once, stay sound and say by how much they are beyond their limits', 'rough'],
  ['are beyond their limits after changes only by what was taken before', 'edited'],
])('windows that gateways with any clock draw on %s', async (_, kind) => {
  const each = EACH[kind]
  const story = fc.array<Step>(each, { minLength: 1, maxLength: 60, size: 'max' })
  const untilMs = performance.now() + RUN_MS
  await fc.assert(
    fc.asyncProperty(story, rollover, rollover, starts, async (steps, one, other, startMs) => {
      // One that was interrupted would go on moving the clock.
      if (performance.now() < untilMs) await run(steps, [one, other], kind, startMs)
    }),
    { numRuns: 200 },
  )
})

const NONE: Rollover = { rollover: 'none', rollover_cap_usd: null }
const CARRY: Rollover = { rollover: 'carry', rollover_cap_usd: null }
const want = (offMs: number, least: number) => ({ offMs, least, times: 1 })
const asking = (...wanted: ReturnType<typeof want>[]): Step => ({ kind: 'ask', gateway: 0, groups: wanted, isLost: 1 })
const AHEAD: Step[] = [
  { kind: 'ahead', gateway: 0, cents: 5, hours: 13 },
  { kind: 'deliver', some: 0, isKept: false, more: 0 },
]
const BEFORE_RESET: Step = { kind: 'toReset', budget: 0, ms: -5 * MINUTE_MS }
const THERE_AND_BACK: Step[] = [
  { kind: 'edit', budget: 0, zone: 'Asia/Kathmandu', window: 'day' },
  { kind: 'edit', budget: 0, zone: 'UTC', window: 'day' },
]

test.each<[string, boolean, Step[]]>([
  [
    'one question is about the next one and then about it',
    true,
    [BEFORE_RESET, asking(...[60, 60, 60].map((least) => want(9 * MINUTE_MS, least)), want(0, 60))],
  ],
  [
    'one question is about it and then about the next one',
    true,
    [BEFORE_RESET, asking(want(0, 60), ...[60, 60, 60].map((least) => want(9 * MINUTE_MS, least)))],
  ],
  ['the next was begun hours ahead by the event of a clock that is off', false, [...AHEAD, asking(want(0, 40))]],
  [
    'the rollover is another one when money comes back',
    false,
    [
      asking(want(0, 50)),
      { kind: 'spend', gateway: 0, offMs: 0, cents: 50, percent: 50 },
      { kind: 'toReset', budget: 0, ms: MINUTE_MS },
      { kind: 'look' },
      { kind: 'rollover', budget: 0, rollover: NONE },
      { kind: 'renew', gateway: 0, percent: 100 },
    ],
  ],
  [
    'the rollover is changed while the next was begun ahead of time',
    false,
    [BEFORE_RESET, asking(want(9 * MINUTE_MS, 10)), { kind: 'rollover', budget: 0, rollover: NONE }],
  ],
  [
    'money comes back to the one before when a change has begun it anew',
    false,
    [
      asking(want(0, 50)),
      { kind: 'toReset', budget: 0, ms: MINUTE_MS },
      { kind: 'look' },
      ...THERE_AND_BACK,
      { kind: 'renew', gateway: 0, percent: 100 },
    ],
  ],
  [
    'nothing happened for days before its limit is raised',
    true,
    [
      { kind: 'wait', ms: 60 * 3_600_000 },
      { kind: 'lift', budget: 0, cents: 50 },
    ],
  ],
  [
    'a gateway whose clock is behind is still in the one before',
    true,
    [
      asking(want(0, 60)),
      { kind: 'spend', gateway: 0, offMs: 0, cents: 60, percent: 100 },
      { kind: 'toReset', budget: 0, ms: 5 * MINUTE_MS },
      asking(want(-9 * MINUTE_MS, 60)),
      { kind: 'spend', gateway: 0, offMs: -9 * MINUTE_MS, cents: 60, percent: 100 },
      { kind: 'deliver', some: 0, isKept: false, more: 1 },
    ],
  ],
  [
    'a gateway whose clock is behind by more than a day is in one of which nobody tells any more',
    true,
    [
      asking(want(0, 60)),
      { kind: 'spend', gateway: 0, offMs: 0, cents: 60, percent: 99 },
      { kind: 'deliver', some: 0, isKept: false, more: 0 },
      { kind: 'toReset', budget: 0, ms: MINUTE_MS },
      { kind: 'toReset', budget: 0, ms: 5 * MINUTE_MS },
      asking(want(-1_447 * MINUTE_MS, 60)),
      { kind: 'spend', gateway: 0, offMs: -1_447 * MINUTE_MS, cents: 60, percent: 99 },
      { kind: 'deliver', some: 0, isKept: false, more: 0 },
    ],
  ],
  [
    'something of the next is recorded when its zone is changed',
    false,
    [...AHEAD, ...THERE_AND_BACK, { kind: 'wait', ms: 13 * 3_600_000 }, { kind: 'look' }],
  ],
  [
    'the next is beyond its limit already when its zone is changed',
    false,
    [
      { kind: 'lower', budget: 0, cents: 1 },
      ...AHEAD,
      { kind: 'edit', budget: 0, zone: 'Asia/Kathmandu', window: 'day' },
    ],
  ],
  [
    'the next was begun ahead of time when its zone was changed, and nobody asks for it again',
    false,
    [
      BEFORE_RESET,
      asking(want(9 * MINUTE_MS, 10)),
      ...THERE_AND_BACK,
      { kind: 'wait', ms: 40 * 3_600_000 },
      { kind: 'look' },
    ],
  ],
])('a window hands each nano-dollar on once, also where %s', async (_, isCalm, steps) => {
  await run(steps, [CARRY], isCalm ? 'calm' : 'rough', TODAY_MS + 12 * 3_600_000)
})
