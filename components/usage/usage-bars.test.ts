import { expect, test } from 'vitest'
import type { UsageSums } from '@/lib/contract/usage'
import { totalsOf, usageBars } from './usage-bars'
import type { UsageAnswer } from './usage-queries'

const sums = (cost: string, requests = 1): UsageSums => ({
  requests,
  errors: 0,
  cache_hits: 0,
  tokens_input: 10,
  tokens_output: 5,
  tokens_total: 15,
  cost_usd: cost,
  unpriced: 0,
})
const START = Date.UTC(2026, 10, 20)
const HOURS = [0, 1, 2].map((hour) => START + hour * 3_600_000)
const at = (hour: number) => new Date(START + hour * 3_600_000).toISOString()

function answerOf(
  groups: Record<string, [hour: number, cost: string][]>,
  rest: UsageAnswer['rest'] = null,
): UsageAnswer {
  return {
    since: at(0),
    until: at(3),
    total: sums('0'),
    previous_since: null,
    previous: null,
    groups: Object.entries(groups).map(([team_id, points]) => ({
      by: { team_id },
      names: {},
      sums: sums(points[0]?.[1] ?? '0', points.length),
      previous: null,
    })),
    rest,
    points: Object.entries(groups).flatMap(([team_id, points]) =>
      points.map(([hour, cost]) => ({ at: at(hour), by: { team_id }, sums: sums(cost) })),
    ),
  }
}

test('every stretch has a bar, and its parts come to the exact sum of its points', () => {
  const answer = answerOf({
    finance: [[0, '0.000000001']],
    research: [
      [0, '0.1'],
      [2, '0.2'],
    ],
  })
  const { series, bars } = usageBars({ answer, whole: undefined, group: 'team_id', measure: 'cost', starts: HOURS })
  expect(series.map(({ label }) => label)).toEqual(['research', 'finance'])
  expect(bars.map(({ total }) => total)).toEqual([100_000_001n, 0n, 200_000_000n])
  expect(bars[0]?.amounts).toEqual([100_000_000n, 1n, 0n])
})

test('groups beyond the sixth, and those that the answer does not name, stand together as others', () => {
  const groups = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].map((n) => [`team_${n}`, [[0, `${9 - n}`]] as [number, string][]]),
  )
  const answer = answerOf(groups, { groups: 3, sums: sums('1') })
  const whole = { points: [{ at: at(0), by: {}, sums: sums('40') }] }
  const { series, bars } = usageBars({ answer, whole, group: 'team_id', measure: 'cost', starts: HOURS })
  expect(series).toHaveLength(7)
  expect(series.at(-1)).toMatchObject({ label: 'Others', value: null })
  expect(bars[0]?.total).toBe(40_000_000_000n)
})

test('what belongs to nobody has a name too', () => {
  const answer = answerOf({ '': [[1, '5']] })
  const { series } = usageBars({ answer, whole: undefined, group: 'team_id', measure: 'requests', starts: HOURS })
  expect(series.map(({ label }) => label)).toEqual(['No team'])
})

test('a point whose calendar stretch began before the range belongs to the first bar', () => {
  const starts = [START + 1_800_000, START + 3_600_000]
  expect(totalsOf([{ at: at(0), by: {}, sums: sums('3') }], 'cost', starts)).toEqual([3_000_000_000n, 0n])
})
