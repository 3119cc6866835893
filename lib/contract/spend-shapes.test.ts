import { expect, test } from 'vitest'
import { someDollars } from './spend-shapes'

test.each([
  ['NaN', 'must be US dollars'],
  ['1e3', 'must be US dollars'],
  ['-1', 'must be US dollars'],
  ['', 'must be US dollars'],
  ['0.000', 'must be more than zero'],
  ['1000000000.000000001', 'must be at most a billion dollars'],
  ['10000000000', 'must be at most a billion dollars'],
  ['999999999999999999999', 'must be at most a billion dollars'],
])('of an amount such as %j one thing is said, and no other that contradicts it', (usd, said) => {
  const { error } = someDollars.safeParse(usd)
  expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(said)])
})
