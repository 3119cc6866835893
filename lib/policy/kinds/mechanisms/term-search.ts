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
    const text = normal.text.toLowerCase()
    const words = wordsOf(text)
    const found: Candidate[] = []
    for (const [first, { start }] of words.entries()) {
      let length = -1
      let letters = 0
      // One word more than the longest term has, because a space may be a mistake too.
      for (let count = 0; count <= wordsMax; count++) {
        const last = words[first + count]
        if (!last) break
        length += last.word.length + 1
        letters |= count === 0 ? last.letters : last.letters | SPACE
        if (length > lengthMax) break
        const entries = likely(length, letters, byLength, distanceMax)
        if (entries.length === 0) continue
        const phrase = words
          .slice(first, first + count + 1)
          .map(({ word }) => word)
          .join(' ')
        const match = nearest(phrase, entries)
        if (match) found.push({ rule: match.rule, distance: match.distance, part, ...normal.origin(start, last.end) })
      }
    }
    return withoutOverlap(found, exact)
  }
}

const NONE: readonly Entry[] = []

/** Terms that a phrase of this length and these letters could be. Nearly always none, which is what makes the search fast. */
function likely(
  length: number,
  letters: number,
  byLength: ReadonlyMap<number, readonly Entry[]>,
  distanceMax: number,
): readonly Entry[] {
  let entries: Entry[] | null = null
  for (let other = length - distanceMax; other <= length + distanceMax; other++) {
    for (const entry of byLength.get(other) ?? NONE) {
      if (Math.abs(other - length) > entry.distance) continue
      // Each mistake changes at most two of the letters used; counting them is far cheaper than comparing.
      if (bitsOf(letters ^ entry.letters) > 2 * entry.distance) continue
      entries ??= []
      entries.push(entry)
    }
  }
  return entries ?? NONE
}

function nearest(phrase: string, entries: readonly Entry[]) {
  for (const entry of entries) {
    const distance = editDistance(phrase, entry.text, entry.distance)
    if (distance <= entry.distance) return { rule: entry.rule, distance }
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
    letters: lettersOf(match[0]),
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

const SPACE = lettersOf(' ')

function bitsOf(value: number): number {
  let bits = 0
  for (let rest = value; rest !== 0; rest &= rest - 1) bits++
  return bits
}
