import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalise } from '@/lib/policy/engine/normalise'
import type { Span } from '@/lib/policy/engine/policy'
import { buildScanner } from '@/lib/policy/engine/scanner'
import { type PendingFrom, pendingAlphabet, pendingEarliest, pendingTail, pendingTerms } from './pending'

type Find = (text: string) => Span[]

const findBy =
  (expression: RegExp): Find =>
  (text) =>
    [...text.matchAll(expression)].map((match) => ({ start: match.index, end: match.index + match[0].length }))

const findTerms = (terms: readonly string[]): Find => {
  const scanner = buildScanner(terms.map((text) => ({ text, wholeWord: false })))
  return (text) => {
    const normal = normalise(text)
    const spans: Span[] = []
    scanner.scan(normal.text, (_, start, end) => spans.push(normal.origin(start, end)))
    return spans
  }
}

/** What begins before the pending offset of a prefix is the same in the whole: nothing that is let go changes later. */
function expectFinal(pendingFrom: PendingFrom, find: Find, whole: string, length: number) {
  const prefix = whole.slice(0, length)
  const pending = pendingFrom(prefix)
  expect(pending).toBeGreaterThanOrEqual(0)
  expect(pending).toBeLessThanOrEqual(prefix.length)
  const settled = (spans: Span[]) =>
    spans
      .filter((span) => span.start < pending)
      .map((span) => `${span.start}-${span.end}`)
      .sort()
  expect(settled(find(prefix))).toEqual(settled(find(whole)))
}

const pieces = (...units: string[]) =>
  fc.array(fc.constantFrom(...units), { maxLength: 30 }).map((array) => array.join(''))

describe('what is pending', () => {
  it('of an alphabet is never before the end of what was decided', () => {
    const pendingFrom = pendingAlphabet(/[0-9-]/, { lengthMax: 9 })
    const text = pieces('1', '23', '-', 'x', ' ', '猫', '🙂', '456')
    fc.assert(
      fc.property(text, fc.nat(60), (whole, length) => {
        expectFinal(pendingFrom, findBy(/\b\d{2,4}-\d{2,4}\b/g), whole, length)
      }),
      { numRuns: 400 },
    )
  })

  it('of an alphabet includes a run whose surroundings are not all there', () => {
    const pendingFrom = pendingAlphabet(/[0-9]/, { lengthMax: 9, lookAhead: 3 })
    fc.assert(
      fc.property(pieces('1', '23', 'kg', 'k', ' '), fc.nat(60), (whole, length) => {
        expectFinal(pendingFrom, findBy(/(?<!\d)\d{1,9}(?=kg\b)/g), whole, length)
      }),
      { numRuns: 400 },
    )
  })

  it('of an alphabet is nothing when the last characters cannot be inside a match', () => {
    const pendingFrom = pendingAlphabet(/[0-9]/, { lengthMax: 16, lookAhead: 0 })
    expect(pendingFrom('call 555 now')).toBe(12)
    expect(pendingFrom('call 555')).toBe(5)
    expect(pendingFrom('')).toBe(0)
  })

  it('of an alphabet is at most as long as a match', () => {
    expect(pendingAlphabet(/[0-9]/, { lengthMax: 4, lookAhead: 0 })('1234567890')).toBe(6)
  })

  it('of an alphabet beyond ASCII is counted in whole characters', () => {
    const pendingFrom = pendingAlphabet(/\p{Emoji_Presentation}/u, { lengthMax: 3, lookAhead: 0 })
    expect(pendingFrom('a🙂🙂')).toBe(1)
    expect(pendingFrom('a🙂🙂'.slice(0, 4))).toBe(1)
  })

  it('of a bounded pattern is what the pattern could still need', () => {
    const pendingFrom = pendingTail({ lengthMax: 6 })
    fc.assert(
      fc.property(pieces('a', 'abc', 'ab', 'ccd', 'd', '猫', '🙂', '\n'), fc.nat(60), (whole, length) => {
        expectFinal(pendingFrom, findBy(/\bab(?:.{0,3}d)?\b|ca\b/gs), whole, length)
      }),
      { numRuns: 400 },
    )
  })

  it('of a bounded pattern is one character less when nothing after it matters', () => {
    expect(pendingTail({ lengthMax: 3 })('abcdef')).toBe(3)
    expect(pendingTail({ lengthMax: 3, lookAhead: 0 })('abcdef')).toBe(4)
  })

  it('of terms is never before the end of what was decided, whatever marks and letters follow', () => {
    const terms = ['Projekt Adler', 'café', 'éa', 'ab', '각', 'q\u0323\u0307x', '猫', 'aab']
    const pendingFrom = pendingTerms(
      terms.map((text) => ({ text })),
      normalise,
    )
    const text = pieces(
      'projekt',
      ' ADLER',
      'caf',
      'e',
      '\u0301',
      '\u0307',
      '\u0323',
      'q',
      'x',
      'a',
      'b',
      '가',
      '\u11a8',
      '\u200b',
      '猫',
      '🙂',
      'ﬁ',
      ' \n ',
    )
    fc.assert(
      fc.property(text, fc.nat(60), (whole, length) => expectFinal(pendingFrom, findTerms(terms), whole, length)),
      { numRuns: 1500 },
    )
  })

  it('of terms is nothing when no term begins with the end of the text', () => {
    const pendingFrom = pendingTerms([{ text: 'secret' }], normalise)
    expect(pendingFrom('nothing to see')).toBe(14)
    expect(pendingFrom('the Sec')).toBe(4)
    expect(pendingFrom('the s\u200be\u200bc')).toBe(4)
    expect(pendingFrom('the secret')).toBe(4)
    expect(pendingFrom('the secrets')).toBe(10)
    expect(pendingFrom('the café')).toBe(8)
    const spaced = pendingTerms([{ text: 'top secret' }], normalise)
    expect(spaced(`very top ${' '.repeat(20)}\n`)).toBe(5)
    const marked = pendingTerms([{ text: 'q\u0323\u0307x' }], normalise)
    expect(marked('a q\u0307')).toBe(2)
    const cat = pendingTerms([{ text: '猫' }], normalise)
    expect(cat('a 猫\u11a8')).toBe(2)
  })

  it('never parts a surrogate pair', () => {
    const sources = [pendingTail({ lengthMax: 2 }), pendingAlphabet(/x/, { lengthMax: 4 }), pendingTerms([], normalise)]
    fc.assert(
      fc.property(pieces('🙂', 'x', '猫'), fc.nat(40), (whole, length) => {
        const text = whole.slice(0, length)
        for (const source of sources) {
          const before = text.charCodeAt(source(text) - 1)
          expect(before >= 0xd800 && before <= 0xdbff).toBe(false)
        }
      }),
    )
  })

  it('for several things is what is pending for any of them', () => {
    const both = pendingEarliest(
      pendingTerms([{ text: 'secret' }], normalise),
      pendingTail({ lengthMax: 3, lookAhead: 0 }),
    )
    expect(both('a sec')).toBe(2)
    expect(both('a long text')).toBe(9)
    expect(pendingEarliest()('abc')).toBe(3)
  })
})
