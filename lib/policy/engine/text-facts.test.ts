import { array, assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from './normalise'
import { factsOf } from './text-facts'

const mixed = array(
  constantFrom(
    'a',
    '7',
    '42',
    ' ',
    '\n',
    '\x7f',
    '\x01',
    'é',
    '日',
    '’',
    '—',
    '\u2010',
    '…',
    '😀',
    '\ud83d',
    '\0',
    '/',
    ':',
  ),
  {
    maxLength: 40,
  },
).map((pieces) => pieces.join(''))

describe('one look at a text', () => {
  test('counts its bytes as it travels', () => {
    assert(
      property(mixed, (text) => {
        expect(factsOf(text).bytes).toBe(Buffer.byteLength(text))
      }),
    )
    const long = '日😀a'.repeat(60_000)
    expect(factsOf(long).bytes).toBe(Buffer.byteLength(long))
  })

  test('tells what is printable ASCII, with signs or without', () => {
    assert(
      property(mixed, (text) => {
        expect(factsOf(text).isPlain).toBe(/^[\t\n\r\x20-\x7e’—😀]*$/u.test(text))
      }),
    )
    assert(
      property(string({ unit: 'binary' }), (text) => {
        const { hasAsciiWords, isPlain } = factsOf(text)
        expect(hasAsciiWords).toBe(isPlain || /^[\x00-\x7f]*$/.test(text))
      }),
    )
  })

  test('takes for a sign only what normalisation leaves as it is and no word has in it', () => {
    let signs = 0
    for (let point = 0x80; point < 0x110000; point++) {
      const text = `a${String.fromCodePoint(point)}b`
      if (!factsOf(text).isPlain) continue
      signs += 1
      expect(normalise(text).text).toBe(text)
      expect(/[\p{L}\p{N}\p{M}\p{Z}\p{C}]/u.test(text.slice(1, -1))).toBe(false)
    }
    expect(signs).toBeGreaterThan(4_000)
  })

  test('knows every run of ASCII digits', () => {
    const ascii = array(constantFrom('a', '7', '42', '0', '9', ' ', '/', ':', '\x01', 'é', '—', '٣', '😀'), {
      maxLength: 40,
    })
    assert(
      property(ascii, (pieces) => {
        const text = pieces.join('')
        const runs = Array.from(text.matchAll(/\d+/g), ({ index, 0: run }) => [index, index + run.length]).flat()
        expect(factsOf(text).digitRuns).toEqual(runs)
      }),
    )
  })

  test('does not take what an earlier text left behind for its own', () => {
    factsOf('1234567890')
    expect(factsOf('a').digitRuns).toEqual([])
  })
})
