import { array, assert, integer, jsonValue, property, record, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../parse-json'
import type { Redaction } from './policy'
import { mergeRedactions, originalSpan, redactText, writeTexts } from './redact'

const at = (start: number, end: number, replacement = '*'): Redaction => ({ part: 0, start, end, replacement })
const merge = (text: string, ...redactions: Redaction[]) => mergeRedactions(redactions, () => text)

const anyRedactions = record({
  text: string({ unit: 'grapheme', maxLength: 30 }),
  spans: array(record({ from: integer({ min: 0, max: 40 }), length: integer({ min: 0, max: 12 }) }), { maxLength: 8 }),
}).map(({ text, spans }) => ({
  text,
  redactions: spans.map(({ from, length }, i) => {
    const start = Math.min(from, text.length)
    return at(start, Math.min(text.length, start + length), `<${i}>`)
  }),
}))

describe('redactions of many policies', () => {
  test('cover every span that was found and nothing but whole found spans', () => {
    assert(
      property(anyRedactions, ({ text, redactions }) => {
        const merged = merge(text, ...redactions)
        const covered = (i: number, spans: readonly Redaction[]) =>
          spans.some(({ start, end }) => start <= i && i < end)
        for (let i = 0; i < text.length; i++) {
          const isHalf = /[\ud800-\udfff]/.test(text[i] ?? '')
          if (!isHalf) expect(covered(i, merged)).toBe(covered(i, redactions))
          else if (covered(i, redactions)) expect(covered(i, merged)).toBe(true)
        }
        for (const [i, { start }] of merged.entries()) expect(start).toBeGreaterThanOrEqual(merged[i - 1]?.end ?? 0)
      }),
      { numRuns: 400 },
    )
  })

  test('leave no half of a surrogate pair', () => {
    assert(
      property(anyRedactions, ({ text, redactions }) => {
        expect(redactText(text, merge(text, ...redactions)).isWellFormed()).toBe(text.isWellFormed())
      }),
      { numRuns: 400 },
    )
  })

  test('take the label of the widest, of the first of equals', () => {
    expect(merge('0123456789', at(2, 5, 'A'), at(4, 9, 'B'))).toEqual([at(2, 9, 'B')])
    expect(merge('0123456789', at(2, 5, 'A'), at(2, 5, 'B'))).toEqual([at(2, 5, 'A')])
    expect(merge('0123456789', at(2, 5, 'A'), at(5, 7, 'B'))).toEqual([at(2, 5, 'A'), at(5, 7, 'B')])
  })

  test('keep what is only inserted, in order, outside what is cut', () => {
    const merged = merge('0123456789', at(4, 6, 'CUT'), at(5, 5, '+1'), at(5, 5, '+2'), at(10, 10, '!'), at(0, 0, '^'))
    expect(redactText('0123456789', merged)).toBe('^0123CUT+1+26789!')
  })

  test('do not touch each other across parts', () => {
    const merged = mergeRedactions([{ ...at(0, 3), part: 1 }, at(1, 2)], () => 'abc')
    expect(merged).toEqual([at(1, 2), { ...at(0, 3), part: 1 }])
  })
})

test('a span of a redacted text leads back to what it came from', () => {
  assert(
    property(
      anyRedactions,
      integer({ min: 0, max: 30 }),
      integer({ min: 1, max: 8 }),
      ({ text, redactions }, from, length) => {
        const merged = merge(text, ...redactions)
        const redacted = redactText(text, merged)
        const start = Math.min(from, redacted.length)
        const end = Math.min(redacted.length, start + length)
        const original = originalSpan({ part: 0, start, end }, merged)
        expect(original.start).toBeLessThanOrEqual(original.end)
        // What stands between replacements reads the same on both sides.
        const isTouched = merged.some((one) => one.start < original.end && one.end > original.start)
        const isPlain = !isTouched && !merged.some((one) => one.start >= original.start && one.end <= original.end)
        if (isPlain) expect(text.slice(original.start, original.end)).toBe(redacted.slice(start, end))
      },
    ),
    { numRuns: 400 },
  )
})

describe('writing texts into a document', () => {
  test('shares what does not change and leaves the original alone', () => {
    const document = { a: { b: ['x', 'y'] }, c: { d: 1 } }
    const written = writeTexts(document, [
      { path: ['a', 'b', 0], text: '1' },
      { path: ['a', 'b', 1], text: '2' },
    ]) as typeof document
    expect(written).toEqual({ a: { b: ['1', '2'] }, c: { d: 1 } })
    expect(written.c).toBe(document.c)
    expect(document.a.b).toEqual(['x', 'y'])
  })

  test('replaces one token inside JSON in a string: big numbers and spacing stay, a repeated key hides nothing', () => {
    const args = '{ "id": 12345678901234567890, "to":["a@b.c", "x"],\n"to" : [ "d@e.f","é\\u0041" ] , "ok":1.0}'
    const written = writeTexts({ args }, [{ path: ['args', 'to', 0], text: '[e"mail]' }])
    const expected = args.replace('"d@e.f"', '"[e\\"mail]"').replace('"a@b.c"', '"[e\\"mail]"')
    expect(written).toEqual({ args: expected })
  })

  test('replaces a number inside such JSON by a text', () => {
    expect(writeTexts({ args: '{"ssn":123456789}' }, [{ path: ['args', 'ssn'], text: '[SSN]' }])).toEqual({
      args: '{"ssn":"[SSN]"}',
    })
  })

  test('finds every leaf of any JSON, however it is written', () => {
    assert(
      property(jsonValue(), integer({ min: 0, max: 2 }), (value, indent) => {
        for (const path of leafPaths(value)) {
          const json = JSON.stringify(value, null, indent)
          const written = writeTexts({ json }, [{ path: ['json', ...path], text: 'NEW' }]) as { json: string }
          // As it is read: JSON has no -0.
          expect(parseJson(written.json)).toEqual(writeTexts(parseJson(json), [{ path, text: 'NEW' }]))
        }
      }),
    )
  })

  test('replaces many tokens of one text in one go', () => {
    const json = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => `value ${i} ${'x'.repeat(50)}`))
    const edits = Array.from({ length: 20_000 }, (_, i) => ({ path: ['json', i], text: `${i}` }))
    expect(writeTexts({ json }, edits)).toEqual({ json: JSON.stringify(edits.map(({ text }) => text)) })
  })

  test('refuses a path that leads nowhere', () => {
    for (const path of [['a', 'x'], ['a', 0, 1], ['b', 'c'], ['toString']]) {
      expect(() => writeTexts({ a: ['1'], b: '{"d":1}' }, [{ path, text: '' }])).toThrow(RangeError)
    }
  })
})

function leafPaths(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => {
    const step = Array.isArray(value) ? Number(key) : key
    return typeof item === 'object' && item !== null ? leafPaths(item).map((path) => [step, ...path]) : [[step]]
  })
}
