import { wholeCharacter } from '@/lib/policy/stream/pending'
import { isMonthName } from './dates'
import { plainForm } from './plain-form'

/** The longest address: 64 before the @ and 255 behind it. */
const WORD_MAX = 320
/** The longest number written in groups, its separators included. */
const NUMBER_MAX = 72
/** A value behind its name ("name on card: ..."), with the words between. */
const NAMED_MAX = 140

/** Characters before a value that may say what it is, and those that may tie it to what stands before. */
export const PERSONAL_LOOK_BEHIND = 200

/** Units that are read for it: room for what is drawn as nothing and counts as nothing. */
const TAIL_MAX = 1_024

/** After everything else was made plain. */
const BLANK = /\s/
/** The letters with which an IBAN or a national id may begin. */
const IS_CODE = /[A-Z]{1,6}$/
const LAST_LETTERS = /[\p{L}\p{M}]{1,16}[.,]?$/u

/**
 * Where personal data may still begin or grow: in the last word, and before it in all words that may belong to the same
 * number, IBAN or date. A word counts whatever it begins with, because a number may begin in its middle.
 */
export function personalPendingFrom(text: string): number {
  const from = wholeCharacter(text, Math.max(0, text.length - TAIL_MAX))
  const plain = plainForm(text.slice(from))
  const at = plainPendingFrom(plain.text)
  if (at >= plain.text.length) return wholeCharacter(text, text.length)
  return wholeCharacter(text, from + plain.origin(at, plain.text.length).start)
}

function plainPendingFrom(text: string): number {
  const edge = Math.max(0, text.length - WORD_MAX)
  let at = text.length
  while (at > edge && !BLANK.test(text.charAt(at - 1))) at--
  const farthest = Math.max(0, text.length - NUMBER_MAX)
  for (;;) {
    let end = at
    while (end > farthest && BLANK.test(text.charAt(end - 1))) end--
    let start = end
    while (start > farthest && !BLANK.test(text.charAt(start - 1))) start--
    if (start === end || !mayGoOn(text.slice(start, end))) return at
    at = start
  }
}

function mayGoOn(word: string): boolean {
  if (/\d|[年月日년월일]$/.test(word) || IS_CODE.test(word)) return true
  const letters = LAST_LETTERS.exec(word)?.[0].replace(/[.,]$/, '') ?? ''
  return isMonthName(letters) || /^(?:of|de)$/i.test(letters)
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
