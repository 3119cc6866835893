import { expect, test } from 'vitest'
import { when } from './fields'

test.each(['2028-02-29', '2026-02-28T23:59:59Z', '2026-05-31T23:59:59+02:00', '24h'])('%s is a time', (text) => {
  expect(when.safeParse(text).success).toBe(true)
})

test.each(['2026-02-29', '2026-02-30T00:00:00Z', '2026-04-31', '2026-13-01', '2026-01-01T25:00:00Z', '1', ''])(
  '%j is no time, and not taken for another',
  (text) => {
    expect(when.safeParse(text).success).toBe(false)
  },
)
