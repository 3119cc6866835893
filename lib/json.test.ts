import { describe, expect, test } from 'vitest'
import { JSON_DEPTH_MAX, JsonRefused, parseBoundedJson, topLevelFields } from './json'

const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))

describe('bounded JSON', () => {
  test('takes the deepest nesting allowed and refuses one more', () => {
    expect(parseBoundedJson(nested(JSON_DEPTH_MAX))).toBeInstanceOf(Array)
    expect(() => parseBoundedJson(nested(JSON_DEPTH_MAX + 1))).toThrow(JsonRefused)
    expect(() => parseBoundedJson(nested(100_000))).toThrow(/deeper than 64/)
  })

  test('does not count brackets in strings, escaped quotes included', () => {
    const text = JSON.stringify({ a: '[{"'.repeat(200), b: '\\', c: '\\"[' })
    expect(parseBoundedJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })

  test('makes __proto__ an ordinary field', () => {
    const parsed = parseBoundedJson(Buffer.from('{"__proto__":{"polluted":true}}'))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(Object.keys(parsed as object)).toEqual(['__proto__'])
  })

  test.each(['', '{', '{"a":"', 'nul', '{"a":1,}', '\u0000'])('refuses %j', (text) => {
    expect(() => parseBoundedJson(Buffer.from(text))).toThrow(JsonRefused)
  })
})

test('top-level fields are found with their places, repeated and escaped names included', () => {
  const text = ' {"a" : {"a":[1,"}"]}, "\\u0061":"x,y" ,"b":null}'
  const bytes = Buffer.from(text)
  const found = topLevelFields(bytes).map(({ key, start, end }) => [key, JSON.parse(text.slice(start, end))])
  expect(found).toEqual([
    ['a', { a: [1, '}'] }],
    ['a', 'x,y'],
    ['b', null],
  ])
  expect(topLevelFields(Buffer.from('{}'))).toEqual([])
})
