import { expect, test } from 'vitest'
import { isoTime } from './event-parts'

test('times are written as the calendar has them, whatever was written before', () => {
  const start = Date.UTC(2026, 11, 31, 23, 59, 58)
  const times = [0, 7, 7.9, 42, 999.999, 1_000, 999, 1_999, 2_000, 2_010, 1_500, -1, 86_400_000].map((ms) => start + ms)
  expect(times.map(isoTime)).toEqual(times.map((ms) => new Date(ms).toISOString()))
})
