import { expect, test } from 'vitest'
import { nearestName } from './nearest-name'

test.each([
  ['modles', 'models'],
  ['model_', 'model'],
  ['MODELS', 'models'],
  ['timeout', null],
  ['x', null],
  ['', null],
  ['m'.repeat(10_000), null],
])('%s -> %s', (name, expected) => {
  expect(nearestName(name, ['id', 'model', 'models', 'timeout_ms'])).toBe(expected)
})
