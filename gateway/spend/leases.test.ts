import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { nanoUsd, nanoUsdOf, usdOfNano } from '@/lib/money'
import { FakeBudgets, walletOf, windowOf } from './fake-budgets'
import type { Lease } from './lease'
import { LeaseHolder } from './lease-holder'
import { BudgetRule, type BudgetWindow } from './spend-rules'
import { budget } from './spend-testing'

const usd = (text: string) => nanoUsdOf(text)
const turns = async (count = 10) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}
const windowNamed = (id: string): BudgetWindow => new BudgetRule(budget(id)).windowAt(0)

const NEVER = Number.POSITIVE_INFINITY
let nowMs = 0
let wallMs = 0
let plane = new FakeBudgets()
let failures: unknown[] = []
beforeEach(() => {
  nowMs = 1_000
  wallMs = 1_800_000_000_000
  plane = new FakeBudgets()
  failures = []
})

const newHolder = () =>
  new LeaseHolder({ ask: plane.ask, nowMs: () => nowMs, wallMs: () => wallMs, failed: (cause) => failures.push(cause) })

function leaseOf(holder: LeaseHolder, window: BudgetWindow | string): Lease {
  const lease = typeof window === 'string' ? holder.ofWallet(window) : holder.ofBudget(window)
  if (lease === null) throw new Error('too many')
  return lease
}

/** As a request does that needs so much: asks when it has to, and reserves. */
async function reserve(holder: LeaseHolder, window: BudgetWindow | string, amount: string): Promise<boolean> {
  for (let n = 0; n < 20; n++) {
    const lease = leaseOf(holder, window)
    if (lease.canReserve(usd(amount), nowMs)) {
      holder.reserve([{ lease, amount: usd(amount) }], nowMs)
      return true
    }
    const told = await holder.more([{ lease, amount: usd(amount) }], NEVER)
    if (told.kind !== 'more') return false
  }
  throw new Error('It is told to try again for ever.')
}

async function pass(holder: LeaseHolder, seconds: number): Promise<void> {
  for (let n = 0; n < seconds; n++) {
    nowMs += 1_000
    wallMs += 1_000
    holder.sweep()
    await turns(3)
  }
}

const A = windowNamed('bud_a')

describe('a slice', () => {
  test('ends ten seconds early by a clock that nobody can set, counted from before it was asked for', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const holder = newHolder()
    const gate = Promise.withResolvers<void>()
    plane.gate = gate.promise
    const asked = reserve(holder, A, '1')
    await turns()
    nowMs += 2_000 // the answer takes its time
    wallMs += 86_400_000 // and somebody sets the clock
    gate.resolve()
    expect(await asked).toBe(true)
    const lease = leaseOf(holder, A)
    nowMs = 1_000 + 49_999
    expect(lease.canReserve(usd('1'), nowMs)).toBe(true)
    nowMs = 1_000 + 50_000
    wallMs -= 86_400_000
    expect(lease.canReserve(usd('1'), nowMs)).toBe(false)
  })

  test('is kept alive while it is used, and while a request under way holds of it, and given back when it is not', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const holder = newHolder()
    expect(await reserve(holder, A, '1')).toBe(true)
    for (let minute = 0; minute < 3; minute++) {
      await pass(holder, 30)
      expect(plane.heldOf(windowOf('bud_a'))).toBe('1.000000000') // the rest went back after ten seconds
    }
    expect(plane.asks.length).toBeGreaterThanOrEqual(4)
    const lease = leaseOf(holder, A)
    lease.settle(usd('1'), usd('0.25'))
    await pass(holder, 2)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('0.250000000') // until its event comes
    const asks = plane.asks.length
    await pass(holder, 120)
    expect(plane.asks.length).toBe(asks) // nothing more is said of what is not held
  })

  test('that was recalled goes back at once, but for what is reserved', async () => {
    plane.limit(windowOf('bud_a'), '100')
    plane.limit(walletOf('organization'), '100')
    const holder = newHolder()
    await reserve(holder, A, '1')
    await reserve(holder, 'organization', '2')
    holder.recall(['bud_a', 'bud_of_somebody_else'])
    await turns()
    expect(plane.heldOf(windowOf('bud_a'))).toBe('1.000000000')
    expect(plane.heldOf(walletOf('organization'))).toBe('20.000000000')
    // From now on only what is needed is asked for.
    await reserve(holder, A, '1')
    expect(plane.heldOf(windowOf('bud_a'))).toBe('2.000000000')
  })

  test('is asked for before it is needed', async () => {
    plane.limit(windowOf('bud_a'), '1000')
    const holder = newHolder()
    for (let n = 0; n < 200; n++) {
      nowMs += 100
      expect(leaseOf(holder, A).canReserve(usd('1'), nowMs)).toBe(n > 0)
      expect(await reserve(holder, A, '1')).toBe(true)
      leaseOf(holder, A).settle(usd('1'), usd('1'))
      if (n % 10 === 0) holder.sweep()
      await turns(2)
    }
    expect(plane.asks.length).toBeLessThan(45)
  })

  test('of a window that is over goes back as its requests end, and is forgotten', async () => {
    plane.limit(windowOf('bud_a', 1_000), '100')
    const rule = new BudgetRule(budget('bud_a', { windows_ms: [1_000, wallMs + 5_000] }))
    const holder = newHolder()
    await reserve(holder, rule.windowAt(wallMs), '1')
    const lease = leaseOf(holder, rule.windowAt(wallMs))
    await pass(holder, 6)
    expect(plane.heldOf(windowOf('bud_a', 1_000))).toBe('1.000000000')
    lease.settle(usd('1'), usd('1'))
    await pass(holder, 3)
    expect(leaseOf(holder, rule.windowAt(wallMs - 60_000))).not.toBe(lease)
  })

  test.each([
    ['that is over', false],
    ['that there is not any more', true],
  ])('of a window %s is kept alive while a request under way holds of it', async (_, isChanged) => {
    const source = windowOf('bud_a', 1_000)
    plane.limit(source, '100')
    const rule = new BudgetRule(budget('bud_a', { windows_ms: [1_000, wallMs + (isChanged ? 5_000_000 : 5_000)] }))
    const holder = newHolder()
    await reserve(holder, rule.windowAt(wallMs), '1')
    const lease = leaseOf(holder, rule.windowAt(wallMs))
    if (isChanged) plane.end(source)
    await pass(holder, 60)
    const asked = plane.asks.length
    for (let minute = 1; minute <= 5; minute++) {
      await pass(holder, 60)
      expect(plane.asks.length).toBeGreaterThan(asked + minute - 1)
      expect(plane.asks.length).toBeLessThan(asked + minute * 4)
    }
    expect(plane.heldOf(source)).toBe('1.000000000')
    lease.settle(usd('1'), 0n)
    await pass(holder, 3)
    expect(plane.heldOf(source)).toBe('0.000000000')
    const toldAll = plane.asks.length
    await pass(holder, 120)
    expect(plane.asks.length).toBe(toldAll)
  })

  test('of a window of which nothing is given any more is not asked for again and again by a request that began in it', async () => {
    const starts = [wallMs - 86_400_000, wallMs - 5_000, wallMs + 86_400_000]
    const window = new BudgetRule(budget('bud_a', { windows_ms: starts })).windowAt(wallMs - 10_000)
    plane.limit(windowOf('bud_a', window.startMs), '1')
    plane.move(windowOf('bud_a', window.startMs), starts)
    expect(await reserve(newHolder(), window, '1')).toBe(false)
    expect(plane.asks.length).toBeLessThan(3)
  })

  test('that the control plane has taken back is begun anew', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const holder = newHolder()
    await reserve(holder, A, '1')
    const old = leaseOf(holder, A)
    plane.takeBack(windowOf('bud_a'))
    nowMs += 70_000
    expect(await reserve(holder, A, '1')).toBe(true)
    expect(leaseOf(holder, A).id).not.toBe(old.id)
    old.settle(usd('1'), usd('1')) // a request that took longer than anybody waited
    await pass(holder, 20)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('1.000000000')
  })

  test('that is settled for more than was reserved is overdrawn at nobody else, and never below nothing', async () => {
    plane.limit(windowOf('bud_a'), '3')
    plane.share = 1n
    const holder = newHolder()
    await reserve(holder, A, '1')
    await reserve(holder, A, '1')
    const lease = leaseOf(holder, A)
    lease.settle(usd('1'), usd('50'))
    expect(lease.free(nowMs)).toBe(0n)
    expect(lease.canReserve(usd('0.000000001'), nowMs)).toBe(false)
    lease.settle(usd('1'), usd('1'))
    expect([lease.free(nowMs), lease.held]).toEqual([0n, 0n])
  })

  test('of a budget that was deleted goes back, what was never seen of it stays, and then it limits nothing', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const window = new BudgetRule(budget('bud_a', { windows_ms: [0, wallMs + 3_600_000] })).windowAt(wallMs - 1)
    const holder = newHolder()
    await reserve(holder, window, '1')
    plane.losesAnswers = true
    expect(await reserve(holder, window, '20')).toBe(false)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('55.000000000') // 45 more, of which nobody heard
    plane.losesAnswers = false
    plane.remove(windowOf('bud_a'))
    nowMs += 5_000
    const need = () => [{ lease: leaseOf(holder, window), amount: usd('20') }]
    expect((await holder.more(need(), NEVER)).kind).toBe('more')
    await turns()
    expect(plane.heldOf(windowOf('bud_a'))).toBe('46.000000000')
    for (let n = 0; n < 3; n++) await holder.more(need(), NEVER)
    expect(leaseOf(holder, window).isGone).toBe(true)
  })

  test('of a window that was taken for open, because nobody has told of a newer one, is not taken for nothing', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const holder = newHolder()
    await reserve(holder, A, '1')
    plane.end(windowOf('bud_a'))
    for (let n = 0; n < 6; n++) await holder.more([{ lease: leaseOf(holder, A), amount: usd('20') }], NEVER)
    expect(leaseOf(holder, A).isGone).toBe(false)
    expect(leaseOf(holder, A).canReserve(1n, nowMs)).toBe(false)
  })

  describe('of a wallet that nobody had to pay from for a while', () => {
    const WALLET = walletOf('organization')
    const standing = (holder: LeaseHolder) => [plane.heldOf(WALLET), holder.held]
    /** A request holds ten when all else goes back, and nothing has to be reserved any more. */
    async function replaced(isSeen: boolean): Promise<{ holder: LeaseHolder; old: Lease }> {
      plane.limit(WALLET, isSeen ? '100' : '10')
      plane.share = 1n
      const holder = newHolder()
      await reserve(holder, 'organization', '10')
      const old = leaseOf(holder, 'organization')
      if (isSeen) holder.recall(['organization'])
      await turns()
      plane.remove(WALLET)
      await holder.more([{ lease: old, amount: usd('1') }], NEVER)
      await turns()
      expect(leaseOf(holder, 'organization')).not.toBe(old)
      expect(standing(holder)).toEqual(['10.000000000', usd('10')])
      plane.restore(WALLET)
      plane.limit(WALLET, '100')
      holder.forgetRefusals()
      return { holder, old }
    }

    test.each([
      ['what requests gave back of it is not given again', true],
      ['what requests still hold of it is not given again', false],
    ])('%s, and what they did not need goes back', async (_, isSeen) => {
      const { holder, old } = await replaced(isSeen)
      expect(await reserve(holder, 'organization', '3')).toBe(true)
      expect(standing(holder)).toEqual([usdOfNano(nanoUsd(holder.held)), holder.held])
      expect(holder.held).toBeGreaterThan(usd('13') - 1n)
      // The request of before cost four of the ten that it held.
      old.settle(usd('10'), usd('4'))
      plane.charge(old.id ?? '', usd('4'))
      leaseOf(holder, 'organization').settle(usd('3'), 0n)
      await pass(holder, 12)
      expect(standing(holder)).toEqual(['0.000000000', 0n])
      expect(plane.spentOf(WALLET)).toBe('4.000000000')
    })

    test('goes back when the process ends, too', async () => {
      const { holder, old } = await replaced(true)
      old.settle(usd('10'), 0n)
      await holder.close(1_000)
      expect(standing(holder)).toEqual(['0.000000000', 0n])
    })
  })

  test('of a source that there is not any more limits nothing', async () => {
    plane.limit(windowOf('bud_a'), '0')
    plane.remove(windowOf('bud_a'))
    const holder = newHolder()
    expect((await holder.more([{ lease: leaseOf(holder, A), amount: usd('1') }], NEVER)).kind).toBe('more')
    expect(leaseOf(holder, A).isGone).toBe(true)
  })
})

describe('the control plane', () => {
  test('is told the same again when its answer was lost, and nobody has more by that', async () => {
    plane.limit(windowOf('bud_a'), '10')
    plane.share = 1n
    const holder = newHolder()
    plane.losesAnswers = true
    expect(await reserve(holder, A, '1')).toBe(false)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('10.000000000')
    plane.losesAnswers = false
    nowMs += 10_000
    for (let n = 0; n < 10; n++) expect(await reserve(holder, A, '1')).toBe(true)
    expect(await reserve(holder, A, '1')).toBe(false)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('10.000000000')
  })

  test('that is away is not waited for again for a while, and gets what it missed when it is back', async () => {
    plane.limit(windowOf('bud_a'), '100')
    const holder = newHolder()
    await reserve(holder, A, '1')
    leaseOf(holder, A).settle(usd('1'), usd('1'))
    plane.failure = new Error('away')
    await pass(holder, 15)
    const asks = plane.asks.length
    expect(failures.length).toBeGreaterThan(0)
    expect((await holder.more([{ lease: leaseOf(holder, A), amount: usd('50') }], NEVER)).kind).toBe('away')
    expect(plane.asks.length).toBe(asks)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('10.000000000')
    plane.failure = null
    await pass(holder, 6)
    expect(plane.heldOf(windowOf('bud_a'))).toBe('1.000000000')
  })

  test('is asked by one life of one process under one name', async () => {
    plane.limit(windowOf('bud_a'), '100')
    plane.limit(windowOf('bud_b'), '100')
    const [first, second] = [newHolder(), newHolder()]
    await reserve(first, A, '1')
    await reserve(second, A, '1')
    await reserve(first, windowNamed('bud_b'), '1')
    const names = plane.asks.map(({ instance }) => instance)
    expect(new Set(names).size).toBe(2)
    expect(names[0]).toBe(names[2])
  })

  test('gets back all that is free when the process ends, but is not waited for long', async () => {
    for (let n = 0; n < 150; n++) plane.limit(windowOf(`bud_${n}`), '100')
    const holder = newHolder()
    for (let n = 0; n < 150; n++) await reserve(holder, windowNamed(`bud_${n}`), '1')
    leaseOf(holder, windowNamed('bud_7')).settle(usd('1'), 0n)
    await holder.close(1_000)
    expect(plane.heldOf(windowOf('bud_7'))).toBe('0.000000000')
    expect(plane.heldOf(windowOf('bud_149'))).toBe('1.000000000')
    for (const { groups } of plane.asks) expect(groups.length).toBeLessThanOrEqual(100)

    const stuck = newHolder()
    await reserve(stuck, windowNamed('bud_1'), '1')
    plane.gate = new Promise(() => {})
    await stuck.close(20)
  })

  test('gets back what it had promised when the process ended, too, and is asked for nothing more', async () => {
    plane.limit(windowOf('bud_a'), '100')
    plane.limit(windowOf('bud_b'), '100')
    const holder = newHolder()
    for (const window of [A, windowNamed('bud_b')]) await reserve(holder, window, '1')
    const gate = Promise.withResolvers<void>()
    plane.gate = gate.promise
    // The second runs low while the question for the first is under way.
    const waiting = holder.more([{ lease: leaseOf(holder, A), amount: usd('60') }], NEVER)
    await turns()
    const low = leaseOf(holder, windowNamed('bud_b'))
    while (low.canReserve(usd('1'), nowMs)) holder.reserve([{ lease: low, amount: usd('1') }], nowMs)
    const reserved = usdOfNano(low.held)
    const closed = holder.close(1_000)
    await turns()
    plane.gate = null
    gate.resolve()
    await waiting
    await closed
    await turns()
    expect(plane.heldOf(windowOf('bud_a'))).toBe('1.000000000')
    expect(plane.heldOf(windowOf('bud_b'))).toBe(reserved)
  })

  test('is not asked for what nobody waits for any more, nor for more than can be said', async () => {
    plane.limit(windowOf('bud_a'), '1000')
    const holder = newHolder()
    const need = { lease: leaseOf(holder, A), amount: usd('1') }
    const gate = Promise.withResolvers<void>()
    plane.gate = gate.promise
    const first = holder.more([need], NEVER)
    await turns()
    void holder.more([{ ...need, amount: usd('900') }], performance.now() - 1)
    const huge = holder.more([{ ...need, amount: usd('999999999999') }], NEVER)
    gate.resolve()
    await Promise.all([first, huge])
    expect(plane.asks).toHaveLength(2)
    expect(plane.asks[1]?.groups[0]?.[0]?.want).toBe('999999999999999999')
  })

  test('is asked once for many that wait for the same, and never twice for one source at once', async () => {
    plane.limit(windowOf('bud_a'), '1000')
    plane.limit(windowOf('bud_b'), '1000')
    const holder = newHolder()
    const b = windowNamed('bud_b')
    const both = () => [
      { lease: leaseOf(holder, A), amount: usd('1') },
      { lease: leaseOf(holder, b), amount: usd('1') },
    ]
    const waits = [
      ...Array.from({ length: 50 }, () => holder.more(both(), NEVER)),
      holder.more([{ lease: leaseOf(holder, b), amount: usd('60') }], NEVER),
      // For which there is enough by then.
      holder.more([{ lease: leaseOf(holder, A), amount: usd('40') }], NEVER),
    ]
    await Promise.all(waits)
    expect(plane.asks).toHaveLength(2)
    expect(plane.asks[0]?.groups).toHaveLength(1)
    expect(plane.asks[0]?.groups[0]).toMatchObject([
      { known: '0', want: String(usd('50')), least: String(usd('50')) },
      { known: '0', want: String(usd('50')), least: String(usd('50')) },
    ])
    expect(plane.asks[1]?.groups).toMatchObject([[{ known: String(usd('50')), least: String(usd('10')) }]])
  })

  test('gets back from a request that waits for others what others may be waiting for, and is asked for all of it together', async () => {
    plane.limit(windowOf('bud_a'), '10')
    plane.limit(windowOf('bud_b'), '0')
    plane.isRecalled = true
    const holder = newHolder()
    leaseOf(holder, A).tighten(nowMs)
    expect(await reserve(holder, A, '1')).toBe(true)
    leaseOf(holder, A).settle(usd('1'), 0n)
    expect(holder.held).toBe(usd('1'))
    const needs = [A, windowNamed('bud_b')].map((window) => ({ lease: leaseOf(holder, window), amount: usd('1') }))
    expect(await holder.more(needs, NEVER)).toMatchObject({ kind: 'short', isRecalled: true })
    await turns()
    expect([plane.heldOf(windowOf('bud_a')), holder.held]).toEqual(['0.000000000', 0n])
    plane.limit(windowOf('bud_b'), '1')
    expect(await holder.more(needs, NEVER)).toEqual({ kind: 'more' })
    expect(plane.asks.at(-1)?.groups).toMatchObject([[{ least: String(usd('1')) }, { least: String(usd('1')) }]])
  })
})

type Step = { kind: string; at: number; amount: number }
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('reserve', 'reserve', 'reserve', 'settle', 'settle', 'event', 'recall', 'pass', 'lose', 'fail'),
  at: fc.nat(2),
  amount: fc.integer({ min: 1, max: 40 }),
})

test('no process ever believes to hold more than the control plane keeps for it, whatever is lost, late or doubled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      nowMs = 1_000
      wallMs = 1_800_000_000_000
      plane = new FakeBudgets()
      plane.limit(windowOf('bud_a'), '100')
      const holders = [newHolder(), newHolder(), newHolder()]
      const open: { lease: Lease; amount: bigint }[] = []
      const undelivered: { id: string; cost: bigint }[] = []
      let charged = 0n
      for (const { kind, at, amount } of steps) {
        const holder = holders[at]
        if (holder === undefined) throw new Error('no such process')
        if (kind === 'reserve') {
          const isHeld = await reserve(holder, A, String(amount))
          if (isHeld) open.push({ lease: leaseOf(holder, A), amount: usd(String(amount)) })
        } else if (kind === 'settle') {
          const [one] = open.splice(amount % Math.max(1, open.length), 1)
          const cost = one === undefined ? 0n : (one.amount * BigInt(at)) / 2n
          one?.lease.settle(one.amount, cost)
          if (one?.lease.id != null && cost > 0n) undelivered.push({ id: one.lease.id, cost })
        } else if (kind === 'event') {
          const [one] = undelivered.splice(amount % Math.max(1, undelivered.length), 1)
          if (one !== undefined) plane.charge(one.id, one.cost)
          charged += one?.cost ?? 0n
        } else if (kind === 'recall') holder.recall(['bud_a'])
        else if (kind === 'pass') await pass(holder, amount)
        else if (kind === 'lose') plane.losesAnswers = !plane.losesAnswers
        else plane.failure = plane.failure === null ? new Error('away') : null
        await turns(2)
        const waiting = undelivered.reduce((sum, { cost }) => sum + cost, 0n)
        const believed = holders.reduce((sum, one) => sum + one.held, 0n)
        expect(believed + waiting).toBeLessThanOrEqual(usd(plane.heldOf(windowOf('bud_a'))))
        expect(usd(plane.heldOf(windowOf('bud_a'))) + charged).toBeLessThanOrEqual(usd('100'))
      }
    }),
    { numRuns: 60 },
  )
})
