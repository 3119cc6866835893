import fc from 'fast-check'
import { expect, test } from 'vitest'
import { usdOfNano } from '@/lib/money'
import { METRICS } from './metrics'
import { readPoints, tally, writtenSums } from './tally'

const amount = fc.oneof(
  fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }),
  fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  fc.bigInt({ min: -4n * 10n ** 18n, max: 4n * 10n ** 18n }),
)
const point = fc.tuple(...METRICS.map(() => amount))
const groups = fc.array(fc.array(point, { minLength: 1, maxLength: 30 }), { maxLength: 6 })
const count = (sum: bigint) => Math.min(Number(sum), Number.MAX_SAFE_INTEGER)
const sumOf = (points: bigint[][], at: number) => points.reduce((sum, point) => sum + (point[at] ?? 0n), 0n)
const COST = METRICS.indexOf('cost')

test('sums are exact, however large, and the dearest come first', () => {
  fc.assert(
    fc.property(groups, fc.integer({ min: 1, max: 6 }), (given, limit) => {
      const read = given.map((points, at) => {
        const text = points.map((digits, interval) => `(${[interval, ...digits].join(',')})`).join(';')
        return { values: [`g${at}`], names: [null], points: readPoints(text) }
      })
      const { total, groups, rest, points } = tally(read, { limit, pointsMax: 1_000 })
      expect(total.cost_usd).toBe(usdOfNano(sumOf(given.flat(), COST)))
      expect(total.requests).toBe(count(sumOf(given.flat(), 0)))
      const ranked = given
        .map((points, at) => ({ name: `g${at}`, cost: sumOf(points, COST), requests: sumOf(points, 0), points }))
        .filter(({ cost, requests }) => cost !== 0n || requests !== 0n)
        .sort((a, b) => Number(b.cost > a.cost) - Number(b.cost < a.cost) || Number(b.requests - a.requests))
      const shown = ranked.slice(0, limit)
      expect(groups.map(({ values, sums }) => [values, sums.cost_usd])).toEqual(
        shown.map(({ name, cost }) => [[name], usdOfNano(cost)]),
      )
      expect(rest?.groups ?? 0).toBe(ranked.length - shown.length)
      const others = ranked.slice(limit).flatMap((group) => group.points)
      expect(rest?.sums.cost_usd ?? usdOfNano(0n)).toBe(usdOfNano(sumOf(others, COST)))
      expect(points.map(({ interval, group, digits }) => [interval, group.values[0], digits]).sort()).toEqual(
        shown
          .flatMap(({ name, points }) =>
            points.flatMap((digits, interval) =>
              digits[0] === 0n && digits[COST] === 0n ? [] : [[interval, name, digits.join(',')]],
            ),
          )
          .sort(),
      )
    }),
  )
})

test('points are written as the sums of groups are', () => {
  fc.assert(
    fc.property(point, (digits) => {
      const expected = digits.map((sum, at) => (at === COST ? usdOfNano(sum) : String(count(sum))))
      expect(writtenSums(digits.join(','))).toEqual(expected)
    }),
  )
})
