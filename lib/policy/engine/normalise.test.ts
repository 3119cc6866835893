import { array, check, constantFrom, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from './normalise'

const normal = (text: string) => normalise(text).text

describe('normal text', () => {
  test.each([
    ['IGNORE', 'ignore'],
    ['ｉｇｎｏｒｅ', 'ignore'],
    ['𝐢𝓰𝕟𝖔𝚛𝒆', 'ignore'],
    ['Ⓘⓖⓝⓞⓡⓔ', 'ignore'],
    ['i\u200bg\u200dn\ufeffo\u00adr\u2060e', 'ignore'],
    ['ig\u202enore\u202c', 'ignore'],
    ['i\u0000gno\u001bre', 'ignore'],
    ['іgnоrе', 'ignore'],
    ['IGNОRЕ', 'ignore'],
    ['ιgηοrε', 'ignore'],
    ['ΙGΝΟRΕ', 'ignore'],
    ['ɪɢɴᴏʀᴇ', 'ignore'],
    ['i\u{e0067}g\u{e006e}nore', 'ignore'],
    ['i\u0334g\u0335\u0336n\u0334o\u0334r\u0334e\u0334', 'ignore'],
    ['ﬁre', 'fire'],
  ])('%j reads %j', (disguised, plain) => {
    expect(normal(disguised)).toBe(plain)
  })

  test('keeps accents that are letters of their own, however they are written', () => {
    expect(normal('CAFÉ')).toBe('café')
    expect(normal('CAFE\u0301')).toBe('café')
  })

  test('keeps scripts in which marks are letters, and cuts piles of them', () => {
    expect(normal('हिन्दी')).toBe('हिन्दी')
    expect(normal('한국어'.normalize('NFD'))).toBe('한국어')
    expect(normal(`ש${'\u05b0'.repeat(50)}`).length).toBeLessThanOrEqual(4)
  })

  test('leads back to the original across what was removed, joined and expanded', () => {
    const text = 'x \u{1d4fd}e\u200bﬁ\u0301n!'
    const view = normalise(text)
    expect(view.text).toBe('x tefín!')
    expect(view.origin(2, 3)).toEqual({ start: 2, end: 4 })
    expect(view.origin(2, 4)).toEqual({ start: 2, end: 5 })
    expect(view.origin(4, 6)).toEqual({ start: 6, end: 8 })
    expect(view.origin(7, 8)).toEqual({ start: 9, end: 10 })
  })

  test('leads back to the original in the middle of what is as it was', () => {
    const view = normalise('Größe\u200b und Gewicht')
    expect(view.text).toBe('größe und gewicht')
    expect(view.origin(1, 3)).toEqual({ start: 1, end: 3 })
    expect(view.origin(6, 9)).toEqual({ start: 7, end: 10 })
    expect(view.origin(3, 8)).toEqual({ start: 3, end: 9 })
    expect(view.origin(17, 17)).toEqual({ start: 18, end: 18 })
  })

  test('takes time in proportion to its length when marks are piled up without end', () => {
    expect(normal(`a${'\u0301'.repeat(200_000)}b`)).toBe('áb')
  })
})

const anyText = array(
  constantFrom(
    'a',
    'B',
    ' ',
    'é',
    'e\u0301',
    '\u200b',
    'ﬃ',
    'О',
    '𝒜',
    '😀',
    '\ud800',
    '\udc00',
    'İ',
    '한',
    '\u0301',
    '\n',
  ),
).map((pieces) => pieces.join(''))

describe('positions', () => {
  test.each([
    ['pieces that are hard', anyText],
    ['any text', string({ unit: 'binary' })],
  ])('of %s are in order and inside the original', (_, arbitrary) => {
    holds(arbitrary, (text) => {
      const view = normalise(text)
      let last = 0
      for (let i = 0; i < view.text.length; i++) {
        const { start, end } = view.origin(i, i + 1)
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        expect(end).toBeLessThanOrEqual(text.length)
        last = start
      }
    })
  })

  test('give back a piece of the original that reads the same by itself', () => {
    holds(anyText, (text) => {
      const view = normalise(text)
      for (let from = 0; from < view.text.length; from++) {
        const to = Math.min(view.text.length, from + 3)
        const { start, end } = view.origin(from, to)
        expect(normalise(text.slice(start, end)).text).toContain(view.text.slice(from, to))
      }
    })
  })
})

function holds<T>(arbitrary: Parameters<typeof property<[T]>>[0], predicate: (value: T) => void) {
  const result = check(property(arbitrary, predicate), { numRuns: 300 })
  if (result.failed) throw new Error(`${JSON.stringify(result.counterexample)}: ${result.errorInstance}`)
}
