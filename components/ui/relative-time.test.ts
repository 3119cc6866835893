import { expect, test } from 'vitest'
import { relativeTime } from './relative-time'

const NOW = Date.parse('2026-04-23T10:00:00Z')
const DAY_MS = 86_400_000
const after = (ms: number) => relativeTime(new Date(NOW + ms).toISOString(), NOW)

test('what is to come is as far away as it was said to be a moment ago, not a unit less', () => {
  expect(after(90 * DAY_MS - 20_000)).toBe('in 3 mo.')
  expect(after(7 * DAY_MS - 20_000)).toBe('in 7 days')
})

test('what has passed counts once it is whole', () => {
  expect(after(-(2 * DAY_MS - 20_000))).toBe('yesterday')
  expect(after(-59_000)).toBe('59 sec. ago')
})

test('a month or a year is counted: last year and next month are calendar words for something else', () => {
  expect([after(-400 * DAY_MS), after(-35 * DAY_MS)]).toEqual(['1 yr. ago', '1 mo. ago'])
  expect([after(39 * DAY_MS), after(380 * DAY_MS)]).toEqual(['in 1 mo.', 'in 1 yr.'])
  expect(after(DAY_MS)).toBe('tomorrow')
})
