import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance } from './edit-distance'

test.each([
  ['missile', 'missile', 2, 0],
  ['missile', 'misile', 2, 1],
  ['missile', 'missiel', 2, 1],
  ['missile', 'mistle', 2, 2],
  ['missile', 'thistle', 2, 3],
  ['', 'ab', 2, 2],
  ['abc', 'abc', 0, 0],
  ['abc', 'abd', 0, 1],
])('%s and %s within %i are %i apart', (left, right, max, distance) => {
  expect(editDistance(left, right, max)).toBe(distance)
  expect(editDistance(right, left, max)).toBe(distance)
})

/** The whole table, as in every textbook. */
function fullDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  const at = (i: number, j: number) => table[i]?.[j] ?? Number.NaN
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1)
      const row = table[i]
      if (row) row[j] = cost
    }
  }
  return at(a.length, b.length)
}

test('the band says the same as the whole table, up to its bound', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 })
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 4 }), (a, b, max) => {
      expect(editDistance(a, b, max)).toBe(Math.min(fullDistance(a, b), max + 1))
    }),
    { numRuns: 3_000 },
  )
})
