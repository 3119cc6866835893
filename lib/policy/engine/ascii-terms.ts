import { type Candidates, Grams, isWordByte, NO_KEY } from './grams'
import { inOrder } from './hit-order'
import { WHITE_SPACE } from './normal-position'
import type { Term } from './policy'
import { HITS_MAX, ScanRefused } from './scan'

/** Characters that may be compared, per character of the text, before that does not pay. */
const STEPS_PER_UNIT = 8
/** So much of a text is searched for candidates before terms are tried there. */
const BLOCK = 4_096
const FOUND: Candidates = {
  places: new Int32Array(BLOCK),
  keys: new Int32Array(BLOCK),
  shortKeys: new Int32Array(BLOCK),
}

const BLANK = 0x20
const NO_MATCH = -1

/**
 * Terms of ASCII in texts of ASCII, in any case. What stands at a place tells which terms may begin there, mostly one or
 * two, and those are compared with it. All that a text is held against lies within some tens of kilobytes, unlike the
 * states of an automaton: on the way of a request other work has emptied the caches, and that is what counts then.
 */
export class AsciiTerms {
  readonly #terms: readonly Term[]
  readonly #grams: Grams
  /** The characters of all terms, one after the other, and where each term begins. */
  readonly #chars: Uint8Array
  readonly #begins: Int32Array
  readonly #byKey: TermLists
  readonly #byShortKey: TermLists
  /** In which scan a term was found last, of those whose first hit is enough. */
  readonly #lastScans: Float64Array
  #scans = 0
  #stepsLeft = 0

  /** @param literals of the terms, normalised, with single blanks; those with other characters are left out */
  constructor(terms: readonly Term[], literals: readonly string[]) {
    const own = literals.map((literal) => (IS_ASCII.test(literal) ? literal : ''))
    this.#terms = terms
    this.#grams = new Grams(terms, own)
    this.#chars = new TextEncoder().encode(own.join(''))
    this.#begins = new Int32Array(terms.length + 1)
    for (const [term, literal] of own.entries()) this.#begins[term + 1] = (this.#begins[term] ?? 0) + literal.length
    this.#byKey = new TermLists(own.map((literal) => this.#grams.keyOf(literal)))
    this.#byShortKey = new TermLists(own.map((literal) => this.#grams.shortKeysOf(literal)))
    this.#lastScans = new Float64Array(terms.length)
  }

  /**
   * Term, start and end of each hit; null when too much of the text looks like beginnings of terms.
   *
   * @param bytes of a text of this length, as `asciiBytes` gives them
   * @throws ScanRefused
   */
  find(bytes: Uint8Array, length: number): readonly number[] | null {
    this.#scans += 1
    this.#stepsLeft = STEPS_PER_UNIT * length + 256
    const hits: number[] = []
    for (let from = 0; from < length; from += BLOCK) {
      const count = this.#grams.candidates(bytes, from, Math.min(length, from + BLOCK), FOUND)
      for (let i = 0; i < count; i++) {
        const at = FOUND.places[i] as number
        const key = FOUND.keys[i] as number
        const shortKey = FOUND.shortKeys[i] as number
        if (key !== NO_KEY) this.#tryAll(this.#byKey, key, bytes, at, length, hits)
        if (shortKey !== NO_KEY) this.#tryAll(this.#byShortKey, shortKey, bytes, at, length, hits)
        if (this.#stepsLeft < 0) return null
      }
    }
    return hits.length > 3 ? inOrder(hits) : hits
  }

  #tryAll(lists: TermLists, key: number, bytes: Uint8Array, start: number, length: number, hits: number[]): void {
    const { terms } = lists
    for (let i = lists.find(key); terms[i] !== NO_TERM; i++) {
      const term = terms[i] as number
      const end = this.#match(term, bytes, start, length)
      if (end !== NO_MATCH) this.#keep(term, bytes, start, end, hits)
      if (this.#stepsLeft < 0) return
    }
  }

  /** Where the term ends that begins at `start`. One blank of it may be several in the text, but not at its ends. */
  #match(term: number, bytes: Uint8Array, start: number, length: number): number {
    const chars = this.#chars
    const begin = this.#begins[term] as number
    const end = this.#begins[term + 1] as number
    let at = start
    let i = begin
    for (; i < end; i++) {
      const wanted = chars[i] as number
      if (i > begin + 1 && chars[i - 1] === BLANK) while (at < length && LOWER[bytes[at] as number] === BLANK) at += 1
      if (at >= length || LOWER[bytes[at] as number] !== wanted) break
      at += 1
    }
    this.#stepsLeft -= 1 + at - start
    return i === end ? at : NO_MATCH
  }

  #keep(term: number, bytes: Uint8Array, start: number, end: number, hits: number[]): void {
    const { wholeWord, isOnlyAtWordStart, isFirstOnly } = this.#terms[term] as Term
    if (wholeWord && (isWordByte(bytes, start - 1) || isWordByte(bytes, end))) return
    if (isOnlyAtWordStart === true && isWordByte(bytes, start - 1) && isWordByte(bytes, start)) return
    if (isFirstOnly === true && !this.#isFirst(term)) return
    hits.push(term, start, end)
    if (hits.length > 3 * HITS_MAX) throw new ScanRefused(`more than ${HITS_MAX} terms in one text`)
  }

  /** Once per scan and term. */
  #isFirst(term: number): boolean {
    if (this.#lastScans[term] === this.#scans) return false
    this.#lastScans[term] = this.#scans
    return true
  }
}

const IS_ASCII = /^\p{ASCII}*$/u

/** Characters as they stand in terms. */
const LOWER = Uint8Array.from({ length: 256 }, (_, unit) => (unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit))
for (const unit of WHITE_SPACE) if (unit < 256) LOWER[unit] = BLANK

/** Ends a list. */
const NO_TERM = -1

/** From a key to the terms that have it, by open addressing; at most half full. */
class TermLists {
  /** Lists of terms one after the other, in the order of the terms, each with NO_TERM at its end. The first is empty. */
  readonly terms: Int32Array
  /** One more than the key; 0 where there is none. */
  readonly #keys: Int32Array
  readonly #lists: Int32Array
  readonly #mask: number

  /** @param keysOf of each term */
  constructor(keysOf: readonly (readonly number[])[]) {
    const lists = new Map<number, number[]>()
    for (const [term, keys] of keysOf.entries()) {
      for (const key of keys) {
        const list = lists.get(key)
        if (list === undefined) lists.set(key, [term])
        else list.push(term)
      }
    }
    const size = 2 ** Math.ceil(Math.log2(2 * lists.size + 2))
    this.#mask = size - 1
    this.#keys = new Int32Array(size)
    this.#lists = new Int32Array(size)
    const terms = [NO_TERM]
    for (const [key, list] of lists) {
      const slot = this.#slotOf(key)
      this.#keys[slot] = key + 1
      this.#lists[slot] = terms.length
      for (const term of list) terms.push(term)
      terms.push(NO_TERM)
    }
    this.terms = Int32Array.from(terms)
  }

  /** Where in `terms` the list begins. */
  find(key: number): number {
    return this.#lists[this.#slotOf(key)] as number
  }

  /** Where the key is or would be. */
  #slotOf(key: number): number {
    const mixed = Math.imul(key, 0x9e3779b1)
    for (let slot = (mixed ^ (mixed >>> 15)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const known = this.#keys[slot] as number
      if (known === 0 || known === key + 1) return slot
    }
  }
}
