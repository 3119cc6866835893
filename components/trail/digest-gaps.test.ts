import { expect, test } from 'vitest'
import { digestGaps, gapWords } from './digest-gaps'

const hour = (n: number) => new Date(Date.UTC(2026, 3, 23, n)).toISOString()
const digest = (number: number) => ({ number, period_start: hour(number), period_end: hour(number + 1) })

test('an unbroken row of digests has no gap, also when older ones are out of range', () => {
  expect(digestGaps([7, 6, 5].map(digest), { from: hour(6) })).toEqual([])
  expect(digestGaps([], { from: hour(0) })).toEqual([])
})

test('what is missing between two digests is named with its time', () => {
  const [gap, ...others] = digestGaps([9, 8, 5, 4].map(digest), { from: null })
  expect(others).toEqual([])
  expect(gap).toMatchObject({ first: 6, last: 7, since: hour(6), until: hour(8) })
  expect(gap && gapWords(gap)).toBe('digests 6 to 7')
})

test('digests that are missing before the oldest are missed when the range asked for them', () => {
  expect(digestGaps([5].map(digest), { from: hour(2) })).toMatchObject([{ first: null, last: 4, until: hour(5) }])
  expect(digestGaps([0].map(digest), { from: hour(-5) })).toEqual([])
})
