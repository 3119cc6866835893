import { expect, test } from 'vitest'
import { type MonthState, usage } from '@/lib/contract/usage'
import { canBeClosed, monthStanding, waitsFor } from './month-words'

const EXAMPLE = usage.closeMonth.example.output as MonthState
const open = (part: Partial<MonthState>): MonthState => ({ ...EXAMPLE, state: 'open', is_next_to_close: true, ...part })

test('whether a month is over is what the control plane says, whatever the clock of the browser shows', () => {
  const over = open({ is_over: true, ends_at: '9999-01-01T00:00:00.000Z' })
  expect([canBeClosed(over), monthStanding(over).label]).toEqual([true, 'Can be closed'])
  const goingOn = open({ is_over: false, ends_at: '2000-01-01T00:00:00.000Z' })
  expect([canBeClosed(goingOn), monthStanding(goingOn).label]).toEqual([false, 'Going on'])
})

test('a month after one that is open cannot be closed before it, and says so', () => {
  const first = open({ month: '2026-02' })
  const second = open({ month: '2026-03', is_next_to_close: false })
  const current = open({ month: '2026-04', is_next_to_close: false, is_over: false })
  const months = [current, second, first]
  expect(monthStanding(second).label).toBe('Open')
  expect(months.map((each) => waitsFor(each, months))).toEqual([undefined, 'after February 2026', undefined])
})
