import { isMonthName } from './dates'

/** The longest address: 64 before the @ and 255 behind it. */
const WORD_MAX = 320
/** The longest number written in groups, its separators included. */
const NUMBER_MAX = 72
/** A value behind its name ("name on card: ..."), with the words between. */
const NAMED_MAX = 140

/** Characters before a value that may say what it is, and those that may tie it to what stands before. */
export const PERSONAL_LOOK_BEHIND = 200

const BLANK = /[\s\u00a0\u2000-\u200a\u3000]/
const NUMBER_LIKE = /^[+("'[]{0,4}(?=[^0-9]{0,40}[0-9]|[A-Z0-9]{1,6}$)[0-9A-Za-z()./:+-]{1,72}[,;"'\]]{0,4}$/

/**
 * Where personal data may still begin or grow: in the last word, and before it in all words that may belong to the same
 * number, IBAN or date.
 */
export function personalPendingFrom(text: string): number {
  const edge = Math.max(0, text.length - WORD_MAX)
  let at = text.length
  while (at > edge && !BLANK.test(text.charAt(at - 1))) at--
  const farthest = Math.max(0, text.length - NUMBER_MAX)
  for (;;) {
    let end = at
    while (end > farthest && BLANK.test(text.charAt(end - 1))) end--
    let start = end
    while (start > farthest && !BLANK.test(text.charAt(start - 1))) start--
    if (start === end) break
    const word = text.slice(start, end)
    if (!NUMBER_LIKE.test(word) && !isMonthName(word.replace(/[.,]$/, '')) && !/^(?:of|de)$/i.test(word)) break
    at = start
  }
  // Never in the middle of a character.
  return at > 0 && (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
    ? at - 1
    : at
}

/** The same for values that follow a name within a few words. */
export function namedPendingFrom(label: RegExp): (text: string) => number {
  return (text) => {
    const from = Math.max(0, text.length - NAMED_MAX)
    const named = text.slice(from).search(label)
    return named === -1 ? text.length : from + named
  }
}

/** Addresses begin with a number or a street and are at most this long. */
export const ADDRESS_MAX = 110
