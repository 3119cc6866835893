import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasRepeatedKeys } from './json'

const isRepeated = (text: string) => hasRepeatedKeys(text, JSON.parse(text))

test.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":2}',
  '{"a" :1,"a"\n:2}',
  '[{"b":{"a":1,"a":{}}}]',
  '{"__proto__":1,"__proto__":2}',
])('a name given twice is seen: %s', (text) => {
  expect(isRepeated(text)).toBe(true)
})

test('what a serialiser writes names nothing twice', () => {
  // Texts that look like the end of a key are told apart on the safe side, so they are left out here.
  const plain = fc.jsonValue({ maxDepth: 5, stringUnit: fc.constantFrom(...'ab c_é1') })
  fc.assert(
    fc.property(plain, (value) => !isRepeated(JSON.stringify(value)) && !isRepeated(JSON.stringify(value, null, 2))),
  )
})
