import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { MonthTable } from './month-table'

test('a cost that nobody knows is said to be unknown in a report, and never shown as zero', () => {
  const html = renderToStaticMarkup(
    <MonthTable
      caption="Cost by model"
      heads={['Model', 'US dollars', 'Requests', 'Share']}
      whole="1.500000000"
      rows={[
        { id: 'known', cells: ['known', '1.500000000', 3], unpriced: 1 },
        { id: 'new', cells: ['new', '0.000000000', 44], unpriced: 44 },
        { id: 'free', cells: ['free', '0.000000000', 5], unpriced: 0 },
      ]}
    />,
  )
  const rows = html
    .split('<tr')
    .slice(2)
    .map((row) =>
      row
        .replace(/^[^>]*>/, '')
        .replace(/<[^>]+>/g, '|')
        .replace(/\|+/g, '|'),
    )
  expect(rows).toEqual([
    '|known|1 without a known price|$1.50|3|100 %|',
    '|new|Without a known price|unknown|44|–|',
    '|free|$0.00|5|0 %|',
  ])
})
