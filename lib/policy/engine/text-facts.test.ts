import { array, assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factsOf } from './text-facts'

const mixed = array(
  constantFrom('a', '7', '42', ' ', '\n', '\x7f', '\x01', 'é', '日', '😀', '\ud83d', '\0', '/', ':'),
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

  test('tells what is printable ASCII', () => {
    assert(
      property(mixed, (text) => {
        expect(factsOf(text).isPlain).toBe(/^[\t\n\r\x20-\x7e]*$/.test(text))
      }),
    )
    assert(
      property(string(), (text) => {
        expect(factsOf(text).isAscii).toBe(/^[\x00-\x7f]*$/.test(text))
      }),
    )
  })

  test('knows every run of digits of ASCII', () => {
    const ascii = array(constantFrom('a', '7', '42', '0', '9', ' ', '/', ':', '\x01'), { maxLength: 40 })
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
