import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BUDGET_WINDOWS } from '../contract/spend-shapes'
import { isWindowStart, nextResets, type WindowRule, windowAt } from './windows'

const DAY_MS = 86_400_000

/** Every zone there is, and more often those that do what others do not. */
const timeZone = fc.oneof(
  fc.constantFrom('UTC', ...Intl.supportedValuesOf('timeZone')),
  fc.constantFrom(
    // Clocks are put forward at midnight, or back through it.
    'America/Sao_Paulo',
    'America/Havana',
    'Asia/Beirut',
    'Africa/Cairo',
    'America/Asuncion',
    'Atlantic/Azores',
    'America/St_Johns',
    // 30 and 45 minutes from the hour, and half an hour of daylight saving time.
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
    'Asia/Kolkata',
    // Days that never were: 1994-12-31 and 2011-12-30.
    'Pacific/Kiritimati',
    'Pacific/Apia',
    'Pacific/Fakaofo',
  ),
)
const anchor = fc.option(
  fc.oneof(
    fc
      .date({ min: new Date('1960-01-01'), max: new Date('2060-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
    fc.constantFrom('2024-02-29', '2023-01-31', '2011-12-30', '1994-12-31', '1999-12-31'),
  ),
  { nil: null },
)
const rule: fc.Arbitrary<WindowRule> = fc.record({ window: fc.constantFrom(...BUDGET_WINDOWS), timeZone, anchor })
const instantMs = fc.oneof(
  fc.integer({ min: 0, max: Date.UTC(2070, 0) }),
  // Around years' ends, leap days, and the days that were skipped.
  fc
    .tuple(
      fc.constantFrom(
        '1999-12-31',
        '2024-02-29',
        '2011-12-30',
        '1994-12-31',
        '2026-03-29',
        '2026-10-25',
        '2006-10-29',
        '2100-02-28',
      ),
      fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
    )
    .map(([day, offset]) => Date.parse(day) + offset),
)

describe('windows', () => {
  test('tile time: each instant lies in exactly one, and the next begins where it ends', () => {
    fc.assert(
      fc.property(rule, instantMs, (of, atMs) => {
        const { startsMs, endsMs } = windowAt(of, atMs)
        expect(startsMs).toBeLessThanOrEqual(atMs)
        expect(windowAt(of, startsMs)).toEqual({ startsMs, endsMs })
        if (startsMs > 0) expect(windowAt(of, startsMs - 1).endsMs).toBe(startsMs)
        if (endsMs === null) return
        expect(endsMs).toBeGreaterThan(atMs)
        expect(windowAt(of, endsMs - 1)).toEqual({ startsMs, endsMs })
        expect(windowAt(of, endsMs).startsMs).toBe(endsMs)
      }),
      { numRuns: 3_000 },
    )
  })

  test('are as long as their name says, give or take what clocks and calendars do', () => {
    const days = {
      day: [0.9, 1.1],
      week: [6, 7.1],
      month: [27, 31.1],
      quarter: [88, 92.1],
      year: [364, 366.1],
    } as const
    fc.assert(
      fc.property(rule, instantMs, (of, atMs) => {
        const { startsMs, endsMs } = windowAt(of, atMs)
        if (of.window === 'lifetime' || endsMs === null || startsMs === 0) return
        const [least, most] = days[of.window]
        expect((endsMs - startsMs) / DAY_MS).toBeGreaterThanOrEqual(least)
        expect((endsMs - startsMs) / DAY_MS).toBeLessThanOrEqual(most)
      }),
      { numRuns: 1_000 },
    )
  })

  test('begin when the day begins where they are reckoned', () => {
    fc.assert(
      fc.property(rule, instantMs, (of, atMs) => {
        const { startsMs } = windowAt(of, atMs)
        if (startsMs === 0) return
        const dayOf = (ms: number) => new Intl.DateTimeFormat('en-CA', { timeZone: of.timeZone }).format(ms)
        const [before, then] = [dayOf(startsMs - 1), dayOf(startsMs)]
        expect(then).not.toBe(before)
        expect(then > before).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

const at = (of: Partial<WindowRule>, text: string) => {
  const { startsMs, endsMs } = windowAt({ window: 'month', timeZone: 'UTC', anchor: null, ...of }, Date.parse(text))
  return [new Date(startsMs).toISOString(), endsMs === null ? null : new Date(endsMs).toISOString()]
}

describe('the calendar', () => {
  test.each([
    ['the month in Vienna', {}, 'Europe/Vienna', '2026-03-15T00:00Z', '2026-02-28T23:00', '2026-03-31T22:00'],
    [
      'a day that is 23 hours long',
      { window: 'day' },
      'Europe/Vienna',
      '2026-03-29T12:00Z',
      '2026-03-28T23:00',
      '2026-03-29T22:00',
    ],
    [
      'a day that is 25 hours long',
      { window: 'day' },
      'Europe/Vienna',
      '2026-10-25T12:00Z',
      '2026-10-24T22:00',
      '2026-10-25T23:00',
    ],
    [
      'a day without a midnight',
      { window: 'day' },
      'America/Sao_Paulo',
      '2018-11-04T12:00Z',
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ],
    [
      'a day with two midnights',
      { window: 'day' },
      'America/Havana',
      '2025-11-02T12:00Z',
      '2025-11-02T04:00',
      '2025-11-03T05:00',
    ],
    [
      'a day that clocks go back into once more',
      { window: 'day' },
      'America/St_Johns',
      '2006-10-29T02:45Z',
      '2006-10-29T02:30',
      '2006-10-30T03:30',
    ],
    [
      'the day before one that was skipped',
      { window: 'day' },
      'Pacific/Apia',
      '2011-12-30T09:59Z',
      '2011-12-29T10:00',
      '2011-12-30T10:00',
    ],
    [
      'the day after one that was skipped',
      { window: 'day' },
      'Pacific/Apia',
      '2011-12-30T10:00Z',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
    ],
    [
      'the week, from Monday on',
      { window: 'week' },
      'UTC',
      '2026-03-01T23:59Z',
      '2026-02-23T00:00',
      '2026-03-02T00:00',
    ],
    [
      'the week from Thursday on',
      { window: 'week', anchor: '2026-01-01' },
      'UTC',
      '2025-12-31T23:59Z',
      '2025-12-25T00:00',
      '2026-01-01T00:00',
    ],
    [
      'the month from the 31st on, in February',
      { anchor: '2024-01-31' },
      'UTC',
      '2024-03-01T00:00Z',
      '2024-02-29T00:00',
      '2024-03-31T00:00',
    ],
    ['the quarter', { window: 'quarter' }, 'UTC', '2026-06-30T23:59Z', '2026-04-01T00:00', '2026-07-01T00:00'],
    [
      'the quarter from February on',
      { window: 'quarter', anchor: '2020-02-15' },
      'UTC',
      '2026-01-01T00:00Z',
      '2025-11-15T00:00',
      '2026-02-15T00:00',
    ],
    [
      'the year across its end',
      { window: 'year' },
      'Pacific/Auckland',
      '2026-12-31T12:00Z',
      '2026-12-31T11:00',
      '2027-12-31T11:00',
    ],
    [
      'the year from a leap day on',
      { window: 'year', anchor: '2024-02-29' },
      'UTC',
      '2025-03-01T00:00Z',
      '2025-02-28T00:00',
      '2026-02-28T00:00',
    ],
    [
      'the leap year from a leap day on',
      { window: 'year', anchor: '2024-02-29' },
      'UTC',
      '2028-02-28T23:59Z',
      '2027-02-28T00:00',
      '2028-02-29T00:00',
    ],
  ] as const)('%s', (_, given, timeZone, instant, starts, ends) => {
    expect(at({ ...given, timeZone }, instant)).toEqual([`${starts}:00.000Z`, `${ends}:00.000Z`])
  })

  test('a lifetime has no end; an anchor says when it begins', () => {
    expect(at({ window: 'lifetime' }, '2026-01-01T00:00Z')).toEqual(['1970-01-01T00:00:00.000Z', null])
    const anchored = { window: 'lifetime', anchor: '2026-01-01', timeZone: 'Asia/Kathmandu' } as const
    expect(at(anchored, '2026-01-01T00:00Z')).toEqual(['2025-12-31T18:15:00.000Z', null])
    expect(at(anchored, '2025-01-01T00:00Z')).toEqual(['1970-01-01T00:00:00.000Z', '2025-12-31T18:15:00.000Z'])
  })

  test('the next three resets are the next three windows', () => {
    const resets = nextResets(
      { window: 'month', timeZone: 'Europe/Vienna', anchor: '2024-01-31' },
      Date.parse('2026-01-31'),
    )
    expect(resets.map((ms) => new Date(ms).toISOString())).toEqual([
      '2026-02-27T23:00:00.000Z',
      '2026-03-30T22:00:00.000Z',
      '2026-04-29T22:00:00.000Z',
    ])
    expect(nextResets({ window: 'lifetime', timeZone: 'UTC', anchor: null }, Date.now())).toEqual([])
  })

  test('only the start of a window is one', () => {
    const month: WindowRule = { window: 'month', timeZone: 'UTC', anchor: null }
    expect(isWindowStart(month, Date.parse('2026-03-01'))).toBe(true)
    expect(isWindowStart(month, Date.parse('2026-03-01') + 1)).toBe(false)
  })
})
