import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasRepeatedKeys, readBoundedJson } from './json'
import { parseJson } from './parse-json'

/** Of bytes that are read here, and of a text that was parsed elsewhere. */
const isRepeated = (text: string) => [
  readBoundedJson(Buffer.from(text)).hasRepeatedKeys,
  hasRepeatedKeys(text, parseJson(text)),
]

test.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":2}',
  '{"a" :1,"a"\n:2}',
  '[{"b":{"a":1,"a":{}}}]',
  '{"__proto__":1,"__proto__":2}',
])('a name given twice is seen: %s', (text) => {
  expect(isRepeated(text)).toEqual([true, true])
})

test.each(['{"a":"\\":","b":"\\\\"}', '{"a":{"a":1},"b":[{"a":2}]}', '{"__proto__":1}', '"a:b"', '[]'])(
  'no name is given twice in %s',
  (text) => {
    expect(isRepeated(text)).toEqual([false, false])
  },
)

test('what a serialiser writes names nothing twice, whatever its texts look like', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 1, '\t'), (json, space) => {
      expect(isRepeated(JSON.stringify(parseJson(json), null, space))).toEqual([false, false])
    }),
  )
})
