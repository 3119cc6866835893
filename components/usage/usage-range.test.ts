import { describe, expect, test } from 'vitest'
import { barStarts, spanOf, stretchText, usualBarLength } from './usage-range'

const local = (...parts: [number, number, number, number?, number?]) => new Date(...parts)
const NOW = local(2026, 10, 21, 14, 25)

describe('the range of a page', () => {
  test('of so many days is today and the whole days before it', () => {
    expect(spanOf({ since: '7d', until: undefined }, NOW)).toEqual({
      since: local(2026, 10, 15).toISOString(),
      until: undefined,
    })
  })

  test('of hours begins with a whole hour', () => {
    expect(Date.parse(spanOf({ since: '24h', until: undefined }, NOW).since) % 3_600_000).toBe(0)
  })

  test('that is stated stays as it is', () => {
    const stated = { since: '2026-10-01T00:00:00.000Z', until: '2026-11-01T00:00:00.000Z' }
    expect(spanOf(stated, NOW)).toEqual(stated)
  })
})

describe('the bars of a chart', () => {
  test('begin with the stretch and then with the calendar', () => {
    const starts = barStarts(local(2026, 9, 28, 6).getTime(), local(2026, 10, 2, 3).getTime(), 'day')
    expect(starts).toEqual(
      [
        local(2026, 9, 28, 6),
        ...[29, 30, 31].map((day) => local(2026, 9, day)),
        local(2026, 10, 1),
        local(2026, 10, 2),
      ].map((at) => at.getTime()),
    )
  })

  test('of a week begin on Mondays', () => {
    const starts = barStarts(local(2026, 10, 1).getTime(), local(2026, 10, 21).getTime(), 'week')
    expect(starts.slice(1).map((at) => new Date(at).getDay())).toEqual([1, 1, 1])
  })

  test('are never so many that nobody can draw them', () => {
    expect(barStarts(0, Date.UTC(2026, 0), 'hour').length).toBeLessThanOrEqual(400)
  })

  test('are hours, days, weeks or months by the length of the stretch', () => {
    const days = (count: number) => usualBarLength(0, count * 86_400_000)
    expect([1, 30, 365, 3_000].map(days)).toEqual(['hour', 'day', 'week', 'month'])
  })

  test('are named by the days that they hold', () => {
    expect(stretchText(local(2026, 10, 21).getTime(), local(2026, 10, 22).getTime(), 'day')).toBe('21 Nov')
  })
})
