import { step } from '@/lib/policy/engine/time-limit'

/** Characters of the Unicode tag block spell ASCII that nobody sees. Flags of regions use them behind U+1F3F4. */
const TAGS = /(?<!\u{1f3f4}[\u{e0000}-\u{e007f}]{0,6})[\u{e0020}-\u{e007e}]{4,4096}/gu
const HAS_TAGS = /\udb40[\udc20-\udc7e]/

/** ASCII that is written in invisible tag characters; empty when there is none. */
export function tagText(text: string): string {
  if (!HAS_TAGS.test(text)) return ''
  return Array.from(text.matchAll(TAGS), ([run]) =>
    Array.from(run, (tag) => String.fromCharCode((tag.codePointAt(0) ?? 0) - 0xe0000)).join(''),
  ).join(' ')
}

const LETTERS_APART =
  /(?<![A-Za-z])[A-Za-z](?:[ ._-][A-Za-z]){5,60}(?: {2,4}[A-Za-z](?:[ ._-][A-Za-z]){1,60}){0,20}(?![A-Za-z])/g
const HAS_LETTERS_APART = /(?:[A-Za-z][ ._-]){5}/

/** `i g n o r e   a l l` as words; empty when no letters stand apart. */
export function joinedLetters(text: string): string {
  if (!mayHaveLettersApart(text) || !HAS_LETTERS_APART.test(text)) return ''
  return Array.from(text.matchAll(LETTERS_APART), ([run]) =>
    run
      .split(/ {2,}/)
      .map((word) => word.replace(/[ ._-]/g, ''))
      .join(' '),
  ).join('\n')
}

const APART_UNITS = 10
const NEITHER = 0
const LETTER = 1
const SEPARATOR = 2
const KINDS = new Uint8Array(128)
KINDS.fill(LETTER, 0x41, 0x5b).fill(LETTER, 0x61, 0x7b)
for (const separator of ' ._-') KINDS[separator.charCodeAt(0)] = SEPARATOR

/** Looks at every tenth character and around it: letters that stand apart alternate with what is between them. */
export function mayHaveLettersApart(text: string): boolean {
  for (let probe = APART_UNITS - 1; probe < text.length; probe += APART_UNITS) {
    const kind = kindAt(text, probe)
    if (kind === NEITHER) continue
    const other = LETTER + SEPARATOR - kind
    let end = probe + 1
    while (end < probe + APART_UNITS && kindAt(text, end) === ((end - probe) % 2 === 0 ? kind : other)) end += 1
    let start = probe
    while (start > probe - APART_UNITS && kindAt(text, start - 1) === ((probe - start) % 2 === 0 ? other : kind))
      start -= 1
    if (end - start >= APART_UNITS) return true
  }
  return false
}

/** Nothing of the kind before and behind the text. */
const kindAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return code < 128 ? (KINDS[code] as number) : NEITHER
}

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
}
const MIXED_WORD = /(?<![A-Za-z0-9])(?=[0-9@$]{0,3}[A-Za-z])[A-Za-z0-9@$]{4,24}(?![A-Za-z0-9])/g
const HAS_SIGN = /[013457$]/
const HAS_MIXED = /[A-Za-z][013457@$][A-Za-z]|[13457][a-z]{2}/

/** Words that are made of hexadecimal digits are ids of something. */
const HEX_WORD = /^[0-9A-Fa-f]+$/

const isLeet = (word: string) => /[0-9@$]/.test(word) && /[A-Za-z]{2}|[A-Za-z]\d[A-Za-z]/.test(word)

/**
 * Words with digits for letters, spelt with letters; empty unless several words of a text are written so.
 *
 * @param digitRuns where the runs of digits begin and end
 */
export function unleeted(text: string, digitRuns: readonly number[]): string {
  if (!mayBeLeet(text, digitRuns)) return ''
  if (!HAS_SIGN.test(text) || !HAS_MIXED.test(text)) return ''
  let changed = 0
  const plain = text.replace(MIXED_WORD, (word) => {
    step()
    if (!isLeet(word)) return word
    if (!HEX_WORD.test(word)) changed += 1
    return word.replace(/[0134579@$]/g, (sign) => LEET[sign] ?? sign)
  })
  return changed >= LEET_WORDS_MIN ? plain : ''
}

const LEET_WORDS_MIN = 2

/** Whether enough words have a digit in them, or there are other signs. */
export function mayBeLeet(text: string, digitRuns: readonly number[]): boolean {
  if (text.includes('@') || text.includes('$')) return true
  let words = 0
  let end = 0
  for (let i = 0; i < digitRuns.length; i += 2) {
    let start = digitRuns[i] ?? 0
    if (start < end) continue
    end = digitRuns[i + 1] ?? 0
    while (start > 0 && isWordCode(text.charCodeAt(start - 1))) start -= 1
    while (end < text.length && isWordCode(text.charCodeAt(end))) end += 1
    if (end - start < 4 || end - start > 24) continue
    const word = text.slice(start, end)
    if (isLeet(word) && !HEX_WORD.test(word)) words += 1
    if (words >= LEET_WORDS_MIN) return true
  }
  return false
}

const isWordCode = (code: number) => (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122)

const ESCAPED =
  /&(?:amp;)?#(?:x(?<hex>[0-9a-f]{1,6})|(?<decimal>[0-9]{1,7}));?|\\u(?:\{(?<braced>[0-9a-f]{1,6})\}|(?<unit>[0-9a-f]{4}))/gi

/** A text whose letters are written as HTML references or as `\u` escapes; empty when none is. */
export function unescaped(text: string): string {
  if (!text.includes('&#') && !text.includes('\\u') && !text.includes('&amp;#')) return ''
  let letters = 0
  const plain = text.replace(ESCAPED, (...match) => {
    step()
    const { hex, decimal, braced, unit } = match.at(-1) as Record<string, string | undefined>
    const code = decimal === undefined ? Number.parseInt(hex ?? braced ?? unit ?? '', 16) : Number(decimal)
    if (code > 0x10ffff) return String(match[0])
    // Pairs of units come together again in the text as a whole.
    const character = unit === undefined ? String.fromCodePoint(code) : String.fromCharCode(code)
    if (/\p{L}/u.test(character) || unit !== undefined) letters += 1
    return character
  })
  return letters > 0 ? plain : ''
}
