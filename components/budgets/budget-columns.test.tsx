import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { budgetColumns, Projection } from './budget-columns'

const EXAMPLE = budgets.create.example.output as Budget
const { current } = EXAMPLE
const projected = (part: Partial<Budget['current']>) =>
  renderToStaticMarkup(<Projection budget={{ current: { ...current, ...part } }} />)

test('a budget that is used up is said to be, not to become so just now', () => {
  const now = new Date().toISOString()
  expect(projected({ remaining_usd: '0.000000000', projected_exhaustion_at: now })).toBe('Used up')
  expect(projected({ projected_usd: '12.340000000' })).toBe('about $12.34')
})

test('amounts of a billion dollars have columns that hold them whole', () => {
  const widthOf = (limit_usd: string) =>
    budgetColumns((id) => id, [{ ...EXAMPLE, current: { ...current, limit_usd } }]).find(({ id }) => id === 'limit')
      ?.width
  expect([widthOf('2500.000000000'), widthOf('1000002501.000000000')]).toEqual(['w-36', 'w-44'])
})
