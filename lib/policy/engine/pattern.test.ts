import { array, assert, constantFrom, letrec, pre, property, string, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compilePattern, PatternError } from './pattern'

/** Random patterns in the syntax that RE2 and V8 share, none of which matches the empty text. */
const { pattern } = letrec((tie) => ({
  pattern: array(tie('piece'), { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: tuple(tie('atom'), constantFrom('', '', '', '+', '{2}', '{1,3}', '+?')).map(
    ([atom, count]) => `${atom}${count}`,
  ),
  atom: constantFrom(
    'a',
    'b',
    'ab',
    'k',
    '[ab]',
    '[^a]',
    '\\d',
    '\\bx',
    '(?:a|bc)',
    '(?:ab|a)',
    '.',
    '(?:a.*b|a)',
    '\\$',
  ),
}))
const text = array(constantFrom('a', 'b', 'c', 'k', 'K', '1', '$', ' ', 'x', 'é', '\n', 'ab', '\u212a'), {
  maxLength: 80,
}).map((pieces) => pieces.join(''))

const spansOf = (source: string, searched: string, flags: string) =>
  [...searched.matchAll(new RegExp(source, flags))].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }))

describe('a pattern', () => {
  test.each([
    ['as written', false, 'gu'],
    ['without regard to case', true, 'giu'],
  ])('matches what V8 matches with the same pattern, %s', (_, ignoreCase, flags) => {
    assert(
      property(pattern, text, (source, searched) => {
        // V8 takes the Kelvin sign for a word character when it ignores case, RE2 never does.
        pre(!(ignoreCase && searched.includes('\u212a') && String(source).includes('\\b')))
        const compiled = compilePattern(String(source), { ignoreCase })
        const expected = spansOf(String(source), searched, flags)
        expect(compiled.spans(searched)).toEqual(expected)
        expect(compiled.test(searched)).toBe(expected.length > 0)
      }),
      { numRuns: 600 },
    )
  })

  test('finds the same in a text much longer than the window it looks through', () => {
    for (const source of ['\\bcase-\\d{3,8}\\b', 'a{3,40}', '(?:acme|umbra) \\w{1,20}$']) {
      const searched = `${'x case-1234 aaaa '.repeat(3_000)}acme internal`
      expect(compilePattern(source).spans(searched)).toEqual(spansOf(source, searched, 'gu'))
    }
  })

  test('finds what lies across the edge of that window', () => {
    for (let offset = 0; offset < 80; offset++) {
      const searched = `${'aa c '.repeat(50)}${'.'.repeat(offset)}${'a'.repeat(30)}b aab`
      expect(compilePattern('a{1,40}b').spans(searched)).toEqual(spansOf('a{1,40}b', searched, 'gu'))
    }
  })

  test('cuts matches that have no bound once a text has cost too much', () => {
    const costly = 'a\n'.repeat(6_000)
    const long = `a${'q'.repeat(5_000)}z`
    expect(compilePattern('a.*z|a').spans(long)).toEqual([{ start: 0, end: 5_002 }])
    expect(
      compilePattern('a.*z|a')
        .spans(costly + long)
        .at(-1),
    ).toEqual({ start: 12_000, end: 12_001 })
  })

  test('says how long a match can be', () => {
    expect(compilePattern('ab{2,5}|[x-z]').lengthMax).toBe(6)
    expect(compilePattern('a.c').lengthMax).toBe(4)
    expect(compilePattern('a+').lengthMax).toBe(null)
  })

  test('matches no longer text than it says', () => {
    assert(
      property(pattern, text, (source, searched) => {
        const compiled = compilePattern(String(source))
        for (const { start, end } of compiled.spans(searched)) {
          expect(end - start).toBeLessThanOrEqual(compiled.lengthMax ?? searched.length)
        }
      }),
    )
  })

  test('comes to an end on what makes others run for years', () => {
    const bomb = `${'a'.repeat(50_000)}!`
    for (const source of ['(a+)+$', '(a|a)+b', '(a*)*c', '(?:a+){10,20}x']) {
      expect(compilePattern(source).test(bomb)).toBe(false)
    }
  })

  test('comes to an end where every match has to look to the end of the text', () => {
    const spans = compilePattern('a.*z|a').spans('a'.repeat(9_000))
    expect(spans).toHaveLength(9_000)
  })

  test('is refused rather than half applied when it matches too often', () => {
    expect(() => compilePattern('a').spans('a'.repeat(10_001))).toThrow(PatternError)
  })
})

describe('a pattern that cannot be used', () => {
  test.each([
    ['[', /cannot be used/],
    ['(?=a)b', /cannot be used/],
    ['(a)\\1', /cannot be used/],
    ['a*', /nothing at all/],
    ['\\b', /nothing at all/],
    ['', /nothing at all/],
    ['(?:a{1000}){1000}', /cannot be used|too large/],
    [`${'(?:'.repeat(1_500)}a`, /at most 2000 characters|cannot be used/],
    ['[a-z]{900}1|[b-z]{900}2|[c-z]{900}3', /too large/],
  ])('%j is refused with a reason', (source, reason) => {
    expect(() => compilePattern(source)).toThrow(PatternError)
    expect(() => compilePattern(source)).toThrow(reason)
  })

  test('any text is a pattern or a PatternError, never anything else', () => {
    assert(
      property(string({ maxLength: 40 }), (source) => {
        try {
          compilePattern(source).test('some text')
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
