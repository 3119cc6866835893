import { CONTINUES } from '@/lib/policy/engine/normalise'
import type { NormalText, Term } from '@/lib/policy/engine/policy'

/** Where a match may still begin or grow once more text comes; `text.length` when nothing is pending. */
export type PendingFrom = (text: string) => number

/** Whether a character may be inside a match, by code point. */
export type CharacterTest = (codePoint: number) => boolean

export type MatchBounds = {
  /** UTF-16 units of the longest match. */
  lengthMax: number
  /** UTF-16 units after a match on which it depends, such as 1 for `\b`. Default 1, which is never wrong for those. */
  lookAhead?: number
}

/**
 * For matches made of one alphabet only (tokens, card numbers, addresses): pending is the longest suffix of such
 * characters, at most as long as a match can be. `inside` must accept every character that a match may contain,
 * separators included; a class that is too wide costs delay, one that is too narrow leaks.
 *
 * @param inside a test, or the class as a regular expression for one character, such as `/[0-9 -]/`
 */
export function pendingAlphabet(
  inside: CharacterTest | RegExp,
  { lengthMax, lookAhead = 1 }: MatchBounds,
): PendingFrom {
  const isInside = inside instanceof RegExp ? characterTest(inside) : inside
  return (text) => {
    let pending = wholeCharacter(text, text.length)
    // What follows a match need not be of its alphabet: while some of it is missing, a run that ended is open too.
    for (let end = Math.max(0, Math.min(pending, pending - lookAhead + 1)); end <= text.length; end++) {
      pending = Math.min(pending, runBefore(text, wholeCharacter(text, end), lengthMax, isInside))
    }
    return pending
  }
}

/** For matches of bounded length and any characters: the last characters that a match could still need are pending. */
export function pendingTail({ lengthMax, lookAhead = 1 }: MatchBounds): PendingFrom {
  return (text) => wholeCharacter(text, Math.min(text.length, Math.max(0, text.length - lengthMax - lookAhead + 1)))
}

/**
 * For terms that are looked for in normalised text: pending is the longest suffix that a term begins with, whole terms
 * included, because a combining mark or a letter that follows can still undo the hit.
 *
 * @param normalise the same function that the chain's scanner uses
 */
export function pendingTerms(
  terms: readonly Pick<Term, 'text'>[],
  normalise: (text: string) => Pick<NormalText, 'text' | 'origin'>,
): PendingFrom {
  const sorted = [...new Set(terms.map((term) => decomposed(normalise(term.text).text)))].filter((term) => term !== '')
  sorted.sort(byCodeUnit)
  const firsts = new Set(sorted.map((term) => term.charCodeAt(0)))
  const lengthMax = sorted.reduce((longest, term) => Math.max(longest, term.length), 0)
  return (text) => {
    const safe = wholeCharacter(text, text.length)
    if (lengthMax === 0 || text === '') return safe
    const normal = normalise(text)
    const trailing = TRAILING.exec(normal.text)?.[0].length ?? 0
    const tail = decompose(normal.text, tailStart(normal.text, lengthMax + trailing))
    // Marks and parts of a syllable that come later may sort before those that are there, or make one with what they
    // follow: both readings are open.
    const bare = tail.text.replace(TRAILING, '')
    const ofBare = prefixStart(bare, sorted, firsts)
    const start = Math.min(prefixStart(tail.text, sorted, firsts), ofBare === bare.length ? tail.text.length : ofBare)
    if (start >= tail.text.length) return safe
    const at = tail.origin[start] ?? normal.text.length
    return Math.min(safe, wholeCharacter(text, normal.origin(at, normal.text.length).start))
  }
}

/** For a policy that looks for several things: pending is what is pending for any of them. */
export function pendingEarliest(...sources: readonly PendingFrom[]): PendingFrom {
  return (text) => sources.reduce((earliest, pendingFrom) => Math.min(earliest, pendingFrom(text)), text.length)
}

const TRAILING = new RegExp(`${CONTINUES.source}{1,32}$`, 'u')

/** A table for ASCII, the expression for the rest. */
function characterTest(expression: RegExp): CharacterTest {
  const single = new RegExp(`^(?:${expression.source})$`, expression.flags.replace(/[gymd]/g, ''))
  const ascii = Array.from({ length: 128 }, (_, code) => single.test(String.fromCharCode(code)))
  return (codePoint) => (codePoint < 128 ? ascii[codePoint] === true : single.test(String.fromCodePoint(codePoint)))
}

/** Start of the run of inside characters that ends at `end`, at most `lengthMax` before it. */
function runBefore(text: string, end: number, lengthMax: number, isInside: CharacterTest): number {
  const earliest = Math.max(0, end - lengthMax)
  let start = end
  while (start > earliest) {
    const before = wholeCharacter(text, start - 1)
    if (!isInside(text.codePointAt(before) ?? 0)) break
    start = before
  }
  return start
}

/** The offset itself, or one less where it would part a surrogate pair or leave half of one to come. */
export function wholeCharacter(text: string, offset: number): number {
  const before = text.charCodeAt(offset - 1)
  if (!(before >= 0xd800 && before <= 0xdbff)) return offset
  if (offset === text.length) return offset - 1
  const after = text.charCodeAt(offset)
  return after >= 0xdc00 && after <= 0xdfff ? offset - 1 : offset
}

/** Offset in `text` of its longest suffix with which a term begins; its length when there is none. */
function prefixStart(text: string, sorted: readonly string[], firsts: ReadonlySet<number>): number {
  for (let start = 0; start < text.length; start++) {
    if (firsts.has(text.charCodeAt(start)) && isPrefix(text.slice(start), sorted)) return start
  }
  return text.length
}

function isPrefix(text: string, sorted: readonly string[]): boolean {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return sorted[low]?.startsWith(text) === true
}

const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Start of the last `length` characters, with room for the white space among them. */
function tailStart(text: string, length: number): number {
  let start = Math.max(0, text.length - length)
  if (/\s\s/.test(text.slice(start))) start = 0
  return wholeCharacter(text, start)
}

/**
 * Canonically decomposed and without case, so that what a letter may still become is a continuation of what it is. A run
 * of white space is one blank, as it is for the scanner.
 */
const decomposed = (text: string) => decompose(text, 0).text

/** With the offset in `text` of each unit. From `from` on. */
function decompose(text: string, from: number): { text: string; origin: readonly number[] } {
  let out = ''
  const origin: number[] = []
  let at = from
  for (const character of from === 0 ? text : text.slice(from)) {
    const plain = /\s/.test(character) ? ' ' : character.toLowerCase().normalize('NFD')
    if (plain !== ' ' || !out.endsWith(' ')) {
      for (let unit = 0; unit < plain.length; unit++) origin.push(at)
      out += plain
    }
    at += character.length
  }
  return { text: out, origin }
}
