import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import type { PriceChange } from '@/lib/contract/model-pricing'
import { ChangesTable } from './changes-table'

const changeText = (after: Partial<NonNullable<PriceChange['after']>>) => {
  const change: PriceChange = {
    provider: 'mistral',
    model: 'large',
    effective_from: '2026-03-01T00:00:00.000Z',
    before: { source: 'catalogue', prices: { input: '2', output: '6' }, tiers: [], max_output_tokens: null },
    after: { currency: 'USD', prices: { input: '2', output: '3' }, tiers: [], max_output_tokens: null, ...after },
  }
  const html = renderToStaticMarkup(<ChangesTable changes={[change]} />)
  return html
    .slice(html.indexOf('<ul'))
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

test('prices in dollars are compared, and only what differs is told', () => {
  expect(changeText({})).toBe('Output: 6.00 → 3.00 −50 % USD, until now the public price')
})

test('an amount in another currency is not compared with dollars, and is another one even of the same figures', () => {
  const euros = { currency: 'EUR', prices: { input: '2', output: '3' } }
  expect(changeText(euros)).toBe('Input: 2.00 USD → 2.00 EUR Output: 6.00 USD → 3.00 EUR until now the public price')
})
