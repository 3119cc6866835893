import { describe, expect, test } from 'vitest'
import { coveredBy, nextRun, type Timing } from './runs'

const at = (text: string) => new Date(text)
const covered = (timing: Timing, run: string) => {
  const { since, until } = coveredBy(timing, at(run))
  return [since.toISOString(), until.toISOString()]
}

describe('a run every day', () => {
  const vienna: Timing = { every: 'day', hour: 3, timezone: 'Europe/Vienna' }

  test.each([
    ['before its hour, today', '2026-01-10T01:59:59Z', '2026-01-10T02:00:00Z'],
    ['at its hour, tomorrow', '2026-01-10T02:00:00Z', '2026-01-11T02:00:00Z'],
    ['over the end of a year', '2026-12-31T12:00:00Z', '2027-01-01T02:00:00Z'],
    ['in summer time', '2026-07-01T12:00:00Z', '2026-07-02T01:00:00Z'],
    ['on the day that clocks go forward', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['on the day that clocks go back', '2026-10-24T12:00:00Z', '2026-10-25T02:00:00Z'],
  ])('%s', (_, after, run) => {
    expect(nextRun(vienna, at(after))).toEqual(at(run))
  })

  test('covers the day before by the clocks of its zone, of 23 or 25 hours too', () => {
    expect(covered(vienna, '2026-03-30T01:00:00Z')).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
    expect(covered(vienna, '2026-10-26T02:00:00Z')).toEqual(['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'])
  })
})

test('a run every week is on Mondays and covers the week before', () => {
  const utc: Timing = { every: 'week', hour: 0, timezone: 'UTC' }
  expect(nextRun(utc, at('2026-05-06T10:00:00Z'))).toEqual(at('2026-05-11T00:00:00Z'))
  expect(covered(utc, '2026-05-11T00:00:00Z')).toEqual(['2026-05-04T00:00:00.000Z', '2026-05-11T00:00:00.000Z'])
})

test('a run every month is on its first day and covers the month before', () => {
  const tokyo: Timing = { every: 'month', hour: 5, timezone: 'Asia/Tokyo' }
  expect(nextRun(tokyo, at('2026-12-05T00:00:00Z'))).toEqual(at('2026-12-31T20:00:00Z'))
  expect(covered(tokyo, '2026-12-31T20:00:00Z')).toEqual(['2026-11-30T15:00:00.000Z', '2026-12-31T15:00:00.000Z'])
})

test.each([
  ['day', 370],
  ['week', 60],
  ['month', 24],
] as const)('each %s ends where the next begins', (every, runs) => {
  for (const timezone of ['UTC', 'Europe/Vienna', 'America/Sao_Paulo', 'Asia/Kathmandu', 'Pacific/Apia']) {
    const timing: Timing = { every, hour: 2, timezone }
    let run = nextRun(timing, at('2025-12-31T00:00:00Z'))
    for (let count = 0; count < runs; count++) {
      const next = nextRun(timing, run)
      expect(next > run).toBe(true)
      expect(coveredBy(timing, next).since).toEqual(coveredBy(timing, run).until)
      run = next
    }
  }
})
