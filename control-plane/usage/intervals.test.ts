import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundsOf } from './intervals'
import { instantOfWall, localText, plusDays } from './local-time'
import { piecesOf } from './pieces'

const HOUR = 3_600_000
const at = (text: string) => Date.parse(text)
const texts = (bounds: readonly number[] | undefined, zone: string) => bounds?.map((ms) => localText(ms, zone))
const bounds = (since: string, until: string, interval: 'hour' | 'day' | 'week' | 'month' | 'all', zone: string) =>
  boundsOf({ sinceMs: at(since), untilMs: at(until) }, interval, zone, 20_000)

describe('intervals begin by the clocks of the time zone', () => {
  test('days have 23 and 25 hours where clocks are set', () => {
    const spring = bounds('2026-03-28T23:00:00Z', '2026-03-30T22:00:00Z', 'day', 'Europe/Vienna')
    expect(texts(spring, 'Europe/Vienna')).toEqual([
      '2026-03-29T00:00:00+01:00',
      '2026-03-30T00:00:00+02:00',
      '2026-03-31T00:00:00+02:00',
    ])
    expect(((spring?.[1] ?? 0) - (spring?.[0] ?? 0)) / HOUR).toBe(23)
    const autumn = bounds('2026-10-24T22:00:00Z', '2026-10-26T23:00:00Z', 'day', 'Europe/Vienna')
    expect(((autumn?.[1] ?? 0) - (autumn?.[0] ?? 0)) / HOUR).toBe(25)
  })

  test('hours that come twice are two, and those that are passed over none', () => {
    const autumn = bounds('2026-10-24T23:00:00Z', '2026-10-25T03:00:00Z', 'hour', 'Europe/Vienna')
    expect(texts(autumn, 'Europe/Vienna')?.map((text) => text.slice(11))).toEqual([
      '01:00:00+02:00',
      '02:00:00+02:00',
      '02:00:00+01:00',
      '03:00:00+01:00',
      '04:00:00+01:00',
    ])
    const half = bounds('2026-04-04T13:30:00Z', '2026-04-04T16:30:00Z', 'hour', 'Australia/Lord_Howe')
    expect(texts(half, 'Australia/Lord_Howe')?.map((text) => text.slice(11))).toEqual([
      '00:30:00+11:00',
      '01:00:00+11:00',
      '01:30:00+10:30',
      '02:00:00+10:30',
      '03:00:00+10:30',
    ])
  })

  test('days begin where a zone has them begin: at half hours, at one in the morning, or not at all', () => {
    const nepal = bounds('2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z', 'day', 'Asia/Kathmandu')
    expect(texts(nepal, 'UTC')?.[1]).toBe('2026-03-01T18:15:00+00:00')
    const brazil = bounds('2018-11-03T12:00:00Z', '2018-11-04T12:00:00Z', 'day', 'America/Sao_Paulo')
    expect(texts(brazil, 'America/Sao_Paulo')?.[1]).toBe('2018-11-04T01:00:00-02:00')
    const samoa = bounds('2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z', 'day', 'Pacific/Apia')
    expect(texts(samoa, 'Pacific/Apia')).toEqual([
      '2011-12-29T00:00:00-10:00',
      '2011-12-31T00:00:00+14:00',
      '2012-01-01T00:00:00+14:00',
    ])
  })

  test('weeks begin on Monday, months with their first day, the first interval with the range', () => {
    expect(texts(bounds('2026-03-04T10:30:00Z', '2026-03-17T00:00:00Z', 'week', 'Asia/Tokyo'), 'Asia/Tokyo')).toEqual([
      '2026-03-04T19:30:00+09:00',
      '2026-03-09T00:00:00+09:00',
      '2026-03-16T00:00:00+09:00',
      '2026-03-17T09:00:00+09:00',
    ])
    expect(texts(bounds('2024-01-31T00:00:00Z', '2024-03-02T00:00:00Z', 'month', 'UTC'), 'UTC')).toEqual([
      '2024-01-31T00:00:00+00:00',
      '2024-02-01T00:00:00+00:00',
      '2024-03-01T00:00:00+00:00',
      '2024-03-02T00:00:00+00:00',
    ])
    expect(bounds('2024-01-31T00:00:00Z', '2024-03-02T00:00:00Z', 'all', 'UTC')).toHaveLength(2)
  })

  test('and a calendar day later is the same time by the clock', () => {
    expect(localText(plusDays(at('2026-03-28T11:00:00Z'), 1, 'Europe/Vienna'), 'Europe/Vienna')).toBe(
      '2026-03-29T12:00:00+02:00',
    )
    // Of an hour that comes twice the first; one that is passed over is when clocks are set.
    expect(instantOfWall(at('2026-10-25T02:30:00Z'), 'Europe/Vienna')).toBe(at('2026-10-25T00:30:00Z'))
    expect(instantOfWall(at('2026-03-29T02:30:00Z'), 'Europe/Vienna')).toBe(at('2026-03-29T01:00:00Z'))
  })
})

describe('pieces', () => {
  const START = at('2026-03-01T00:00:00Z')
  const place = fc.oneof(
    fc.integer({ min: 0, max: 6 * 24 * HOUR }),
    fc.integer({ min: 0, max: 6 * 24 * 4 }).map((quarters) => quarters * 900_000),
    fc.integer({ min: 0, max: 6 * 24 }).map((hours) => hours * HOUR),
  )
  const someBounds = fc
    .uniqueArray(place, { minLength: 2, maxLength: 200 })
    .map((places) => places.map((ms) => START + ms).sort((a, b) => a - b))

  test('are what each interval consists of, to the millisecond', () => {
    fc.assert(
      fc.property(someBounds, fc.array(place, { minLength: 20, maxLength: 20 }), (ends, moments) => {
        const all = Object.values(piecesOf(ends)).flat()
        for (const moment of [...moments.map((ms) => START + ms), ...ends, ...ends.map((ms) => ms - 1)]) {
          const times = new Map<number, number>()
          for (const { sinceMs, untilMs, plus, minus } of all) {
            if (moment < sinceMs || moment >= untilMs) continue
            if (plus !== null) times.set(plus, (times.get(plus) ?? 0) + 1)
            if (minus !== null) times.set(minus, (times.get(minus) ?? 0) - 1)
          }
          const within = ends.findLastIndex((end) => end <= moment)
          const expected = within === -1 || within === ends.length - 1 ? [] : [[within, 1]]
          expect([...times].filter(([, count]) => count !== 0)).toEqual(expected)
        }
      }),
    )
  })

  test('lie at whole days and hours, and events are never read for a whole hour', () => {
    fc.assert(
      fc.property(someBounds, (ends) => {
        const { days, hours, events } = piecesOf(ends)
        for (const { sinceMs, untilMs } of days)
          expect([sinceMs, untilMs].every((at) => at % (24 * HOUR) === 0)).toBe(true)
        for (const { sinceMs, untilMs } of hours) expect([sinceMs, untilMs].every((at) => at % HOUR === 0)).toBe(true)
        const read = new Map<number, number>()
        for (const { sinceMs, untilMs } of events) {
          const hour = Math.floor(sinceMs / HOUR)
          expect(Math.floor((untilMs - 1) / HOUR)).toBe(hour)
          read.set(hour, (read.get(hour) ?? 0) + untilMs - sinceMs)
        }
        for (const length of read.values()) expect(length).toBeLessThan(HOUR)
      }),
    )
  })

  test('of days in a zone with whole hours are days and the few hours between them', () => {
    const ends = bounds('2026-02-28T23:00:00Z', '2026-03-28T23:00:00Z', 'day', 'Europe/Vienna') ?? []
    const { days, hours, events } = piecesOf(ends)
    expect(events).toEqual([])
    expect(hours.every(({ sinceMs, untilMs }) => untilMs - sinceMs === HOUR)).toBe(true)
    expect({ days: days.length, hours: hours.length }).toEqual({ days: 28, hours: 29 })
    const { hours: none } = piecesOf(bounds('2026-03-01T00:00:00Z', '2026-03-28T00:00:00Z', 'week', 'UTC') ?? [])
    expect(none).toEqual([])
  })
})
