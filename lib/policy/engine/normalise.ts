import { isPlainAscii } from './ascii'
import { HOMOGLYPHS } from './homoglyphs'
import type { NormalText, Span } from './policy'
import { step } from './time-limit'

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
  return isPlainAscii(text) ? plainText(text) : fold(text)
}

/** As `normalise`, of what `isPlainAscii` has said yes to. */
export const plainText = (text: string): NormalText => new PlainText(text.toLowerCase())

class PlainText implements NormalText {
  constructor(readonly text: string) {}

  origin(start: number, end: number): Span {
    return { start, end }
  }
}

/**
 * A run of normal text. In an `even` one each unit comes from one unit of the original; otherwise the whole of it comes
 * from the whole of one cluster.
 */
type Run = { at: number; start: number; end: number; isEven: boolean }

class FoldedText implements NormalText {
  constructor(
    readonly text: string,
    readonly runs: readonly Run[],
    readonly originalLength: number,
  ) {}

  origin(start: number, end: number): Span {
    const first = this.#runAt(start)
    const from = first === undefined ? this.originalLength : first.isEven ? first.start + start - first.at : first.start
    if (end <= start) return { start: from, end: from }
    const last = this.#runAt(Math.min(end, this.text.length) - 1)
    if (last === undefined) return { start: from, end: from }
    return { start: from, end: last.isEven ? last.start + end - last.at : last.end }
  }

  /** The last run that begins at or before `at`. */
  #runAt(at: number): Run | undefined {
    if (at >= this.text.length) return undefined
    let low = 0
    let high = this.runs.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.runs[middle]?.at ?? 0) <= at) low = middle
      else high = middle
    }
    return this.runs[low]
  }
}

const CLUSTER_UNITS_MAX = 16
const MARKS_KEPT_MAX = 3

/** Default ignorable and format characters of Unicode, and control characters that are no white space. */
const INVISIBLE = /\p{DI}|\p{Cf}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/u
/** What belongs to the character before it: marks, and the vowels and finals of Hangul syllables written in pieces. */
export const CONTINUES = /[\p{M}\u1161-\u11ff]/u
const MARK = /\p{M}/u

function fold(text: string): NormalText {
  const runs: Run[] = []
  let out = ''
  const addEven = (folded: string, start: number, end: number) => {
    const last = runs.at(-1)
    if (last?.isEven && last.end === start) last.end = end
    else runs.push({ at: out.length, start, end, isEven: true })
    out += folded
  }
  const add = (folded: string, start: number, end: number) => {
    if (folded === '') return
    if (folded.length === end - start && (folded.length === 1 || isPlainAscii(folded))) {
      addEven(folded, start, end)
      return
    }
    runs.push({ at: out.length, start, end, isEven: false })
    out += folded
  }
  let at = 0
  while (at < text.length) {
    let odd = at
    while (odd < text.length && isSteady(text.charCodeAt(odd))) odd++
    if (odd > at) {
      // The last steady character may be the base of marks that follow.
      const end = odd < text.length && natureOf(text.codePointAt(odd) ?? 0) !== LETTER ? odd - 1 : odd
      if (end > at) addEven(text.slice(at, end).toLowerCase(), at, end)
      at = end
      if (odd === text.length) break
    }
    step()
    at = foldOne(text, at, add)
  }
  return new FoldedText(out, runs, text.length)
}

/** Folds the cluster at `start`: one character and the marks that follow it, also across invisible characters. */
function foldOne(text: string, start: number, add: (folded: string, start: number, end: number) => void): number {
  const point = text.codePointAt(start) ?? 0
  let next = start + widthOf(point)
  if (natureOf(point) === IGNORED) return next
  let cluster = ''
  let end = next
  while (next < text.length && !isPlain(text.charCodeAt(next))) {
    const following = text.codePointAt(next) ?? 0
    const nature = natureOf(following)
    if (nature === LETTER) break
    next += widthOf(following)
    if (nature === IGNORED) continue
    if (cluster === '') cluster = text.slice(start, end)
    if (cluster.length < CLUSTER_UNITS_MAX) cluster += String.fromCodePoint(following)
    end = next
  }
  add(cluster === '' ? foldLetter(point) : foldCluster(cluster), start, end)
  return next
}

const isPlain = (unit: number) => (unit >= 0x20 && unit < 0x7f) || unit === 9 || unit === 10 || unit === 13
const widthOf = (point: number) => (point > 0xffff ? 2 : 1)

const LETTER = 1
const CONTINUATION = 2
const IGNORED = 3
/** By code point; 0 is not looked up yet. */
const natures = new Uint8Array(0x110000)

function natureOf(point: number): number {
  const known = natures[point] as number
  if (known !== 0) return known
  const character = String.fromCodePoint(point)
  const nature =
    INVISIBLE.test(character) && !isPlain(point) ? IGNORED : CONTINUES.test(character) ? CONTINUATION : LETTER
  natures[point] = nature
  return nature
}

/** Of single characters of the first two planes, so at most 131,072 short strings. */
const foldedLetters = new Map<number, string>()

function foldLetter(point: number): string {
  const known = foldedLetters.get(point)
  if (known !== undefined) return known
  const folded = foldCluster(String.fromCodePoint(point))
  if (point <= 0x1ffff) foldedLetters.set(point, folded)
  return folded
}

const STEADY = 1
const UNSTEADY = 2
/** By UTF-16 unit; 0 is not looked up yet. */
const steadiness = new Uint8Array(65_536)

/** Whether folding leaves a unit as it is, but for the case of ASCII letters. */
function isSteady(unit: number): boolean {
  const known = steadiness[unit] as number
  return known === 0 ? lookUpSteadiness(unit) : known === STEADY
}

/** Whether folding leaves a character as it is, if no mark follows it; not to be asked of ASCII. */
export const isSteadyPoint = (point: number): boolean =>
  natureOf(point) === LETTER && foldLetter(point) === String.fromCodePoint(point)

function lookUpSteadiness(unit: number): boolean {
  const isSurrogate = (unit & 0xf800) === 0xd800
  const is = isPlain(unit) || (!isSurrogate && isSteadyPoint(unit))
  steadiness[unit] = is ? STEADY : UNSTEADY
  return is
}

function foldCluster(cluster: string): string {
  const whole = HOMOGLYPHS.get(cluster.codePointAt(0) ?? 0)
  if (whole !== undefined && cluster.length === widthOf(cluster.codePointAt(0) ?? 0)) return whole
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
      if (natureOf(point) !== IGNORED) folded += HOMOGLYPHS.get(point) ?? letter
    }
  }
  return folded
}
