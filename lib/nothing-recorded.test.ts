import { expect, test } from 'vitest'
import { nothingRecordedText } from './nothing-recorded'

test('an invoice beside which nothing at all was recorded is told as such, and no other', () => {
  const compared = (...requests: number[]) => ({
    provider: 'opnai',
    month: '2026-03',
    differences: requests.map((each) => ({ requests: each })),
  })
  expect(nothingRecordedText(compared(0, 0))).toContain('Nothing of a provider called opnai was recorded in 2026-03.')
  expect(nothingRecordedText(compared(0, 1))).toBeNull()
})
