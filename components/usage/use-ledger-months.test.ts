import { expect, test } from 'vitest'
import { type MonthState, usage } from '@/lib/contract/usage'
import { ledgerMonths } from './use-ledger-months'

const EXAMPLE = usage.closeMonth.example.output as MonthState
const month = (starts_at: string, ends_at: string, is_over: boolean): MonthState => ({
  ...EXAMPLE,
  starts_at,
  ends_at,
  is_over,
})
const [OCTOBER, NOVEMBER, DECEMBER] = [
  '2026-09-30T22:00:00.000Z',
  '2026-10-31T23:00:00.000Z',
  '2026-11-30T23:00:00.000Z',
]

test('last month is the one that the ledger means, whatever the clock and the zone of the viewer', () => {
  const listed = [
    month(DECEMBER, '2026-12-31T23:00:00.000Z', false),
    month(NOVEMBER, DECEMBER, false),
    month(OCTOBER, '2026-10-31T23:00:00.000000Z', true),
  ]
  expect(ledgerMonths(listed, new Date('2020-05-05T12:00:00Z'))).toEqual({ last: OCTOBER, now: NOVEMBER })
})

test('who may not read the months of the ledger has those of the calendar', () => {
  const noon = new Date(2026, 10, 15, 12)
  expect(ledgerMonths([], noon)).toEqual({
    last: new Date(2026, 9, 1).toISOString(),
    now: new Date(2026, 10, 1).toISOString(),
  })
})
