import { expect, test } from 'vitest'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { definitionOf, draftOf, newDraft } from './budget-draft'

const EXAMPLE = budgets.create.output.parse(budgets.create.example.output) as Budget

test('a budget that nobody changed in the form is the same budget', () => {
  const { name, scope, hard, window, time_zone, anchor, rollover, rollover_cap_usd, thresholds, on_unavailable } =
    EXAMPLE
  expect(definitionOf(draftOf(EXAMPLE))).toEqual({
    name,
    scope,
    limit_usd: '2500',
    hard,
    window,
    time_zone,
    anchor,
    rollover,
    rollover_cap_usd,
    thresholds,
    on_unavailable,
  })
})

test('amounts and per cent are read as people type them', () => {
  const typed = definitionOf({ ...newDraft(), name: 'All', limit_usd: '$2,500.50', thresholds: '50%, 80 %,100' })
  expect(typed).toMatchObject({ limit_usd: '2500.50', thresholds: [50, 80, 100], scope: {} })
})

test('what is no amount or no per cent is refused beside its field', () => {
  const wrong = definitionOf({ ...newDraft(), name: 'All', limit_usd: 'much', thresholds: 'half' })
  const paths = budgets.create.input.safeParse(wrong).error?.issues.map(({ path }) => path[0])
  expect([...new Set(paths)]).toEqual(['limit_usd', 'thresholds'])
})

test('a window without an end passes nothing on', () => {
  const draft = { ...newDraft(), window: 'lifetime' as const, rollover: 'cap' as const }
  expect(definitionOf(draft)).toMatchObject({ rollover: 'none', rollover_cap_usd: null })
})
