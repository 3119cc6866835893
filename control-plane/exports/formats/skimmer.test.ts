import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '@/lib/parse-json'
import { canonicalJson } from '@/lib/trail/canonical'
import { skimmerOf } from './skimmer'

const name = fc.oneof(fc.constantFrom('a', 'b', 'tokens', 'input', '"', '\\', 'a":1,"b', 'é', '𝄞'), fc.string())
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -1, 1.5e-7, 1e21, ''),
    fc.string(),
    fc.constantFrom('"', '\\', '\\"', '{"a":1}', '],}', '\u2028', 'x\\\\'),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(name, tie('value'), { maxKeys: 6 }),
}))

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const at = (record: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined), record)

/** Places that exist in some record; of two of which one leads through the other, the first. */
const pathsOf = (records: unknown[]): string[][] => {
  const found: string[][] = []
  const walk = (value: unknown, path: string[]) => {
    if (path.length > 0 && !found.some((known) => known.every((key, index) => path[index] === key))) {
      if (!isObject(value) || Object.keys(value).length % 2 === 1) found.push(path)
    }
    if (isObject(value)) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
  }
  for (const record of records) walk(record, [])
  return found.filter(
    (path) => !found.some((other) => other !== path && path.every((key, index) => other[index] === key)),
  )
}

test('what it reads is what a parser of JSON reads, whatever the names, the order and the nesting', () => {
  const property = fc.property(
    fc.array(tree.object as fc.Arbitrary<Json>, { minLength: 1, maxLength: 6 }),
    (records) => {
      const lines = records.map((record) => canonicalJson(record))
      const parsed = lines.map((line) => parseJson(line) as Json)
      const paths = [...pathsOf(parsed), ['not', 'there']]
      const skim = skimmerOf(paths)
      const expected = parsed.map((record) => paths.map((path) => at(record, path)))
      const read = skim(`${lines.join('\n')}\n`).map((values) => Array.from(values))
      expect(read).toEqual(expected)
      // Again, when it knows what to expect, and in the other order, when it expects something else.
      expect(skim(`${lines.toReversed().join('\n')}\n`).map((values) => Array.from(values))).toEqual(
        expected.toReversed(),
      )
    },
  )
  fc.assert(property, { numRuns: 1_000 })
})

test.each(['{', '{"a"', '{"a":', '{"a":1', '{"a":"x', '{"a":[1', '[]', '{"a":1]', 'null'])('%j is refused', (line) => {
  expect(() => skimmerOf([['a']])(line)).toThrow('no canonical JSON')
})
