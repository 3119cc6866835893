import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from './parse-json'

test('a name with an escape is not read as one that stood in its place before', () => {
  parseJson('{"model":"a","\\\\u007":"b"}')
  parseJson('{"model":"a","\\\\":"b"}')
  expect(parseJson('{"model":"a","\\u0074ools":[]}')).toEqual({ model: 'a', tools: [] })
  expect(parseJson('{"model":"a","\\"" : {"\\n":1}}')).toEqual({ model: 'a', '"': { '\n': 1 } })
})

test('every value is read as it was written', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\\', '"', '\n', '\\u007', '\\"', 'a\\', '__proto__', '1'),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), name, fc.array(tie('value')), fc.dictionary(name, tie('value'))),
  }))
  fc.assert(
    fc.property(value, fc.boolean(), (given, isSpaced) => {
      const text = JSON.stringify(given, null, isSpaced ? 2 : 0)
      expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(given))
    }),
    { numRuns: 2_000 },
  )
})

test('of a name that is given twice the last value counts, in the place of the first', () => {
  expect(Object.entries(parseJson('{"a":1,"b":2,"\\u0061":3}') as object)).toEqual([
    ['a', 3],
    ['b', 2],
  ])
})

test.each(['{\\"a":1}', '{"x" \\"a":1}', '{"\\x":1}', '{"\\', '{"a\\":1', '\\":1', '{"a":\\"b":1}', '{"\n\\n":1}'])(
  'what is not JSON stays so: %s',
  (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  },
)

test('text is refused if and only if it is not JSON', () => {
  const pieces = ['{', '}', '[', ']', ':', ',', '"', '\\', '\\\\', '\\"', 'a', '1', ' ', '"\\u0061"', '"\\n":', '"b":1']
  const isRead = (text: string, parse: (text: string) => unknown) => {
    try {
      parse(text)
      return true
    } catch (cause) {
      return !(cause instanceof SyntaxError)
    }
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (given) => {
      const text = given.join('')
      expect(isRead(text, parseJson)).toBe(isRead(text, JSON.parse))
    }),
    { numRuns: 20_000 },
  )
})

test('a name with an escape in a text nested without end is refused', () => {
  const levels = 100_000
  expect(() => parseJson(`${'['.repeat(levels)}{"\\n":1}${']'.repeat(levels)}`)).toThrow(SyntaxError)
})

test('what a reviver makes of values stays', () => {
  const reviver = (_: string, value: unknown) => (value === 1 ? Object.freeze({ one: true }) : value)
  expect(parseJson('{"\\n":1,"b":[1]}', reviver)).toEqual({ '\n': { one: true }, b: [{ one: true }] })
})
