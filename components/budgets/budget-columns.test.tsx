import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { Projection } from './budget-columns'

const { current } = budgets.create.example.output as Pick<Budget, 'current'>
const projected = (part: Partial<Budget['current']>) =>
  renderToStaticMarkup(<Projection budget={{ current: { ...current, ...part } }} />)

test('a budget that is used up is said to be, not to become so just now', () => {
  const now = new Date().toISOString()
  expect(projected({ remaining_usd: '0.000000000', projected_exhaustion_at: now })).toBe('Used up')
  expect(projected({ projected_usd: '12.340000000' })).toBe('about $12.34')
})
