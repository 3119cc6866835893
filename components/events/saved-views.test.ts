import { beforeEach, expect, test, vi } from 'vitest'
import { viewQuery } from './saved-views'

const stored = new Map<string, string>()
beforeEach(() => {
  stored.clear()
  vi.resetModules()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  })
})

const namesKept = () =>
  JSON.parse(stored.get('keeptrusts.views.history') ?? '[]').map(({ name }: { name: string }) => name)

test('a view is the filter and the range, whatever was open', () => {
  expect(viewQuery('?since=7d&open=evt_1&filter=verdict%3Dblock')).toBe('filter=verdict%3Dblock&since=7d')
  expect(viewQuery('?filter=verdict%3Dblock&since=7d&event=evt_2')).toBe('filter=verdict%3Dblock&since=7d')
  expect(viewQuery('')).toBe('')
})

test('a view saved under a known name takes its place, and a removed one is gone', async () => {
  const { saveView, removeView } = await import('./saved-views')
  expect(saveView({ name: 'Blocked', query: 'filter=verdict%3Dblock' })).toBe(true)
  saveView({ name: 'Slow', query: 'filter=latency_ms%3E1000' })
  saveView({ name: 'Blocked', query: 'since=7d' })
  expect(JSON.parse(stored.get('keeptrusts.views.history') ?? '')).toEqual([
    { name: 'Slow', query: 'filter=latency_ms%3E1000' },
    { name: 'Blocked', query: 'since=7d' },
  ])
  removeView('Blocked')
  expect(namesKept()).toEqual(['Slow'])
})

test.each(['not json', '{}', '[{"name":""}]', '[1]'])(
  'what cannot be read as views is taken for none: %s',
  async (text) => {
    stored.set('keeptrusts.views.history', text)
    const { saveView } = await import('./saved-views')
    saveView({ name: 'Mine', query: '' })
    expect(namesKept()).toEqual(['Mine'])
  },
)

test('a browser that keeps nothing says so', async () => {
  vi.stubGlobal('localStorage', {
    getItem: () => null,
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  })
  const { saveView } = await import('./saved-views')
  expect(saveView({ name: 'Mine', query: '' })).toBe(false)
})
