import type { Detection, Term, View } from '@/lib/policy/engine/policy'
import { editDistance } from './edit-distance'

/** A phrase to look for and the name under which a match is recorded. */
export type NamedTerm = { text: string; rule: string }

export type TermSearch = {
  /** For the chain's scanner. */
  terms: readonly Term[]
  find(view: View): Detection[]
}

/** Fuzzy search costs more per character than the scanner, so it reads less. */
export const FUZZY_BYTES_MAX = 262_144
export const EXACT_BYTES_MAX = 4_194_304

/** One mistake per this many characters is allowed at most: otherwise short terms would match nearly everything. */
const CHARACTERS_PER_MISTAKE = 5

/**
 * Looks for words and phrases: exactly through the chain's scanner and, with a distance, also for what nearly reads like
 * them (words split, joined or misspelt).
 *
 * @param distanceMax most mistakes allowed in a term; a term of n characters never gets more than n / 5
 */
export function termSearch(named: readonly NamedTerm[], distanceMax = 0): TermSearch {
  const near = distanceMax > 0 ? nearSearch(named, distanceMax) : null
  return {
    terms: named.map(({ text }) => ({ text, wholeWord: true })),
    find: (view) =>
      view.readable().flatMap(({ index }) => {
        const exact = view
          .hits(index)
          .map(({ term, start, end }): Detection => ({ rule: named[term]?.rule ?? 'term', part: index, start, end }))
        return near ? [...exact, ...near(view, index, exact)] : exact
      }),
  }
}

type Entry = NamedTerm & { distance: number; letters: number }
type Candidate = Detection & { distance: number }

function nearSearch(named: readonly NamedTerm[], distanceMax: number) {
  const byLength = new Map<number, Entry[]>()
  let wordsMax = 1
  for (const { text, rule } of named) {
    const words = wordsOf(text.normalize('NFKC').toLowerCase())
    const folded = words.map(({ word }) => word).join(' ')
    const distance = Math.min(distanceMax, Math.floor(folded.length / CHARACTERS_PER_MISTAKE))
    if (distance === 0) continue
    wordsMax = Math.max(wordsMax, words.length)
    byLength.set(folded.length, [
      ...(byLength.get(folded.length) ?? []),
      { text: folded, rule, distance, letters: lettersOf(folded) },
    ])
  }
  const lengthMax = Math.max(0, ...byLength.keys()) + distanceMax

  return (view: View, part: number, exact: readonly Detection[]): Detection[] => {
    const normal = view.normal(part)
    const words = wordsOf(normal.text.toLowerCase())
    const found: Candidate[] = []
    for (const [first, { start }] of words.entries()) {
      let phrase = ''
      // One word more than the longest term has, because a space may be a mistake too.
      for (let count = 0; count <= wordsMax && first + count < words.length; count++) {
        const next = words[first + count]
        if (!next) break
        phrase = count === 0 ? next.word : `${phrase} ${next.word}`
        if (phrase.length > lengthMax) break
        const match = nearest(phrase, byLength, distanceMax)
        if (match) found.push({ rule: match.rule, distance: match.distance, part, ...normal.origin(start, next.end) })
      }
    }
    return withoutOverlap(found, exact)
  }
}

function nearest(phrase: string, byLength: ReadonlyMap<number, readonly Entry[]>, distanceMax: number) {
  const letters = lettersOf(phrase)
  for (let length = phrase.length - distanceMax; length <= phrase.length + distanceMax; length++) {
    for (const entry of byLength.get(length) ?? []) {
      // Each mistake changes at most two of the letters used; counting them is far cheaper than comparing.
      if (Math.abs(length - phrase.length) > entry.distance) continue
      if (bitsOf(letters ^ entry.letters) > 2 * entry.distance) continue
      const distance = editDistance(phrase, entry.text, entry.distance)
      if (distance <= entry.distance) return { rule: entry.rule, distance }
    }
  }
  return null
}

/** The best of those that lie on the same text; what was found exactly is not found again. */
function withoutOverlap(found: Candidate[], exact: readonly Detection[]): Detection[] {
  found.sort((a, b) => a.start - b.start || a.distance - b.distance)
  const kept: Candidate[] = []
  for (const candidate of found) {
    const before = kept.at(-1)
    if (before && candidate.start < before.end) {
      if (candidate.distance < before.distance) kept[kept.length - 1] = candidate
    } else kept.push(candidate)
  }
  return kept
    .filter((near) => !exact.some(({ start, end }) => start < near.end && near.start < end))
    .map(({ rule, part, start, end }) => ({ rule, part, start, end }))
}

const WORD = /[\p{L}\p{N}]+/gu

const wordsOf = (text: string) =>
  Array.from(text.matchAll(WORD), (match) => ({
    word: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))

/** A bit per letter that occurs; everything but a to z shares the last ones. */
function lettersOf(text: string): number {
  let letters = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    letters |= 1 << (code >= 97 && code <= 122 ? code - 97 : 26 + (code % 6))
  }
  return letters
}

function bitsOf(value: number): number {
  let bits = 0
  for (let rest = value; rest !== 0; rest &= rest - 1) bits++
  return bits
}
