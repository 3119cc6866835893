import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { budgets } from '@/lib/contract/budgets'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { type LeaseAsk, type LeaseSource, spendLeases } from '@/lib/contract/spend-leases'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import { gatewayOf } from '../events/testing'
import { startControlPlane, type TestOrganization } from '../testing'
import { endWhatIsOver } from './work'

const plane = await startControlPlane()
afterAll(plane.stop)

const GATEWAYS = 5
const STEPS = 60
const CENT = 10_000_000n

type Gateway = Awaited<ReturnType<typeof gatewayOf>>
type Holding = { source: LeaseSource; leaseId: string; known: bigint; returned: bigint; used: bigint; reserved: bigint }
type Random = (below: number) => number

/** One life of one process, as gateways keep their books: what it has is what it knows of, less what it gave back and used. */
class Process {
  readonly holdings: Holding[]
  readonly underWay: bigint[] = []
  readonly sent: LeaseAsk[][] = []
  refusals = 0

  constructor(
    readonly gateway: Gateway,
    readonly instance: string,
    sources: readonly LeaseSource[],
  ) {
    this.holdings = sources.map((source) => ({ source, leaseId: '', known: 0n, returned: 0n, used: 0n, reserved: 0n }))
  }

  free = ({ known, returned, used, reserved }: Holding): bigint => known - returned - used - reserved

  async ask(want: bigint, least: bigint, isAnswerLost: boolean): Promise<void> {
    const group = this.holdings.map(({ source, known, returned, used }) => ({
      source,
      known: String(known),
      returned: String(returned),
      used: String(used),
      want: String(want),
      least: String(least),
    }))
    this.sent.push(group)
    const before = this.holdings.map(({ known }) => known)
    const answer = await this.#take(group)
    const given = answer.leases.map((lease) => BigInt(lease?.granted ?? 0))
    // Of all that it needs, or of nothing.
    if (answer.short.length > 0) this.refusals += 1
    if (answer.short.length > 0) expect(given.every((granted, at) => granted >= (before[at] ?? 0n))).toBe(true)
    else expect(given.every((granted, at) => granted - (before[at] ?? 0n) >= least)).toBe(true)
    if (!isAnswerLost) this.#learn(answer.leases)
  }

  /** An ask of before arrives once more. */
  async repeat(random: Random): Promise<void> {
    const group = this.sent[random(this.sent.length)]
    if (group) await this.#take(group.map((each) => ({ ...each, want: '0', least: '0' })))
  }

  start(amount: bigint): boolean {
    if (!this.holdings.every((holding) => this.free(holding) >= amount)) return false
    for (const holding of this.holdings) holding.reserved += amount
    this.underWay.push(amount)
    return true
  }

  /** @returns the event of a request that took no more than was reserved for it */
  finish(random: Random): GatewayEvent | null {
    const reserved = this.underWay.shift()
    if (reserved === undefined) return null
    const cost = (reserved * BigInt(random(101))) / 100n
    for (const holding of this.holdings) {
      holding.reserved -= reserved
      holding.used += cost
    }
    const event = this.gateway.event({ team_id: 'team_one' })
    return {
      ...event,
      event_cost_attribution: { ...event.event_cost_attribution, total_cost_usd: usdOfNano(cost) },
      spend: { reserved_usd: usdOfNano(reserved), leases: this.holdings.map(({ leaseId }) => leaseId) },
    }
  }

  giveBack(random: Random): void {
    for (const holding of this.holdings) holding.returned += (this.free(holding) * BigInt(random(101))) / 100n
  }

  async #take(group: LeaseAsk[]) {
    const { gateway, instance } = this
    const { groups } = await gateway.gateway(spendLeases.take, { id: gateway.id, instance, groups: [group] })
    const [answer] = groups
    if (!answer) throw new Error('a group was not answered')
    return answer
  }

  #learn(leases: ({ lease_id: string; granted: string } | null)[]): void {
    for (const [at, holding] of this.holdings.entries()) {
      const lease = leases[at]
      if (!lease) throw new Error('a source is gone')
      const granted = BigInt(lease.granted)
      if (granted > holding.known) holding.known = granted
      holding.leaseId = lease.lease_id
    }
  }
}

/** What must hold whatever has happened: nothing beyond the limit, and windows hold what leases hold. */
async function expectSound({ orgId }: TestOrganization): Promise<void> {
  const rows = await plane.owner<{ limit: string; spent: string; leased: string; excess: string; left: string }[]>`
    select base_nano_usd + carried_nano_usd + raised_nano_usd as limit, spent_nano_usd as spent, leased_nano_usd as leased,
      excess_nano_usd as excess, coalesce((
        select sum(granted_nano_usd - returned_nano_usd - settled_nano_usd - released_nano_usd) from spend_leases l
        where l.org_id = p.org_id and l.source_id = p.budget_id and l.period_starts_at = p.starts_at), 0) as left
    from budget_periods p where org_id = ${orgId}`
  for (const { limit, spent, leased, excess, left } of rows) {
    expect(BigInt(spent) + BigInt(leased)).toBeLessThanOrEqual(BigInt(limit))
    expect({ excess, leased }).toEqual({ excess: '0', leased: left })
  }
}

test('five gateways that ask, give back, die, repeat themselves and deliver late never pass a limit, and nothing stays held', async () => {
  const seed = Date.now() % 1_000_000
  const [stream] = fc.sample(fc.infiniteStream(fc.nat()), { numRuns: 1, seed })
  const random: Random = (below) => (below === 0 ? 0 : Number(stream?.next().value ?? 0) % below)
  const organization = await plane.organization()
  const owner = await organization.as('role_owner')
  const all = await owner(budgets.create, { name: 'All', limit_usd: '3' })
  const team = await owner(budgets.create, { name: 'Team', limit_usd: '2.5', scope: { team_id: 'team_one' } })
  const sources = [all, team].map(({ id, current }) => ({
    kind: 'budget' as const,
    budget_id: id,
    window_start_ms: Date.parse(current.starts_at),
  }))

  const waiting: { gateway: Gateway; event: GatewayEvent }[] = []
  const recorded = new Map<string, bigint>()
  let refusals = 0
  const deliver = async (at: number, isForgotten: boolean) => {
    const [one] = isForgotten ? waiting.splice(at, 1) : waiting.slice(at, at + 1)
    if (!one) return
    recorded.set(one.event.event_id, nanoUsdOf(one.event.event_cost_attribution.total_cost_usd ?? '0'))
    await one.gateway.gateway(events.ingest, { events: [one.event] })
  }
  // Whoever looks or changes something meanwhile neither stops the others nor is stopped by them.
  const meddle = async (what: number) => {
    const expires_at = new Date(Date.now() + (what === 0 ? 86_400_000 : 3_600_000)).toISOString()
    if (what === 2) return void (await owner(budgets.list, {}))
    await owner(budgets.raise, { id: what === 0 ? all.id : team.id, amount_usd: '0.01', reason: 'More', expires_at })
  }
  const run = async (index: number) => {
    const gateway = await gatewayOf(organization, `gw_${index}`)
    let life = 0
    let process = new Process(gateway, `life-${index}-${life}`, sources)
    for (let step = 0; step < STEPS; step++) {
      const least = BigInt(1 + random(20)) * CENT
      const roll = random(100)
      if (roll < 35) await process.ask(least * BigInt(1 + random(4)), least, random(10) === 0)
      else if (roll < 60) process.start(BigInt(1 + random(10)) * CENT)
      else if (roll < 75) {
        const event = process.finish(random)
        if (event) waiting.push({ gateway, event })
      } else if (roll < 85) await deliver(random(waiting.length), random(3) > 0)
      else if (roll < 92) process.giveBack(random)
      else if (roll < 94) await process.repeat(random)
      else if (roll < 96) await meddle(random(3))
      else {
        life += 1
        refusals += process.refusals
        process = new Process(gateway, `life-${index}-${life}`, sources)
      }
    }
    // What is left of the last life ends as it should: requests end, and all is given back.
    for (let event = process.finish(random); event; event = process.finish(random)) waiting.push({ gateway, event })
    for (const holding of process.holdings) holding.returned += process.free(holding)
    await process.ask(0n, 0n, false)
    refusals += process.refusals
  }
  const runs = Promise.all(Array.from({ length: GATEWAYS }, (_, index) => run(index)))
  let isOver = false
  const watched = (async () => {
    while (!isOver) await expectSound(organization)
  })()
  await runs.finally(() => {
    isOver = true
  })
  await watched
  while (waiting.length > 0) await deliver(random(waiting.length), true)
  await expectSound(organization)

  await plane.owner`update spend_leases set held_until = now() where org_id = ${organization.orgId}`
  await endWhatIsOver(plane.services, organization.orgId)
  await expectSound(organization)
  const cost = [...recorded.values()].reduce((sum, each) => sum + each, 0n)
  expect(cost, `seed ${seed}`).toBeGreaterThan(0n)
  expect(refusals, `seed ${seed}`).toBeGreaterThan(0)
  for (const { id } of [all, team]) {
    const { current, held } = await owner(budgets.get, { id })
    expect({ ...current, held }).toMatchObject({ committed_usd: usdOfNano(cost), held_usd: usdOfNano(0n), held: [] })
  }
})
