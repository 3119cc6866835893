import { describe, expect, test } from 'vitest'
import { visibleText } from './visible-text'

const shown = (bytes: Uint8Array) =>
  visibleText(bytes)
    .map(({ text, isEscape }) => (isEscape ? `[${text}]` : text))
    .join('')
const utf8 = (text: string) => new TextEncoder().encode(text)

describe('recorded bytes as text', () => {
  test('show plain text, line feeds and tabs as they are', () => {
    expect(shown(utf8('{"a":\t"ünï 🎉"}\n'))).toBe('{"a":\t"ünï 🎉"}\n')
    expect(visibleText(new Uint8Array())).toEqual([])
  })

  test('write out what cannot be seen: controls, direction marks, zero width, byte order mark', () => {
    expect(shown(utf8('a\u0000b\u001b[31m\r\u202ec\u200b\ufeff'))).toBe(
      'a[\\u{0}]b[\\u{1B}][31m[\\u{D}\\u{202E}]c[\\u{200B}\\u{FEFF}]',
    )
  })

  test('write out every byte that is not UTF-8, overlong forms and surrogates included', () => {
    expect(shown(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a[\\xFF]b')
    expect(shown(Uint8Array.of(0xc0, 0x80))).toBe('[\\xC0\\x80]')
    expect(shown(Uint8Array.of(0xe0, 0x80, 0x80))).toBe('[\\xE0\\x80\\x80]')
    expect(shown(Uint8Array.of(0xed, 0xa0, 0x80))).toBe('[\\xED\\xA0\\x80]')
    expect(shown(Uint8Array.of(0xf4, 0x90, 0x80, 0x80))).toBe('[\\xF4\\x90\\x80\\x80]')
    expect(shown(Uint8Array.of(0xe2, 0x82))).toBe('[\\xE2\\x82]')
  })

  test('agree with the platform about what is UTF-8', () => {
    const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for (let first = 0; first < 256; first++) {
      for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]) {
        const bytes = Uint8Array.of(first, second, 0x80, 0x80)
        const isValid = (() => {
          try {
            return fatal.decode(bytes) !== ''
          } catch {
            return false
          }
        })()
        expect(shown(bytes).includes('\\x'), `${first} ${second}`).toBe(!isValid)
      }
    }
  })
})
