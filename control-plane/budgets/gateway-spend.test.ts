import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type WindowRule, windowAt } from '@/lib/spend/windows'
import { windowsFrom } from './gateway-spend'

const rule: fc.Arbitrary<WindowRule> = fc.record({
  window: fc.constantFrom('day', 'week', 'month', 'quarter', 'year', 'lifetime'),
  timeZone: fc.constantFrom('UTC', 'Europe/Vienna', 'Asia/Kathmandu', 'America/Havana', 'Pacific/Apia'),
  anchor: fc.constantFrom(null, '2024-02-29', '2026-01-31'),
})
const YEARS = { min: Date.UTC(2011, 11), max: Date.UTC(2030, 0) }
const OFF_MAX_MS = 600_000

test('a gateway is told the windows of all moments that it may take for the present, also of those before the reset', () => {
  const offMs = fc.integer({ min: -OFF_MAX_MS, max: OFF_MAX_MS })
  fc.assert(
    fc.property(rule, fc.integer(YEARS), fc.boolean(), offMs, offMs, (given, someMs, isAtReset, sinceMs, aheadMs) => {
      const { endsMs } = windowAt(given, someMs)
      const nowMs = isAtReset && endsMs !== null ? endsMs + sinceMs : someMs
      const told = windowsFrom(given, nowMs)
      const seenMs = nowMs + aheadMs
      expect(told.findLast((startsMs) => startsMs <= seenMs)).toBe(windowAt(given, seenMs).startsMs)
      expect(told.toSorted((a, b) => a - b)).toEqual(told)
    }),
  )
})
