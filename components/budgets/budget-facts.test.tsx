import { expect, test } from 'vitest'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { windowFacts } from './budget-facts'

const EXAMPLE = budgets.create.output.parse(budgets.create.example.output) as Budget
const termsOf = (part: Partial<Budget>) => windowFacts({ ...EXAMPLE, ...part }).map(([term]) => term)

test('a budget says of its windows what there is to say, and nothing that does not apply to it', () => {
  expect(termsOf({ window: 'lifetime' })).toEqual(['Limit', 'Begins anew', 'Counts from'])
  expect(termsOf({ window: 'day' })).toEqual(['Limit', 'Begins anew every', 'What is left'])
  expect(windowFacts({ ...EXAMPLE, window: 'quarter', anchor: '2026-01-31' })).toContainEqual([
    'A window begins on',
    '31 Jan 2026',
  ])
})
