import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '../parse-json'
import { canonicalJson } from './canonical'

test('the example of RFC 8785, section 3.2.2, has the bytes of section 3.2.4', () => {
  const given = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  ) as unknown
  expect(canonicalJson(given)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('keys are in order of UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
  const given = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7, '10': 8, '9': 9 }
  expect(Object.values(JSON.parse(canonicalJson(given)) as object)).toHaveLength(9)
  expect([...canonicalJson(given).matchAll(/:(\d)/g)].map((match) => match[1]).join('')).toBe('248967153')
})

test('it reads as the same value, whatever the order of its keys was, and is written the same way again', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = canonicalJson(value)
      expect(parseJson(text)).toEqual(parseJson(JSON.stringify(value)))
      expect(canonicalJson(reversed(value))).toBe(text)
      expect(canonicalJson(parseJson(text))).toBe(text)
    }),
  )
})

test('members without a value are left out, and broken Unicode is escaped', () => {
  expect(canonicalJson({ b: undefined, a: [undefined, '\ud800', '\u0000'] })).toBe('{"a":[null,"\\ud800","\\u0000"]}')
})

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}
