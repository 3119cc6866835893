import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { DeskLimits } from './desk-limits'
import { LimitDesk } from './limit-desk'
import { type Hold, type Limit, Limiter } from './limiter'

const MINUTE = 60_000
const limitOf = (counts: Limit['counts'], max: number): Limit => ({
  name: `key-${counts}`,
  holder: 'key a',
  counts,
  max,
  windowMs: counts === 'parallel' ? 0 : MINUTE,
})

/** A desk and so many processes that ask it, each over a channel of its own that keeps the order. */
function gateway(processes: number, wallMs = () => 0) {
  const desk = new LimitDesk({ ask: null, failed: () => {}, wallMs })
  const all = Array.from({ length: processes }, () => {
    const name = {}
    const limits: DeskLimits = new DeskLimits((takes, releases) => limits.hear(desk.answer(name, takes, releases)))
    return { name, limits }
  })
  const at = (index: number) => {
    const one = all[index % processes]
    if (one === undefined) throw new Error('no process')
    return one
  }
  return { desk, at }
}

describe('limits of several processes', () => {
  test('lower than their number are let through to the last request, whoever serves it', async () => {
    const { at } = gateway(8)
    const limit = limitOf('requests', 3)
    const taken = await Promise.all(Array.from({ length: 40 }, (_, n) => at(n).limits.take([limit], 0)))
    expect(taken.filter(({ hold }) => hold !== null)).toHaveLength(3)
    expect(taken.find(({ exceeded }) => exceeded !== null)?.exceeded).toEqual({ limit, remaining: 0, resetMs: MINUTE })
  })

  test('are those of one process, whatever is asked for and given back by whom', async () => {
    const step = fc.record({
      process: fc.nat(4),
      isStart: fc.boolean(),
      tokens: fc.nat(60),
      used: fc.option(fc.nat(60)),
      pick: fc.nat(20),
    })
    const limits = [limitOf('requests', 12), limitOf('tokens', 200), limitOf('parallel', 3)]
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const one = new Limiter()
        const { at } = gateway(5)
        const open: { process: number; hold: Hold; same: Hold }[] = []
        for (const { process, isStart, tokens, used, pick } of steps) {
          if (!isStart) {
            const [done] = open.splice(pick % Math.max(1, open.length), 1)
            if (done === undefined) continue
            at(done.process).limits.release(done.hold, used)
            one.release(done.same, used)
            await nextTurn()
            continue
          }
          const expected = one.take(limits, tokens, 0)
          const { hold, exceeded } = await at(process).limits.take(limits, tokens)
          expect(exceeded).toEqual(expected.exceeded)
          if (hold !== null && expected.hold !== null) {
            expect(hold.shared?.statuses).toEqual(limits.map((limit) => one.statusOf(limit, 0)))
            open.push({ process, hold, same: expected.hold })
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test('are given back for a process that has ended', async () => {
    const { desk, at } = gateway(2)
    const take = (index: number) => at(index).limits.take([limitOf('parallel', 1)], 0)
    expect((await take(0)).hold).not.toBeNull()
    expect((await take(1)).hold).toBeNull()
    desk.forget(at(0).name)
    expect((await take(1)).hold).not.toBeNull()
  })

  test('ask once for all that came in one turn of the event loop', async () => {
    const sent: number[] = []
    const limits = new DeskLimits((takes) => sent.push(takes.length))
    for (let n = 0; n < 5; n++) void limits.take([limitOf('requests', 1)], 0).catch(() => {})
    await nextTurn()
    await nextTurn()
    expect(sent).toEqual([5])
  })

  test('that are not counted in time fail, and what is counted later is given back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const desk = new LimitDesk({ ask: null, failed: () => {}, wallMs: () => 0 })
      const name = {}
      const late: (() => void)[] = []
      const limits: DeskLimits = new DeskLimits((takes, releases) => {
        late.push(() => limits.hear(desk.answer(name, takes, releases)))
      })
      const limit = limitOf('parallel', 1)
      const failed = expect(limits.take([limit], 0)).rejects.toThrow('does not answer')
      await nextTurn()
      vi.advanceTimersByTime(1_000)
      await failed
      for (const step of late.splice(0)) step()
      await nextTurn()
      for (const step of late.splice(0)) step()
      const again = limits.take([limit], 0)
      await nextTurn()
      for (const step of late.splice(0)) step()
      expect((await again).hold).not.toBeNull()
    } finally {
      vi.useRealTimers()
    }
  })
})
