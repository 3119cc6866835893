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
  if (!HAS_LETTERS_APART.test(text)) return ''
  return Array.from(text.matchAll(LETTERS_APART), ([run]) =>
    run
      .split(/ {2,}/)
      .map((word) => word.replace(/[ ._-]/g, ''))
      .join(' '),
  ).join('\n')
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

/** Words with digits for letters, spelt with letters; empty unless several words of a text are written so. */
export function unleeted(text: string): string {
  if (!HAS_SIGN.test(text) || !HAS_MIXED.test(text)) return ''
  let changed = 0
  const plain = text.replace(MIXED_WORD, (word) => {
    if (!/[0-9@$]/.test(word) || !/[A-Za-z]{2}|[A-Za-z]\d[A-Za-z]/.test(word)) return word
    changed += 1
    return word.replace(/[0134579@$]/g, (sign) => LEET[sign] ?? sign)
  })
  return changed >= 2 ? plain : ''
}
