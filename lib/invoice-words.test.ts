import { expect, test } from 'vitest'
import { leftOutText, nothingRecordedText } from './invoice-words'

test('an invoice beside which nothing at all was recorded is told as such, and no other', () => {
  const compared = (...requests: number[]) => ({
    provider: 'opnai',
    month: '2026-03',
    differences: requests.map((each) => ({ requests: each })),
  })
  expect(nothingRecordedText(compared(0, 0))).toContain('Nothing of a provider called opnai was recorded in 2026-03.')
  expect(nothingRecordedText(compared(0, 1))).toBeNull()
})

test('rows that were left out are told, and where Azure puts the models of others', () => {
  expect(leftOutText({ format: 'azure', skipped: 0 })).toBeNull()
  expect(leftOutText({ format: 'openai', skipped: 1 })).toMatch(/^One row was left out, .*amount\.$/)
  expect(leftOutText({ format: 'azure', skipped: 1_200 })).toMatch(/^1,200 rows were left out, .* SaaS, .* generic\.$/)
})
