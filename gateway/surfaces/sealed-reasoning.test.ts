import { expect, test } from 'vitest'
import { openReasoning, sealReasoning } from './sealed-reasoning'

const replaced = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
const THOUGHTS = [{ type: 'reasoning.text', text: 'the user is jane.doe@example.com', signature: 's' }]

test('thoughts come back as they were sealed', () => {
  expect(openReasoning(sealReasoning(THOUGHTS))).toEqual(THOUGHTS)
})

test('nobody reads what was sealed', () => {
  const bytes = Buffer.from(sealReasoning(THOUGHTS).slice(4), 'base64url').toString('latin1')
  expect(bytes).not.toContain('jane')
})

test.each([
  ['plain JSON under the seal', `kt2.${Buffer.from(JSON.stringify(THOUGHTS)).toString('base64url')}`],
  ['the seal of before', `kt1.${Buffer.from(JSON.stringify(THOUGHTS)).toString('base64url')}`],
  ['one changed letter', replaced(sealReasoning(THOUGHTS), 30)],
  ['nothing', 'kt2.'],
  ['what OpenAI sealed', 'gAAAAABo'],
])('%s is no thought', (_, sealed) => {
  expect(openReasoning(sealed)).toEqual([])
})
