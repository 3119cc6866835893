import { isPlainAscii } from './ascii'
import { HOMOGLYPHS } from './homoglyphs'
import type { NormalText, Span } from './policy'

/**
 * A text as policies compare it: NFKC, lower case, without invisible characters (zero-width, bidirectional controls,
 * variation selectors, tags, soft hyphens, control characters), letters that look like an ASCII letter folded to it, and
 * no piles of combining marks: what does not compose with a Latin letter is dropped, other bases keep three.
 *
 * Folding knows no context: Cyrillic and Greek text loses letters to ASCII wherever it stands. Whatever is compared with
 * normal text (a term, a pattern in Russian) must have gone through `normalise` itself.
 *
 * Plain ASCII costs one regex and one `toLowerCase`; anything else is linear in its length.
 */
export function normalise(text: string): NormalText {
  return isPlainAscii(text) ? new PlainText(text.toLowerCase()) : fold(text)
}

class PlainText implements NormalText {
  constructor(readonly text: string) {}

  origin(start: number, end: number): Span {
    return { start, end }
  }
}

class FoldedText implements NormalText {
  constructor(
    readonly text: string,
    readonly starts: Int32Array,
    readonly ends: Int32Array,
    readonly originalLength: number,
  ) {}

  origin(start: number, end: number): Span {
    const from = this.starts[start] ?? this.originalLength
    if (end <= start) return { start: from, end: from }
    return { start: from, end: this.ends[Math.min(end, this.ends.length) - 1] ?? this.originalLength }
  }
}

/** NFKC makes at most 18 characters of one (U+FDFA), and lower case at most three of one. */
const CLUSTER_UNITS_MAX = 16
const MARKS_KEPT_MAX = 3

/** Default ignorable and format characters of Unicode, and control characters that are no white space. */
const INVISIBLE = /\p{DI}|\p{Cf}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/u
/** What belongs to the character before it: marks, and the vowels and finals of Hangul syllables written in pieces. */
const CONTINUES = /[\p{M}\u1161-\u11ff]/u
const MARK = /\p{M}/u

function fold(text: string): NormalText {
  const out: string[] = []
  const starts: number[] = []
  const ends: number[] = []
  let i = 0
  while (i < text.length) {
    const point = text.codePointAt(i) ?? 0
    let next = i + (point > 0xffff ? 2 : 1)
    if (isInvisible(point)) {
      i = next
      continue
    }
    // Marks that follow, also across invisible characters, make one cluster with their base.
    let cluster = text.slice(i, next)
    let end = next
    while (next < text.length) {
      const following = text.codePointAt(next) ?? 0
      if (following < 0x80 && following >= 0x20) break
      const width = following > 0xffff ? 2 : 1
      if (isInvisible(following)) {
        next += width
        continue
      }
      if (following < 0x300 || !CONTINUES.test(String.fromCodePoint(following))) break
      if (cluster.length < CLUSTER_UNITS_MAX) cluster += String.fromCodePoint(following)
      next += width
      end = next
    }
    const folded = foldCluster(cluster, point)
    for (let unit = 0; unit < folded.length; unit++) {
      starts.push(i)
      ends.push(end)
    }
    if (folded !== '') out.push(folded)
    i = next
  }
  return new FoldedText(out.join(''), Int32Array.from(starts), Int32Array.from(ends), text.length)
}

function isInvisible(point: number): boolean {
  if (point >= 0x20 && point < 0x7f) return false
  return INVISIBLE.test(String.fromCodePoint(point))
}

function foldCluster(cluster: string, first: number): string {
  if (cluster.length === 1 && first < 0x80) return cluster.toLowerCase()
  const whole = HOMOGLYPHS.get(first)
  if (whole !== undefined && cluster.length === (first > 0xffff ? 2 : 1)) return whole
  let folded = ''
  let marks = 0
  let isOnLatin = false
  for (const char of cluster.normalize('NFKC')) {
    // A homoglyph folds before its case does: Η is drawn like H, η is not.
    const lower = HOMOGLYPHS.get(char.codePointAt(0) ?? 0) ?? char.toLowerCase()
    for (const letter of lower) {
      const point = letter.codePointAt(0) ?? 0
      if (point >= 0x300 && MARK.test(letter)) {
        marks += 1
        if (isOnLatin || marks > MARKS_KEPT_MAX) continue
      } else {
        marks = 0
        isOnLatin = point < 0x250
      }
      if (!isInvisible(point)) folded += HOMOGLYPHS.get(point) ?? letter
    }
  }
  return folded
}
