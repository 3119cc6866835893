import { array, assert, boolean, constantFrom, oneof, property, record, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from './normalise'
import type { Term } from './policy'
import { ScanRefused } from './scan'
import { buildScanner } from './scanner'

type Hit = { term: number; start: number; end: number }

function scan(terms: readonly Term[], text: string): Hit[] {
  const hits: Hit[] = []
  buildScanner(terms).scan(text, (term, start, end) => hits.push({ term, start, end }))
  return hits.sort(byPlace)
}

const byPlace = (a: Hit, b: Hit) => a.start - b.start || a.end - b.end || a.term - b.term

/** Tries every term at every place. */
function naiveScan(terms: readonly Term[], text: string): Hit[] {
  const hits: Hit[] = []
  for (const [term, { text: source, wholeWord }] of terms.entries()) {
    const words = normalise(source).text.replace(/\s+/g, ' ')
    if (words.trim() === '') continue
    const escaped = words
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/^ /, '\\s')
      .replace(/ $/, '\\s')
      .replaceAll(' ', '\\s+')
    const pattern = new RegExp(escaped, 'y')
    for (let at = 0; at < text.length; at++) {
      pattern.lastIndex = at
      const match = pattern.exec(text)
      if (match === null) continue
      const end = at + match[0].length
      const isWord = !/[\p{L}\p{N}]$/u.test(text.slice(0, at)) && !/^[\p{L}\p{N}]/u.test(text.slice(end))
      if (!wholeWord || isWord) hits.push({ term, start: at, end })
    }
  }
  return hits.sort(byPlace)
}

const letters = oneof(
  { weight: 9, arbitrary: constantFrom('a', 'b', 'ab', 'c', '-') },
  { weight: 1, arbitrary: constantFrom('é', '😀', '’', '—') },
)
const wordText = array(letters, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''))
const termText = array(wordText, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '))
const terms = array(record({ text: termText, wholeWord: boolean() }), { maxLength: 12 })
const text = array(constantFrom('a', 'b', 'c', 'é', '😀', '’', '—', '-', ' ', '\n', 'x', 'ab'), { maxLength: 60 }).map(
  (p) => p.join(''),
)

describe('one pass', () => {
  test('finds what trying every term at every place finds', () => {
    assert(
      property(terms, text, (known, searched) => {
        expect(scan(known, searched)).toEqual(naiveScan(known, searched))
      }),
      { numRuns: 400 },
    )
  })

  test('finds what is hidden inside and at the end of other terms', () => {
    const known = ['he', 'she', 'hers', 'his', 'ushers'].map((word) => ({ text: word, wholeWord: false }))
    expect(scan(known, 'ushers').map(({ term }) => term)).toEqual([4, 1, 0, 2])
  })

  test('takes any run of white space for one blank', () => {
    expect(scan([{ text: 'ignore  all', wholeWord: true }], 'so ignore \n\t all!')).toEqual([
      { term: 0, start: 3, end: 16 },
    ])
  })

  test('matches terms as normalised as texts are', () => {
    const found = scan([{ text: 'ПАРОЛЬ', wholeWord: true }], normalise('мой пароль: 1').text)
    expect(found).toHaveLength(1)
  })

  test('holds ten thousand long terms in several scripts', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      text: `term ${i * 7919} of 制裁 ${i % 97} list`,
      wholeWord: true,
    }))
    expect(scan(many, `x term ${42 * 7919} of 制裁 42 list y`)).toEqual([{ term: 42, start: 2, end: 27 }])
  })

  test('does not hand out half of too many hits', () => {
    expect(() => scan([{ text: 'a', wholeWord: false }], 'a'.repeat(100_001))).toThrow(ScanRefused)
  })

  test('has nothing to find for terms without a character', () => {
    expect(
      scan(
        [
          { text: '\u200b', wholeWord: false },
          { text: '', wholeWord: true },
          // An accent without a letter is normalised to a blank.
          { text: '\u00a8\u00a8', wholeWord: false },
        ],
        'a b',
      ),
    ).toEqual([])
  })
})

describe('ASCII', () => {
  const pieces = constantFrom('a', 'b', 'A', 'ab', 'key', 'Key', '_', '-', ' ', '  ', '\n', '\t', '1', '7', '://', 'sk')
  const some = (maxLength: number) => array(pieces, { minLength: 1, maxLength }).map((parts) => parts.join(''))
  const asciiTerms = array(record({ text: some(5), wholeWord: boolean(), isOnlyAtWordStart: boolean() }), {
    minLength: 1,
    maxLength: 30,
  })

  /** A character outside ASCII behind the text sends it another way. */
  const slowly = (terms: readonly Term[], text: string) => inOrderOf(terms, `${text.toLowerCase()} é`)
  const inOrderOf = (terms: readonly Term[], text: string) => {
    const hits: Hit[] = []
    buildScanner(terms).scan(text, (term, start, end) => hits.push({ term, start, end }))
    return hits
  }
  test('is scanned faster to the same hits in the same order as beside other characters', () => {
    assert(
      property(asciiTerms, some(60), (terms, text) => {
        const expected = slowly(terms, text).filter((hit) => hit.end <= text.length)
        expect(inOrderOf(terms, text)).toEqual(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  test('is scanned to the same hits where terms follow one another, in any case and with any white space', () => {
    const written = asciiTerms.chain((terms) =>
      array(
        tuple(
          constantFrom(...terms.map(({ text }) => text)),
          boolean(),
          constantFrom(' ', '  ', '\n ', '\t'),
          constantFrom('', 'x', ' ', '-'),
        ),
        { maxLength: 8 },
      ).map((parts) => ({
        terms,
        text: parts
          .map(([text, isUpper, blank, end]) => (isUpper ? text.toUpperCase() : text).replaceAll(' ', blank) + end)
          .join(''),
      })),
    )
    assert(
      property(written, ({ terms, text }) => {
        const expected = slowly(terms, text).filter((hit) => hit.end <= text.length)
        expect(inOrderOf(terms, text)).toEqual(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  test('has one hit of a term whose first is enough, in every text anew', () => {
    const words = [{ text: 'key', wholeWord: false, isFirstOnly: true }]
    const scanner = buildScanner(words)
    for (const text of ['key key', 'a key key', 'é key key']) {
      const starts: number[] = []
      scanner.scan(text, (_, start) => starts.push(start))
      expect(starts).toEqual([text.indexOf('key')])
    }
  })

  test('is scanned in blocks that no term falls between', () => {
    const text = `${'x '.repeat(2_046)}some password ${'y '.repeat(3_000)}end`
    const words = ['some password', 'password', 'end', 'y end'].map((text) => ({ text, wholeWord: true }))
    expect(inOrderOf(words, text)).toEqual(slowly(words, text))
  })

  test('made of nothing but beginnings of terms is read once all the same', () => {
    const words = [{ text: 'a'.repeat(1_000), wholeWord: false }]
    expect(inOrderOf(words, `${'a'.repeat(999)}b`.repeat(2_000))).toEqual([])
  })
})
