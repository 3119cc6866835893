import { describe, expect, test } from 'vitest'
import { backoffMs, pollPauseMs } from './backoff'

const INTERVAL = 30_000
/** Evenly from 0 to 1, both ends included. */
const chances = Array.from({ length: 1_001 }, (_, n) => n / 1_000)

describe('the next poll', () => {
  test('comes after the interval, a fifth earlier to a fifth later, evenly', () => {
    const pauses = chances.map((chance) => pollPauseMs(0, INTERVAL, chance))
    expect(Math.min(...pauses)).toBe(24_000)
    expect(Math.max(...pauses)).toBeCloseTo(36_000)
    expect(pauses.reduce((sum, ms) => sum + ms, 0) / pauses.length).toBeCloseTo(INTERVAL)
    for (const from of [24_000, 27_000, 30_000, 33_000]) {
      const share = pauses.filter((ms) => ms >= from && ms < from + 3_000).length / pauses.length
      expect(share).toBeCloseTo(0.25, 2)
    }
  })

  test('comes later with every failure, up to five minutes, spread by half', () => {
    const longest = [1, 2, 3, 4, 5, 6, 1_000].map((failures) => pollPauseMs(failures, INTERVAL, 1))
    expect(longest).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000])
    expect(pollPauseMs(1_000, INTERVAL, 0)).toBe(150_000)
  })

  test('comes no sooner after a failure than without one when the interval is long', () => {
    expect(pollPauseMs(5, 3_600_000, 1)).toBe(3_600_000)
  })

  test('of 1,000 gateways that started together never comes at three times the mean rate', () => {
    for (const failuresFirst of [0, 3]) {
      const perSecond = new Array<number>(1_200).fill(0)
      let state = 1
      for (let gateway = 0; gateway < 1_000; gateway++) {
        let atMs = 0
        for (let poll = 0; ; poll++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          atMs += pollPauseMs(Math.max(0, failuresFirst - poll), INTERVAL, state / 2 ** 32)
          const second = Math.floor(atMs / 1_000)
          if (second >= perSecond.length) break
          perSecond[second] = (perSecond[second] ?? 0) + 1
        }
      }
      const busy = perSecond.slice(36)
      const mean = busy.reduce((sum, count) => sum + count, 0) / busy.length
      expect(mean).toBeGreaterThan(25)
      expect(Math.max(...busy) / mean).toBeLessThan(3)
    }
  })
})

test('a pause after a failure is at least half of what it may be', () => {
  expect(backoffMs(3, 100, 10_000, 0)).toBe(200)
  expect(backoffMs(3, 100, 10_000, 1)).toBe(400)
})
