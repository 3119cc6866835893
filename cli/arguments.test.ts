import { expect, test } from 'vitest'
import { commaList, duration, instantArgument, integer } from './arguments'

const DAY_MS = 86_400_000

test.each([
  ['90d', 90 * DAY_MS],
  ['24h', DAY_MS],
  ['30m', 1_800_000],
  ['45s', 45_000],
  ['2w', 14 * DAY_MS],
  ['36525d', 36_525 * DAY_MS],
])('the duration %s is %i ms', (text, ms) => expect(duration(text)).toBe(ms))

test.each(['', '0d', '90', 'd', '-1d', '1.5h', '1y', ' 1d', '1d ', '36526d', '1e3d', '١d'])(
  '%j is no duration',
  (text) => {
    expect(() => duration(text)).toThrow('It must be a duration')
  },
)

test.each(['2026-07-22T00:00:00Z', '2026-07-22T00:00:00.5+02:00'])('%s is a time', (text) =>
  expect(instantArgument(text)).toBe(text),
)

test.each(['2026-07-22', '2026-13-01T00:00:00Z', '2026-07-22T00:00:00', 'tomorrow', '90d'])('%s is no time', (text) => {
  expect(() => instantArgument(text)).toThrow('RFC 3339')
})

test('a list is split at commas, without blanks and repetitions', () => {
  expect(commaList(' gpt-4o, gpt-4o-mini,,gpt-4o')).toEqual(['gpt-4o', 'gpt-4o-mini'])
  expect(() => commaList(' , ')).toThrow('at least one')
})

test.each(['0', '11', '1.5', '-1', '', 'x', '1e1'])('%j is not from 1 to 10', (text) =>
  expect(() => integer(1, 10)(text)).toThrow('from 1 to 10'),
)
