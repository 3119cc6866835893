import { expect, test } from 'vitest'
import { views } from '@/lib/contract/views'
import { viewQuery } from './view-query'

test('a view is the filter and the range, whatever was open', () => {
  expect(viewQuery('?since=7d&open=evt_1&filter=verdict%3Dblock')).toBe('filter=verdict%3Dblock&since=7d')
  expect(viewQuery('?filter=verdict%3Dblock&since=7d&event=evt_2')).toBe('filter=verdict%3Dblock&since=7d')
  expect(viewQuery('')).toBe('')
})

test('whatever stands in an address can be kept', () => {
  const query = viewQuery(`?${new URLSearchParams({ filter: 'agent_id="客户 & «x»" latency_ms>5' })}`)
  expect(views.save.input.safeParse({ name: 'Mine', query }).success).toBe(true)
})
